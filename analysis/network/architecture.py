"""The network of the paper's Table 1: residual groups, a max over the exam's images, a head for each task."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from analysis.network.distributed import BatchNorm
from analysis.network.settings import GroupSettings, NetworkSettings


class PreActivation(nn.Sequential):
    """ReLU, batch norm, convolution, in the order of the authors' public trainer."""

    def __init__(self, inputs: int, outputs: int, kernel: int, first: bool = False) -> None:
        # The very first convolutions see grey values, which have no ReLU before them. Their norm
        # has no scale and shift of its own: a convolution follows, and so no gradient need be
        # carried back to the pixels, which costs as much as the convolution itself.
        activation = nn.Identity() if first else nn.ReLU()
        norm = BatchNorm(inputs, affine=not first)
        super().__init__(activation, norm, nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False))


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut, which is a convolution where the number of filters changes."""

    def __init__(self, inputs: int, outputs: int, first: bool = False) -> None:
        super().__init__()
        self.first: nn.Module = PreActivation(inputs, outputs, 3, first=first)
        self.second: nn.Sequential = PreActivation(outputs, outputs, 3)
        # ASSUME: a shortcut that changes the number of filters has the block's kernel (authors' public trainer).
        self.shortcut = nn.Identity() if inputs == outputs else PreActivation(inputs, outputs, 3, first=first)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, inputs, side, side) to (n, outputs, side, side)."""
        return self.shortcut(images) + self.second(self.first(images))


class Halve(nn.Module):
    """Adaptive max pool to half the side, rounded up."""

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, filters, side, side) to half the side."""
        # ASSUME: a pool follows each group and is the only reduction (authors' public trainer).
        side = math.ceil(images.shape[-1] / 2)
        if images.is_cuda:
            return F.adaptive_max_pool2d(images, side)
        # A CPU takes the maxima of all filters of a pixel at once where they lie side by side, and
        # otherwise each alone: with both copies it is three times as fast, and the same to the bit.
        return F.adaptive_max_pool2d(images.contiguous(memory_format=torch.channels_last), side).contiguous()


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
        blocks = [Residual(a, b, first and i == 0) for i, (a, b) in enumerate(zip(widths, widths[1:], strict=False))]
        stack.append(nn.Sequential(*blocks, Halve()))
        inputs, first = outputs, False
    return nn.Sequential(*stack), inputs


class Head(nn.Module):
    """Table 1's classification: a 1x1 convolution and two fully connected layers."""

    def __init__(self, inputs: int, reduction: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.reduce = PreActivation(inputs, reduction, 1)
        # ASSUME: the last layers are sized by the outcomes; the table's "4, 4" fits no number of outputs.
        self.inner = nn.Linear(reduction, hidden)
        self.outer = nn.Linear(hidden, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, inputs, side, side) to (n, outputs)."""
        # ASSUME: what is left of the image after the 1x1 convolution is pooled by its mean. With the maximum only one
        # place of each filter learns from an exam, and some hundred exams end at chance.
        reduced = self.reduce(features).mean((2, 3))
        return self.outer(F.relu(self.inner(F.relu(reduced))))


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
    """

    def __init__(self, settings: NetworkSettings, outputs: Mapping[str, int], views: int) -> None:
        super().__init__()
        self.pool = settings.pool
        image = tuple(group for group in settings.groups if group.part == "image")
        core = tuple(group for group in settings.groups if group.part == "core")
        self.image, filters = groups(image, settings.width, 1, first=True)
        self.core, filters = groups(core, settings.width, filters, first=not image)
        self.heads = nn.ModuleDict(
            {name: Head(filters, settings.reduction, settings.hidden, n) for name, n in outputs.items()}
        )
        # ASSUME: the view is read off the image's own features by one linear layer. They are normalised and centred
        # before it, as those of the heads are: with 512 large features the paper's learning rate is far too large.
        self.view_norm = nn.Sequential(nn.ReLU(), BatchNorm(filters))
        self.view = nn.Linear(filters, views)
        initialise(self)

    def forward(
        self, images: Tensor, image: Tensor, n_images: int, exam: Tensor, n_exams: int, task: str
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

        Returns
        -------
        Tensor, shape (n_exams, outputs of the task)
            Logits of each exam.
        Tensor, shape (n_images, views)
            Logits of each image's view.
        """
        features = self.core(self.image(images))
        head = self.heads[task]
        if self.pool == "features":
            logits = head(maximum(features, exam, n_exams))
        else:
            logits = maximum(head(features), exam, n_exams)
        views = self.view(self.view_norm(maximum(features, image, n_images)).mean((2, 3)))
        return logits, views


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


def initialise(network: nn.Module) -> None:
    """Draw the weights from torch's global generator: He et al. 2015, with quiet residual branches."""
    blocks = sum(isinstance(module, Residual) for module in network.modules())
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, Residual) and isinstance(module.shortcut, nn.Identity):
            # ASSUME: without a norm after the sum, the sum of many branches would grow; they start small.
            module.second[2].weight.data.mul_(1 / math.sqrt(blocks))  # type: ignore[operator]
        if isinstance(module, Head):
            module.outer.weight.data.mul_(0.1)
        if isinstance(module, KneeNet):
            module.view.weight.data.mul_(0.1)
