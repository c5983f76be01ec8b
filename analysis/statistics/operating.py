"""The network at a threshold: where it is chosen, what it costs to choose it on the test set, predictive values."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.statistics import roc
from analysis.statistics.data import Sample
from analysis.statistics.proportions import difference, effective, ratio, wilson
from analysis.statistics.settings import StatisticsSettings

NAN = float("nan")
MEASURES = ("sensitivity", "specificity", "youden", "ppv", "npv")


def choose_threshold(sample: Sample) -> tuple[float, str | None]:
    """Choose the threshold with the highest Youden index.

    Returns
    -------
    threshold : float
        Scores at or above it are positive; NaN where there is none.
    reason : str or None
        Why there is none.
    """
    if sample.problem:
        return NAN, sample.problem
    threshold, specificity, sensitivity = roc.best_threshold(sample.truth, sample.score)
    if not np.isfinite(threshold):
        return NAN, f"no threshold has a Youden index above 0 (it is {sensitivity + specificity - 1:.3g})"
    return threshold, None


def threshold_row(
    test: Sample, outcome: str, chosen_on: str, threshold: float, *, reason: str | None, settings: StatisticsSettings
) -> dict[str, Any]:
    """Measure the test set at a threshold.

    Sensitivity, specificity and predictive values have Wilson's interval, Youden's index Newcombe's for the
    difference of two proportions, both with the effective number of exams where patients have several
    (`analysis.statistics.proportions`). A threshold chosen on the test set is taken as given: its intervals
    don't know that it was chosen to please.

    Returns
    -------
    dict
        A row of thresholds.csv.
    """
    row: dict[str, Any] = {
        "outcome": outcome,
        "chosen_on": chosen_on,
        "threshold": threshold,
        "cases": test.cases,
        "controls": test.controls,
        "tp": None,
        "fn": None,
        "tn": None,
        "fp": None,
    }
    for measure in MEASURES:
        row |= {measure: NAN, f"{measure}_low": NAN, f"{measure}_high": NAN}
    row |= {"level": settings.level, "method": "Wilson; Newcombe", "reason": None}
    if reason:
        return row | {"method": None, "reason": f"no threshold from the {chosen_on} set: {reason}"}
    if test.problem:
        return row | {"method": None, "reason": test.problem}

    row["tp"], row["fn"], row["tn"], row["fp"] = roc.counts_at(test.truth, test.score, threshold)
    positive, case = test.score >= threshold, test.truth == 1
    for measure, hit, among in (
        ("sensitivity", positive, case),
        ("specificity", ~positive, ~case),
        ("ppv", case, positive),
        ("npv", ~case, ~positive),
    ):
        values = wilson(hit[among], test.patients[among], settings.level)
        row |= dict(zip((measure, f"{measure}_low", f"{measure}_high"), values, strict=True))
    values = difference(_rate(test, positive, case), _rate(test, positive, ~case), settings.level)
    row |= dict(zip(("youden", "youden_low", "youden_high"), values, strict=True))
    empty = [name for name in ("ppv", "npv") if np.isnan(row[name])]
    if empty:
        row["reason"] = f"no {empty[0]}: nothing is called {'positive' if empty[0] == 'ppv' else 'negative'}"
    return row


def optimism_row(rows: dict[str, dict[str, Any]], outcome: str) -> dict[str, Any]:
    """Compare Youden's index on the test set at the threshold of the validation set and at its own.

    Returns
    -------
    dict
        A row of optimism.csv; optimism is what choosing on the test set adds.
    """
    validation, test = (rows[chosen_on]["youden"] for chosen_on in ("validation", "test"))
    return {
        "outcome": outcome,
        "youden_validation": validation,
        "youden_test": test,
        "optimism": test - validation,
        "reason": rows["validation"]["reason"] or rows["test"]["reason"],
    }


def prevalence_row(
    test: Sample, outcome: str, row: dict[str, Any], prevalence: float, source: str, *, level: float
) -> dict[str, Any]:
    """Reweight the predictive values to a stated prevalence, by Bayes' theorem.

    The intervals are those of the likelihood ratios (recovered from Wilson intervals), which
    the predictive values rise with; the prevalence is taken as known.

    Parameters
    ----------
    test : Sample
    outcome : str
    row : dict
        Its row of thresholds.csv.
    prevalence : float
        0 to 1, exclusive.
    source : str
        Where the prevalence comes from.
    level : float

    Returns
    -------
    dict
        A row of prevalence.csv.
    """
    found: dict[str, Any] = {
        "outcome": outcome,
        "chosen_on": row["chosen_on"],
        "threshold": row["threshold"],
        "prevalence": prevalence,
        "source": source,
        "test_prevalence": test.truth.mean() if len(test.truth) else NAN,
    }
    for name in ("ppv", "npv", "lr_positive", "lr_negative"):
        found |= {name: NAN, f"{name}_low": NAN, f"{name}_high": NAN}
    if row["method"] is None:
        return found | {"reason": row["reason"]}
    if not 0 < prevalence < 1:
        return found | {"reason": f"no prevalence to reweight to: {source}"}
    positive, case = test.score >= row["threshold"], test.truth == 1
    odds = prevalence / (1 - prevalence)
    plus = ratio(_rate(test, positive, case), _rate(test, positive, ~case), level)
    minus = ratio(_rate(test, ~positive, case), _rate(test, ~positive, ~case), level)
    ppv = [1.0 if np.isinf(value) else value * odds / (1 + value * odds) for value in plus]
    npv = [1 / (1 + value * odds) for value in (minus[0], minus[2], minus[1])]
    for name, values in (("ppv", ppv), ("npv", npv), ("lr_positive", plus), ("lr_negative", minus)):
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
    return found | {"reason": row["reason"]}


def _rate(test: Sample, hit: Any, among: Any) -> tuple[float, float]:
    """Return the share of hits among some exams, with the effective number of them."""
    return float(hit[among].mean()), effective(hit[among], test.patients[among])
