"""The interval of an AUC that is reported, the difference of two AUCs, and its test.

The limits are the AUCs from which the estimate lies just as many standard errors away as the level allows, the standard
error being that at the limit, not at the estimate (a score interval, as Wilson's of a proportion and Newcombe's of an
AUC, Statistics in Medicine 2006;25:559). So it has a width at an AUC of 1, and is wider downwards near it.

The variance is that of normal scores (binormal, equal variances) for effective numbers of cases and controls
(`analysis.statistics.uncertainty.effective`). How often it covers is simulated: `python -m analysis coverage`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import norm, t

from analysis.statistics.uncertainty.effective import (
    PRIOR,
    Clusters,
    Floats,
    Names,
    covariance,
    effective_numbers,
    placements,
)

#: Halvings of the search for a limit, to within 1e-9, and for a P value.
STEPS, P_STEPS = 30, 26
EDGE = 1e-12
#: A P value below this is that of 8 standard errors: "< 0.001" in any case.
FARTHEST = 8.0


def variance(auc: Floats, cases: Floats, controls: Floats) -> Floats:
    """Return the variance of an estimated AUC, for normal scores of equal variance.

    Parameters
    ----------
    auc : array of float
        The true AUC.
    cases, controls : array of float
        Effective numbers.
    """
    inside = np.clip(auc, EDGE, 1 - EDGE)
    shared = covariance(inside, 0.5)
    pairs = inside * (1 - inside) + (cases + controls - 2) * shared
    return np.maximum(pairs, 1e-300) / (cases * controls)


def limits(auc: Floats, cases: Floats, controls: Floats, z: float) -> tuple[Floats, Floats]:
    """Return the AUCs that lie `z` of their own standard errors below and above the estimate.

    Parameters
    ----------
    auc, cases, controls : array of float, the same shape
    z : float
        1.96 for a level of 95 %.
    """

    def search(inner: Floats, outer: Floats) -> Floats:
        for _ in range(STEPS):
            middle = (inner + outer) / 2
            beyond = np.abs(auc - middle) > z * np.sqrt(variance(middle, cases, controls))
            inner, outer = np.where(beyond, inner, middle), np.where(beyond, middle, outer)
        return (inner + outer) / 2

    low, high = search(auc, np.full_like(auc, EDGE)), search(auc, np.full_like(auc, 1 - EDGE))
    return np.where(auc <= 0, 0.0, low), np.where(auc >= 1, 1.0, high)


def interval(auc: float, cases: float, controls: float, level: float) -> tuple[float, float]:
    """Return the interval of one AUC from its effective numbers; within 0 to 1, of positive width."""
    low, high = limits(np.array(auc), np.array(cases), np.array(controls), float(norm.ppf((1 + level) / 2)))
    return float(low), float(high)


def difference_limits(
    first: tuple[Floats, Floats, Floats], second: tuple[Floats, Floats, Floats], correlation: Floats | float
) -> tuple[Floats, Floats]:
    """Return the interval of a difference of two estimates, from the interval of each (MOVER).

    Zou & Donner, Statistics in Medicine 2008;27:1693, with the term for correlated estimates.

    Parameters
    ----------
    first, second : (estimate, low, high)
    correlation : float
        Of the two estimates.
    """

    def reach(one: Floats, other: Floats) -> Floats:
        return np.sqrt(np.maximum(one**2 + other**2 - 2 * correlation * one * other, 0.0))

    (a, a_low, a_high), (b, b_low, b_high) = first, second
    return a - b - reach(a - a_low, b_high - b), a - b + reach(a_high - a, b - b_low)


def p_value(interval_at: Callable[[float], tuple[float, float]], freedom: float = np.inf) -> float:
    """Return the P value of no difference: one minus the level at which the interval just reaches 0.

    Interval and P value can't contradict each other then.

    Parameters
    ----------
    interval_at : callable
        Limits of the difference as a function of the number z of standard errors; wider as z grows.
    freedom : float
        Degrees of freedom of Student's t, of which z is the quantile; infinite for a normal one.
    """
    near, far = 0.0, FARTHEST
    for _ in range(P_STEPS):
        z = (near + far) / 2
        low, high = interval_at(z)
        near, far = (near, z) if low <= 0 <= high else (z, far)
    return float(2 * t.sf((near + far) / 2, freedom))


def compare(
    first: tuple[float, float, float],
    second: tuple[float, float, float],
    correlation: float,
    level: float,
    freedom: float = np.inf,
) -> tuple[float, float, float, float]:
    """Compare two AUCs: difference, low, high, P value.

    With few patients a normal quantile finds too much at P < .001 (`python -m analysis false-positives`), Student's t
    doesn't.

    Parameters
    ----------
    first, second : (AUC, effective cases, effective controls)
    correlation : float
        Of the two estimates; 0 where they rest on different patients.
    level : float
    freedom : float
        Degrees of freedom: patients with a case and patients with a control in the smaller part, less two.
    """
    auc, cases, controls = np.array([first, second]).T

    def at(z: float) -> tuple[float, float]:
        low, high = limits(auc, cases, controls, z)
        ends = difference_limits((auc[0], low[0], high[0]), (auc[1], low[1], high[1]), correlation)
        return float(ends[0]), float(ends[1])

    low, high = at(float(t.ppf((1 + level) / 2, freedom)))
    return first[0] - second[0], low, high, p_value(at, freedom)


def correlation_of(first: tuple[Floats, Floats, Names], second: tuple[Floats, Floats, Names]) -> Floats:
    """Return the correlation of two estimated AUCs whose exams share patients, or are the same.

    That of the sums of placements by patient (DeLong; by patient Obuchowski), drawn towards 0 where few patients are
    in both, and 0 where either doesn't vary.

    Parameters
    ----------
    first, second : (truth, score, patients)
        Scores of shape (..., n), as in `analysis.statistics.uncertainty.effective`.
    """
    groups = Clusters(first[2]), Clusters(second[2])
    _, one, other = np.intersect1d(groups[0].names, groups[1].names, assume_unique=True, return_indices=True)
    sums = []
    for (truth, score, _), group in zip((first, second), groups, strict=True):
        case = truth == 1
        share = np.empty(score.shape)
        for which, values in zip((case, ~case), placements(truth, score), strict=True):
            share[..., which] = (values - values.mean(axis=-1, keepdims=True)) / which.sum()
        sums.append(group.total(share))
    scale = np.sqrt(np.square(sums[0]).sum(axis=-1) * np.square(sums[1]).sum(axis=-1))
    product = (sums[0][..., one] * sums[1][..., other]).sum(axis=-1)
    varies = scale > 0
    found = np.clip(np.where(varies, product / np.where(varies, scale, 1), 0), -1, 1)
    return np.asarray(found * len(one) / (len(one) + PRIOR), dtype=np.float64)


def estimate(truth: Floats, score: Floats, patients: Names) -> tuple[float, float, float]:
    """Return the AUC of one study with its effective numbers of cases and controls."""
    auc, cases, controls = effective_numbers(truth, score, patients)
    return float(auc), float(cases), float(controls)
