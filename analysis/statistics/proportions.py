"""Intervals of proportions, their differences and ratios, by statsmodels, for exams clustered in patients.

Where a patient has several exams, n is divided by the design effect (Rao & Scott, Biometrics
1992;48:577), and the ordinary interval is taken of the effective numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

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
        Between 0 and n; n where every patient has one exam. Where all flags agree the design effect can't be
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
    variance = len(names) / (len(names) - 1) * (residual**2).sum() / n**2 if len(names) > 1 else np.inf
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
    # Rounding may put what is nought under a root just below it.
    root = np.sqrt(max(0.0, (p1 * p2) ** 2 - low1 * high2 * (2 * p1 - low1) * (2 * p2 - high2)))
    low = low1 * (2 * p1 - low1) / (p1 * p2 + root) if p1 else 0.0
    if p2 == 0:
        return float("inf"), float(low), float("inf")
    root = np.sqrt(max(0.0, (p1 * p2) ** 2 - high1 * low2 * (2 * p1 - high1) * (2 * p2 - low2)))
    return p1 / p2, float(low), float((p1 * p2 + root) / (low2 * (2 * p2 - low2)))
