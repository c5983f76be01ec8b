"""How an image is varied when training sees it: batched, on the device, from a seeded generator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.network.settings import PhaseSettings, TrainingSettings


@dataclass(frozen=True)
class Variation:
    """What is done to each of n image passes.

    Attributes
    ----------
    affine : Tensor of float, shape (n, 2, 3)
        Where each pixel of the result comes from, in coordinates from -1 to 1.
    contrast : Tensor of float, shape (n, 1, 1, 1)
        Factor of the difference from the image's mean; negative for a photographic negative.
    noise : Tensor of float, shape (n, 1, 1, 1)
        Standard deviation of white noise, share of the grey scale.
    erased : Tensor of int64, shape (n, blocks, 2)
        First row and column of each erased block.
    """

    affine: Tensor
    contrast: Tensor
    noise: Tensor
    erased: Tensor

    def split(self, passes: list[int]) -> list[Variation]:
        """Part the passes into stretches of so many each."""
        values = (self.affine, self.contrast, self.noise, self.erased)
        return [Variation(*parts) for parts in zip(*(value.split(passes) for value in values), strict=True)]


def draw(
    generator: np.random.Generator, n: int, side: int, settings: TrainingSettings, phase: PhaseSettings
) -> Variation:
    """Draw the variations of n passes.

    The draws don't depend on the device, and are the same on each of several processes.

    Parameters
    ----------
    generator : numpy.random.Generator
    n : int
        Image passes.
    side : int
        Side of the images, pixels.
    settings : TrainingSettings
    phase : PhaseSettings
    """
    a = settings.augmentation
    # ASSUME: the trainer's rotations, shifts, stretches and mirrors; their sizes are settings (authors' public trainer).
    turned = generator.random(n) < a.rotation_share
    angle = np.where(turned, generator.normal(0, math.radians(a.rotation), n), 0)
    angle = angle + np.where(generator.random(n) < a.quarter_turn, math.pi / 2, 0)
    scale = np.exp(-np.clip(generator.normal(0, a.stretch, (n, 2)), -0.5, 0.5))
    # A mirrored image of a whole knee shows a knee of the other side. Medial and lateral are
    # anatomical, so they are mirrored along and every outcome stays what it was; only the
    # image's side, which is no output, would change its name.
    scale[:, 0] *= np.where(generator.random(n) < a.mirror_horizontal, -1, 1)
    scale[:, 1] *= np.where(generator.random(n) < a.mirror_vertical, -1, 1)
    shift = generator.normal(0, a.shift, (n, 2))
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
    affine = np.concatenate([rotation * scale[:, None, :], shift[:, :, None]], 2)
    contrast = np.exp(generator.normal(0, a.contrast, n))
    contrast *= np.where(generator.random(n) < a.negative, -1, 1)
    # ASSUME: noise in half of the passes, its standard deviation uniform up to the phase's (authors' public trainer).
    noise = generator.uniform(0, phase.noise, n) * (generator.random(n) < settings.noise_share)
    erased = generator.integers(0, max(1, side - settings.erase_size + 1), (n, phase.erase, 2))
    return Variation(
        torch.from_numpy(affine.astype(np.float32)),
        torch.from_numpy(contrast.astype(np.float32)).view(n, 1, 1, 1),
        torch.from_numpy(noise.astype(np.float32)).view(n, 1, 1, 1),
        torch.from_numpy(erased),
    )


def plain(images: Tensor, mirrored: Tensor | None = None) -> Tensor:
    """Turn stored pixels, (n, side, side) of uint8, into input of the network, (n, 1, side, side) from 0 to 1.

    `mirrored`, where given, says which images are shown mirrored left to right.
    """
    grey = images.unsqueeze(1).float().div_(255)
    return grey if mirrored is None else torch.where(mirrored.view(-1, 1, 1, 1), grey.flip(3), grey)


def vary(images: Tensor, variation: Variation, erase_size: int, noise: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Vary images.

    Parameters
    ----------
    images : Tensor of float, shape (n, 1, side, side)
        Grey values from 0 to 1.
    variation : Variation
        On the same device.
    erase_size : int
        Side of the erased blocks, pixels.
    noise : (Tensor of int64, shape (k,), Tensor of float, shape (k, 1, side, side)), optional
        Which of the passes get noise, and standard normal numbers for them, which are drawn only there.

    Returns
    -------
    Tensor
        As `images`. What comes in from outside the image, and what is erased, is black.
    """
    warped = F.grid_sample(
        images, grid(variation.affine, images.shape[-1]), mode="bilinear", padding_mode="zeros", align_corners=False
    )
    mean = warped.mean((2, 3), keepdim=True)
    level = torch.where(variation.contrast < 0, 1 - mean, mean)
    warped.sub_(mean).mul_(variation.contrast).add_(level).clamp_(0, 1)
    if noise is not None:
        noisy, normal = noise
        warped.index_add_(0, noisy, normal * variation.noise[noisy])
    if variation.erased.shape[1]:
        block = torch.arange(min(erase_size, images.shape[-1]), device=images.device)
        rows, columns = (variation.erased.unsqueeze(-1) + block).unbind(2)  # (n, blocks, erase_size)
        each = torch.arange(len(warped), device=images.device).view(-1, 1, 1, 1)
        warped[each, 0, rows.unsqueeze(3), columns.unsqueeze(2)] = 0
    return warped


def grid(affine: Tensor, side: int) -> Tensor:
    """Tell where each pixel comes from, as `torch.nn.functional.affine_grid`, whose small products threads wait for.

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


def standard_normal(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Draw standard normal numbers on the generator's device."""
    return torch.randn(shape, generator=generator, device=generator.device)
