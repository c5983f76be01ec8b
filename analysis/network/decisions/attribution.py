"""What the network looks at in single decisions: integrated gradients for cases chosen by rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from analysis.files import atomic, read_table, seal, write_table
from analysis.imaging.store import ImageStore
from analysis.network.data import Exams, Task
from analysis.network.decisions.occlusion import occlude
from analysis.network.decisions.overlay import overlay
from analysis.network.decisions.settings import AttributionSettings
from analysis.network.devices import Device
from analysis.network.feeding import Feeder
from analysis.network.form.architecture import KneeNet
from analysis.network.form.heads import Asked
from analysis.network.prediction import load_network
from analysis.network.settings import NetworkSettings
from analysis.schemas import PREDICTIONS
from analysis.schemas.network import CASES, OCCLUSION

#: How often the steps are doubled at most where the attributions don't add up.
DOUBLINGS = 4
#: Images whose gradients are taken at a time: what that takes shouldn't grow with the images of an exam.
PASSES = 16


def attribute(
    images: Path,
    reference: Path,
    predictions: Path,
    grading: Path,
    weights: list[Path],
    settings: AttributionSettings,
    network: NetworkSettings,
    workers: int,
    out: Path,
) -> None:
    """Look into decisions on the test set.

    Parameters
    ----------
    images : Path
        Folder of prepared images.
    reference : Path
        reference.parquet.
    predictions : Path
        exams.parquet written by `predict` with the same weights.
    grading : Path
        The scheme.
    weights : list of Path
        As for `predict`; the members' scores are averaged before their gradients are taken.
    settings : AttributionSettings
    network : NetworkSettings
        Those of the weights. Weights say which they are, but don't choose the code that is run.
    workers : int
        Threads.
    out : Path
        Folder for cases.csv with a picture a case, and occlusion.csv.

    Raises
    ------
    StudyError
        If weights don't fit the grading or the images.
    """
    device = Device.choose(network, workers)
    store = ImageStore(images)
    task = Task(grading, reference, store, network.grades)
    networks = [load_network(path, task, network, store.size, device)[0] for path in weights]
    for member in networks:
        member.requires_grad_(False)
    feeder = Feeder(store, device, network.align_sides)
    exams = task.exams("test")
    predicted = read_table(predictions, PREDICTIONS).set_index("exam").reindex(exams.table["exam"])

    unsaid = words_unsaid(store.rows, exams.table["exam"])
    allowed = np.ones(len(unsaid), bool) if settings.unsaid != "leave_out" else ~unsaid
    rows = []
    for case in surest(task, exams, predicted, settings.cases, allowed):
        position = int(str(case.pop("position")))
        batch = feeder.plain(exams, np.array([position]))
        case["unsaid"] = bool(unsaid[position])
        outcome = [o.id for o in task.scheme.outcomes].index(str(case["outcome"]))
        maps, steps, error = integrated_gradients(scorer_of(networks, task, outcome), batch.images[:, 0], settings)
        name = f"{case['item']}-{case['truth']}-{'right' if case['right'] else 'wrong'}-{case['rank']}.png"
        picture = overlay(batch.images[:, 0].cpu().numpy(), maps)
        with atomic(out / name) as temporary:
            cv2.imwrite(str(temporary), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        rows.append({**case, "steps": steps, "completeness": error, "holds": error <= settings.tolerance, "file": name})
    write_table(pd.DataFrame(rows, columns=list(CASES.columns)), out / "cases.csv", CASES)
    write_table(occlude(networks, task, exams, feeder, settings), out / "occlusion.csv", OCCLUSION)
    seal(out)


def words_unsaid(images: pd.DataFrame, exams: pd.Series) -> np.ndarray:
    """Mark the exams with an image whose header doesn't say that no words, such as a name, are burned into it.

    Parameters
    ----------
    images : pandas.DataFrame
        Schema PREPARED.
    exams : pandas.Series of str
    """
    said = images["burned_in"] == "no" if "burned_in" in images else pd.Series(False, images.index)
    return ~np.asarray(exams.map(said.groupby(images["exam"]).all()).eq(True), dtype=bool)


def surest(
    task: Task, exams: Exams, predicted: pd.DataFrame, number: int, allowed: np.ndarray
) -> list[dict[str, object]]:
    """Choose the exams of which the network is surest, right and wrong, for each true grade of each item.

    Parameters
    ----------
    task : Task
    exams : Exams
        Of the test set.
    predicted : pandas.DataFrame
        Scores and predicted grades of the same exams in the same order.
    number : int
        Exams of each kind.
    allowed : numpy.ndarray of bool, shape (exams,)
        Which exams may be shown.

    Returns
    -------
    list of dict
        exam, item, truth, predicted, right, outcome (that of the predicted grade), score, rank
        and position in `exams`. Ties go to the first exam by name; a kind with no exam has no row.
    """
    found: list[dict[str, object]] = []
    for i, (item, levels) in enumerate(task.layout.items.items()):
        truth, guess = exams.grades[:, i], predicted[item].to_numpy(float)
        scores = predicted[[f"{item}_{level}" for level in range(levels)]].to_numpy(float)
        for level in range(levels):
            for right in (True, False):
                here = np.flatnonzero(allowed & (truth == level) & ~np.isnan(guess) & ((guess == level) == right))
                sure = scores[here, guess[here].astype(int)]
                for rank, k in enumerate(np.argsort(-sure, kind="stable")[:number], 1):
                    position = int(here[k])
                    found.append(
                        {
                            "exam": exams.table["exam"].iloc[position],
                            "item": item,
                            "truth": level,
                            "predicted": int(guess[position]),
                            "right": right,
                            "outcome": f"{item}_{int(guess[position])}",
                            "score": float(sure[k]),
                            "rank": rank,
                            "position": position,
                        }
                    )
    return found


def integrated_gradients(
    scorer: Callable[[Tensor], Tensor], images: Tensor, settings: AttributionSettings, doublings: int = DOUBLINGS
) -> tuple[np.ndarray, int, float]:
    """Attribute a score to the pixels of an exam (Sundararajan et al. 2017), from black images as the baseline.

    Parameters
    ----------
    scorer : callable
        Maps (copies, images, side, side) to a score for each copy of the exam.
    images : Tensor of float, shape (images, side, side)
        Grey values from 0 to 1.
    settings : AttributionSettings
        The steps are doubled while the completeness error is above the tolerance.
    doublings : int
        How often at most.

    Returns
    -------
    numpy.ndarray, shape (images, side, side)
        What each pixel adds to the score, positive for, negative against.
    int
        Steps taken.
    float
        Completeness error: by how much the attributions miss the change of the score between
        baseline and image, as a share of that change (of 0.01 where it is smaller).
    """
    method = IntegratedGradients(scorer)
    exam = images.unsqueeze(0)
    black = torch.zeros_like(exam)
    with torch.no_grad():
        change = float(scorer(exam) - scorer(black))
    steps, error = settings.steps, np.inf
    maps = np.zeros(images.shape)
    for _ in range(doublings + 1):
        found = method.attribute(exam, black, n_steps=steps, internal_batch_size=max(1, PASSES // len(images)))
        total = float(found.double().sum())
        error, maps = abs(total - change) / max(abs(change), 0.01), found[0].detach().cpu().numpy()
        if error <= settings.tolerance:
            break
        steps *= 2
    else:
        steps //= 2
    return maps, steps, error


def scorer_of(networks: list[KneeNet], task: Asked, outcome: int) -> Callable[[Tensor], Tensor]:
    """Give the mean score of an outcome as a function of copies of one exam's images."""

    def scorer(copies: Tensor) -> Tensor:
        n, images = copies.shape[:2]
        passes = torch.arange(n * images, device=copies.device)
        flat = copies.reshape(n * images, 1, *copies.shape[2:])
        scores = [
            task.layout.scores(network(flat, passes, n * images, passes // images, n, task.name)[0])[:, outcome]
            for network in networks
        ]
        return torch.stack(scores).mean(0)

    return scorer
