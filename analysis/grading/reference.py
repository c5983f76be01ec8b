"""The reference standard: one grade for each exam and item, made of readings by a stated policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import StudyError
from analysis.files import write_table
from analysis.grading.scheme import Scheme
from analysis.grading.settings import ReferenceSettings, SetPolicy
from analysis.schemas import CONFLICTS, READERS, REFERENCE, SETS, UNGRADED

_CELL = ["exam", "item"]
_FILES = {
    "reference": ("parquet", REFERENCE),
    "readers": ("parquet", READERS),
    "conflicts": ("csv", CONFLICTS),
    "ungraded": ("csv", UNGRADED),
}


@dataclass(frozen=True)
class Standard:
    """The reference standard and how it came about.

    Attributes
    ----------
    reference : pandas.DataFrame
        A row for each graded exam: exam, patient, set, then a column for each item, finding and sum
        (the grade, missing where not read) and each outcome (1.0, 0.0 or missing).
    conflicts : pandas.DataFrame
        Where a second opinion decided: exam, patient, set, item, why ("conflict", or "revisit" where a
        flagged reading was changed), readings ("A=2; B=3"), by (role), decided.
    readers : pandas.DataFrame
        Independent readings before consensus, long, of the sets with two or more an exam.
    ungraded : pandas.DataFrame
        What has no grade: exams without a row, and (exam empty) how many exams of a set lack which item.
    """

    reference: pd.DataFrame
    conflicts: pd.DataFrame
    readers: pd.DataFrame
    ungraded: pd.DataFrame

    def write(self, folder: Path) -> None:
        """Write each table into `folder` under its attribute's name."""
        for name, (suffix, schema) in _FILES.items():
            write_table(getattr(self, name), folder / f"{name}.{suffix}", schema)


def make_reference(
    exams: pd.DataFrame, readings: pd.DataFrame, scheme: Scheme, settings: ReferenceSettings
) -> Standard:
    """Make the reference standard of the readings, set by set.

    Parameters
    ----------
    exams : pandas.DataFrame
        The selection (schema EXAMS); excluded exams have no part in this.
    readings : pandas.DataFrame
        All readings of the archive (schema READINGS).
    scheme : Scheme
        What to take from them.
    settings : ReferenceSettings
        The policy of each set.

    Raises
    ------
    StudyError
        If an item of the scheme was never read; or, naming exam and item, if a reader read twice, a
        grade is unknown, a reading is missing or one too many, or a decision that the policy asks
        for is missing.
    """
    used = exams.loc[exams["set"] != "excluded", ["exam", "patient", "set"]]
    # All exams may be in one set, each read as another would ask.
    how = exams["read_as"].reindex(used.index) if "read_as" in exams else used["set"]
    how = pd.Series(how.to_numpy(), used["exam"])
    used = used.assign(set=pd.Categorical(used["set"], SETS)).sort_values(["set", "exam"]).astype({"set": str})
    given = readings.merge(used, on="exam").sort_values([*_CELL, "role", "reader"], kind="stable")
    flagged = given[given["revisit"]]
    _all_read(set(given["item"]), scheme)
    given = given[given["item"].isin(scheme.highest)]
    _check(given, scheme)

    decided: list[pd.DataFrame] = []
    readers: list[pd.DataFrame] = []
    for name in SETS:
        policy = settings.sets[name]
        part = given[given["exam"].map(how) == name]
        if part.empty:
            continue
        independent = part[part["role"] == policy.role]
        _count(independent, part, policy)
        decided.append(_decide(part, independent, flagged, policy))
        if policy.readings > 1:
            readers.append(independent)

    cells = pd.concat(decided)
    grades = cells.pivot(index="exam", columns="item", values="value").reindex(columns=list(scheme.highest))
    grades = grades.astype(float).rename_axis(columns=None)
    outcomes = scheme.derive(grades).drop(columns=list(scheme.findings))
    table = pd.concat([grades, scheme.add_up(grades), outcomes], axis=1)
    reference = used.merge(table, left_on="exam", right_index=True).reset_index(drop=True)
    long = pd.concat([*readers, given.iloc[:0]])
    return Standard(
        reference=reference,
        conflicts=_second_opinions(cells, used),
        readers=long[["exam", "patient", "set", "reader", "role", "item", "value"]].reset_index(drop=True),
        ungraded=_ungraded(used, given, grades),
    )


def _all_read(items: set[str], scheme: Scheme) -> None:
    """Refuse an item of the scheme that isn't among those that were read."""
    for name in scheme.items:
        if name not in items:
            raise StudyError(
                f"{scheme.where('items', name)}: no selected exam has a reading of the item '{name}', only of "
                f"{', '.join(sorted(items)) or 'nothing'}; add its readings to readings.csv, choose a grading that was read, or "
                "take it out of the scheme."
            )


def _check(given: pd.DataFrame, scheme: Scheme) -> None:
    """Refuse what no policy could use: unknown grades, double entries."""
    highest = given["item"].map(scheme.highest)
    _refuse(
        given.assign(highest=highest)[given["value"] > highest],
        lambda row: f"{row.reader} gave {row.value}, but its highest level is {row.highest}; correct that reading",
    )
    _refuse(
        given[given.duplicated([*_CELL, "reader", "role"])],
        lambda row: f"{row.reader} read it twice as {row.role}; remove one of the readings",
    )
    # A consensus is one grade, whoever enters it.
    _refuse(
        given[(given["role"] == "consensus") & given.duplicated([*_CELL, "role"])],
        lambda row: "there are two consensus grades; remove one",
    )


def _count(independent: pd.DataFrame, part: pd.DataFrame, policy: SetPolicy) -> None:
    """Refuse an exam's item with fewer or more independent readings than the policy says."""
    number = independent.groupby(_CELL)["value"].transform("size")
    _refuse(
        independent.assign(number=number)[number != policy.readings],
        lambda row: (
            f"it has {row.number} of the {policy.readings} independent readings (role {policy.role}) that the policy"
            f" asks for; {'add the missing' if row.number < policy.readings else 'remove the surplus'} one"
        ),
    )
    agreed = part[part["role"] == "consensus"].merge(independent[_CELL].drop_duplicates(), how="left", indicator=True)
    _refuse(
        agreed[agreed["_merge"] == "left_only"],
        lambda row: f"it has a consensus grade but no reading (role {policy.role}) before it; add the readings",
    )


def _decide(part: pd.DataFrame, independent: pd.DataFrame, flagged: pd.DataFrame, policy: SetPolicy) -> pd.DataFrame:
    """Give every exam's item of one set its grade: columns exam, item, set, value, why, readings, by."""
    cells = independent.groupby(_CELL).agg(set=("set", "first"), value=("value", "min"), largest=("value", "max"))
    cells = cells.assign(why="", by="")
    conflict = cells["value"] < cells["largest"]
    asked = flagged.loc[flagged["role"] == policy.role, "exam"].unique()
    # Only where someone else may decide is it worth the time to write down who read what.
    doubtful = independent.set_index(_CELL)
    others = part[part["role"] == policy.conflicts].set_index(_CELL).index
    doubtful = doubtful[
        doubtful.index.isin(cells.index[conflict].union(others)) | doubtful.index.isin(asked, level="exam")
    ]
    labels = (doubtful["reader"] + "=" + doubtful["value"].astype(str)).sort_values().groupby(_CELL).agg("; ".join)
    cells["readings"] = labels.reindex(cells.index)
    if policy.conflicts == "error":
        _refuse(cells[conflict], lambda row: f"the readers differ ({row.readings}), and the policy lets nobody decide")
    else:
        final = _deciders(part, policy.conflicts).reindex(cells.index)
        _refuse(
            cells[conflict & final.isna()],
            lambda row: f"the readers differ ({row.readings}) and there is no {policy.conflicts} grade; add it",
        )
        if policy.conflicts == "consensus":
            _refuse(
                cells[~conflict & final.notna() & (final != cells["value"])],
                lambda row: f"the readers agree ({row.readings}) but the consensus says otherwise; correct one of them",
            )
        cells.loc[conflict, "value"] = final[conflict].astype(int)
        cells.loc[conflict, ["why", "by"]] = ["conflict", policy.conflicts]
    if policy.revisit == "senior":
        senior = _deciders(part[part["exam"].isin(asked)], "senior")
        own = independent[independent["revisit"]].set_index(_CELL).index
        _refuse(
            cells[cells.index.isin(own) & ~cells.index.isin(senior.index)],
            lambda row: "it is flagged for another look, but no senior has read it; add that reading",
        )
        # What only the senior read (a student may flag an exam and leave it at that) counts too.
        changed = senior[senior != cells["value"].reindex(senior.index)].index
        cells = cells.reindex(cells.index.union(senior.index))
        cells.loc[senior.index, "value"] = senior
        cells.loc[changed, ["why", "by"]] = ["revisit", "senior"]
    return cells.reset_index().assign(value=lambda c: c["value"].astype(int))


def _deciders(part: pd.DataFrame, role: str) -> pd.Series:
    rows = part[part["role"] == role]
    _refuse(rows[rows.duplicated(_CELL)], lambda row: f"two {role} grades would decide it; remove one")
    return rows.set_index(_CELL)["value"]


def _refuse(rows: pd.DataFrame, what: Callable[[Any], str]) -> None:
    """Stop at the first of the rows, if there are any, naming its exam and item."""
    for row in rows.reset_index().itertuples():
        place = f"Exam {row.exam} ({row.set} set; private/index.parquet has its accession number), item '{row.item}'"
        raise StudyError(f"{place}: {what(row)}.")


def _second_opinions(cells: pd.DataFrame, used: pd.DataFrame) -> pd.DataFrame:
    columns = ["exam", "patient", "set", "item", "why", "readings", "by", "value"]
    rows = used.merge(cells[cells["by"].fillna("") != ""].drop(columns="set"), on="exam")
    return rows[columns].rename(columns={"value": "decided"})


def _ungraded(used: pd.DataFrame, given: pd.DataFrame, grades: pd.DataFrame) -> pd.DataFrame:
    """List exams without any grade, and how many exams of a set lack which item."""
    graded = used["exam"].isin(grades.index)
    without = used[~graded].assign(item="", exams=1)
    read = without["exam"].isin(given["exam"].unique())
    without["reason"] = read.map({True: "read only in a role that the policy doesn't count", False: "not read"})
    rows: list[dict[str, object]] = []
    for name, part in used[graded].groupby("set", sort=False):
        for item, count in grades.loc[part["exam"]].isna().sum().items():
            if count:
                reason = f"{count} of {len(part)} exams not read"
                rows.append({"exam": "", "patient": "", "set": name, "item": item, "exams": count, "reason": reason})
    return pd.DataFrame([*without.to_dict("records"), *rows], columns=without.columns)
