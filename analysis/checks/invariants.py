"""Invariants that the results must satisfy before a manuscript is written.

Each check recomputes a number from the tables of earlier stages, by other code than
the stage used, and compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from analysis.errors import StudyError
from analysis.files import read_table
from analysis.grading.scheme import Scheme
from analysis.schemas import EXAMS, FLOW, PREDICTIONS, REFERENCE, SETS
from analysis.schemas.checks import CHECKS
from analysis.schemas.statistics import ESTIMATES

PREDICTED = ("validation", "test")
TOLERANCE = 1e-9


class Check(NamedTuple):
    """One thing that must hold: its name, the file that would break it, what was seen, what is wrong if anything."""

    check: str
    file: Path
    detail: str
    broken: str = ""


@dataclass(frozen=True)
class Tables:
    """The results to check, with the paths they were read from (for errors)."""

    scheme: Scheme
    exams_file: Path
    flow_file: Path
    reference_file: Path
    predictions_file: Path
    statistics: Path
    exams: pd.DataFrame
    flow: pd.DataFrame
    reference: pd.DataFrame
    predictions: pd.DataFrame

    def estimates(self, name: str) -> tuple[Path, pd.DataFrame]:
        """Read one table of the statistics."""
        return self.statistics / name, read_table(self.statistics / name, ESTIMATES[name])

    def pairs(self, which: str, truth: str, predicted: str) -> pd.DataFrame:
        """Return reference and prediction of the exams of a set that have both: columns truth, predicted."""
        rows = self.reference.loc[self.reference["set"] == which, ["exam", truth]].rename(columns={truth: "truth"})
        scores = self.predictions[["exam", predicted]].rename(columns={predicted: "predicted"})
        return rows.merge(scores, on="exam").dropna()


def read_results(
    scheme: Scheme, *, exams: Path, flow: Path, reference: Path, predictions: Path, statistics: Path
) -> Tables:
    """Read what is to be checked.

    Raises
    ------
    StudyError
        If a file is missing or not what its stage promises.
    """
    schemas = {exams: EXAMS, flow: FLOW, reference: REFERENCE, predictions: PREDICTIONS}
    files = (exams, flow, reference, predictions)
    tables = [read_table(file, schemas.get(file)) for file in files]
    scheme.refuse_other(tables[2].columns, reference)
    scheme.refuse_other(tables[3].columns, predictions)
    return Tables(scheme, *files, statistics, *tables)


def check_results(tables: Tables) -> pd.DataFrame:
    """Check everything, in the order in which the results came about.

    Returns
    -------
    pandas.DataFrame
        check, holds (always true), file (with its folder), detail.

    Raises
    ------
    StudyError
        At the first thing that doesn't hold; names it and the file.
    """
    rows = []
    for part in (_patients, _selection, _reference, _predictions, _discrimination, _thresholds, _confusion):
        for found in part(tables):
            if found.broken:
                raise StudyError(
                    f"{found.file}: it does not hold that {found.check}: {found.broken}. "
                    "Nothing is written about such results; find the stage that made this file and rerun it."
                )
            rows.append(
                {
                    "check": found.check,
                    "holds": True,
                    "file": f"{found.file.parent.name}/{found.file.name}",
                    "detail": found.detail,
                }
            )
    return pd.DataFrame(rows, columns=list(CHECKS.columns))


def _patients(t: Tables) -> Iterator[Check]:
    for file, frame in ((t.exams_file, t.exams), (t.reference_file, t.reference), (t.predictions_file, t.predictions)):
        used = frame[frame["set"] != "excluded"]
        sets = used.groupby("patient")["set"].nunique()
        broken = f"patient {sets.idxmax()} is in {sets.max()} sets" if len(sets) and sets.max() > 1 else ""
        yield Check("no patient is in two sets", file, f"{len(sets)} patients", broken)


def _selection(t: Tables) -> Iterator[Check]:
    flow = t.flow.fillna({"code": "", "set": ""})
    found = int(flow.loc[flow["step"] == "found", "knees"].sum())
    excluded = flow[flow["step"] == "excluded"].groupby("code")["knees"].sum()
    sets = flow[flow["step"] == "set"].groupby("set")["knees"].sum()
    total = int(excluded.sum() + sets.sum())
    detail = f"{found} found = {int(sets.sum())} used + {int(excluded.sum())} excluded"
    yield Check(
        "found = used + excluded", t.flow_file, detail, f"{found} found, {total} accounted for" * (found != total)
    )
    yield Check("the flow has every exam", t.flow_file, f"{len(t.exams)} exams",
                f"it has {found} exams, {t.exams_file.name} {len(t.exams)}" * (found != len(t.exams)))  # fmt: skip
    reasons = t.exams.loc[t.exams["set"] == "excluded", "reason"].value_counts()
    yield _same_counts("the flow's reasons are the exams'", t.flow_file, excluded, reasons)
    yield _same_counts("the flow's sets are the exams'", t.flow_file, sets,
                       t.exams.loc[t.exams["set"] != "excluded", "set"].value_counts())  # fmt: skip


def _same_counts(check: str, file: Path, told: pd.Series, counted: pd.Series) -> Check:
    names = sorted(set(told.index) | set(counted.index))
    differing = [name for name in names if told.get(name, 0) != counted.get(name, 0)]
    broken = (
        f"'{differing[0]}' has {told.get(differing[0], 0)}, not {counted.get(differing[0], 0)}" if differing else ""
    )
    return Check(check, file, ", ".join(f"{name} {counted.get(name, 0)}" for name in names), broken)


def _reference(t: Tables) -> Iterator[Check]:
    selected = t.exams[t.exams["set"] != "excluded"]
    known = t.reference.merge(selected[["exam", "patient", "set"]], how="left", indicator=True)
    strange = known.loc[known["_merge"] != "both", "exam"]
    yield Check(
        "every graded exam is a selected one, with its patient and set",
        t.reference_file,
        f"{len(t.reference)} of {len(selected)} selected exams are graded",
        f"exam {strange.iloc[0]} is not" if len(strange) else "",
    )
    for name, highest in t.scheme.highest.items():
        wrong = t.reference[~(t.reference[name].isna() | t.reference[name].isin(range(highest + 1)))]
        if len(wrong):
            yield Check("grades are levels of their item", t.reference_file, "",
                        f"exam {wrong['exam'].iloc[0]} has {wrong[name].iloc[0]:g} for '{name}'")  # fmt: skip
    yield Check("grades are levels of their item", t.reference_file, f"{len(t.scheme.highest)} items and findings")
    derived = t.scheme.derive(t.reference)
    differing = [name for name in derived if not derived[name].equals(t.reference[name].astype(float))]
    yield Check("outcomes follow from the grades", t.reference_file, f"{derived.shape[1]} outcomes",
                f"'{differing[0]}' does not" if differing else "")  # fmt: skip


def _predictions(t: Tables) -> Iterator[Check]:
    due = t.reference.loc[t.reference["set"].isin(PREDICTED), ["exam", "patient", "set"]]
    both = due.merge(t.predictions[["exam", "patient", "set"]], how="outer", indicator=True)
    odd = both[both["_merge"] != "both"]
    broken = ""
    if len(odd):
        lacks = "is not predicted" if odd["_merge"].iloc[0] == "left_only" else "is predicted but not due"
        broken = f"exam {odd['exam'].iloc[0]} ({odd['set'].iloc[0]} set) {lacks}"
    yield Check("every validation and test exam is predicted once", t.predictions_file, f"{len(due)} exams", broken)
    outcomes = [outcome.id for outcome in t.scheme.outcomes if outcome.id in t.predictions]
    scores = t.predictions[outcomes].to_numpy(dtype=float)
    outside = np.argwhere((scores < 0) | (scores > 1))
    broken = ""
    if len(outside):
        row, column = outside[0]
        broken = f"exam {t.predictions['exam'].iloc[row]} has {scores[row, column]:g} for '{outcomes[column]}'"
    yield Check("scores are in 0 to 1", t.predictions_file, f"{scores.size} scores", broken)
    taught = t.reference[t.reference["set"] == "training"]
    elsewhere = taught.empty  # what a network was taught there shows in its scores alone: for all exams, or none
    for which in PREDICTED:
        graded = t.reference[t.reference["set"] == which]
        for name in t.scheme.outcomes:
            # An outcome with both cases and controls must have its scores, unless training lacked one
            # of the two, so that it was never learnt; others may have none.
            pairs = len(t.pairs(which, name.id, name.id)) if name.id in t.predictions else 0
            learnt = pairs > 0 if elsewhere else taught[name.id].nunique() == 2
            if graded[name.id].nunique() == 2 and learnt and pairs != graded[name.id].notna().sum():
                yield Check("every label has a score", t.predictions_file, "", f"'{name.id}' lacks some ({which} set)")
    yield Check("every label has a score", t.predictions_file, f"{len(t.scheme.outcomes)} outcomes")
    for item, what in t.scheme.items.items():
        wrong = t.predictions[item].notna() & ~t.predictions[item].isin(list(what.levels))
        yield Check(f"predicted grades of '{item}' are its levels", t.predictions_file, f"{len(wrong)} grades",
                    f"exam {t.predictions['exam'][wrong].iloc[0]} has another" if wrong.any() else "")  # fmt: skip


def _discrimination(t: Tables) -> Iterator[Check]:
    file, table = t.estimates("roc.csv")
    rows = {(row["set"], row["outcome"]): row for row in table.to_dict("records")}
    missing = [o.id for o in t.scheme.outcomes if ("test", o.id) not in rows]
    yield Check("every outcome has a row", file, f"{len(rows)} rows", f"'{missing[0]}' has none" if missing else "")
    farthest = 0.0
    for (which, outcome), row in rows.items():
        if outcome not in t.predictions:
            pairs = pd.DataFrame({"truth": [], "predicted": []})
        else:
            pairs = t.pairs(which, outcome, outcome)
        cases, controls = int((pairs["truth"] == 1).sum()), int((pairs["truth"] == 0).sum())
        place = f"'{outcome}' ({which} set)"
        if (row["cases"], row["controls"]) != (cases, controls):
            told = f"{row['cases']} and {row['controls']}"
            yield Check("cases and controls are those of the reference", file, "",
                        f"{place} has {told}, not {cases} and {controls}")  # fmt: skip
        if pd.isna(row["auc"]):
            if pd.isna(row["reason"]):
                yield Check("an AUC that isn't there has a reason", file, "", f"{place} has none")
            continue
        if min(cases, controls):
            gap = abs(row["auc"] - roc_auc_score(pairs["truth"], pairs["predicted"]))
            farthest = max(farthest, gap)
            if gap > TOLERANCE:
                yield Check("the AUC is the rank statistic", file, "", f"{place} differs by {gap:.2g}")
    number = f"{len(rows)} rows"
    yield Check("cases and controls are those of the reference", file, number)
    yield Check("an AUC that isn't there has a reason", file, number)
    yield Check("the AUC is the rank statistic", file, f"farthest apart: {farthest:.1g}")


def _thresholds(t: Tables) -> Iterator[Check]:
    file, table = t.estimates("thresholds.csv")
    # A row without estimates says why; there is nothing in it to recompute.
    known = table[table["threshold"].notna() & (table["sensitivity"].notna() | table["reason"].isna())]
    for row in known.to_dict("records"):
        pairs = t.pairs("test", row["outcome"], row["outcome"])
        positive = pairs["predicted"] >= row["threshold"]
        for name, truth, right in (("sensitivity", 1, positive), ("specificity", 0, ~positive)):
            share = right[pairs["truth"] == truth].mean()
            if not _equal(row[name], share):
                yield Check("sensitivity and specificity follow from the threshold", file, "",
                            f"the {name} of '{row['outcome']}' is {row[name]}, not {share:g}")  # fmt: skip
    yield Check("sensitivity and specificity follow from the threshold", file, f"{len(known)} thresholds")


def _confusion(t: Tables) -> Iterator[Check]:
    file, table = t.estimates("confusion.csv")
    for key, cells in table.groupby(["set", "item"]):
        which, item = (str(part) for part in key)
        pairs = t.pairs(which, item, item)
        if cells["n"].sum() != len(pairs):
            yield Check("confusion matrices hold every exam", file, "",
                        f"'{item}' ({which} set) sums to {cells['n'].sum()}, not {len(pairs)}")  # fmt: skip
        told = cells.groupby("truth")["n"].sum()
        yield _same_counts(f"rows of the confusion matrix of '{item}' ({which} set) are the reference's counts", file,
                           told, pairs["truth"].astype(int).value_counts())  # fmt: skip
    yield Check("confusion matrices hold every exam", file, f"{table.groupby(['set', 'item']).ngroups} matrices")


def _equal(told: Any, counted: float) -> bool:
    return (pd.isna(told) and pd.isna(counted)) or abs(told - counted) <= TOLERANCE


assert set(PREDICTED) < set(SETS)
