"""Two scores, calls or gradings of the same exams, compared."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from analysis.statistics.grades import measures, replicated
from analysis.statistics.sample import Sample, make_sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.effective import Floats, Names
from analysis.statistics.uncertainty.intervals import compare, correlation_of, estimate, p_value
from analysis.statistics.uncertainty.proportions import Flags, paired
from analysis.statistics.uncertainty.resample import Resamples, percentile

NAN = float("nan")
#: What the tests of `analysis.statistics.uncertainty.intervals` are called in the tables.
TEST = "score"
#: How grades are compared.
GRADED = ("accuracy", "quadratic_kappa")


def compare_paired(
    reference: Floats,
    first: Floats,
    second: Floats,
    settings: StatisticsSettings,
    *,
    patients: Names | None = None,
) -> dict[str, Any]:
    """Compare the AUCs of two scores for the same exams.

    DeLong's paired test by pROC with many cases and one exam a patient; otherwise the difference that follows from the
    intervals of the two AUCs (`analysis.statistics.uncertainty.intervals`), which holds its level there.

    Parameters
    ----------
    reference : array of float, shape (n,)
        1 for a case, 0 for a control, NaN where not known.
    first, second : array of float, shape (n,)
        Scores; exams where either is missing are left out.
    settings : StatisticsSettings
        For the level and the limits below which DeLong's test, or any, is not used.
    patients : array of str, shape (n,), optional
        The patient of each exam; without it every exam counts as a patient.

    Returns
    -------
    dict
        n, cases, first_value and second_value (the AUCs), difference (first minus second), low, high, p, method
        ("delong" or "score"), level, reason (why something is missing, or None).
    """
    if patients is None:
        patients = np.arange(len(reference)).astype(object)
    keep = ~(np.isnan(reference) | np.isnan(first) | np.isnan(second))
    pair = [make_sample(reference[keep], score[keep], patients[keep]) for score in (first, second)]
    row = _row(pair[0], settings.level)
    if pair[0].problem or pair[1].problem:
        return row | {"reason": pair[0].problem or pair[1].problem}
    row["first_value"], row["second_value"] = (roc.auc(sample.truth, sample.score) for sample in pair)
    row["difference"] = row["first_value"] - row["second_value"]
    if pair[0].fewest < settings.minimum_cases:
        return row | {"reason": too_few(settings.minimum_cases)}
    if any(np.ptp(sample.score) == 0 for sample in pair):
        return row | {"reason": "all scores are equal: nothing to compare"}
    perfect = any(row[f"{which}_value"] in (0.0, 1.0) for which in ("first", "second"))
    if pair[0].clustered or perfect or min(pair[0].cases, pair[0].controls) < settings.few_cases:
        _, low, high, p = compare_samples(pair[0], pair[1], settings.level)
        return row | {"low": low, "high": high, "p": p, "method": TEST}
    _, low, high, p = roc.paired(pair[0].truth, pair[0].score, pair[1].score, settings.level)
    if not np.isfinite(p):
        return row | {"reason": "the difference has no variance"}
    return row | {"low": low, "high": high, "p": p, "method": "delong"}


def compare_calls(
    reference: Floats,
    first: Floats,
    second: Floats,
    settings: StatisticsSettings,
    *,
    patients: Names,
) -> dict[str, Any]:
    """Compare the balanced accuracies of two yes-or-no calls on the same exams.

    Half the difference in sensitivity plus half that in specificity, each with the interval for paired proportions
    (`analysis.statistics.uncertainty.proportions.paired`), put together as independent, which cases and controls are.

    Returns
    -------
    dict
        As `compare_paired`.
    """
    keep = ~(np.isnan(reference) | np.isnan(first) | np.isnan(second))
    sample = make_sample(reference[keep], first[keep], patients[keep])
    row = _row(sample, settings.level)
    if sample.problem:
        return row | {"reason": sample.problem}
    case = sample.truth == 1
    calls = [np.where(case, call[keep] == 1, call[keep] == 0) for call in (first, second)]
    for name, right in zip(("first_value", "second_value"), calls, strict=True):
        row[name] = float(right[case].mean() + right[~case].mean()) / 2
    row["difference"] = row["first_value"] - row["second_value"]
    if sample.fewest < settings.minimum_cases:
        return row | {"reason": too_few(settings.minimum_cases)}

    at = calls_limits(case, calls[0], calls[1], sample.patients)
    low, high = at(float(norm.ppf((1 + settings.level) / 2)))
    return row | {"low": low, "high": high, "p": p_value(at), "method": TEST}


def compare_grades(
    truth: Floats,
    first: Floats,
    second: Floats,
    levels: int,
    patients: Names,
    settings: StatisticsSettings,
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Compare how two networks' grades agree with the reference: accuracy, and quadratic weighted kappa.

    Accuracies have the interval for paired proportions (`uncertainty.proportions.paired`). Of kappas patients are
    resampled, both networks' grades together: percentile interval, and twice the smaller share of replicates on either side
    of nought for P.

    Parameters
    ----------
    truth, first, second : array of float, shape (n,)
        Grades from 0 on; exams where any is missing are left out.
    levels : int
    patients : array of str, shape (n,)
    settings : StatisticsSettings
    seed : int
        Of the replicates.

    Returns
    -------
    list of dict
        As `compare_paired`, with `measure`; `cases` are the exams, since a grade has none.
    """
    keep = ~(np.isnan(truth) | np.isnan(first) | np.isnan(second))
    truth, pair, patients = truth[keep], (first[keep], second[keep]), patients[keep]
    base: dict[str, Any] = {
        "n": len(truth),
        "cases": len(truth),
        "method": None,
        "level": settings.level,
        "reason": None,
    }
    base |= dict.fromkeys(("first_value", "second_value", "difference", "low", "high", "p"), NAN)
    if not len(truth):
        return [base | {"measure": name, "reason": "no exam has all three grades"} for name in GRADED]
    drawn = Resamples.draw(patients, settings.replicates, settings.level, seed)
    values = [measures(truth, grades) for grades in pair]
    rows = []
    for name in GRADED:
        row = base | {"measure": name, "first_value": values[0][name], "second_value": values[1][name]}
        row["difference"] = row["first_value"] - row["second_value"]
        if len(set(patients)) < settings.minimum_cases:
            row["reason"] = f"fewer than {settings.minimum_cases} patients: no test"
        elif np.isnan(row["difference"]):
            row["reason"] = "all grades are the same: no kappa"
        elif (pair[0] == pair[1]).all():
            row["reason"] = "both give the same grades: nothing to compare"
        elif name == "accuracy":
            at = accuracy_limits(pair[0] == truth, pair[1] == truth, patients)
            row["low"], row["high"] = at(float(norm.ppf((1 + settings.level) / 2)))
            row |= {"p": p_value(at), "method": TEST}
        else:
            low, high, p = beside_nought(drawn.draws(partial(_kappa_gap, truth, pair, levels)), settings.level)
            told = (
                {"method": "patients"}
                if np.isfinite(p)
                else {"reason": "the replicates don't differ, or too few exist"}
            )
            row |= {"low": low, "high": high, "p": p, **told}
        rows.append(row)
    return rows


def beside_nought(gaps: Floats, level: float) -> tuple[float, float, float]:
    """Return what replicates of a difference say of it: percentile interval, and P by the smaller share beyond nought.

    All missing where too few replicates exist, or all are the same.
    """
    low, high = percentile(gaps, level)
    gaps = gaps[np.isfinite(gaps)]
    if np.isnan(low) or not np.ptp(gaps):
        return NAN, NAN, NAN
    beyond = min((gaps <= 0).sum(), (gaps >= 0).sum())
    return low, high, min(1.0, 2 * (beyond + 1) / (len(gaps) + 1))


def accuracy_limits(first: Flags, second: Flags, patients: Names) -> Callable[[float], tuple[float, float]]:
    """Return the interval of a difference in accuracy, as a function of the level's normal quantile."""
    gap, reaches = float(first.mean() - second.mean()), paired(first, second, patients)

    def at(z: float) -> tuple[float, float]:
        below, above = reaches(z)
        return gap - below, gap + above

    return at


def _kappa_gap(truth: Floats, pair: tuple[Floats, Floats], levels: int, weights: Floats) -> Floats:
    one, other = (replicated(truth, grades, levels, weights)["quadratic_kappa"] for grades in pair)
    return np.asarray(one - other, dtype=np.float64)


def calls_limits(case: Flags, first: Flags, second: Flags, patients: Names) -> Callable[[float], tuple[float, float]]:
    """Return the interval of a difference in balanced accuracy, as a function of the level's normal quantile.

    Parameters
    ----------
    case : array of bool, shape (n,)
    first, second : array of bool, shape (n,)
        Whether either is right about each exam.
    patients : array of str, shape (n,)
    """
    parts = [paired(first[which], second[which], patients[which]) for which in (case, ~case)]
    difference = sum(first[which].mean() - second[which].mean() for which in (case, ~case)) / 2

    def at(z: float) -> tuple[float, float]:
        below, above = (float(np.hypot(*ends)) / 2 for ends in zip(*(part(z) for part in parts), strict=True))
        return float(difference - below), float(difference + above)

    return at


def compare_samples(first: Sample, second: Sample, level: float) -> tuple[float, float, float, float]:
    """Compare two AUCs by their reported intervals: difference, low, high, p; exams or patients may be shared."""
    one, other = ((sample.truth, sample.score, sample.patients) for sample in (first, second))
    freedom = max(1, min(first.freedom, second.freedom))
    return compare(estimate(*one), estimate(*other), float(correlation_of(one, other)), level, freedom)


def too_few(minimum: int) -> str:
    """Say why nothing is tested."""
    return f"fewer than {minimum} patients with a case or a control: no test"


def untested(reason: str) -> dict[str, Any]:
    """Return what a comparison has in the place of a test, with the reason why there is none."""
    return {"low": NAN, "high": NAN, "p": NAN, "method": None, "reason": reason}


def holm(table: pd.DataFrame, family: str = "table") -> pd.DataFrame:
    """Add `p_holm`, Holm's correction of the column `p`, within the values of the column `family` or the table."""
    tested = table["p"].notna()
    families = table[family] if family in table else pd.Series("table", table.index)
    table["p_holm"] = NAN
    for name in families[tested].unique():
        rows = tested & (families == name)
        table.loc[rows, "p_holm"] = multipletests(table.loc[rows, "p"], method="holm")[1]
    return table


def _row(sample: Sample, level: float) -> dict[str, Any]:
    row: dict[str, Any] = {"n": len(sample.truth), "cases": sample.cases}
    row |= dict.fromkeys(("first_value", "second_value", "difference", "low", "high", "p"), NAN)
    return row | {"method": None, "level": level, "reason": None}
