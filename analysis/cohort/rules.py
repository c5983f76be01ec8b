"""The exams of an archive, and the rules that leave some of them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from analysis.archive.people.names import side_of
from analysis.cohort.words import mentions
from analysis.schemas import FLAGS, WEIGHTS

if TYPE_CHECKING:
    from analysis.cohort.settings import Rule, SelectionSettings

#: Reading items that say something of the exam, not of the knee.
UNUSABLE, NO_KNEE = FLAGS


def list_exams(
    images: pd.DataFrame,
    files: pd.DataFrame,
    prepared: pd.DataFrame,
    reports: pd.DataFrame,
    settings: SelectionSettings,
) -> pd.DataFrame:
    """List every exam that a file of the archive belongs to, also those without a single image to use.

    Parameters
    ----------
    images : pandas.DataFrame
        Schema IMAGES.
    files : pandas.DataFrame
        The private index: every file found.
    prepared : pandas.DataFrame
        Schema PREPARED: the images that could be read.
    reports : pandas.DataFrame
        Columns `exam`, `text`: the exams that have a report.
    settings : SelectionSettings

    Returns
    -------
    pandas.DataFrame
        One row per exam, sorted: exam, patient, side, protocol, body_parts, age, sex, day, burned_in (whether an image
        was refused for words in it), images (readable), words.
    """
    known = files.dropna(subset=["exam", "patient"])
    exams = known.groupby("exam").agg(patient=("patient", "min"), day=("day", "min"))
    described = images.sort_values("image").groupby("exam")
    sides = images.groupby("exam")["side"].agg(["nunique", "first"])
    exams = exams.join(described.agg(protocol=("protocol", "first"), age=("age", "min"), sex=("sex", "first")))
    parts = {exam: frozenset(seen.dropna()) for exam, seen in described["body_part"]}
    exams["body_parts"] = exams.index.map(lambda exam: parts.get(exam, frozenset()))
    exams["burned_in"] = exams.index.isin(known.loc[known["code"] == "burned_in", "exam"])
    # Which knee it is: the unit says it where the exam has two, else its images, if they agree.
    shown = sides["first"].where(sides["nunique"] == 1).reindex(exams.index)
    exams["side"] = pd.Series(exams.index.map(side_of), exams.index).replace("", None).fillna(shown).astype("str")
    exams["images"] = prepared.groupby("exam").size().reindex(exams.index, fill_value=0)
    said = reports.set_index("exam")["text"]
    words = said.map(lambda text: mentions(text, settings.words))
    exams["words"] = words.reindex(exams.index).eq(True)
    return exams.sort_index().reset_index()


def decided(readings: pd.DataFrame, item: str) -> pd.Series:
    """Return which exams someone called `item`; a consensus outweighs a senior, a senior a reader.

    Returns
    -------
    pandas.Series of bool, index exam
    """
    # ASSUME: of two equals who differ, the one who objects is believed.
    return grade(readings, item) > 0


def grade(readings: pd.DataFrame, item: str) -> pd.Series:
    """Return each exam's grade by the role that outweighs the others; the higher where two of that role differ.

    Good enough to stratify a draw; the grade that counts is the reference standard's.
    """
    rows = readings[readings["item"] == item]
    weight = rows["role"].map(WEIGHTS)
    return rows[weight == weight.groupby(rows["exam"]).transform("max")].groupby("exam")["value"].max()


def _flagged(exams: pd.DataFrame, readings: pd.DataFrame, item: str) -> pd.Series:
    return exams["exam"].map(decided(readings, item)).eq(True)


def _unreadable(exams: pd.DataFrame, readings: pd.DataFrame, settings: SelectionSettings) -> pd.Series:
    return exams["images"] == 0


def _burned_in(exams: pd.DataFrame, readings: pd.DataFrame, settings: SelectionSettings) -> pd.Series:
    return (exams["images"] == 0) & exams["burned_in"]


def _no_knee(exams: pd.DataFrame, readings: pd.DataFrame, settings: SelectionSettings) -> pd.Series:
    allowed = set(settings.body_parts)

    elsewhere = exams["body_parts"].map(lambda parts: bool(parts) and not parts & allowed).astype(bool)
    return _flagged(exams, readings, NO_KNEE) | elsewhere


def _paediatric(exams: pd.DataFrame, readings: pd.DataFrame, settings: SelectionSettings) -> pd.Series:
    return exams["age"] < settings.minimum_age


def _age_unknown(exams: pd.DataFrame, readings: pd.DataFrame, settings: SelectionSettings) -> pd.Series:
    return exams["age"].isna() & (settings.unknown_age == "exclude")


def _unusable(exams: pd.DataFrame, readings: pd.DataFrame, settings: SelectionSettings) -> pd.Series:
    return _flagged(exams, readings, UNUSABLE)


def _repeat(exams: pd.DataFrame, readings: pd.DataFrame, settings: SelectionSettings) -> pd.Series:
    """Mark exams too soon after the previous one of the same knee.

    ASSUME: the previous one that was kept, so that a series of exams each month keeps every fourth
    and not the first alone; of exams on one day one with readings is kept. Without a date an exam
    can't be called a repeat. An exam of an unknown side may be of either knee.
    """
    unread = ~exams["exam"].isin(readings["exam"])
    dated = exams.assign(unread=unread).dropna(subset=["day"]).sort_values(["patient", "day", "unread", "exam"])
    repeats: list[int] = []
    last: dict[tuple[str, str], int] = {}
    for index, patient, day, side in zip(
        dated.index, dated["patient"], dated["day"].astype(int), dated["side"].fillna(""), strict=True
    ):
        same = (side, "") if side else ("left", "right", "")
        if any(day - last[patient, knee] <= settings.repeat_days for knee in same if (patient, knee) in last):
            repeats.append(index)
        else:
            last[patient, side] = day
    return pd.Series(exams.index.isin(repeats), exams.index)


Test = Callable[[pd.DataFrame, pd.DataFrame, "SelectionSettings"], pd.Series]

#: Each rule's tests by reason code, with the words for the flow diagram.
RULES: dict[Rule, list[tuple[str, str, Test]]] = {
    "unreadable": [
        ("burned_in", "Words burned into the images", _burned_in),
        ("unreadable", "No readable radiograph", _unreadable),
    ],
    "no_knee": [("no_knee", "No knee in the image", _no_knee)],
    "paediatric": [
        ("paediatric", "Younger than {minimum_age:g} years", _paediatric),
        ("age_unknown", "Age unknown", _age_unknown),
    ],
    "unusable": [("unusable", "Image quality precludes grading", _unusable)],
    "repeat": [("repeat", "Repeat within {repeat_days} days", _repeat)],
}


def apply_rules(exams: pd.DataFrame, readings: pd.DataFrame, settings: SelectionSettings) -> pd.Series:
    """Apply the rules in the order of the settings; the first that an exam meets is its reason.

    Returns
    -------
    pandas.Series of str
        Reason code, or missing where the exam is eligible; index as of `exams`.
    """
    reason = pd.Series(None, exams.index, dtype="str")
    for rule in settings.rules:
        for code, _, test in RULES[rule]:
            left = exams[reason.isna()]
            hit = test(left, readings, settings)
            reason[hit.index[hit]] = code
    return reason
