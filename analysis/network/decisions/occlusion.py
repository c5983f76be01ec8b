"""How the scores change when a part of the image is hidden."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from analysis.network.data import Exams, Task, pack
from analysis.network.decisions.settings import AttributionSettings
from analysis.network.feeding import Feeder
from analysis.network.form.architecture import KneeNet
from analysis.network.training.curve import areas

_RADIUS = 3  # pixels around the edge of what is hidden that its filling is made from
OCCLUSION = ("region", "outcome", "n", "before", "after", "change", "absolute_change", "auc", "auc_occluded")


def occlude(
    networks: list[KneeNet], task: Task, exams: Exams, feeder: Feeder, settings: AttributionSettings
) -> pd.DataFrame:
    """Compare scores with and without the joint, and with and without implants.

    Parameters
    ----------
    networks : list of KneeNet
        Their scores are averaged, without temperature.
    task : Task
    exams : Exams
        Of the test set; the first `settings.exams` by name are used.
    feeder : Feeder
    settings : AttributionSettings

    Returns
    -------
    pandas.DataFrame
        A row for each region and outcome with a score: n exams, mean score before and after,
        mean change and mean absolute change, AUC before and after (missing without cases and
        controls). Regions: `joint`, a patch on the centre of what the network looks at; `elsewhere`, as
        much away from it, for comparison; `implant`, the brightest pixels of exams with a
        recorded implant; `other_bright`, the same in exams without.
    """
    recorded = [i for i, outcome in enumerate(task.layout.binary) if outcome.kind == "implant"]
    implant = (exams.binary[:, recorded] == 1).any(1)
    without = ~implant & ((exams.binary[:, recorded] == 0).any(1) if recorded else False)
    every = np.arange(len(exams))[: settings.exams]
    frames = []
    for region, chosen in {
        "joint": every,
        "elsewhere": every,
        "implant": np.flatnonzero(implant)[: settings.exams],
        "other_bright": np.flatnonzero(without)[: settings.exams],
    }.items():
        if len(chosen):
            before, after = _scores(networks, task, exams, chosen, feeder, region, settings)
            frames.append(_compare(region, task, exams, chosen, before, after))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(OCCLUSION))


def hide(images: np.ndarray, region: str, settings: AttributionSettings, seen: slice = slice(None)) -> np.ndarray:
    """Hide a region of images behind what its surroundings suggest (inpainting by Telea 2004).

    A patch of one grey would be a shape of its own, and the network might take it for metal.

    Parameters
    ----------
    images : numpy.ndarray of float, shape (n, side, side)
        0 to 1.
    region : {"joint", "elsewhere", "implant", "other_bright"}
    settings : AttributionSettings
    seen : slice
        Rows that the network looks at.

    Returns
    -------
    numpy.ndarray
        As `images`, a copy.
    """
    n, side = len(images), images.shape[1]
    hidden = np.zeros(images.shape, bool)
    if region in ("joint", "elsewhere"):
        # ASSUME: the joint lies in the centre of what the network looks at; radiographs of the knee are taken so.
        first, last, _ = seen.indices(side)
        patch = max(1, round(settings.occluded * (last - first)))
        column = (side - patch) // 2
        row = (last - first - patch) // 2
        if region == "elsewhere":
            row = max(0, min((last - first) // 16, row - patch))  # near the upper edge, and not on the joint
        row += first
        hidden[:, row : row + patch, column : column + patch] = True
    else:
        # ASSUME: metal is what is brightest; a margin of one pixel takes its blurred edge along.
        for i in range(n):
            # Also above the median, for an image of which most pixels are alike.
            bright = (images[i] >= np.quantile(images[i], 1 - settings.metal)) & (images[i] > np.median(images[i]))
            hidden[i] = cv2.dilate(bright.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    filled = [
        cv2.inpaint(np.rint(255 * image).astype(np.uint8), mask.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
        for image, mask in zip(images, hidden, strict=True)
    ]
    return np.where(hidden, np.asarray(filled) / 255, images)


def _scores(
    networks: list[KneeNet],
    task: Task,
    exams: Exams,
    chosen: np.ndarray,
    feeder: Feeder,
    region: str,
    settings: AttributionSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Score exams as they are and with a region hidden."""
    before, after = [], []
    for some in pack(exams.images[chosen], np.arange(len(chosen)), 64):
        batch = feeder.plain(exams, chosen[some])
        seen = networks[0].seen(batch.images.shape[2])
        hidden = hide(batch.images[:, 0].cpu().numpy(), region, settings, seen).astype(np.float32)

        def scores(images: Tensor, rest: tuple[Tensor, int, Tensor, int] = batch.inputs[1:]) -> np.ndarray:
            with torch.inference_mode():
                each = [task.layout.scores(network(images, *rest, task.name)[0].float()) for network in networks]
            return torch.stack(each).mean(0).cpu().numpy()

        before.append(scores(batch.images))
        after.append(scores(torch.from_numpy(hidden).unsqueeze(1).to(batch.images.device)))
    return np.concatenate(before), np.concatenate(after)


def _compare(
    region: str, task: Task, exams: Exams, chosen: np.ndarray, before: np.ndarray, after: np.ndarray
) -> pd.DataFrame:
    first, second = (areas(task, exams.some(chosen), scores) for scores in (before, after))
    names = [outcome.id for outcome in task.scheme.outcomes]
    return pd.DataFrame(
        {
            "region": region,
            "outcome": names,
            "n": len(chosen),
            "before": before.mean(0),
            "after": after.mean(0),
            "change": (after - before).mean(0),
            "absolute_change": np.abs(after - before).mean(0),
            "auc": [first.get(name, np.nan) for name in names],
            "auc_occluded": [second.get(name, np.nan) for name in names],
        }
    )
