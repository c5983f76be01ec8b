"""How well an outcome is told apart: the AUC with its intervals, and the ROC curve with its band."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from analysis.grading.scheme import Outcome
from analysis.statistics import roc
from analysis.statistics.data import Sample
from analysis.statistics.resample import Resamples, seed_for, weighted_auc
from analysis.statistics.settings import StatisticsSettings

METHODS = ("delong", "bootstrap", "patients", "newcombe")
NAN = float("nan")


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return the columns that name an outcome in the tables."""
    return {"outcome": outcome.id, "kind": outcome.kind, "item": outcome.item, "label": outcome.label}


def auc_row(
    sample: Sample, outcome: Outcome, which: str, resamples: Resamples, *, settings: StatisticsSettings, seed: int
) -> dict[str, Any]:
    """Estimate the AUC of one outcome in one set, with every kind of interval and the one to report.

    Parameters
    ----------
    sample : Sample
    outcome : Outcome
    which : str
        The set.
    resamples : Resamples
        Patients resampled, for the exams of the whole set.
    settings : StatisticsSettings
    seed : int
        The study's; the outcome's own is derived from it and written to the row.

    Returns
    -------
    dict
        A row of roc.csv. `method` and `low`, `high` follow `reported`; where there is none, `reason` says why.
    """
    own = seed_for(seed, "roc", which, outcome.id)
    row: dict[str, Any] = {
        "set": which,
        **describe(outcome),
        "cases": sample.cases,
        "controls": sample.controls,
        "patients": len(set(sample.patients)),
        "missing_label": sample.missing_label,
        "missing_score": sample.missing_score,
        "auc": NAN,
        "low": NAN,
        "high": NAN,
        "method": None,
        **{f"{method}_{end}": NAN for method in METHODS for end in ("low", "high")},
        "level": settings.level,
        "replicates": settings.replicates,
        "seed": own,
        "reason": sample.problem,
        "warnings": None,
    }
    if sample.problem:
        return row
    if min(sample.cases, sample.controls) < 2:
        row["auc"] = roc.auc(sample.truth, sample.score)
        row["warnings"] = "a single case or control: neither DeLong's nor a bootstrap interval exists"
    else:
        values, warnings = roc.intervals(sample.truth, sample.score, settings.level, settings.replicates, own)
        row.update(values, warnings="; ".join(warnings) or None)
        if sample.clustered:
            row["patients_low"], row["patients_high"] = resamples.of(sample.keep).interval(
                lambda weights: weighted_auc(sample.truth, sample.score, weights)
            )
    row["newcombe_low"], row["newcombe_high"] = newcombe(row["auc"], *patients_of(sample), settings.level)
    row["method"], row["reason"] = reported(sample, row["auc"], settings)
    if row["method"]:
        row["low"], row["high"] = row[f"{row['method']}_low"], row[f"{row['method']}_high"]
    return row


def reported(sample: Sample, auc: float, settings: StatisticsSettings) -> tuple[str | None, str | None]:
    """Choose the interval to report, or say why there is none.

    The choice rests on the simulation of coverage (`analysis.statistics.coverage`): DeLong's interval and the
    bootstraps cover too seldom with few cases or controls, and have no width at all where cases and controls
    don't overlap; Newcombe's covers in both. DeLong's and the stratified bootstrap cover too seldom where patients
    have several exams; the bootstrap of patients and Newcombe's with the numbers of patients don't.

    Returns
    -------
    method : str or None
        One of `METHODS`.
    reason : str or None
    """
    if np.ptp(sample.score) == 0:
        return None, "all scores are equal: the AUC is one half by definition, not by estimation"
    if min(sample.cases, sample.controls) < settings.few_cases or auc in (0.0, 1.0):
        return "newcombe", None
    return ("patients" if sample.clustered else "bootstrap"), None


def patients_of(sample: Sample) -> tuple[int, int]:
    """Return the number of patients with a case, and with a control: what Newcombe's interval counts."""
    return len(set(sample.patients[sample.truth == 1])), len(set(sample.patients[sample.truth == 0]))


def newcombe(auc: float, cases: int, controls: int, level: float) -> tuple[float, float]:
    """Return Newcombe's interval for an AUC (his method 5; Statistics in Medicine 2006;25:559).

    The limits are the AUCs from which the estimate lies just as many standard errors away as the level allows, by
    the variance that Hanley and McNeil give for exponential scores. pROC doesn't have it.

    Parameters
    ----------
    auc : float
        0 to 1.
    cases, controls : int
        Independent ones: patients, where patients have several exams. At least one of each.
    level : float
        Confidence level.

    Returns
    -------
    low, high : float
        Within 0 to 1; of positive width even for an AUC of 0 or 1.
    """
    z = norm.ppf((1 + level) / 2)

    def excess(true: float) -> float:
        spread = 1 + ((cases + controls) / 2 - 1) * ((1 - true) / (2 - true) + true / (1 + true))
        return float(abs(auc - true) - z * np.sqrt(true * (1 - true) * spread / (cases * controls)))

    # The variance is nought at 0 and at 1, which would pass for a limit.
    edge = 1e-9
    low = 0.0 if auc == 0 else brentq(excess, 0.0, min(auc, 1 - edge))
    high = 1.0 if auc == 1 else brentq(excess, max(auc, edge), 1.0)
    return low, high


def curve_rows(sample: Sample, outcome: str, *, settings: StatisticsSettings, seed: int) -> pd.DataFrame:
    """Trace the ROC curve, with a pointwise band around the sensitivity.

    The band is pROC's `ci.se` at `settings.curve_points` specificities, in a straight line between them;
    it is missing where the AUC has no interval for lack of cases or controls.

    Returns
    -------
    pandas.DataFrame
        outcome, specificity, sensitivity, low, high, threshold; a row a corner of the curve.
        No row where there is no curve.
    """
    if sample.problem:
        return pd.DataFrame(columns=["outcome", "specificity", "sensitivity", "low", "high", "threshold"])
    corners = roc.curve(sample.truth, sample.score)
    frame = pd.DataFrame(
        {"outcome": outcome, "specificity": corners[:, 1], "sensitivity": corners[:, 2], "low": NAN, "high": NAN}
    )
    frame["threshold"] = corners[:, 0]
    if min(sample.cases, sample.controls) >= settings.minimum_cases:
        grid = np.linspace(0, 1, settings.curve_points)
        band = roc.band(
            sample.truth,
            sample.score,
            specificities=grid,
            level=settings.level,
            replicates=settings.band_replicates,
            seed=seed_for(seed, "band", outcome),
        )
        frame["low"] = np.interp(frame["specificity"], grid, band[:, 0])
        frame["high"] = np.interp(frame["specificity"], grid, band[:, 1])
    return frame
