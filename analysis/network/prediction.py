"""Scores of the network for exams and images, alone and averaged over an ensemble."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.errors import StudyError
from analysis.files import read_table, write_table
from analysis.imaging.store import ImageStore
from analysis.network.checkpoints import fit, load_weights, read_weights
from analysis.network.data import Exams, Task, pack
from analysis.network.devices import Device
from analysis.network.feeding import Batch, Feeder, ahead
from analysis.network.form.architecture import KneeNet
from analysis.network.form.heads import Asked
from analysis.network.settings import NetworkSettings, PredictionSettings
from analysis.network.source import source_hash
from analysis.network.temperature import fit_temperatures, heat
from analysis.schemas import PREDICTIONS, VIEWS
from analysis.schemas.network import MEMBERS, TEMPERATURES, VIEWED

SETS = ("validation", "test")
#: Images in a batch at evaluation; the result doesn't depend on it, the memory does.
BATCH = 64


@dataclass(frozen=True)
class Scores:
    """What the network says of some exams.

    Attributes
    ----------
    outcomes : numpy.ndarray of float, shape (exams, outcomes of the scheme)
        From 0 to 1.
    views : numpy.ndarray of float, shape (images, views)
        Probabilities, in the order of `Exams.positions`.
    """

    outcomes: np.ndarray
    views: np.ndarray


def score(
    network: KneeNet, task: Task, exams: Exams, feeder: Feeder, side: int | None = None, mirrored: bool = False
) -> Scores:
    """Score exams: every image once, untransformed but for the mirror, in evaluation mode.

    Parameters
    ----------
    network : KneeNet
        On the feeder's device.
    task : Task
        Whose head is asked.
    exams : Exams
    feeder : Feeder
    side : int, optional
        Pixels that the images are reduced to, as in a phase of training; as they were prepared without.
    mirrored : bool
        Whether scores are averaged over the images and their mirror images.
    """
    outcomes, views = [np.zeros((0, len(task.scheme.outcomes)))], [np.zeros((0, len(VIEWS)))]
    training = network.training
    network.eval()
    batches = pack(exams.images, np.arange(len(exams)), BATCH)
    with torch.inference_mode():
        for batch in ahead(lambda chosen: feeder.plain(exams, chosen, side), batches, feeder.device.cuda):
            found = answer(network, task, batch, feeder.device, mirrored)
            outcomes.append(found.outcomes)
            views.append(found.views)
    network.train(training)
    return Scores(np.concatenate(outcomes), np.concatenate(views))


def answer(network: KneeNet, task: Asked, batch: Batch, device: Device, mirrored: bool = False) -> Scores:
    """Score the exams of one batch, or the mean over its images and their mirror images.

    Where sides are aligned, an image whose side isn't known is taken for a right knee's and for a left one's, and the scores
    are averaged. The network is in evaluation mode, and no gradient is kept by the caller.
    """
    found = _shown(network, task, batch, device, mirrored)
    if batch.unsided is not None:
        turned, exams, images = _turned(batch, batch.unsided)
        other = _shown(network, task, turned, device, mirrored)
        found.outcomes[exams] = (found.outcomes[exams] + other.outcomes) / 2
        found.views[images] = (found.views[images] + other.views) / 2
    return found


def _shown(network: KneeNet, task: Asked, batch: Batch, device: Device, mirrored: bool) -> Scores:
    ways = [batch]
    if mirrored:
        exchanged = torch.ones(len(batch.images), dtype=torch.bool, device=batch.images.device)
        ways.append(replace(batch, images=batch.images.flip(3), mirrored=exchanged))
    found = []
    for shown in ways:
        with device.autocast():
            logits, view = network(*shown.inputs, task.name, shown.mirrored)
        found.append((task.layout.scores(logits.float()).cpu().numpy(), view.float().softmax(1).cpu().numpy()))
    outcomes, views = zip(*found, strict=True)
    return Scores(np.mean(outcomes, 0), np.mean(views, 0))


def _turned(batch: Batch, unsided: torch.Tensor) -> tuple[Batch, np.ndarray, np.ndarray]:
    """Return the exams that have an image of no known side, these images turned, and which exams and images they are."""
    some = torch.zeros(batch.n_exams, dtype=torch.bool, device=unsided.device)
    some[batch.exam[unsided]] = True
    within = some[batch.exam]  # in evaluation an image is shown once
    images = torch.where(unsided.view(-1, 1, 1, 1), batch.images.flip(3), batch.images)[within]
    number = torch.arange(len(images), device=unsided.device)
    exam = (some.cumsum(0) - 1)[batch.exam[within]]
    turned = Batch(images, number, len(images), exam, int(some.sum()))
    return turned, some.cpu().numpy(), within.cpu().numpy()


def load_network(
    path: Path, task: Asked, settings: NetworkSettings, side: int, device: Device
) -> tuple[KneeNet, np.ndarray, int]:
    """Build the network that a file holds the weights of.

    Parameters
    ----------
    path : Path
        Safetensors file written by `train`.
    task : Asked
        The grading to be predicted; its outputs must be those of the file.
    settings : NetworkSettings
        Their form must be the file's.
    side : int
        Side of the images, pixels; must be the file's.
    device : Device

    Returns
    -------
    KneeNet
        In evaluation mode.
    numpy.ndarray of bool, shape (outcomes,)
        Which outcomes it learnt.
    int
        Its seed.

    Raises
    ------
    StudyError
        If something doesn't fit; names all of it.
    """
    state, about = read_weights(path)
    expected: dict[str, Any] = {"settings": settings.model_dump(mode="json"), "tasks": {task.name: task.layout.names}}
    expected["source"] = source_hash(settings.backbone)
    fit(path, about, {**expected, "side": side, "views": list(VIEWS)})
    if len(about["learnt"]) != len(task.layout.scheme.outcomes):
        raise StudyError(
            f"The weights {path} don't say of each outcome whether it was learnt; train again, or name other weights."
        )
    network = KneeNet(settings, {name: len(names) for name, names in about["tasks"].items()}, len(VIEWS), side)
    load_weights(network, path, state)
    device.place(network).eval()
    return network, np.array(about["learnt"], bool), int(about["seed"])


def refuse_none(weights: Path, *scores: np.ndarray) -> None:
    """Refuse scores that are no numbers, as weights give that were led astray in training; StudyError names the weights."""
    if not all(np.isfinite(values).all() for values in scores):
        raise StudyError(
            f"The weights {weights} give scores that are no numbers; train again, with a lower learning_rate in "
            "network.training.phases or network.training.clip at 1, or name other weights."
        )


def predict(
    images: Path,
    reference: Path,
    grading: Path,
    weights: list[Path],
    settings: NetworkSettings,
    prediction: PredictionSettings,
    workers: int,
    out: Path,
    carried: Path | None = None,
) -> None:
    """Predict the exams of the validation and test sets.

    Parameters
    ----------
    images : Path
        Folder of prepared images.
    reference : Path
        reference.parquet: which exams are in which set. Of its grades only the validation set's are looked at, for
        the temperature.
    grading : Path
        The scheme.
    weights : list of Path
        One file, or one for each member of an ensemble; the scores are averaged.
    settings : NetworkSettings
    prediction : PredictionSettings
    workers : int
        Threads.
    out : Path
        Folder for exams.parquet (one column per outcome and the predicted grade an item),
        images.parquet (probability of each view), seeds.parquet (seed, exam, outcome, score; the mean over the seeds
        is what is calibrated) and temperatures.csv.
    carried : Path, optional
        temperatures.csv of a network that was trained elsewhere; without it they are fitted on the validation set.

    Raises
    ------
    StudyError
        If weights don't fit, or two have the same seed.
    """
    device = Device.choose(settings, workers)
    store = ImageStore(images)
    task = Task(grading, reference, store, settings.grades)
    feeder = Feeder(store, device, settings.align_sides)
    parts = [task.exams(name) for name in SETS]
    table = pd.concat([part.table for part in parts], ignore_index=True)
    rows = np.concatenate([part.positions for part in parts])
    names = [outcome.id for outcome in task.scheme.outcomes]
    members: dict[int, np.ndarray] = {}
    views = np.zeros((len(rows), len(VIEWS)))
    for path in weights:
        network, learnt, seed = load_network(path, task, settings, store.size, device)
        if seed in members:
            raise StudyError(f"The weights {path} are of seed {seed}, as are others; name each member once.")
        scores = [score(network, task, part, feeder, mirrored=prediction.mirrored) for part in parts]
        refuse_none(path, *(found.outcomes for found in scores))
        # An outcome with no case or no control in training was never learnt: no score, rather than a random one.
        members[seed] = np.where(learnt, np.concatenate([s.outcomes for s in scores]), np.nan)
        views += np.concatenate([s.views for s in scores]) / len(weights)
    mean = np.asarray(np.mean(list(members.values()), 0, dtype=np.float64))
    if carried:
        temperatures = read_table(carried, TEMPERATURES)
    else:
        # With nothing to fit on, every temperature is 1.
        fitted_on = len(parts[0]) if prediction.calibration == "temperature" else 0
        temperatures = fit_temperatures(task.layout, mean[:fitted_on], task.truth(parts[0]).iloc[:fitted_on])
    write_table(temperatures, out / "temperatures.csv", TEMPERATURES)
    mean = heat(task.layout, torch.from_numpy(mean), temperatures).numpy()
    exams = pd.concat(
        [
            table,
            pd.DataFrame(mean, columns=names),
            pd.DataFrame(task.layout.predicted(mean), columns=list(task.layout.items)),
        ],
        axis=1,
    )
    write_table(exams, out / "exams.parquet", PREDICTIONS)
    shown = store.rows.loc[rows, ["image", "exam", "view"]].reset_index(drop=True)
    write_table(pd.concat([shown, pd.DataFrame(views, columns=list(VIEWS))], axis=1), out / "images.parquet", VIEWED)
    long = [
        pd.concat([table[["exam", "set"]], pd.DataFrame(values, columns=names)], axis=1)
        .melt(["exam", "set"], var_name="outcome", value_name="score")
        .assign(seed=seed)
        for seed, values in members.items()
    ]
    write_table(pd.concat(long, ignore_index=True), out / "seeds.parquet", MEMBERS)
