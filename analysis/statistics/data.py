"""Predictions beside the reference: joined, checked, and what can't be estimated named."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import StudyError
from analysis.grading.scheme import Scheme
from analysis.schemas import SETS
from analysis.schemas.statistics import EVALUATED
from analysis.statistics.brought import read_brought, refuse_flags, refuse_misnamed, refuse_nobody, refuse_other_sets
from analysis.statistics.sample import Sample, make_sample
from analysis.tables import numbers

#: Exams by whose scores scales can be told apart.
_TELL_SCALES = 20


@dataclass(frozen=True)
class Matched:
    """All exams of the reference in the evaluated sets, row for row, in the order of their names.

    Attributes
    ----------
    exams : pandas.DataFrame
        exam, patient, set.
    truth, score : pandas.DataFrame
        One column per outcome of the scheme: label (1, 0, missing); score, missing where there is none.
    grade, predicted : pandas.DataFrame
        One column per item of the scheme: the reference grade; the network's.
    reference : pandas.DataFrame
        The whole reference, other sets included, with all outcomes.
    unmatched : tuple of str
        Exams that have predictions and no reference; they take no part.
    """

    scheme: Scheme
    exams: pd.DataFrame
    truth: pd.DataFrame
    score: pd.DataFrame
    grade: pd.DataFrame
    predicted: pd.DataFrame
    reference: pd.DataFrame
    unmatched: tuple[str, ...] = ()

    @property
    def unscored(self) -> tuple[str, ...]:
        """Exams that lack the score of an outcome that others have a score for, though it has a label; see `make_sample`."""
        scored = self.score.columns[self.score.notna().any()]
        lacking = self.truth[scored].notna() & self.score[scored].isna()
        return tuple(self.exams.loc[lacking.any(axis=1), "exam"])

    @property
    def straddling(self) -> tuple[str, ...]:
        """Exams whose patient has exams in another set, too."""
        sets = self.reference.groupby("patient")["set"].transform("nunique")
        return tuple(self.reference.loc[sets > 1, "exam"])

    def rows(self, which: str) -> npt.NDArray[np.bool_]:
        """Which rows belong to a set."""
        return (self.exams["set"] == which).to_numpy()

    def patients(self, which: str) -> npt.NDArray[np.object_]:
        """Return the patient of each exam of a set."""
        return self.exams["patient"].to_numpy(dtype=object)[self.rows(which)]

    def sample(self, which: str, outcome: str) -> Sample:
        """Return the exams of a set that have a label and a score for an outcome."""
        rows = self.rows(which)
        return make_sample(
            self.truth[outcome].to_numpy(dtype=float)[rows],
            self.score[outcome].to_numpy(dtype=float)[rows],
            self.patients(which),
        )


def match(predictions: str | Path, reference: str | Path, scheme: Scheme) -> Matched:
    """Join predictions and reference by exam.

    Parameters
    ----------
    predictions : path
        CSV or Parquet: exam, patient, optionally set, and a score for outcomes of the scheme (any finite
        number, higher where a case is likelier); optionally the predicted grade of items. Where an
        item's grade is missing it is the level whose outcome scores highest.
    reference : path
        CSV or Parquet: exam, patient, optionally set; items, findings and outcomes of the scheme. An outcome
        without a column follows from its item. Without `set` in either file all exams are the test set.
    scheme : Scheme

    Raises
    ------
    StudyError
        If the files don't fit together: no exam in common, an exam twice, two patients or sets for an exam, labels other
        than 0 and 1, than its grade says, or that no grade has together, words where numbers belong, no outcome of the
        scheme, grades of another one, or a column whose name is misspelled.
    """
    if Path(predictions).resolve() == Path(reference).resolve():
        raise StudyError(f"{predictions} is given both as the predictions and as the reference; give two tables.")
    scores, labels = _read(predictions), _read(reference)
    names, items = [outcome.id for outcome in scheme.outcomes], list(scheme.items)
    refuse_misnamed(scores, ("exam", "patient", "set", *items, *scheme.findings, *names), predictions)
    # Where the reference has grades, its outcomes follow from them; kl2 is a second reader's then.
    labelled = () if set(items) & set(labels.columns) else names
    refuse_misnamed(labels, ("exam", "patient", "set", *items, *scheme.findings, *labelled), reference)
    if not set(names) & set(scores.columns):
        raise StudyError(f"{predictions} has no column named like an outcome of '{scheme.name}' (e.g. '{names[0]}').")
    _own(scheme, scores, predictions)
    if not {*names, *items, *scheme.findings} & set(labels.columns):
        raise StudyError(
            f"{reference} has no column named like an item or outcome of '{scheme.name}' (e.g. '{[*items, *names][0]}')."
        )
    for table, path in ((scores, predictions), (labels, reference)):
        for item in set(items) & set(table.columns):
            refuse_flags(table[item], scheme.highest[item], path)
    if not set(scores["exam"]) & set(labels["exam"]):
        raise StudyError(
            f"{predictions} and {reference} have no exam in common (the first are '{scores['exam'].iloc[0]}' and "
            f"'{labels['exam'].iloc[0]}'); are they of the same study?"
        )

    def predicted_of(columns: list[str]) -> pd.DataFrame:
        found = numbers(scores, columns, predictions).set_axis(scores["exam"])
        return found.reindex(labels["exam"]).reset_index(drop=True)

    exams = _identify(labels, scores, predictions, reference)
    graded = numbers(labels, [*items, *scheme.findings], reference).reset_index(drop=True)
    derived = scheme.derive(graded)
    given = numbers(labels, names, reference).reset_index(drop=True)
    truth = given.where(given.notna(), derived)[names]
    score = predicted_of(names)
    predicted = predicted_of(items)
    _on_one_scale(scheme, score, predicted, predictions)
    predicted = _grades(scheme, score, predicted)
    _known(truth, dict.fromkeys(names, (0, 1)), exams, reference)
    levels = {name: tuple(item.levels) for name, item in scheme.items.items()}
    _known(graded, levels, exams, reference)
    _known(predicted, levels, exams, predictions)
    _agreeing(scheme, given, derived, exams["exam"], reference)
    _of_one_grade(scheme, given, exams["exam"], reference)

    kept = exams["exam"][exams["set"].isin(EVALUATED)]
    if kept.empty:
        raise StudyError(f"{reference} has no exam in the set 'validation' or 'test'; name the sets so.")
    # By name, since pROC's bootstraps draw rows: the order in which a table happens to be saved is no result.
    rows = kept.sort_values().index
    exams_, truth_, score_, grade_, predicted_ = (
        frame.loc[rows].reset_index(drop=True) for frame in (exams, truth, score, graded[list(levels)], predicted)
    )
    whole = pd.concat([exams, graded.drop(columns=names, errors="ignore"), truth], axis=1)
    unmatched = tuple(scores.loc[~scores["exam"].isin(labels["exam"]), "exam"])
    return Matched(scheme, exams_, truth_, score_, grade_, predicted_, whole, unmatched)


def _identify(
    labels: pd.DataFrame, scores: pd.DataFrame, predictions: str | Path, reference: str | Path
) -> pd.DataFrame:
    """Return exam, patient and set of every labelled exam, from whichever file says so; both must agree."""
    exams = labels[["exam"]].reset_index(drop=True)
    both = scores.set_index("exam").reindex(exams["exam"]).reset_index(drop=True)
    for column in ("patient", "set"):
        mine, other = (
            frame[column].reset_index(drop=True).fillna("") if column in frame else pd.Series("", exams.index)
            for frame in (labels, both)
        )
        conflict = (mine != "") & (other != "") & (mine != other)
        if conflict.any():
            exam = _first(exams["exam"], conflict)
            raise StudyError(f"Exam {exam} has another {column} in {predictions} than in {reference}; correct one.")
        exams[column] = mine.where(mine != "", other).astype(object)
    if "set" not in labels and "set" not in scores:
        for frame, path in ((labels, reference), (scores, predictions)):
            refuse_other_sets(frame, path)
        exams["set"] = "test"
    if (exams["patient"] == "").any():
        raise StudyError(
            f"Exam {_first(exams['exam'], exams['patient'] == '')} has no patient, neither in {predictions} "
            f"nor in {reference}; intervals need it (repeat the exam's name where every exam is a patient)."
        )
    refuse_nobody(exams["patient"], reference if "patient" in labels else predictions)
    unknown = ~exams["set"].isin(SETS)
    if unknown.any():
        name = _first(exams["set"], unknown)
        near = difflib.get_close_matches(name.lower(), SETS, n=1, cutoff=0.3)
        hint = f"; did you mean '{near[0]}'?" if name and near else "; correct it."
        said = f"the set '{name}', which is none of" if name else "no set; it must be one of"
        raise StudyError(f"Exam {_first(exams['exam'], unknown)} has {said} {', '.join(SETS)}{hint}")
    return exams


def _known(frame: pd.DataFrame, allowed: dict[str, tuple[int, ...]], exams: pd.DataFrame, path: str | Path) -> None:
    """Refuse labels and grades that the scheme doesn't have."""
    for name, values in allowed.items():
        wrong = frame[name].notna() & ~frame[name].isin(values)
        if wrong.any():
            raise StudyError(
                f"{path}: exam {_first(exams['exam'], wrong)} has {_first(frame[name], wrong):g} for '{name}'; "
                f"it must be one of {', '.join(map(str, values))}, or missing."
            )


def _own(scheme: Scheme, scores: pd.DataFrame, path: str | Path) -> None:
    """Refuse the scores of another grading, of which some outcomes, such as disease, have the names of this one's."""
    own = [outcome.id for outcome in scheme.outcomes if outcome.item]
    others = [name for name in scores.columns if re.fullmatch(r".+_\d+", name)]
    if own and others and not {*own, *scheme.items} & set(scores.columns):
        raise StudyError(
            f"{path} scores no grade of '{scheme.name}' (e.g. '{own[0]}'), but has '{others[0]}': it seems to be of another "
            "grading; name that one, or remove such columns."
        )


def _on_one_scale(scheme: Scheme, score: pd.DataFrame, given: pd.DataFrame, path: str | Path) -> None:
    """Refuse levels of an item of which some are scored in percent, say: the highest score says the grade."""
    for item in scheme.items:
        levels = score[[o.id for o in scheme.outcomes if o.kind == "grade" and o.item == item]]
        levels = levels[given[item].isna()].dropna()
        # ASSUME: of scores that are no probabilities, such as logits, not one level's all lie from 0 to 1 in so many exams.
        within = ((levels >= 0) & (levels <= 1 + 1e-6)).all()
        if len(levels) >= _TELL_SCALES and within.nunique() > 1:
            raise StudyError(
                f"{path}: the scores of '{within.idxmin()}' go beyond 0 to 1 and those of '{within.idxmax()}' don't, and the "
                f"highest one says the grade of '{item}'; write all on one scale, or the predicted grade into a column '{item}'."
            )


def _agreeing(scheme: Scheme, given: pd.DataFrame, derived: pd.DataFrame, exams: pd.Series, path: str | Path) -> None:
    """Refuse a label of a grade, of merged ones or of disease that contradicts the grades."""
    for outcome in scheme.outcomes:
        name = outcome.id
        if name in scheme.findings:
            continue
        if (wrong := (given[name] - derived[name]).abs() > 0).any():  # where either is missing nothing is
            grades = f"'{outcome.item}'" if outcome.item else "grades"
            raise StudyError(
                f"{path}: exam {_first(exams, wrong)} has {_first(given[name], wrong):g} for '{name}', which its {grades} "
                f"contradict{'s' * bool(outcome.item)}; correct one, or leave one out."
            )


def _of_one_grade(scheme: Scheme, given: pd.DataFrame, exams: pd.Series, path: str | Path) -> None:
    """Refuse labels that no grade has together, such as those of two grades: without a grade nothing else tells."""
    for item, of in scheme.items.items():
        would = scheme.derive(pd.DataFrame({item: list(of.levels)}, dtype=float))[given.columns].dropna(axis=1)
        labels = given[would.columns]
        # Where no label is 1 the item may not apply, as to a knee that was replaced.
        wrong = (labels == 1).any(axis=1)
        for level in would.index:
            wrong &= ((labels - would.loc[level]).abs() > 0).any(axis=1)
        if wrong.any():
            ones = [f"'{name}'" for name, label in labels[wrong].iloc[0].items() if label == 1]
            raise StudyError(
                f"{path}: exam {_first(exams, wrong)} has 1 for {' and '.join(ones)}, but no grade of '{item}' has its labels "
                "together; correct one."
            )


def _first(values: pd.Series, where: pd.Series) -> Any:
    return values[where].iloc[0]


def _grades(scheme: Scheme, score: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Return the predicted grade of each item, by the highest score of its levels where it isn't given."""
    for item in scheme.items:
        levels = [o for o in scheme.outcomes if o.kind == "grade" and o.item == item]
        scores = score[[o.id for o in levels]].to_numpy(dtype=float)
        known = ~np.isnan(scores).any(axis=1)
        best = np.full(len(score), np.nan)
        # ASSUME: of levels with the same score the lowest; a tie is rare with scores of a network.
        best[known] = np.array([o.levels[0] for o in levels], dtype=float)[scores[known].argmax(axis=1)]
        given[item] = given[item].where(given[item].notna(), best)
    return given


def _read(path: str | Path) -> pd.DataFrame:
    frame = read_brought(path, ("exam",))
    if not len(frame):
        raise StudyError(f"{path} has no row but its header; it needs a row for each exam.")
    if "set" in frame:
        frame["set"] = frame["set"].str.lower()
    nameless = frame["exam"] == ""
    if nameless.any():
        raise StudyError(f"{path}, line {frame.index[nameless][0]}: there is no exam; name it.")
    twice = frame["exam"].duplicated()
    if twice.any():
        line = frame.index[twice][0]
        raise StudyError(f"{path} has exam {frame.loc[line, 'exam']} twice (again in line {line}); keep one.")
    return frame
