"""The study's own test exams on pages, one an item of the grading, and what has to fit together for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.archive.sources import find_sources
from analysis.errors import StudyError
from analysis.files import read_table, seal
from analysis.imaging.store import ImageStore
from analysis.inference.cells import Browsed, write_item
from analysis.network.data import Exams, Task
from analysis.network.devices import Device
from analysis.network.feeding import Feeder
from analysis.network.prediction import load_network
from analysis.network.settings import NetworkSettings
from analysis.plurals import plural
from analysis.schemas import PREDICTIONS, READINGS
from analysis.schemas.network import MEMBERS
from analysis.schemas.statistics import THRESHOLDS
from analysis.settings import parse, whole

#: The folder of a study that is never published.
PRIVATE = "private"


def browse(
    *,
    images: Path,
    reference: Path,
    readings: Path,
    predictions: Path,
    seeds: Path,
    thresholds: Path,
    grading: Path,
    weights: list[Path],
    config: Path,
    workers: int,
    out: Path,
) -> str:
    """Write a page for each item of the grading.

    Parameters
    ----------
    images : Path
        Folder of prepared images.
    reference : Path
        reference.parquet.
    readings : Path
        readings.parquet of ingest: what each reader said.
    predictions, seeds : Path
        exams.parquet and seeds.parquet, as `predict` wrote them with the same weights.
    thresholds : Path
        thresholds.csv of the statistics.
    grading : Path
        The scheme.
    weights : list of Path
        Of the members whose attributions are shown; all of them, or some, to be sooner done.
    config : Path
        The whole configuration.
    workers : int
        Threads.
    out : Path
        Folder for ITEM.html.

    Returns
    -------
    str
        How many exams, and where.

    Raises
    ------
    StudyError
        If the archive holds personal data and `out` isn't private, the grading has no item, there is no test exam, or the
        files aren't of one study.
    """
    said = whole(config, "archive", "cohort", "network")
    cohort = _cohort(said, config, out)
    settings = parse(NetworkSettings, said["network"], f"{config}: network")
    device = Device.choose(settings, workers)
    store = ImageStore(images)
    task = Task(grading, reference, store, settings.grades)
    if not task.scheme.items:
        raise StudyError(f"{task.scheme.where()} has no item, so that there is no confusion matrix to browse by.")
    exams = task.exams("test")
    if not len(exams):
        raise StudyError(f"{reference} has no test exam; give the reference standard of a study that has.")
    limits = read_table(thresholds, THRESHOLDS)
    limits = limits[limits["chosen_on"] != "test"].drop_duplicates("outcome")
    loaded = [load_network(path, task, settings, store.size, device) for path in weights]
    members = read_table(seeds, MEMBERS)
    browsed = Browsed(
        task=task,
        exams=exams,
        predicted=_of(read_table(predictions, PREDICTIONS), exams, predictions),
        spread=_spread(members, exams),
        limits=dict(zip(limits["outcome"], limits["threshold"], strict=True)),
        readings={str(exam): one for exam, one in read_table(readings, READINGS).groupby("exam", sort=False)},
        feeder=Feeder(store, device, settings.align_sides),
        members=[member for member, _, _ in loaded],
        align_sides=settings.align_sides,
    )
    asked = [seed for _, _, seed in loaded]
    # Gradients of an ensemble take as long as its members together.
    some = "" if set(asked) == set(members["seed"]) else f" What a grade rests on is told of seed {asked[0]}'s network."
    items = task.scheme.items
    for item in items:
        pages = [{"name": f"{name}.html", "label": items[name].short, "here": name == item} for name in items]
        title = f"{items[item].title}: {said['cohort'].get('title') or cohort}"
        write_item(browsed, item, out / f"{item}.html", title=title, pages=pages, more=some)
    seal(out)
    return f"{plural(len(exams), 'test exam')}.\n" + "\n".join(str(out / f"{item}.html") for item in items)


def _cohort(said: Mapping[str, Any], config: Path, out: Path) -> str:
    """Return the cohort's name; refuse a configuration without one, and to publish what is patients'."""
    source, cohort = find_sources().get(str(said["archive"].get("source"))), said["cohort"].get("name")
    if source is None or not isinstance(cohort, str):
        raise StudyError(
            f"{config} doesn't name a cohort (cohort.name) and a source of radiographs (archive.source: "
            f"{', '.join(find_sources())}); give the whole configuration of a study."
        )
    # Not the first part: macOS has its temporary folders below /private.
    if source.personal_data and PRIVATE not in out.absolute().parts[2:]:
        raise StudyError(
            f"These radiographs are patients', and {out} isn't in a folder '{PRIVATE}'; write the page to "
            f"results/{cohort}/{PRIVATE}/browse."
        )
    return cohort


def _of(predicted: pd.DataFrame, exams: Exams, path: Path) -> pd.DataFrame:
    """Return the rows of the exams, in their order."""
    found = predicted.set_index("exam").reindex(exams.table["exam"])
    if found["set"].isna().any():
        raise StudyError(
            f"{path} has no row of the test exam {found.index[found['set'].isna()][0]}; run 'predict' again."
        )
    return found


def _spread(seeds: pd.DataFrame, exams: Exams) -> np.ndarray:
    """Return how far the members are apart in any outcome, exam by exam."""
    scores = seeds.pivot_table("score", ["exam", "outcome"], "seed")
    if scores.shape[1] < 2:
        return np.full(len(exams), np.nan)
    apart = (scores.max(axis=1) - scores.min(axis=1)).groupby("exam").max()
    return apart.reindex(exams.table["exam"]).to_numpy(float)
