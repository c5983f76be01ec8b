"""What is done to the passes of an epoch: drawn at once, and applied batch by batch on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.network.augmentation.base import Augmentation, Geometric, Grey, Part
from analysis.network.chosen_augmentations import switched_on
from analysis.network.settings import PhaseSettings, TrainingSettings
from analysis.network.streams import Streams


@dataclass(frozen=True)
class Variation:
    """What is done to each of n image passes.

    Attributes
    ----------
    affine : numpy.ndarray of float32, shape (n, 2, 3), or None
        Where each pixel of the result comes from, in coordinates from -1 to 1; None where none is moved.
    grey : tuple of Grey
        What changes grey values, in its order.
    drawn : tuple of numpy.ndarray, each of first axis n
        What was drawn for each of `grey`.
    streams : Streams
        For what is drawn on the device.
    """

    affine: np.ndarray | None
    grey: tuple[Grey, ...]
    drawn: tuple[np.ndarray, ...]
    streams: Streams

    def split(self, passes: list[int]) -> list[Variation]:
        """Split into batches of the given numbers of passes."""
        ends = np.cumsum(passes)
        parts = [slice(end - number, end) for end, number in zip(ends, passes, strict=True)]
        return [
            replace(
                self,
                affine=None if self.affine is None else self.affine[part],
                drawn=tuple(values[part] for values in self.drawn),
            )
            for part in parts
        ]

    def mirrored(self, own: slice) -> np.ndarray:
        """Tell which of the passes show left and right exchanged; no pass is turned by a quarter."""
        n = own.stop - own.start
        exchanged: np.ndarray = np.zeros(n, bool) if self.affine is None else self.affine[own, 0, 0] < 0
        return exchanged

    def apply(self, images: Tensor, own: slice, send: Callable[[Tensor], Tensor] = lambda tensor: tensor) -> Tensor:
        """Vary images.

        Parameters
        ----------
        images : Tensor of float, shape (passes, 1, side, side)
            Grey values from 0 to 1; may be changed in place.
        own : slice
            Which of the n passes they are; another process has the others.
        send : callable
            Copies a tensor to the device of the images.

        Returns
        -------
        Tensor
            As `images`. What comes in from outside the image, and what is erased, is black.
        """
        if self.affine is not None:
            where = grid(send(torch.from_numpy(self.affine[own])), images.shape[-1])
            images = F.grid_sample(images, where, mode="bilinear", padding_mode="zeros", align_corners=False)
        for kind, drawn in zip(self.grey, self.drawn, strict=True):
            images = kind.alter(images, drawn, Part(own, send, partial(self.streams.torch, _name(kind))))
        return images


def draw(streams: Streams, n: int, side: int, training: TrainingSettings, phase: PhaseSettings) -> Variation:
    """Draw the variations of n passes, each augmentation from its own stream.

    The draws don't depend on the device, and are the same on each of several processes.

    Parameters
    ----------
    streams : Streams
        Of the epoch.
    n : int
        Image passes.
    side : int
        Side of the images, pixels.
    training : TrainingSettings
    phase : PhaseSettings
    """
    linear, shift = np.tile(np.eye(2), (n, 1, 1)), np.zeros((n, 2, 1))
    moved, grey, drawn = False, [], []
    for kind in switched_on(training, phase):
        values = kind.draw(streams.numpy(_name(kind)), n, side)
        if isinstance(kind, Geometric):
            own, moved = kind.affine(values), True
            linear, shift = linear @ own[:, :, :2], linear @ own[:, :, 2:] + shift
        elif isinstance(kind, Grey):
            grey.append(kind)
            drawn.append(values)
    affine = np.concatenate([linear, shift], 2).astype(np.float32) if moved else None
    return Variation(affine, tuple(grey), tuple(drawn), streams)


def _name(kind: Augmentation) -> str:
    return type(kind).__name__


def grid(affine: Tensor, side: int) -> Tensor:
    """Return where each pixel comes from, as `torch.nn.functional.affine_grid`, whose small products threads wait for.

    Parameters
    ----------
    affine : Tensor of float, shape (n, 2, 3)
    side : int
        Pixels.

    Returns
    -------
    Tensor of float, shape (n, side, side, 2)
        Column and row, from -1 to 1; in memory all columns of an image come before its rows.
    """
    line = (2 * torch.arange(side, device=affine.device) + 1) / side - 1
    of_column, of_row, shift = affine[..., None, None].unbind(2)
    return (of_column * line + (of_row * line[:, None] + shift)).permute(0, 2, 3, 1)
