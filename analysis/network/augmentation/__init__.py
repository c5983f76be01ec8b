"""The augmentations: each is a class with its settings, its draw, its effect, and its words in the methods.

A new one is a class in `geometric` or `grey`, and its name among the bases of
`AugmentationSettings` here. `python -m analysis config` then writes its settings into
config.yaml, training draws it from a random stream of its own (`Streams`), and the manuscript
tells of it where it is switched on.
"""

from __future__ import annotations

import copy
from typing import Any

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


class AugmentationSettings(Negative, Contrast, MirrorVertical, MirrorHorizontal, Stretch, Shift, QuarterTurn, Rotation):
    """How an image is varied each time that training sees it."""

    expert = ("rotation_share",)


#: In the order in which they are applied; noise and erased blocks are settings of a phase.
AUGMENTATIONS: tuple[type[Augmentation], ...] = (*reversed(AugmentationSettings.__bases__), Noise, Erase)


def setting(kind: type[Augmentation], name: str) -> Any:
    """Give a setting of an augmentation to another section of the configuration, with its default and description."""
    return copy.copy(kind.model_fields[name])
