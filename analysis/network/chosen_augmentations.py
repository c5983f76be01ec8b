"""Which augmentations a training uses, and how the methods tell of them."""

from __future__ import annotations

from analysis.network.augmentation import AUGMENTATIONS
from analysis.network.augmentation.base import Augmentation
from analysis.network.augmentation.grey import Erase, Noise
from analysis.network.settings import PhaseSettings, TrainingSettings


def switched_on(training: TrainingSettings, phase: PhaseSettings) -> list[Augmentation]:
    """List the augmentations that a phase of the training uses, in the order in which they are applied."""
    told = {**dict(training), **dict(training.augmentation), **dict(phase)}
    every = [kind.model_validate({name: told[name] for name in kind.model_fields}) for kind in AUGMENTATIONS]
    return [augmentation for augmentation in every if augmentation.on]


def of_phase(training: TrainingSettings, phase: PhaseSettings) -> list[str]:
    """Say which augmentations a phase has of its own, a noun phrase each."""
    return [a.words() for a in switched_on(training, phase) if isinstance(a, Noise | Erase)]


def sentence(training: TrainingSettings) -> str:
    """Say in one or two sentences how images are varied, apart from what `of_phase` says of each phase."""
    constant = [a.words() for a in switched_on(training, training.phases[0]) if not isinstance(a, Noise | Erase)]
    if constant:
        *first, last = constant
        text = f"Each time an image was shown it was varied at random by {', '.join(first)}{' and ' if first else ''}{last}."
    elif any(of_phase(training, phase) for phase in training.phases):
        text = "Images were not varied otherwise."
    else:
        text = "Images were not varied."
    if training.jitters > 1:
        text += (
            f" Each step saw {training.jitters} passes of every image, joined by the maximum as an exam's images are."
        )
    return text
