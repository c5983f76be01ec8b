"""The page of one item: its confusion matrix, and behind each of the matrix's cells the exams, the surest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.grading.scheme import Scheme
from analysis.inference.page import explained, percent, pictures, told, write_page
from analysis.network.data import Exams, Task
from analysis.network.feeding import Feeder
from analysis.network.form.architecture import KneeNet
from analysis.schemas import WEIGHTS

#: Side of an image on the page, pixels: two or three hundred exams make a page of some ten megabytes.
SHOWN = 320


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
