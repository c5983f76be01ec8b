"""The whole network: features of each image, a maximum over the exam's images, a head for each task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from analysis.network.form.backbone import build
from analysis.network.form.norm import BatchNorm
from analysis.network.form.residual import PreActivation
from analysis.network.form.structure import Row, describe, parameters
from analysis.network.settings import NetworkSettings


class Head(nn.Module):
    """Table 1's classification: a 1x1 convolution and two fully connected layers.

    Parameters
    ----------
    inputs, reduction, hidden, outputs : int
        Filters that come in, filters of the convolution, units between the layers, outputs.
    sides : bool
        Whether what the right half of the map has more of than the left adds to the outputs, by one linear layer.
    """

    def __init__(self, inputs: int, reduction: int, hidden: int, outputs: int, sides: bool = False) -> None:
        super().__init__()
        self.reduce = PreActivation(inputs, reduction, 1)
        # ASSUME: the last layers are sized by the outcomes; the table's "4, 4" fits no number of outputs.
        self.inner = nn.Linear(reduction, hidden)
        self.outer = nn.Linear(hidden, outputs)
        for layer in (self.reduce.convolution, self.inner, self.outer):
            nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
        for layer in (self.inner, self.outer):
            nn.init.zeros_(layer.bias)
        self.outer.weight.data.mul_(0.1)
        # The grades' gradients are so much larger than those of a location that it needs weights of its own to be learnt.
        self.sides = nn.Linear(reduction, outputs, bias=False) if sides else None
        if self.sides is not None:
            nn.init.zeros_(self.sides.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, inputs, side, side) to (n, outputs)."""
        # ASSUME: what is left of the image after the 1x1 convolution is pooled by its mean. With the maximum only one
        # place of each filter learns from an exam, and some hundred exams end at chance.
        reduced = self.reduce(features)
        logits = self.outer(F.relu(self.inner(F.relu(reduced.mean((2, 3))))))
        if self.sides is None:
            return logits
        half = (reduced.shape[3] + 1) // 2  # of an odd width both have the middle
        left, right = reduced[..., :half].mean((2, 3)), reduced[..., -half:].mean((2, 3))
        return logits + self.sides(right - left)

    def rows(self, part: str) -> list[Row]:
        """List its rows of the network's table."""
        rows = describe(nn.Sequential(self.reduce, self.inner, self.outer), part)
        if self.sides is None:
            return rows
        outputs = self.sides.out_features
        return [*rows, Row("Fully connected, of the halves' difference", 1, "–", outputs, part, parameters(self.sides))]


class KneeNet(nn.Module):
    """The whole network.

    Parameters
    ----------
    settings : NetworkSettings
        Its form.
    outputs : mapping of str to int
        Number of outputs of each task.
    views : int
        Number of projections that an image can have.
    side : int
        Side of the images, pixels.

    Raises
    ------
    StudyError
        If `network.backbone` can't be built, or doesn't give features.
    """

    def __init__(self, settings: NetworkSettings, outputs: Mapping[str, int], views: int, side: int = 64) -> None:
        super().__init__()
        self.pool, self.band = settings.pool, settings.band
        self.backbone, filters = build(settings, side)
        self.heads = nn.ModuleDict(
            {
                name: Head(filters, settings.reduction, settings.hidden, n, settings.align_sides)
                for name, n in outputs.items()
            }
        )
        # ASSUME: the view is read off the image's own features by one linear layer. They are normalised and centred
        # before it, as those of the heads are: with 512 large features the paper's learning rate is far too large.
        self.view_norm = nn.Sequential(nn.ReLU(), BatchNorm(filters))
        self.view = nn.Linear(filters, views)
        nn.init.kaiming_normal_(self.view.weight, mode="fan_in", nonlinearity="relu")
        nn.init.zeros_(self.view.bias)
        self.view.weight.data.mul_(0.1)

    def forward(
        self,
        images: Tensor,
        image: Tensor,
        n_images: int,
        exam: Tensor,
        n_exams: int,
        task: str,
        mirrored: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Score exams, each with one or many images, packed one after the other.

        Parameters
        ----------
        images : Tensor, shape (passes, 1, side, side)
            Grey values from 0 to 1; `jitters` passes of each image.
        image : Tensor of int64, shape (passes,)
            Which image each pass shows, 0 to `n_images` - 1.
        n_images : int
            Number of images.
        exam : Tensor of int64, shape (passes,)
            Which exam each pass belongs to, 0 to `n_exams` - 1.
        n_exams : int
            Number of exams.
        task : str
            Which head to use.
        mirrored : Tensor of bool, shape (passes,), optional
            Passes that show a knee mirrored: their features are mirrored back before they are joined with others'.

        Returns
        -------
        Tensor, shape (n_exams, outputs of the task)
            Logits of each exam.
        Tensor, shape (n_images, views)
            Logits of each image's view.
        """
        features = self.features(images)
        if mirrored is not None:
            features = torch.where(mirrored.view(-1, 1, 1, 1), features.flip(3), features)
        head = self.heads[task]
        if self.pool == "features":
            logits = head(maximum(features, exam, n_exams))
        else:
            logits = maximum(head(features), exam, n_exams)
        views = self.view(self.view_norm(maximum(features, image, n_images)).mean((2, 3)))
        return logits, views

    def features(self, images: Tensor) -> Tensor:
        """Map images, (n, 1, side, side), to their features, (n, filters, height, width)."""
        found: Tensor = self.backbone(images if self.band is None else images[:, :, self.seen(images.shape[2])])
        return found if found.dim() == 4 else found[:, :, None, None]

    def seen(self, height: int) -> slice:
        """Give the rows that it looks at, of an image of so many."""
        first, last = (round(share * height) for share in self.band or (0, 1))
        return slice(first, max(last, first + 1))

    def describe(self) -> list[Row]:
        """List the rows of the network's table; their parameters add up to all that is trained."""
        rows = describe(self.backbone, "core")
        filters = self.view.in_features
        of_tasks = [row for name, head in self.heads.items() for row in cast(Head, head).rows(f"task {name}")]
        of_view = describe(nn.Sequential(self.view_norm, self.view), "task view")
        if self.pool == "features":
            joined = [Row("Maximum over the images of an exam", 1, "–", filters, "pool", 0), *of_tasks]
        else:
            joined = [*of_tasks, Row("Maximum over the scores of an exam", 1, "–", None, "pool", 0)]
        return [*rows, *joined, *of_view]


def maximum(values: Tensor, index: Tensor, n: int) -> Tensor:
    """Take the maximum over the rows of each exam (or image).

    Parameters
    ----------
    values : Tensor, shape (rows, ...)
        What to pool.
    index : Tensor of int64, shape (rows,)
        Group of each row.
    n : int
        Number of groups, each of which has a row.

    Returns
    -------
    Tensor, shape (n, ...)
        Elementwise maxima.
    """
    if len(values) == n:
        return values  # a row each, in order
    where = index.view(-1, *[1] * (values.dim() - 1)).expand_as(values)
    start = values.new_full((n, *values.shape[1:]), -math.inf)
    return start.scatter_reduce(0, where, values, "amax")
