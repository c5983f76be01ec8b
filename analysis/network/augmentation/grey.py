"""Augmentations that change grey values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from analysis.network.augmentation.base import Grey, Part, Share, percent

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class Contrast(Grey):
    """More or less contrast about the image's mean."""

    contrast: float = Field(default=0.1, ge=0, description="standard deviation of log contrast about the image's mean")

    @property
    def on(self) -> bool:
        """Whether contrast is varied."""
        return self.contrast > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw logarithms of the factors."""
        return rng.normal(0, self.contrast, n)

    def alter(self, images: Tensor, drawn: np.ndarray, part: Part) -> Tensor:
        """Multiply the difference from the mean."""
        factor = _column(drawn, part).exp_()
        mean = images.mean((2, 3), keepdim=True)
        return images.sub_(mean).mul_(factor).add_(mean).clamp_(0, 1)

    def words(self) -> str:
        """Name the size."""
        return f"contrast (standard deviation of its logarithm {self.contrast:g})"


class Negative(Grey):
    """A photographic negative."""

    negative: Share = Field(
        default=0.0, description="share shown as a photographic negative, where an archive holds some"
    )

    @property
    def on(self) -> bool:
        """Whether any pass is shown so."""
        return self.negative > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw 1 for a negative and 0 otherwise."""
        return 1.0 * (rng.random(n) < self.negative)

    def alter(self, images: Tensor, drawn: np.ndarray, part: Part) -> Tensor:
        """Turn dark into bright."""
        return images.sub_(_column(drawn, part)).abs_()

    def words(self) -> str:
        """Name the share."""
        return f"photographic negatives ({percent(self.negative)} of the passes)"


class Noise(Grey):
    """White noise; how much is a matter of the phase."""

    # ASSUME: noise in half of the passes, its standard deviation uniform up to the phase's (authors' public trainer).
    noise: Share = Field(
        default=0.0, description="largest standard deviation of white noise, as a share of the grey scale"
    )
    noise_share: Share = Field(
        default=0.5, description="share of passes that get white noise (authors' public trainer)"
    )

    @property
    def on(self) -> bool:
        """Whether any pass gets noise."""
        return self.noise > 0 and self.noise_share > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw standard deviations, 0 where there is no noise."""
        return rng.uniform(0, self.noise, n) * (rng.random(n) < self.noise_share)

    def alter(self, images: Tensor, drawn: np.ndarray, part: Part) -> Tensor:
        """Add normal numbers, which are drawn only where there is noise."""
        import torch

        noisy = torch.from_numpy(drawn).nonzero().flatten()
        generator = part.generator()
        normal = torch.randn((len(noisy), *images.shape[1:]), generator=generator, device=generator.device)
        first, last = torch.searchsorted(noisy, torch.tensor([part.own.start, part.own.stop])).tolist()
        noisy, normal = noisy[first:last], normal[first:last]
        size = part.send(torch.from_numpy(drawn[noisy.numpy()]).to(images.dtype))
        return images.index_add_(0, part.send(noisy - part.own.start), normal * size.view(-1, 1, 1, 1))

    def words(self) -> str:
        """Name size and share."""
        return (
            f"white noise of up to {percent(self.noise)} of the grey scale in {percent(self.noise_share)} of the passes"
        )


class Erase(Grey):
    """Blocks that are erased; how many is a matter of the phase."""

    erase: int = Field(default=0, ge=0, description="random blocks erased from each image")
    erase_size: int = Field(default=4, ge=1, description="pixels, side of an erased block; 10 at 256 pixels, 4 at 96")

    @property
    def on(self) -> bool:
        """Whether blocks are erased."""
        return self.erase > 0

    def draw(self, rng: np.random.Generator, n: int, side: int) -> np.ndarray:
        """Draw first row and column of each block, (n, blocks, 2)."""
        return rng.integers(0, max(1, side - self.erase_size + 1), (n, self.erase, 2))

    def alter(self, images: Tensor, drawn: np.ndarray, part: Part) -> Tensor:
        """Blacken the blocks."""
        import torch

        corners = part.send(torch.from_numpy(drawn[part.own]))
        block = torch.arange(min(self.erase_size, images.shape[-1]), device=images.device)
        rows, columns = (corners.unsqueeze(-1) + block).unbind(2)  # each (n, blocks, erase_size)
        each = torch.arange(len(images), device=images.device).view(-1, 1, 1, 1)
        images[each, 0, rows.unsqueeze(3), columns.unsqueeze(2)] = 0
        return images

    def words(self) -> str:
        """Name number and size."""
        blocks = f"{self.erase} block{'' if self.erase == 1 else 's'}"
        return f"{blocks} of {self.erase_size} × {self.erase_size} pixels erased"


def _column(drawn: np.ndarray, part: Part) -> Tensor:
    import torch

    return part.send(torch.from_numpy(drawn[part.own]).float()).view(-1, 1, 1, 1)
