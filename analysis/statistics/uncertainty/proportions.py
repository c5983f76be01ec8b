"""Intervals of proportions, their means, differences and ratios, for exams clustered in patients.

Where a patient has several exams, n is divided by the design effect (Rao & Scott, Biometrics
1992;48:577), and the ordinary interval is taken of the effective numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]
NAN = float("nan")


def effective(flags: Flags, patients: Names) -> float:
    """Return the number of independent exams that carry as much information as these.

    Parameters
    ----------
    flags : array of bool, shape (n,)
        Whether each exam counts.
    patients : array of str, shape (n,)

    Returns
    -------
    float
        Between 1 and n; n where every patient has one exam. Where all flags agree the design effect can't be
        estimated, and the number of patients is returned, which is the fewest it can be.
    """
    n = len(flags)
    names, which = np.unique(patients.astype(str), return_inverse=True)
    if len(names) == n or n == 0:
        return float(n)
    p = flags.mean()
    if p in (0.0, 1.0):
        return float(len(names))
    residual = np.bincount(which, weights=flags - p)
    if len(names) == 1:
        return 1.0
    variance = len(names) / (len(names) - 1) * (residual**2).sum() / n**2
    return float(n / max(1.0, variance / (p * (1 - p) / n)))


def wilson(flags: Flags, patients: Names, level: float) -> tuple[float, float, float]:
    """Return a proportion with Wilson's interval: estimate, low, high; NaN where there is no exam."""
    if not len(flags):
        return NAN, NAN, NAN
    n = effective(flags, patients)
    p = float(flags.mean())
    low, high = proportion_confint(p * n, n, alpha=1 - level, method="wilson")
    # Wilson's limits meet the ends exactly at 0 and 1, but for the last bit.
    return p, 0.0 if p == 0 else float(low), 1.0 if p == 1 else float(high)


def wilson_limits(p: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Return Wilson's limits of proportions at a normal quantile; statsmodels has them for levels only."""
    centre, spread = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return (centre - spread) / scale, (centre + spread) / scale


def balanced(truth: Floats, right: Flags, patients: Names, level: float) -> tuple[float, float, float]:
    """Return the mean share of right exams over the grades that occur (balanced accuracy): estimate, low, high.

    The interval is recovered from Wilson's of each grade (Zou & Donner, Statistics in Medicine 2008;27:1693), so it has
    a width where all exams are right, however few they are.

    Parameters
    ----------
    truth : array of float, shape (n,)
        The reference grade of each exam.
    right : array of bool, shape (n,)
        Whether its predicted grade is the same.
    patients : array of str, shape (n,)
    level : float
    """
    grades, which = np.unique(truth, return_inverse=True)
    counts = np.bincount(which)
    shares = np.bincount(which, weights=right) / counts
    # A patient's exams of different grades may be right together: the design effect of the mean as a whole.
    residual = (right - shares[which]) / counts[which]
    _, patient = np.unique(patients.astype(str), return_inverse=True)
    alone, together = (residual**2).sum(), (np.bincount(patient, weights=residual) ** 2).sum()
    whole = max(1.0, together / alone) if alone > 0 else 1.0
    own = [effective(right[which == k], patients[which == k]) for k in range(len(grades))]
    low, high = wilson_limits(shares, np.minimum(own, counts / whole), float(norm.ppf((1 + level) / 2)))
    estimate = float(shares.mean())
    below, above = (float(np.sqrt(np.square(end - shares).sum())) / len(grades) for end in (low, high))
    return estimate, max(0.0, estimate - below), min(1.0, estimate + above)


def paired(first: Flags, second: Flags, patients: Names) -> Callable[[float], tuple[float, float]]:
    """Compare two proportions p1 - p2 of the same exams, by Newcombe's hybrid of Wilson intervals.

    His method 10 (Statistics in Medicine 1998;17:2635); where patients have several exams with the effective number
    of the exams on which the two differ.

    Parameters
    ----------
    first, second : array of bool, shape (n,)
    patients : array of str, shape (n,)

    Returns
    -------
    callable
        How far the interval reaches below and above the estimate, as a function of the level's normal quantile.
    """
    n = len(first)
    gap = first.astype(float) - second.astype(float)
    sizes = np.array([effective(first, patients), effective(second, patients)])
    names, patient = np.unique(patients.astype(str), return_inverse=True)
    if len(names) < n and gap.var() > 0:
        residual = np.bincount(patient, weights=gap - gap.mean())
        sizes = np.minimum(sizes, n / max(1.0, (residual**2).sum() / ((gap - gap.mean()) ** 2).sum()))
    p = np.array([first.mean(), second.mean()])
    both, one, other, neither = (((first == a) & (second == b)).sum() for a, b in ((1, 1), (1, 0), (0, 1), (0, 0)))
    agreement = float(both * neither) - float(one * other)
    margins = float(np.prod(p * (1 - p))) * float(n) ** 4
    # His correction for continuity draws a positive correlation towards 0, by half an exam's worth.
    agreement = max(agreement - n / 2, 0.0) if agreement > 0 else agreement
    correlation = agreement / np.sqrt(margins) if margins else 0.0

    def reaches(z: float) -> tuple[float, float]:
        low, high = wilson_limits(p, sizes, z)
        below, above = p - low, high - p

        def reach(a: float, b: float) -> float:
            return float(np.sqrt(max(a**2 + b**2 - 2 * correlation * a * b, 0.0)))

        return reach(below[0], above[1]), reach(above[0], below[1])

    return reaches


def difference(first: tuple[float, float], second: tuple[float, float], level: float) -> tuple[float, float, float]:
    """Return p1 - p2 of independent (p, n) by Newcombe's hybrid of Wilson intervals: estimate, low, high."""
    (p1, n1), (p2, n2) = first, second
    low, high = confint_proportions_2indep(p1 * n1, n1, p2 * n2, n2, compare="diff", method="newcomb", alpha=1 - level)
    return p1 - p2, float(low), float(high)


def ratio(first: tuple[float, float], second: tuple[float, float], level: float) -> tuple[float, float, float]:
    """Return p1 / p2 of independent (p, n), with an interval recovered from their Wilson intervals: estimate, low, high.

    Donner & Zou, Statistical Methods in Medical Research 2012;21:347. The intervals of a ratio in statsmodels
    have next to no width where p1 is 1, however few the exams are.

    The estimate is infinite where p2 is 0; everything is NaN where both are 0.
    """
    (p1, n1), (p2, n2) = first, second
    if p1 == p2 == 0:
        return NAN, NAN, NAN
    low1, high1 = proportion_confint(p1 * n1, n1, alpha=1 - level, method="wilson")
    low2, high2 = proportion_confint(p2 * n2, n2, alpha=1 - level, method="wilson")
    # Rounding may put a zero under a root just below zero.
    root = np.sqrt(max(0.0, (p1 * p2) ** 2 - low1 * high2 * (2 * p1 - low1) * (2 * p2 - high2)))
    low = low1 * (2 * p1 - low1) / (p1 * p2 + root) if p1 else 0.0
    if p2 == 0:
        return float("inf"), float(low), float("inf")
    root = np.sqrt(max(0.0, (p1 * p2) ** 2 - high1 * low2 * (2 * p1 - high1) * (2 * p2 - low2)))
    return p1 / p2, float(low), float((p1 * p2 + root) / (low2 * (2 * p2 - low2)))
