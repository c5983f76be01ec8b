"""How well an outcome is discriminated: the AUC with its intervals, and the ROC curve with its band."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.grading.scheme import Outcome
from analysis.schemas.columns import empty
from analysis.schemas.statistics import CURVES
from analysis.statistics.sample import Sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.intervals import estimate, interval
from analysis.statistics.uncertainty.resample import Resamples, seed_for, weighted_auc

#: pROC's two, the bootstrap of patients (where patients have several exams), and the one that is reported.
METHODS = ("delong", "bootstrap", "patients", "score")
NAN = float("nan")
EQUAL = "all scores are equal: the AUC is one half by definition, not by estimation"


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
        A row of roc.csv. `low` and `high` are the interval to report (`analysis.statistics.uncertainty.intervals`), the same
        method for all numbers of cases; `effective_cases` and `effective_controls` are what it counts. Where there
        is none, `reason` says why. `few` and `too_few` mark fewer cases or controls than `few_cases`, and fewer
        patients with one than `minimum_cases`.
    """
    own = seed_for(seed, "roc", which, outcome.id)
    row: dict[str, Any] = {
        "set": which,
        **describe(outcome),
        "cases": sample.cases,
        "controls": sample.controls,
        "patients": len(set(sample.patients)),
        "few": min(sample.cases, sample.controls) < settings.few_cases,
        "too_few": sample.fewest < settings.minimum_cases,
        "effective_cases": NAN,
        "effective_controls": NAN,
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
    if np.ptp(sample.score) == 0:
        return row | {"reason": EQUAL}
    _, cases, controls = estimate(sample.truth, sample.score, sample.patients)
    row |= {"effective_cases": cases, "effective_controls": controls, "method": "score"}
    row["low"], row["high"] = row["score_low"], row["score_high"] = interval(
        row["auc"], cases, controls, settings.level
    )
    return row


def curve_rows(sample: Sample, outcome: str, *, settings: StatisticsSettings, seed: int) -> pd.DataFrame:
    """Trace the ROC curve, with a pointwise band around the sensitivity.

    The band is pROC's `ci.se` at `settings.curve_points` specificities, in a straight line between them;
    it is missing where the AUC has no interval for lack of cases or controls.

    Returns
    -------
    pandas.DataFrame
        outcome, specificity, sensitivity, low, high, threshold; one row per corner of the curve.
        No row where there is no curve.
    """
    if sample.problem:
        return empty(CURVES)
    corners = roc.curve(sample.truth, sample.score)
    frame = pd.DataFrame(
        {"outcome": outcome, "specificity": corners[:, 1], "sensitivity": corners[:, 2], "low": NAN, "high": NAN}
    )
    frame["threshold"] = corners[:, 0]
    if sample.fewest >= settings.minimum_cases:
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
