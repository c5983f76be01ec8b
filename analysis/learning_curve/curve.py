"""The curve: AUC and kappa against the number of training exams, for each start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import StudyError
from analysis.files import read_table
from analysis.grading.scheme import Scheme
from analysis.learning_curve.settings import RANDOM, LearningCurveSettings
from analysis.schemas import REFERENCE
from analysis.schemas.learning_curve import CURVE, MEAN, MEASURES, RUNS
from analysis.statistics.data import Matched, match
from analysis.statistics.grades import rarer, replicated, spread
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty.resample import Floats, Resamples, seed_for, weighted_auc

NAN = float("nan")


class Question(NamedTuple):
    """What is estimated: the AUC of an outcome or the kappa of an item, or with `MEAN` of all of them."""

    measure: str
    of: str


def judged(scheme: Scheme) -> list[str]:
    """Return the outcomes whose AUCs are averaged: the merged grades; where a scheme has none, the grades; else all."""
    by_kind = ([o.id for o in scheme.outcomes if o.kind == kind] for kind in ("group", "grade"))
    return next(filter(None, by_kind), [outcome.id for outcome in scheme.outcomes])


def place(folder: Path, seed: int, exams: object, start: str | None = None) -> Path:
    """Return where the exams drawn stand, or with a start what was trained from it on them."""
    found = folder / f"seed-{seed}" / f"exams-{exams}"
    return found if start is None else found / start


def learning_curve(
    folder: Path, reference: Path, scheme: Scheme, asked: LearningCurveSettings, settings: StatisticsSettings, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate each network, and average over those that differ in their seed alone.

    Limits come from resampled patients of the set: each replicate judges all networks on the same patients and averages
    over the seeds. They tell how far the patients drawn could move the mean; how far networks lie apart, which other training
    exams and another start make, is told by the lowest and the highest.

    Parameters
    ----------
    folder : Path
        With seed-S/exams-N/reference.parquet and seed-S/exams-N/START/predictions/exams.parquet.
    reference : Path
        The whole reference standard.
    scheme : Scheme
    asked : LearningCurveSettings
    settings : StatisticsSettings
    seed : int
        Of the replicates.

    Returns
    -------
    runs, curve : pandas.DataFrame
        Schemas RUNS and CURVE.

    Raises
    ------
    StudyError
        If networks don't score the same exams.
    """
    trained = pd.DataFrame(
        [
            {"start": start, "asked": str(number), "seed": s} | _size(place(folder, s, number))
            for start in asked.starts
            for number in asked.exams
            for s in asked.seeds
        ]
    )
    studies = [
        match(place(folder, row["seed"], row["asked"], row["start"]) / "predictions/exams.parquet", reference, scheme)
        for row in trained.to_dict("records")
    ]
    scored = [set(study.exams["exam"][study.score.notna().any(axis=1)]) for study in studies]
    scored = [exams for exams in scored if exams]  # a network of too few exams to learn from gives no score at all
    if any(exams != scored[0] for exams in scored):
        raise StudyError(
            f"The networks in {folder} don't score the same exams; remove their predictions and run again."
        )
    runs, curve = [], []
    for which in asked.sets:
        questions, limited = _questions(studies[0], which, settings.minimum_cases)
        patients = studies[0].patients(which)
        if not len(patients) or not questions:
            continue
        drawn = Resamples.draw(patients, settings.replicates, settings.level, seed_for(seed, "learning_curve", which))
        found, draws = [], []
        for study in studies:
            statistic = _statistic(study, which, questions)
            found.append(statistic(np.ones((len(patients), 1)))[:, 0])
            draws.append(drawn.draws(statistic))
        named = trained.assign(set=which, n=len(patients))
        runs.append(_runs(named, questions, np.array(found)))
        curve += _means(named, questions, np.array(found), np.array(draws), limited, settings.level)
    told = pd.DataFrame(curve).assign(level=settings.level, replicates=settings.replicates, seed=seed)
    table = pd.concat(runs, ignore_index=True) if runs else pd.DataFrame(columns=list(RUNS.columns))
    return table[list(RUNS.columns)], told.reindex(columns=list(CURVE.columns))


def _size(folder: Path) -> dict[str, int]:
    drawn = read_table(folder / "reference.parquet", REFERENCE)
    drawn = drawn[drawn["set"] == "training"]
    return {"exams": len(drawn), "patients": drawn["patient"].nunique()}


def _questions(study: Matched, which: str, minimum: int) -> tuple[list[Question], npt.NDArray[np.bool_]]:
    """Return what a set can answer, each measure's mean after its parts, and whether it is enough for limits.

    An outcome needs cases and controls, an item two grades. Limits need `minimum` patients with a case and with a control, or
    with another grade than the commonest; the limits of a mean need one part that has them.
    """
    rows, patients = study.rows(which), study.patients(which)
    parts: dict[str, dict[str, bool]] = {measure: {} for measure in MEASURES}
    for name in judged(study.scheme):
        truth = study.truth[name].to_numpy(dtype=float)[rows]
        people = [len(set(patients[truth == label])) for label in (1, 0)]
        if min(people):
            parts["auc"][name] = min(people) >= minimum
    for name in study.scheme.items:
        truth = study.grade[name].to_numpy(dtype=float)[rows]
        known = ~np.isnan(truth)
        if len(set(truth[known])) > 1:
            parts["quadratic_kappa"][name] = rarer(truth[known], patients[known]) >= minimum
    found = {
        Question(measure, name): enough
        for measure, of in parts.items()
        if of
        for name, enough in [*of.items(), (MEAN, any(of.values()))]
    }
    return list(found), np.array(list(found.values()), dtype=bool)


def _statistic(study: Matched, which: str, questions: list[Question]) -> Callable[[Floats], Floats]:
    """Return what works out all questions of a network from the weights of the set's exams, shape (n, b)."""
    rows = study.rows(which)
    columns = {"auc": (study.truth, study.score), "quadratic_kappa": (study.grade, study.predicted)}

    def one(question: Question, weights: Floats) -> Floats:
        truth, given = (frame[question.of].to_numpy(dtype=float)[rows] for frame in columns[question.measure])
        keep = ~np.isnan(truth) & ~np.isnan(given)
        if not keep.any():
            # An outcome that the network could not learn ranks nobody; a grade that it can't give agrees with none.
            return np.full(weights.shape[1], 0.5 if question.measure == "auc" else 0.0)
        if question.measure == "auc":
            return weighted_auc(truth[keep], given[keep], weights[keep])
        levels = len(study.scheme.items[question.of].levels)
        return replicated(truth[keep], given[keep], levels, weights[keep])["quadratic_kappa"]

    def all_of(weights: Floats) -> Floats:
        found: dict[Question, Floats] = {}
        for question in questions:
            if question.of == MEAN:
                parts = [value for other, value in found.items() if other.measure == question.measure]
                found[question] = np.mean(parts, axis=0)
            else:
                found[question] = one(question, weights)
        return np.array([found[question] for question in questions])

    return all_of


def _runs(named: pd.DataFrame, questions: list[Question], found: Floats) -> pd.DataFrame:
    parts = [
        named.assign(measure=question.measure, of=question.of, estimate=found[:, i])
        for i, question in enumerate(questions)
    ]
    return pd.concat(parts, ignore_index=True)[list(RUNS.columns)]


def _means(
    named: pd.DataFrame, questions: list[Question], found: Floats, draws: Floats, limited: npt.NDArray[np.bool_], level: float
) -> list[dict[str, Any]]:  # fmt: skip
    """Average over the seeds, and compare with the random start: rows of CURVE, but for what all rows share."""
    rows = []
    for (start, number), part in named.groupby(["start", "asked"], sort=False):
        here = part.index.to_numpy()
        other = named.index[(named["start"] == RANDOM) & (named["asked"] == number)].to_numpy()
        for i, question in enumerate(questions):
            mean, values = draws[here, i].mean(axis=0), found[here, i]
            row: dict[str, Any] = {
                "set": part["set"].iloc[0], "start": start, "asked": number, "exams": part["exams"].mean(),
                "patients": part["patients"].mean(), "seeds": len(part), **question._asdict(),
                "estimate": values.mean(), "lowest": values.min(), "highest": values.max(), "n": part["n"].iloc[0],
            }  # fmt: skip
            row["low"], row["high"] = spread(mean, level)[0] if limited[i] else (NAN, NAN)
            row |= dict.fromkeys(("difference", "difference_low", "difference_high"), NAN)
            if start != RANDOM:
                gap = mean - draws[other, i].mean(axis=0)
                row["difference"] = values.mean() - found[other, i].mean()
                if limited[i]:
                    row["difference_low"], row["difference_high"] = spread(gap, level)[0]
            rows.append(row)
    return rows
