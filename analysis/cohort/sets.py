"""Split eligible exams into sets at patient level."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.archive.people.names import exam_of
from analysis.cohort.rules import NO_KNEE, UNUSABLE, grade
from analysis.errors import StudyError
from analysis.schemas import SETS

if TYPE_CHECKING:
    from numpy.random import Generator

    from analysis.cohort.settings import SelectionSettings, SetSettings
    from analysis.grading.settings import ReferenceSettings, SetPolicy

# The set whose demands are hardest to meet draws first, and training takes what is left.
ORDER = ("test", "validation", "training")

#: Why an eligible exam is in no set, with the words for the flow diagram.
LEFT = {
    "not_in_split": "Patient not in the given split",
    "not_read": "Not read as a set demands",
    "protocol": "Protocol not allowed in the set",
    "other_set": "Patient is in another set",
    "surplus": "More than the set asks for",
}


def read_as(readings: pd.DataFrame, policy: SetPolicy) -> pd.Index:
    """Return the exams that have exactly the independent readings that a set's policy asks for."""
    independent = readings[(readings["role"] == policy.role) & ~readings["item"].isin((UNUSABLE, NO_KNEE))]
    readers = independent.groupby("exam")["reader"].nunique()
    return readers.index[readers == policy.readings]


def take_all(
    exams: pd.DataFrame, readings: pd.DataFrame, policy: ReferenceSettings
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Put every eligible exam that was read as any of the sets asks into the test set.

    Parameters
    ----------
    exams, readings, policy
        See `part`.

    Returns
    -------
    sets, reasons, read_as : pandas.Series of str
        Index as of `exams`; `read_as` is the set whose policy makes an exam's reference standard, the most demanding one
        that its readings meet.
    """
    read = [exams["exam"].isin(read_as(readings, policy.sets[name])) for name in ORDER]
    how = pd.Series(np.select(read, ORDER, ""), exams.index, dtype="str").replace({"": None})
    sets = pd.Series("test", exams.index, dtype="str").where(how.notna(), None)
    return sets, pd.Series("not_read", exams.index, dtype="str").where(how.isna(), None), how


def part(
    exams: pd.DataFrame,
    readings: pd.DataFrame,
    split: pd.Series | None,
    *,
    settings: SelectionSettings,
    policy: ReferenceSettings,
    rng: Generator,
    wanted: Collection[str] = SETS,
) -> tuple[pd.Series, pd.Series]:
    """Give each eligible exam a set, or a reason why it has none.

    Parameters
    ----------
    exams : pandas.DataFrame
        Eligible exams: exam, patient, protocol, words.
    readings : pandas.DataFrame
        Schema READINGS.
    split : pandas.Series or None
        Set by patient where the split is given, else sets are drawn.
    settings : SelectionSettings
    policy : ReferenceSettings
        How an exam of each set must have been read.
    rng : numpy.random.Generator
    wanted : collection of str
        The sets there are; all of them but for a network that was trained elsewhere.

    Returns
    -------
    sets, reasons : pandas.Series of str
        Index as of `exams`; exactly one of the two is missing for each exam.

    Raises
    ------
    StudyError
        If a set can't have as many exams (in all, of a grade, or with the words) as it asks for.
    """
    sets = pd.Series(None, exams.index, dtype="str")
    read = {name: exams["exam"].isin(read_as(readings, policy.sets[name])) for name in SETS if name in wanted}
    if settings.unread == "training" and "training" in read:
        read["training"] |= ~exams["exam"].isin(readings["exam"])
    allowed = {name: _allowed(exams, getattr(settings.sets, name)) for name in read}
    home = exams["patient"].map(split) if split is not None else None
    for name in filter(read.__contains__, ORDER):
        demands: SetSettings = getattr(settings.sets, name)
        taken = exams.loc[sets.notna(), ["patient"]].assign(set=sets[sets.notna()])
        elsewhere = exams["patient"].isin(taken.loc[taken["set"] != name, "patient"])
        free = home == name if home is not None else ~elsewhere
        candidates = exams[free & read[name] & allowed[name] & sets.isna()]
        if len(candidates) < (number := demands.exams or 0):
            raise StudyError(
                f"The {name} set asks for {number} exams, but only {len(candidates)} can be had "
                f"({number - len(candidates)} too few): of {len(exams)} eligible exams {read[name].sum()} were read as "
                f"reference.{name} asks, and {(read[name] & allowed[name]).sum()} of these are of a protocol that it allows; ask for "
                f"fewer at selection.sets.{name}.exams, or add exams and readings."
            )
        sets[_draw(name, candidates, readings, demands, rng)] = name
    return sets, _reasons(exams, sets, read, allowed, home)


def _allowed(exams: pd.DataFrame, demands: SetSettings) -> pd.Series:
    if demands.protocols is None:
        return pd.Series(True, exams.index)
    return exams["protocol"].isin(demands.protocols)


def _draw(
    name: str, candidates: pd.DataFrame, readings: pd.DataFrame, demands: SetSettings, rng: Generator
) -> pd.Index:
    """Draw the exams of one set: first by grade, then with the words, then any.

    The knees of an exam are drawn together, so that a number of them asks for no more patients than it must: a patient's
    other knee can be in no other set.
    """
    shuffled = candidates.iloc[rng.permutation(len(candidates))]
    whole = exam_of(shuffled["exam"])
    shuffled = shuffled.iloc[np.argsort(pd.factorize(whole)[0], kind="stable")]
    wanted = len(shuffled) if demands.exams is None else demands.exams
    chosen = pd.Index([], dtype=int)

    def take(pool: pd.DataFrame, n: int, what: str, key: str) -> None:
        nonlocal chosen
        rest = pool.index.difference(chosen, sort=False)
        n = max(0, n - (len(pool) - len(rest)))
        if len(rest) < n:
            raise StudyError(
                f"The {name} set asks for {n + len(pool) - len(rest)} exams{what}, but only {len(pool)} can be had "
                f"({n - len(rest)} too few): ask for fewer at selection.sets.{name}.{key}, or add exams and readings."
            )
        chosen = chosen.append(rest[:n])

    for item, grades in demands.at_least.items():
        graded = shuffled["exam"].map(grade(readings, item))
        for level, n in sorted(grades.items()):
            take(shuffled[graded == level], n, f" with {item} {level}", f"at_least.{item}.{level}")
    if demands.enriched_share is not None:
        n = round(demands.enriched_share * wanted)
        take(shuffled[shuffled["words"]], n, " with the words in their report", "enriched_share")
    if len(chosen) > wanted:
        raise StudyError(
            f"The {name} set asks for {wanted} exams, but for {len(chosen)} by grade and words together: "
            f"raise selection.sets.{name}.exams or ask for fewer."
        )
    drawn = whole.isin(whole[chosen])[shuffled.index]
    take(pd.concat([shuffled[drawn], shuffled[~drawn]]), wanted, "", "exams")
    return chosen


def _reasons(
    exams: pd.DataFrame,
    sets: pd.Series,
    read: dict[str, pd.Series],
    allowed: dict[str, pd.Series],
    home: pd.Series | None,
) -> pd.Series:
    """Say why an exam is in no set: the first demand that no set (or not the patient's own) finds met."""
    if home is not None:
        own = {name: home == name for name in read}
        outside = home.isna()
    else:
        own = {name: pd.Series(True, exams.index) for name in read}
        outside = pd.Series(False, exams.index)
    any_read = np.logical_or.reduce([own[name] & read[name] for name in read])
    any_allowed = np.logical_or.reduce([own[name] & read[name] & allowed[name] for name in read])
    # A patient with exams in one set can't have others in another one.
    home_of = sets.groupby(exams["patient"]).transform("first")
    same = np.logical_or.reduce([(home_of == name) & read[name] & allowed[name] for name in read])
    elsewhere = home_of.notna() & ~same
    reasons = np.select(
        [sets.notna(), outside, ~any_read, ~any_allowed, elsewhere],
        ["", "not_in_split", "not_read", "protocol", "other_set"],
        "surplus",
    )
    return pd.Series(reasons, exams.index, dtype="str").replace({"": None})
