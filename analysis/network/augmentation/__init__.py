"""The augmentations: each is a class with its settings, its draw, its effect, and its words in the methods.

A new one is a class in `geometric` or `grey`, and its name among the bases of
`AugmentationSettings` here. `python -m analysis config` then writes its settings into
config.yaml, training draws it from a random stream of its own (`Streams`), and the manuscript
tells of it where it is switched on.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from analysis.network.augmentation.base import Augmentation
from analysis.network.augmentation.geometric import (
    MirrorHorizontal,
    MirrorVertical,
    QuarterTurn,
    Rotation,
    Shift,
    Stretch,
)
from analysis.network.augmentation.grey import Contrast, Erase, Negative, Noise

if TYPE_CHECKING:
    from analysis.network.settings import PhaseSettings, TrainingSettings


class AugmentationSettings(Negative, Contrast, MirrorVertical, MirrorHorizontal, Stretch, Shift, QuarterTurn, Rotation):
    """How an image is varied each time that training sees it."""

    expert = ("rotation_share",)


#: In the order in which they are applied; noise and erased blocks are settings of a phase.
AUGMENTATIONS: tuple[type[Augmentation], ...] = (*reversed(AugmentationSettings.__bases__), Noise, Erase)


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


def setting(kind: type[Augmentation], name: str) -> Any:
    """Give a setting of an augmentation to another section of the configuration, with its default and description."""
    return copy.copy(kind.model_fields[name])
