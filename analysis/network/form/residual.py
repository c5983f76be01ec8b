"""The paper's own network: the residual groups of its Table 1, from an image to its features."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from analysis.network.form.norm import BatchNorm
from analysis.network.form.structure import Row, parameters
from analysis.network.settings import GroupSettings


class PreActivation(nn.Sequential):
    """ReLU, batch norm, convolution, in the order of the authors' public trainer."""

    def __init__(self, inputs: int, outputs: int, kernel: int, first: bool = False) -> None:
        # The very first convolutions see grey values, which have no ReLU before them. Their norm
        # has no scale and shift of its own: a convolution follows, and so no gradient need be
        # carried back to the pixels, which costs as much as the convolution itself.
        activation = nn.Identity() if first else nn.ReLU()
        norm = BatchNorm(inputs, affine=not first)
        super().__init__(activation, norm, nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False))

    @property
    def convolution(self) -> nn.Conv2d:
        """The last of the three."""
        return cast(nn.Conv2d, self[2])


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut, which is a convolution where the number of filters changes."""

    def __init__(self, inputs: int, outputs: int, first: bool = False) -> None:
        super().__init__()
        self.first = PreActivation(inputs, outputs, 3, first=first)
        self.second = PreActivation(outputs, outputs, 3)
        # ASSUME: a shortcut that changes the number of filters has the block's kernel (authors' public trainer).
        self.shortcut = nn.Identity() if inputs == outputs else PreActivation(inputs, outputs, 3, first=first)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, inputs, side, side) to (n, outputs, side, side)."""
        return self.shortcut(images) + self.second(self.first(images))


class Halve(nn.Module):
    """Adaptive max pool to half the width, rounded up, in both directions: the first one makes a band of an image square."""

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, filters, side, side) to half the side."""
        # ASSUME: a pool follows each group and is the only reduction (authors' public trainer).
        side = math.ceil(images.shape[-1] / 2)
        if images.is_cuda:
            return F.adaptive_max_pool2d(images, side)
        # A CPU takes the maxima of all filters of a pixel at once where they lie side by side, and
        # otherwise each alone: with both copies it is three times as fast, and the same to the bit.
        halved = F.adaptive_max_pool2d(images.contiguous(memory_format=torch.channels_last), side)
        return halved.contiguous() if images.is_contiguous() else halved


def groups(settings: tuple[GroupSettings, ...], width: int, inputs: int, first: bool) -> tuple[nn.Sequential, int]:
    """Stack the rows of Table 1.

    Parameters
    ----------
    settings : tuple of GroupSettings
        Rows of the table.
    width : int
        Filters that a multiple of 1 stands for.
    inputs : int
        Filters that come in.
    first : bool
        Whether pixels come in.

    Returns
    -------
    torch.nn.Sequential
        The groups, each closed by a pool.
    int
        Filters that go out.
    """
    stack: list[nn.Module] = []
    for group in settings:
        outputs = group.filters * width
        # ASSUME: the number of filters changes in a group's last block (authors' public trainer).
        widths = [inputs] * group.blocks + [outputs]
        blocks = [Residual(a, b, first and i == 0) for i, (a, b) in enumerate(pairwise(widths))]
        stack.append(nn.Sequential(*blocks, Halve()))
        inputs, first = outputs, False
    return nn.Sequential(*stack), inputs


class ResidualNetwork(nn.Module):
    """The groups of Table 1, those of part "image" before those of part "core".

    Parameters
    ----------
    settings : tuple of GroupSettings
        Rows of the table.
    width : int
        Filters that a multiple of 1 stands for.
    """

    def __init__(self, settings: tuple[GroupSettings, ...], width: int) -> None:
        super().__init__()
        image = tuple(group for group in settings if group.part == "image")
        core = tuple(group for group in settings if group.part == "core")
        self.image, filters = groups(image, width, 1, first=True)
        self.core, _ = groups(core, width, filters, first=not image)
        blocks = [module for module in self.modules() if isinstance(module, Residual)]
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        for block in blocks:
            if isinstance(block.shortcut, nn.Identity):
                # ASSUME: without a norm after the sum, the sum of many branches would grow; they start small.
                block.second.convolution.weight.data.mul_(1 / math.sqrt(len(blocks)))

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 1, side, side) to features (n, filters, height, width)."""
        features: Tensor = self.core(self.image(images))
        return features

    def describe(self) -> list[Row]:
        """List the rows of Table 1 as they stand in the weights."""
        rows = []
        for part, stack in (("image", self.image), ("core", self.core)):
            for group in stack:
                blocks = [block for block in group.children() if isinstance(block, Residual)]
                last = blocks[-1].second.convolution
                kernel = " × ".join(map(str, last.kernel_size))
                rows.append(Row("Residual blocks", len(blocks), kernel, last.out_channels, part, parameters(group)))
        return rows
