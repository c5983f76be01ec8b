"""Whether scores are probabilities: logistic recalibration, Brier score, reliability curve."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.special import logit
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from analysis.statistics.data import Sample
from analysis.statistics.proportions import wilson
from analysis.statistics.resample import Resamples
from analysis.statistics.settings import StatisticsSettings

NAN = float("nan")
#: Scores nearer to 0 or 1 than this have no finite logit.
EPSILON = 1e-6
#: Logits that span less than this are those of a network that says the same of every exam.
SPREAD = 1e-3


def calibration_row(sample: Sample, outcome: str, resamples: Resamples, settings: StatisticsSettings) -> dict[str, Any]:
    """Recalibrate the scores of one outcome, and measure their distance from the labels.

    The slope is that of a logistic regression of the label on the logit of the score, the intercept that of one
    with the logit as an offset (calibration in the large; Cox, Biometrika 1958;45:562), both by statsmodels, with
    Wald intervals (standard errors clustered by patient where patients have several exams). The Brier score
    has a percentile bootstrap of patients.

    Returns
    -------
    dict
        A row of calibration.csv. `reason` says why a fit doesn't exist; the Brier score may exist without it.
    """
    row: dict[str, Any] = {"outcome": outcome, "n": len(sample.truth), "cases": sample.cases}
    for name in ("intercept", "slope", "brier"):
        row |= {name: NAN, f"{name}_low": NAN, f"{name}_high": NAN}
    row |= {"level": settings.level, "reason": not_probabilities(sample)}
    if row["reason"]:
        return row
    row["brier"] = float(brier_score_loss(sample.truth, sample.score))
    squares = (sample.score - sample.truth) ** 2
    with np.errstate(invalid="ignore"):
        row["brier_low"], row["brier_high"] = resamples.of(sample.keep).interval(
            lambda weights: squares @ weights / weights.sum(axis=0)
        )
    row["reason"] = sample.problem
    if not sample.problem and sample.fewest < settings.minimum_cases:
        row["reason"] = f"fewer than {settings.minimum_cases} patients with a case or a control: no recalibration"
    if not row["reason"] and np.ptp(sample.score) == 0:
        row["reason"] = "all scores are equal: no slope"
    if not row["reason"]:
        try:
            row |= _recalibrate(sample, settings.level)
        except _NoFitError as error:
            row["reason"] = str(error)
    return row


def reliability_rows(sample: Sample, outcome: str, settings: StatisticsSettings) -> pd.DataFrame:
    """Compare observed shares with mean scores, in bins of equal size.

    Returns
    -------
    pandas.DataFrame
        outcome, bin (from 1), predicted (mean score), observed (share of cases), low, high (Wilson), n. Bins with
        the same limits, as where many scores are equal, are one; no row where the scores are no probabilities.
    """
    columns = ["outcome", "bin", "predicted", "observed", "low", "high", "n"]
    if not_probabilities(sample):
        return pd.DataFrame(columns=columns)
    observed, predicted = calibration_curve(
        sample.truth, sample.score, n_bins=settings.reliability_bins, strategy="quantile"
    )
    # scikit-learn keeps to itself which exams are in a bin: these are its own limits.
    limits = np.percentile(sample.score, np.linspace(0, 1, settings.reliability_bins + 1) * 100)
    bins = np.searchsorted(limits[1:-1], sample.score)
    rows = []
    for number, which in enumerate(np.unique(bins)):
        inside = bins == which
        _, low, high = wilson(sample.truth[inside] == 1, sample.patients[inside], settings.level)
        rows.append((outcome, number + 1, predicted[number], observed[number], low, high, int(inside.sum())))
    return pd.DataFrame(rows, columns=columns)


def not_probabilities(sample: Sample) -> str | None:
    """Why scores can't be held against probabilities, or None."""
    if not len(sample.truth):
        return sample.problem
    if not np.isfinite(sample.score).all():
        return "infinite scores"
    if sample.score.min() < 0 or sample.score.max() > 1:
        return "the scores lie outside 0 to 1: they are no probabilities"
    return None


class _NoFitError(Exception):
    """The regression has no finite solution."""


def _recalibrate(sample: Sample, level: float) -> dict[str, float]:
    # ASSUME: scores of exactly 0 or 1 are moved by 1e-6, since their logit is infinite.
    x = logit(np.clip(sample.score, EPSILON, 1 - EPSILON))
    if np.ptp(x) < SPREAD:
        raise _NoFitError("the scores hardly differ: there is no slope")
    if (
        x[sample.truth == 1].min() > x[sample.truth == 0].max()
        or x[sample.truth == 1].max() < x[sample.truth == 0].min()
    ):
        raise _NoFitError("cases and controls don't overlap: the slope has no finite estimate")
    options: dict[str, Any] = {}
    if sample.clustered:
        _, groups = np.unique(sample.patients.astype(str), return_inverse=True)
        options = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    family = sm.families.Binomial()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            slope = sm.GLM(sample.truth, sm.add_constant(x, has_constant="add"), family=family).fit(**options)
            large = sm.GLM(sample.truth, np.ones_like(x), family=family, offset=x).fit(**options)
        except Exception as error:
            raise _NoFitError(f"the regression failed ({error})") from error
    limits, at_large = slope.conf_int(alpha=1 - level), large.conf_int(alpha=1 - level)
    if not (slope.converged and large.converged and np.isfinite(limits).all() and np.isfinite(at_large).all()):
        raise _NoFitError("the regression did not converge")
    return {
        "intercept": float(large.params[0]),
        "intercept_low": float(at_large[0][0]),
        "intercept_high": float(at_large[0][1]),
        "slope": float(slope.params[1]),
        "slope_low": float(limits[1][0]),
        "slope_high": float(limits[1][1]),
    }
