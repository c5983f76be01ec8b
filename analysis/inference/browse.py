"""The study's own test exams on a page: the confusion matrix, and behind each of its cells the exams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.archive.sources import find_sources
from analysis.errors import StudyError
from analysis.files import read_table, seal
from analysis.grading.scheme import Scheme
from analysis.imaging.store import ImageStore
from analysis.inference.page import explained, percent, pictures, told, write_page
from analysis.network.architecture import KneeNet
from analysis.network.data import Exams, Task
from analysis.network.devices import Device
from analysis.network.feeding import Feeder
from analysis.network.prediction import load_network
from analysis.network.settings import NetworkSettings
from analysis.schemas import PREDICTIONS, READINGS, WEIGHTS
from analysis.schemas.network import MEMBERS
from analysis.schemas.statistics import THRESHOLDS
from analysis.settings import parse, whole

#: Side of an image on the page, pixels: two or three hundred exams make a page of some ten megabytes.
SHOWN = 320
#: The folder of a study that is never published.
PRIVATE = "private"


@dataclass(frozen=True)
class Browsed:
    """A study's test exams with all that the page tells of them.

    Attributes
    ----------
    task : Task
    exams : Exams
        Of the test set.
    predicted : pandas.DataFrame
        Scores and grades of the same exams in the same order.
    spread : numpy.ndarray of float, shape (exams,)
        Largest difference between two members in any outcome; missing for a network of one.
    limits : dict of str to float
        Thresholds chosen on the validation set.
    readings : dict of str to pandas.DataFrame
        Schema READINGS, by exam.
    feeder : Feeder
    members : list of KneeNet
    align_sides : bool
    """

    task: Task
    exams: Exams
    predicted: pd.DataFrame
    spread: np.ndarray
    limits: dict[str, float]
    readings: dict[str, pd.DataFrame]
    feeder: Feeder
    members: list[KneeNet]
    align_sides: bool


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
        title = f"{said['cohort'].get('title') or cohort}: {items[item].title}"
        write_item(browsed, item, out / f"{item}.html", title=title, pages=pages, more=some)
    seal(out)
    return f"{len(exams)} test exams.\n" + "\n".join(str(out / f"{item}.html") for item in items)


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


def write_item(
    browsed: Browsed, item: str, path: Path, *, title: str, pages: list[dict[str, Any]], more: str = ""
) -> None:
    """Write the page of one item: its exams by cell, and in a cell the surest first."""
    scheme = browsed.task.scheme
    truth = pd.Series(browsed.exams.grades[:, list(scheme.items).index(item)]).astype("Int64")
    guess = browsed.predicted[item].reset_index(drop=True).astype("Int64")
    sure = [
        0.0 if pd.isna(level) else float(browsed.predicted[f"{item}_{level}"].iloc[i]) for i, level in enumerate(guess)
    ]
    table = pd.DataFrame({"truth": truth, "guess": guess, "sure": sure})
    order = table.sort_values(["truth", "guess", "sure"], ascending=[True, True, False], kind="stable").index
    same = int((truth == guess).sum())
    lead = (
        f"{len(table)} test exams; network and reference standard give {same} of them the same grade. In a cell those come first "
        f"of which the network is surest.{more}"
    )
    articles = (article(browsed, item, int(position), n) for n, position in enumerate(order, 1))
    write_page(
        articles,
        path,
        title=title,
        lead=lead,
        look="those that differ",
        pages=pages,
        matrix=matrix(scheme, item, table),
    )


def matrix(scheme: Scheme, item: str, table: pd.DataFrame) -> dict[str, Any]:
    """Return the confusion matrix as the page shows it; exams without a grade have a row or column of their own.

    Parameters
    ----------
    scheme : Scheme
    item : str
    table : pandas.DataFrame
        `truth` and `guess` of each exam, missing where there is none.
    """
    about = scheme.items[item]
    rows, columns = ([*about.levels, *([None] if table[name].isna().any() else [])] for name in ("truth", "guess"))
    counts = table.groupby(["truth", "guess"], dropna=False).size()
    numbers = {tuple(_name(level) for level in pair): int(n) for pair, n in counts.items()}  # type: ignore[attr-defined]
    found = []
    for truth in map(_name, rows):
        here = {guess: numbers.get((truth, guess), 0) for guess in map(_name, columns)}
        total = max(1, sum(here.values()))
        cells = [
            {"cell": f"{truth}-{guess}", "name": guess, "n": n, "share": round(n / total, 2), "right": truth == guess}
            for guess, n in here.items()
        ]
        found.append({"name": truth, "cells": cells})
    return {"short": about.short, "columns": [_name(level) for level in columns], "rows": found}


def article(browsed: Browsed, item: str, position: int, number: int) -> dict[str, Any]:
    """Return what the page shows of an exam: as `analysis.inference.shown.article`, with its readings."""
    task, scheme = browsed.task, browsed.task.scheme
    row, name = browsed.predicted.iloc[position], browsed.exams.table["exam"].iloc[position]
    grades = {one: None if pd.isna(row[one]) else int(row[one]) for one in scheme.items}
    scores = {outcome.id: float(row[outcome.id]) for outcome in scheme.outcomes}
    truth = browsed.exams.grades[position, list(scheme.items).index(item)]
    # A network that gives no grade is asked for the outcome that it takes for the likeliest.
    asked = f"{item}_{grades[item]}" if grades[item] is not None else str(pd.Series(scores).idxmax())
    store, chosen = browsed.feeder.store, np.array([position])
    rows, _ = browsed.exams.images_of(chosen)
    about = store.rows.loc[rows]
    laid = explained(
        browsed.members,
        task,
        list(scores).index(asked),
        browsed.feeder.plain(browsed.exams, chosen).images[:, 0],
        store[rows],
        (about["side"] == "left").to_numpy() & browsed.align_sides,
    )
    sides = sorted(about["side"].dropna().unique())
    return {
        "number": number,
        "exam": name,
        "side": " and ".join(sides) or "side unknown",
        "files": list(about["image"]),
        "pictures": pictures(laid, about["view"], [""] * len(about), SHOWN),
        "asked": scheme.outcome(asked).title,
        "spread": percent(browsed.spread[position]),
        "marks": [],
        "cell": f"{_name(truth)}-{_name(grades[item])}",
        "look": _name(truth) != _name(grades[item]),
        "readings": readings_of(browsed, item, position),
        **told(scheme, scores, browsed.limits, grades),
    }


def readings_of(browsed: Browsed, item: str, position: int) -> list[dict[str, str]]:
    """Return the reference standard and what each reader said, in the order of their weight: who, grade, what else."""
    scheme, name = browsed.task.scheme, browsed.exams.table["exam"].iloc[position]
    exam = browsed.exams
    standard = dict(zip(scheme.items, exam.grades[position], strict=True))
    standard |= dict(zip((o.id for o in browsed.task.layout.binary), exam.binary[position], strict=True))
    found = [_reading(scheme, item, "Reference standard", standard)]
    said = browsed.readings.get(str(name))
    if said is not None:
        said = said[said["item"].isin([*scheme.items, *scheme.findings])]
        said = said.assign(weight=said["role"].map(WEIGHTS), session=said["session"].fillna(""))
        for _, one in said.groupby(["weight", "role", "reader", "session"]):
            reader, role, session = one[["reader", "role", "session"]].iloc[0].astype(str)
            words = [reader, *([role] if role not in reader else []), *([session] if session not in ("", role) else [])]
            again = ", to be looked at again" if one["revisit"].any() else ""
            values = dict(zip(one["item"].astype(str), one["value"], strict=True))
            found.append(_reading(scheme, item, ", ".join(words) + again, values))
    return found


def _reading(scheme: Scheme, item: str, who: str, values: Mapping[str, float]) -> dict[str, str]:
    known = {name: int(value) for name, value in values.items() if not pd.isna(value)}
    also = [f"{about.short} {known[name]}" for name, about in scheme.items.items() if name != item and known.get(name)]
    also += [about.title for name, about in scheme.findings.items() if known.get(name)]
    return {"who": who, "grade": _name(known.get(item)), "also": ", ".join(also)}


def _name(level: Any) -> str:
    """Return what a grade is called on the page."""
    return "none" if pd.isna(level) else str(int(level))


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
