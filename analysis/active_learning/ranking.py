"""Scores of a trained network for the exams still to be read, and the choice of the next ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from analysis.active_learning.rounds import draw, make_queue, pool
from analysis.active_learning.settings import Strategy
from analysis.active_learning.strategies import farthest, most_doubtful
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.imaging.store import ImageStore
from analysis.network.data import Exams, Task, pack
from analysis.network.devices import Device
from analysis.network.feeding import Feeder
from analysis.network.form.architecture import KneeNet, maximum
from analysis.network.prediction import BATCH, load_network, score
from analysis.network.settings import NetworkSettings
from analysis.schemas import REFERENCE


def ask(
    images: Path,
    reference: Path,
    grading: Path,
    weights: Path,
    settings: NetworkSettings,
    *,
    strategy: Strategy,
    asked: list[str],
    number: int,
    rng: np.random.Generator,
    workers: int,
) -> pd.DataFrame:
    """Choose the exams of the next round.

    Parameters
    ----------
    images : Path
        Folder of prepared images.
    reference : Path
        Reference standard of the round before: training exams without a label are those to choose from.
    grading : Path
        The scheme.
    weights : Path
        What was trained on it; not looked at by the strategy "random".
    settings : NetworkSettings
    strategy : str
    asked : list of str
        All exams asked for so far.
    number : int
        How many, at most.
    rng : numpy.random.Generator
    workers : int
        Threads.

    Returns
    -------
    pandas.DataFrame
        A queue, see `make_queue`.

    Raises
    ------
    StudyError
        If no exam is left to ask for.
    """
    left = pool(read_table(reference, REFERENCE), asked)
    if not left:
        raise StudyError(f"{reference}: no exam is left to ask for; lower active_learning.rounds, batch or start.")
    if strategy == "random":
        return draw(left, number, rng)
    device = Device.choose(settings, workers)
    store = ImageStore(images)
    task = Task(grading, reference, store, settings.grades)
    feeder = Feeder(store, device, settings.align_sides)
    network, _, _ = load_network(weights, task, settings, store.size, device)
    unread = task.exams("training", labelled=False)
    unread = unread.some(np.flatnonzero(unread.table["exam"].isin(left)))
    if strategy == "diversity":
        known = features(network, task.exams("training"), feeder)
        chosen, worth = farthest(features(network, unread, feeder), known, number, rng)
    else:
        levels = predicted_levels(task, score(network, task, unread, feeder).outcomes)
        chosen, worth = most_doubtful(strategy, levels, number, rng)
    return make_queue(unread.table["exam"].to_numpy()[chosen], worth)


def predicted_levels(task: Task, scores: np.ndarray) -> list[np.ndarray]:
    """Return the probabilities of each item's levels; of a scheme without items those of its yes-or-no outcomes.

    Parameters
    ----------
    task : Task
    scores : numpy.ndarray, shape (exams, outcomes)

    Returns
    -------
    list of numpy.ndarray, each of shape (exams, levels)
        Rows sum to one, also where each level was learnt for itself.
    """
    position = {outcome.id: i for i, outcome in enumerate(task.scheme.outcomes)}
    found = [
        scores[:, [position[f"{name}_{level}"] for level in range(levels)]]
        for name, levels in task.layout.items.items()
    ]
    found = found or [np.stack([1 - column, column], 1) for column in scores.T]
    return [(levels + 1e-12) / (levels + 1e-12).sum(1, keepdims=True) for levels in found]


def features(network: KneeNet, exams: Exams, feeder: Feeder) -> np.ndarray:
    """Return the features of exams: the maximum over their images and positions.

    Returns
    -------
    numpy.ndarray of float, shape (exams, filters of the last group)
    """
    found = []
    with torch.inference_mode():
        for chosen in pack(exams.images, np.arange(len(exams)), BATCH):
            batch = feeder.plain(exams, chosen)
            with feeder.device.autocast():
                seen = network.features(batch.images)
            pooled = maximum(seen.float().amax((2, 3)), batch.exam, batch.n_exams)
            found.append(F.relu(pooled).cpu().numpy().astype(float))
    return np.concatenate(found)
