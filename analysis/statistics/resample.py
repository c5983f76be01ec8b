"""Resampling patients: the one thing that pROC's bootstraps can't do.

A replicate draws as many patients as there are, with replacement, and takes all exams of
each. It is kept as a count for every exam, so that all replicates of an estimate are worked
out at once, and all estimates of a set share the same replicates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def seed_for(seed: int, *names: str) -> int:
    """Return a seed for one estimate, from the study's seed and the estimate's name alone.

    It doesn't depend on the order or the number of the estimates, so results don't depend on
    how the work was cut. Fits R's `set.seed` (0 to 2^31 - 1).
    """
    digest = hashlib.sha256("/".join((str(seed), *names)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def patient_weights(patients: npt.NDArray[np.object_], replicates: int, rng: np.random.Generator) -> Floats:
    """Resample patients with replacement.

    Parameters
    ----------
    patients : array of str, shape (n,)
        The patient of each exam.
    replicates : int
        Number of bootstrap replicates, B.
    rng : numpy.random.Generator

    Returns
    -------
    array of float, shape (n, B)
        How often each exam is drawn in each replicate.
    """
    names, which = np.unique(patients.astype(str), return_inverse=True)
    count = len(names)
    if not count:
        return np.zeros((0, replicates))
    draws = rng.integers(0, count, size=(replicates, count)) + count * np.arange(replicates)[:, None]
    times = np.bincount(draws.ravel(), minlength=replicates * count).reshape(replicates, count)
    return times.T[which].astype(np.float64)


def clustered(patients: npt.NDArray[np.object_]) -> bool:
    """Whether any patient has several exams."""
    return len(np.unique(patients.astype(str))) < len(patients)


def weighted_auc(truth: Floats, score: Floats, weights: Floats) -> Floats:
    """AUC in each replicate, as the share of case-control pairs in order, ties counting half.

    Parameters
    ----------
    truth : array of float, shape (n,)
        1 for a case, 0 for a control.
    score : array of float, shape (n,)
    weights : array of float, shape (n, B)
        How often each exam is drawn.

    Returns
    -------
    array of float, shape (B,)
        NaN where a replicate has no case or no control. Equal to `pROC::auc` of the drawn exams.
    """
    case = truth == 1
    cases, controls = score[case][:, None], score[~case]
    ordered = (cases > controls) + 0.5 * (cases == controls)
    drawn, against = weights[case], weights[~case]
    with np.errstate(invalid="ignore"):
        return ((ordered @ against) * drawn).sum(axis=0) / (drawn.sum(axis=0) * against.sum(axis=0))


def percentile(replicates: Floats, level: float) -> tuple[float, float]:
    """Percentile interval of the replicates that exist; NaN, NaN where fewer than half do."""
    kept = replicates[np.isfinite(replicates)]
    if len(kept) < max(2, len(replicates) / 2):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Resamples:
    """The replicates of one set of exams, shared by all its estimates.

    Attributes
    ----------
    weights : array of float, shape (n, B)
        How often each exam is drawn in each replicate.
    level : float
        Confidence level.
    """

    weights: Floats
    level: float

    @classmethod
    def draw(cls, patients: npt.NDArray[np.object_], replicates: int, level: float, seed: int) -> Resamples:
        """Draw the replicates of a set from `seed`."""
        return cls(patient_weights(patients, replicates, np.random.default_rng(seed)), level)

    def of(self, keep: npt.NDArray[np.bool_]) -> Resamples:
        """Return the same replicates for some of the exams."""
        return Resamples(self.weights[keep], self.level)

    def interval(self, statistic: Callable[[Floats], Floats]) -> tuple[float, float]:
        """Percentile interval of a statistic, a function of the weights that gives one value a replicate."""
        return percentile(statistic(self.weights), self.level)
