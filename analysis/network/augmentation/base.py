"""What all augmentations have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from analysis.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Part:
    """The passes of a batch that this process varies, and what it needs for that.

    Attributes
    ----------
    own : slice
        Which of the batch's passes they are.
    send : callable
        Copies a tensor to the device.
    generator : callable
        Gives the augmentation's random stream on the device. Every process draws from it for
        the whole batch, so that all stay in step.
    """

    own: slice
    send: Callable[[Tensor], Tensor]
    generator: Callable[[], torch.Generator]


class Augmentation(Settings):
    """One way of varying an image; the fields of a subclass are its settings."""

    @property
    @abstractmethod
    def on(self) -> bool:
        """Whether it is switched on."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw what is done to each of n passes of images of `side` pixels; the first axis has length n."""

    @abstractmethod
    def words(self) -> str:
        """Say what is done, as a noun phrase of the methods."""


class Geometric(Augmentation):
    """Moves pixels."""

    @abstractmethod
    def affine(self, drawn: np.ndarray) -> np.ndarray:
        """Say where each pixel comes from: (n, 2, 3), in coordinates (column, row) from -1 to 1."""


class Grey(Augmentation):
    """Changes grey values, after pixels were moved."""

    @abstractmethod
    def alter(self, images: Tensor, drawn: np.ndarray, part: Part) -> Tensor:
        """Change images, (n, 1, side, side) from 0 to 1, in place or anew; `drawn` is of the whole batch."""


def percent(share: float) -> str:
    """Write a share in percent, without more digits than it has."""
    return f"{100 * share:.3g}%"
