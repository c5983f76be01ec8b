"""The network that makes features of an image: the paper's, or anybody's own torch module."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from analysis.errors import StudyError
from analysis.network.form.norm import BatchNorm
from analysis.network.form.residual import ResidualNetwork
from analysis.network.settings import PAPER, NetworkSettings


def build(settings: NetworkSettings, side: int) -> tuple[nn.Module, int]:
    """Build the module that `network.backbone` names, with weights at random from torch's global generator.

    Parameters
    ----------
    settings : NetworkSettings
    side : int
        Side of the images, pixels.

    Returns
    -------
    torch.nn.Module
        Maps images (n, 1, side, side) from 0 to 1 to features (n, filters, height, width) or (n, filters).
    int
        Its filters.

    Raises
    ------
    StudyError
        If it can't be found or built, or what it returns are no features.
    """
    if settings.backbone == PAPER:
        module: nn.Module = ResidualNetwork(settings.groups, settings.width)
    else:
        module = _foreign(settings.backbone, settings.backbone_options)
    return module, _filters(module, side, settings.backbone)


def _foreign(backbone: str, options: dict[str, Any]) -> nn.Module:
    place, _, name = backbone.partition(":")
    try:
        function: Callable[..., Any] = getattr(import_module(place), name)
        module = function(**options)
    except Exception as error:  # another's code may raise whatever it likes
        raise StudyError(
            f"network.backbone '{backbone}' could not be built ({_short(error)}); "
            "correct its name, network.backbone_options, or the function itself."
        ) from error
    if not isinstance(module, nn.Module):
        raise StudyError(
            f"network.backbone '{backbone}' returned {type(module).__name__}; it has to return a torch.nn.Module."
        )
    for part in module.modules():
        if type(part) is nn.BatchNorm2d:
            # Over the whole batch, also where several processes share it.
            part.__class__ = BatchNorm
    return module


@torch.no_grad()
def _filters(module: nn.Module, side: int, backbone: str) -> int:
    training = module.training
    try:
        found = module.eval()(torch.zeros(2, 1, side, side))
    except Exception as error:
        raise StudyError(
            f"network.backbone '{backbone}' failed on two images of {side} x {side} pixels ({_short(error)}); "
            "it has to map (n, 1, side, side) to features (n, filters, height, width)."
        ) from error
    module.train(training)
    if not isinstance(found, Tensor) or found.dim() not in (2, 4) or len(found) != 2 or not found.is_floating_point():
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise StudyError(
            f"network.backbone '{backbone}' made {shape} of two images; "
            "it has to return features (n, filters, height, width) or (n, filters)."
        )
    return int(found.shape[1])


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
