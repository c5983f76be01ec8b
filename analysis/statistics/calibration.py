"""Whether scores are probabilities: logistic recalibration, Brier score, reliability curve."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from statsmodels.genmod.families import Binomial  # not statsmodels.api, which imports all of it
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.tools import add_constant

from analysis.schemas.calibration import RELIABILITY
from analysis.schemas.columns import empty
from analysis.statistics.data import Matched
from analysis.statistics.grades import spread
from analysis.statistics.sample import Sample, make_sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty.proportions import wilson
from analysis.statistics.uncertainty.resample import Floats, Resamples

NAN = float("nan")
#: Scores nearer to 0 or 1 than this have no finite logit.
EPSILON = 1e-6
#: Logits that span less than this are those of a network that says the same of every exam.
SPREAD = 1e-3
SLOPE = ("slope", "slope_low", "slope_high")


def calibration_row(
    sample: Sample,
    outcome: str,
    resamples: Resamples,
    settings: StatisticsSettings,
    *,
    prevalence: float = NAN,
    source: str = "test set",
) -> dict[str, Any]:
    """Recalibrate the scores of one outcome, and measure their distance from the labels.

    The slope is that of a logistic regression of the label on the logit of the score, the intercept that of one
    with the logit as an offset (calibration in the large; Cox, Biometrika 1958;45:562), both by statsmodels, with
    Wald intervals (standard errors clustered by patient where patients have several exams). The Brier score
    has a percentile bootstrap of patients; no interval where all replicates are the same, as with one patient.

    A test set that is enriched with cases makes scores look too low. So all is stated at the prevalence of where the
    scores would be used, as predictive values are: cases and controls are taken as they are, only their shares as
    stated. That shifts the intercept by the log of the ratio of the odds, and leaves the slope alone (Prentice & Pyke,
    Biometrika 1979;66:403); the Brier score is the mean of cases' and controls', weighed by their shares.

    Parameters
    ----------
    sample : Sample
    outcome : str
    resamples : Resamples
        Of the test set.
    settings : StatisticsSettings
    prevalence : float
        0 to 1, exclusive; without it that of the sample.
    source : str
        Where the prevalence comes from.

    Returns
    -------
    dict
        A row of calibration.csv. `raw_intercept` and `raw_brier` are of the test set as it is. `reason` says why a fit
        doesn't exist; the Brier score may exist without it.
    """
    row: dict[str, Any] = {"outcome": outcome, "n": len(sample.truth), "cases": sample.cases}
    prevalence, source = stated(sample, prevalence, source)
    row |= {"prevalence": prevalence, "source": source}
    for name in ("intercept", "slope", "brier", "raw_intercept", "raw_brier"):
        row |= {name: NAN, f"{name}_low": NAN, f"{name}_high": NAN}
    row |= {"level": settings.level, "reason": not_probabilities(sample)}
    if row["reason"]:
        return row
    squares = (sample.score - sample.truth) ** 2
    case = sample.truth == 1
    share = np.where(case, prevalence / case.mean(), (1 - prevalence) / (1 - case.mean())) if _both(case) else None
    drawn = resamples.of(sample.keep)
    for name, weight in (("raw_brier", np.ones(len(squares))), ("brier", share)):
        if weight is not None:
            row[name] = float(np.average(squares, weights=weight))
            with np.errstate(invalid="ignore"):
                draws = drawn.draws(partial(_weighted_mean, squares, weight))
            (row[f"{name}_low"], row[f"{name}_high"]), _ = spread(draws, settings.level)
    row["reason"] = sample.problem
    if not sample.problem and sample.fewest < settings.minimum_cases:
        row["reason"] = f"fewer than {settings.minimum_cases} patients with a case or a control: no recalibration"
    if not row["reason"] and np.ptp(sample.score) == 0:
        row["reason"] = "all scores are equal: no slope"
    if not row["reason"]:
        try:
            row |= _recalibrate(sample, settings.level, shift(sample, prevalence))
        except _NoFitError as error:
            row["reason"] = str(error)
    return row


def slopes_before(study: Matched, members: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Estimate the slopes that the scores had before they were calibrated, on the test set.

    Parameters
    ----------
    study : Matched
    members : pandas.DataFrame
        seeds.parquet of the predictions: exam, outcome, seed, score, as the networks gave them.
    settings : StatisticsSettings

    Returns
    -------
    pandas.DataFrame
        outcome, uncalibrated_slope and its limits, of the mean score over the networks; outcomes without a slope have no
        row.
    """
    inside = study.rows("test")
    exams = study.exams.loc[inside, "exam"]
    rows = []
    for outcome, part in members.groupby("outcome", sort=False):
        if outcome not in study.truth:
            continue
        score = part.groupby("exam")["score"].mean().reindex(exams).to_numpy(dtype=float)
        sample = make_sample(study.truth[outcome].to_numpy(dtype=float)[inside], score, study.patients("test"))
        if not_probabilities(sample) or sample.problem or sample.fewest < settings.minimum_cases:
            continue
        try:
            found = _recalibrate(sample, settings.level, 0.0)
        except _NoFitError:
            continue
        rows.append({"outcome": outcome, **{f"uncalibrated_{name}": found[name] for name in SLOPE}})
    return pd.DataFrame(rows, columns=["outcome", *(f"uncalibrated_{name}" for name in SLOPE)])


def stated(sample: Sample, prevalence: float, source: str) -> tuple[float, str]:
    """Return the prevalence at which calibration is stated, with its source: the sample's own where none is given."""
    if 0 < prevalence < 1:
        return prevalence, source
    return (float(sample.truth.mean()) if len(sample.truth) else NAN), "test set"


def shift(sample: Sample, prevalence: float) -> float:
    """Return how much higher the log odds of a case are in the sample than at a prevalence."""
    share = float(sample.truth.mean())
    return float(logit(share) - logit(prevalence))


def _weighted_mean(values: Floats, weight: Floats, drawn: Floats) -> Floats:
    """Return the mean of values in each replicate, by the weight of each exam and how often it is drawn."""
    return np.asarray((values * weight) @ drawn / (weight @ drawn), dtype=np.float64)


def _both(case: npt.NDArray[np.bool_]) -> bool:
    return bool(case.any() and not case.all())


def reliability_rows(
    sample: Sample, outcome: str, settings: StatisticsSettings, *, prevalence: float = NAN, source: str = "test set"
) -> pd.DataFrame:
    """Compare observed shares with mean scores, in bins of equal size, at a prevalence as `calibration_row`.

    Returns
    -------
    pandas.DataFrame
        outcome, bin (from 1), predicted (mean score), observed (share of cases), low, high (Wilson), n, and
        raw_predicted and raw_observed, of the test set as it is. Bins with the same limits, as where many scores are
        equal, are one; no row where the scores are no probabilities.
    """
    if not_probabilities(sample):
        return empty(RELIABILITY)
    observed, predicted = calibration_curve(
        sample.truth, sample.score, n_bins=settings.reliability_bins, strategy="quantile"
    )
    # scikit-learn keeps to itself which exams are in a bin: these are its own limits.
    limits = np.percentile(sample.score, np.linspace(0, 1, settings.reliability_bins + 1) * 100)
    bins = np.searchsorted(limits[1:-1], sample.score)
    prevalence, _ = stated(sample, prevalence, source)
    # At another prevalence the odds of a case change by the same factor in every bin, and so do its limits.
    factor = np.exp(-shift(sample, prevalence)) if _both(sample.truth == 1) else 1.0
    rows = []
    for number, which in enumerate(np.unique(bins)):
        inside = bins == which
        case = sample.truth[inside] == 1
        found = np.array(wilson(case, sample.patients[inside], settings.level))
        with np.errstate(divide="ignore"):
            share, low, high = 1 / (1 + (1 / found - 1) / factor)
        mean = np.average(sample.score[inside], weights=np.where(case, factor, 1.0))
        rows.append(
            (outcome, number + 1, mean, share, low, high, int(inside.sum()), predicted[number], observed[number])
        )
    return pd.DataFrame(rows, columns=list(RELIABILITY.columns))


def not_probabilities(sample: Sample) -> str | None:
    """Why scores can't be compared with probabilities, or None."""
    if not len(sample.truth):
        return sample.problem
    if not np.isfinite(sample.score).all():
        return "infinite scores"
    if sample.score.min() < 0 or sample.score.max() > 1:
        return "the scores lie outside 0 to 1: they are no probabilities"
    return None


def intercept_at_large(x: Floats, truth: Floats) -> float:
    """Return what has to be added to all logits so that as many cases are expected as there are.

    Parameters
    ----------
    x : array of float, shape (n,)
        Logits of the scores.
    truth : array of float, shape (n,)
        1 for a case, 0 for a control; at least one of each.

    Notes
    -----
    A regression starts from its own guess and takes whole Newton steps, which run away where scores are close to 0 or 1:
    statsmodels' and R's glm both end at intercepts of 1e14 then, and call them converged.
    """
    middle = float(logit(truth.mean()))
    # Between these all scores together pass the share of cases; a margin for where they are all the same.
    ends = middle - float(x.max()) - 1, middle - float(x.min()) + 1
    return float(brentq(lambda added: float((expit(x + added) - truth).sum()), *ends, xtol=1e-12))


class _NoFitError(Exception):
    """The regression has no finite solution."""


def _recalibrate(sample: Sample, level: float, moved: float) -> dict[str, float]:
    # ASSUME: scores of exactly 0 or 1 are moved by 1e-6, since their logit is infinite.
    x = logit(np.clip(sample.score, EPSILON, 1 - EPSILON))
    if np.ptp(x) < SPREAD:
        raise _NoFitError("the scores hardly differ: there is no slope")
    cases, controls = x[sample.truth == 1], x[sample.truth == 0]
    # One score that both have is no overlap yet: the likelihood rises with the slope without end.
    if cases.min() >= controls.max() or cases.max() <= controls.min():
        raise _NoFitError("cases and controls don't overlap: the slope has no finite estimate")
    options: dict[str, Any] = {}
    if sample.clustered:
        _, groups = np.unique(sample.patients.astype(str), return_inverse=True)
        options = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    family = Binomial()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            slope = GLM(sample.truth, add_constant(x, has_constant="add"), family=family).fit(**options)
            start = [intercept_at_large(x, sample.truth)]
            large = GLM(sample.truth, np.ones_like(x), family=family, offset=x).fit(start_params=start, **options)
        except Exception as error:
            raise _NoFitError(f"the regression failed ({error})") from error
    limits, at_large = slope.conf_int(alpha=1 - level), large.conf_int(alpha=1 - level)
    if not (slope.converged and large.converged and np.isfinite(limits).all() and np.isfinite(at_large).all()):
        raise _NoFitError("the regression did not converge")
    raw = (float(large.params[0]), float(at_large[0][0]), float(at_large[0][1]))
    names = ("intercept", "intercept_low", "intercept_high")
    return {
        **{f"raw_{name}": value for name, value in zip(names, raw, strict=True)},
        **{name: value - moved for name, value in zip(names, raw, strict=True)},
        "slope": float(slope.params[1]),
        "slope_low": float(limits[1][0]),
        "slope_high": float(limits[1][1]),
    }
