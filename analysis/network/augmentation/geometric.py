"""Augmentations that move pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from analysis.network.augmentation.base import Geometric, Share, percent

if TYPE_CHECKING:
    import numpy as np


class Rotation(Geometric):
    """A turn about the image's centre."""

    # ASSUME: the trainer's rotations, shifts, stretches and mirrors; their sizes are settings (authors' public trainer).
    rotation: float = Field(default=4.0, ge=0, description="degrees, standard deviation of a rotation")
    rotation_share: Share = Field(default=0.5, description="share of passes that are rotated")

    @property
    def on(self) -> bool:
        """Whether any pass is rotated."""
        return self.rotation > 0 and self.rotation_share > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw angles in radians, normal in a share of the passes and 0 in the others."""
        return rng.normal(0, math.radians(self.rotation), n) * (rng.random(n) < self.rotation_share)

    def affine(self, drawn: np.ndarray) -> np.ndarray:
        """Turn."""
        return _turn(drawn)

    def words(self) -> str:
        """Name size and share."""
        return f"rotation ({percent(self.rotation_share)} of the passes, standard deviation {self.rotation:g} degrees)"


class QuarterTurn(Geometric):
    """A turn by 90 degrees."""

    quarter_turn: Share = Field(
        0.0, description="share of passes turned by a quarter; knees hang one way in an archive"
    )

    @property
    def on(self) -> bool:
        """Whether any pass is turned."""
        return self.quarter_turn > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw angles in radians."""
        return (rng.random(n) < self.quarter_turn) * (math.pi / 2)

    def affine(self, drawn: np.ndarray) -> np.ndarray:
        """Turn."""
        return _turn(drawn)

    def words(self) -> str:
        """Name the share."""
        return f"quarter turns ({percent(self.quarter_turn)} of the passes)"


class Shift(Geometric):
    """A shift along both axes."""

    shift: float = Field(
        default=0.03, ge=0, description="standard deviation of a shift, as a share of half the image's side"
    )

    @property
    def on(self) -> bool:
        """Whether passes are shifted."""
        return self.shift > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw shifts along columns and rows, (n, 2)."""
        return rng.normal(0, self.shift, (n, 2))

    def affine(self, drawn: np.ndarray) -> np.ndarray:
        """Shift."""
        return _affine(len(drawn), shift=drawn)

    def words(self) -> str:
        """Name the size."""
        return f"shift (standard deviation {percent(self.shift)} of half the side)"


class Stretch(Geometric):
    """A stretch of each axis by its own factor."""

    stretch: float = Field(default=0.04, ge=0, description="standard deviation of a stretch about 1, by axis")

    @property
    def on(self) -> bool:
        """Whether passes are stretched."""
        return self.stretch > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw logarithms of the factors, (n, 2)."""
        return rng.normal(0, self.stretch, (n, 2)).clip(-0.5, 0.5)

    def affine(self, drawn: np.ndarray) -> np.ndarray:
        """Stretch."""
        import numpy as np

        return _affine(len(drawn), scale=np.exp(-drawn))

    def words(self) -> str:
        """Name the size."""
        return f"stretch of either axis (standard deviation {percent(self.stretch)})"


class MirrorHorizontal(Geometric):
    """A mirror image, left to right."""

    # A mirrored image of a whole knee shows a knee of the other side. Medial and lateral are anatomical, so they are
    # mirrored along and every outcome stays what it was; only the image's side, which is no output, would change.
    mirror_horizontal: Share = Field(
        default=0.5, description="share mirrored left to right; labels stay valid, as medial and lateral are anatomical"
    )

    @property
    def on(self) -> bool:
        """Whether any pass is mirrored."""
        return self.mirror_horizontal > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw factors of the column, 1 or -1."""
        return 1 - 2.0 * (rng.random(n) < self.mirror_horizontal)

    def affine(self, drawn: np.ndarray) -> np.ndarray:
        """Mirror."""
        import numpy as np

        return _affine(len(drawn), scale=np.stack([drawn, np.ones_like(drawn)], 1))

    def words(self) -> str:
        """Name the share, and why labels stay valid."""
        share = percent(self.mirror_horizontal)
        return f"mirroring left to right ({share} of the passes; labels stay valid, since medial and lateral are anatomical)"


class MirrorVertical(Geometric):
    """A mirror image, upside down."""

    mirror_vertical: Share = Field(default=0.0, description="share mirrored upside down; no knee is taken so")

    @property
    def on(self) -> bool:
        """Whether any pass is mirrored."""
        return self.mirror_vertical > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw factors of the row, 1 or -1."""
        return 1 - 2.0 * (rng.random(n) < self.mirror_vertical)

    def affine(self, drawn: np.ndarray) -> np.ndarray:
        """Mirror."""
        import numpy as np

        return _affine(len(drawn), scale=np.stack([np.ones_like(drawn), drawn], 1))

    def words(self) -> str:
        """Name the share."""
        return f"mirroring upside down ({percent(self.mirror_vertical)} of the passes)"


def _turn(angle: np.ndarray) -> np.ndarray:
    import numpy as np

    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros(len(angle))
    return np.stack([np.stack([cos, -sin, zero], 1), np.stack([sin, cos, zero], 1)], 1)


def _affine(n: int, scale: np.ndarray | None = None, shift: np.ndarray | None = None) -> np.ndarray:
    import numpy as np

    found = np.tile(np.eye(2, 3), (n, 1, 1))
    if scale is not None:
        found[:, [0, 1], [0, 1]] = scale
    if shift is not None:
        found[:, :, 2] = shift
    return found
