"""Resampling patients: the one thing that pROC's bootstraps can't do.

A replicate draws as many patients as there are, with replacement, and takes all exams of
each. It is kept as a count for every patient, so that many replicates of an estimate are worked
out at once, and all estimates of a set share the same replicates. Memory grows with the number of
exams: 100,000 of them with 2,000 replicates take half a gigabyte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
#: Numbers that are worked on at once: 32 MB.
_BLOCK = 2**22


def seed_for(seed: int, *names: str) -> int:
    """Return a seed for one estimate, from the study's seed and the estimate's name alone.

    It doesn't depend on the order or the number of the estimates, so results don't depend on
    how the work was cut. Fits R's `set.seed` (0 to 2^31 - 1).
    """
    digest = hashlib.sha256("/".join((str(seed), *names)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def patient_counts(
    patients: npt.NDArray[np.object_], replicates: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.unsignedinteger], npt.NDArray[np.intp]]:
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
    counts : array of unsigned int, shape (patients, B)
        How often each patient is drawn in each replicate.
    which : array of int, shape (n,)
        The row of each exam's patient.
    """
    names, which = np.unique(patients.astype(str), return_inverse=True)
    count = len(names)
    found = np.zeros((count, replicates), np.uint16)
    for some in _blocks(replicates, count):
        size = some.stop - some.start
        draws = rng.integers(0, count, size=(size, count)) + count * np.arange(size)[:, None]
        found[:, some] = np.bincount(draws.ravel(), minlength=size * count).reshape(size, count).T
    return found, which


def patient_weights(patients: npt.NDArray[np.object_], replicates: int, rng: np.random.Generator) -> Floats:
    """Return how often each exam is drawn in each replicate, shape (n, B); see `patient_counts`."""
    counts, which = patient_counts(patients, replicates, rng)
    return counts[which].astype(np.float64)


def _blocks(replicates: int, rows: int) -> Iterator[slice]:
    """Cut the replicates so that a block of `rows` by so many numbers fits into the processor's reach."""
    step = max(1, _BLOCK // max(rows, 1))
    for start in range(0, replicates, step):
        yield slice(start, min(start + step, replicates))


def clustered(patients: npt.NDArray[np.object_]) -> bool:
    """Return whether any patient has several exams; `patients` is that of each exam."""
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

    Notes
    -----
    Exams are sorted by score once; a case outdoes the controls drawn below it and half of those with its score. Memory
    grows with the exams and the replicates, never with cases times controls.
    """
    values, place = np.unique(score, return_inverse=True)
    drawn, against = (total(place[of], weights[of], len(values)) for of in (truth == 1, truth != 1))
    outdone = np.cumsum(against, axis=0) - 0.5 * against
    with np.errstate(invalid="ignore"):
        return (drawn * outdone).sum(axis=0) / (drawn.sum(axis=0) * against.sum(axis=0))


def total(place: npt.NDArray[np.intp], weights: Floats, places: int) -> Floats:
    """Sum the weights, shape (exams, B), of the exams of the same place: shape (places, B)."""
    chosen = csr_array((np.ones(len(place)), (place, np.arange(len(place)))), shape=(places, len(place)))
    return np.asarray(chosen @ weights)


def percentile(replicates: Floats, level: float) -> tuple[float, float]:
    """Return the percentile interval of the replicates, (replicates,), that exist; NaN, NaN where fewer than half do."""
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
    counts : array, shape (m, B)
        How often each exam, or each patient, is drawn in each replicate.
    level : float
        Confidence level.
    which : array of int, shape (n,), optional
        The row of `counts` that belongs to each exam; without, every exam has its own.
    """

    counts: npt.NDArray[Any]
    level: float
    which: npt.NDArray[np.intp] | None = None

    @classmethod
    def draw(cls, patients: npt.NDArray[np.object_], replicates: int, level: float, seed: int) -> Resamples:
        """Draw the replicates of a set from `seed`."""
        counts, which = patient_counts(patients, replicates, np.random.default_rng(seed))
        return cls(counts, level, which)

    def of(self, keep: npt.NDArray[np.bool_]) -> Resamples:
        """Return the same replicates for some of the exams."""
        return Resamples(self.counts, self.level, self._rows[keep])

    @property
    def _rows(self) -> npt.NDArray[np.intp]:
        return np.arange(len(self.counts)) if self.which is None else self.which

    def draws(self, statistic: Callable[[Floats], Floats]) -> Floats:
        """Work out a statistic in every replicate, some replicates at a time.

        Parameters
        ----------
        statistic : callable
            Takes weights of shape (n, b) for any number b of replicates and gives an array whose last axis is b.
        """
        rows = self._rows
        parts = [
            statistic(self.counts[rows, some].astype(np.float64)) for some in _blocks(self.counts.shape[1], len(rows))
        ]
        return np.concatenate(parts, axis=-1)

    def interval(self, statistic: Callable[[Floats], Floats]) -> tuple[float, float]:
        """Percentile interval of a statistic that gives one value a replicate; see `draws`."""
        return percentile(self.draws(statistic), self.level)
