"""Cohen's kappa of counted pairs, of many tables at once: all that it takes is arrays."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Weights = Literal["linear", "quadratic"] | None
Floats = NDArray[np.float64]


def kappa(tables: NDArray[np.int64], weights: Weights = None) -> tuple[Floats, Floats]:
    """Return kappa, and what an exam of each cell adds to it.

    Parameters
    ----------
    tables : numpy.ndarray of int, shape (..., levels, levels)
        How often the first reader gave the row's level and the second the column's.
    weights : {None, "linear", "quadratic"}
        How differences by more than one level count.

    Returns
    -------
    kappa : numpy.ndarray, shape (...)
        At most 1; NaN where both gave one and the same level throughout, and where nothing was counted.
    influence : numpy.ndarray, shape (..., levels, levels)
        Kappa's derivative by the cell's share, less its mean. Its mean square over the exams, divided by their
        number, is the variance of Fleiss, Cohen & Everitt (1969).
    """
    with np.errstate(all="ignore"):  # of tables without kappa
        share = tables / tables.sum(axis=(-2, -1), keepdims=True)
        levels = np.arange(tables.shape[-1])
        apart = np.abs(np.subtract.outer(levels, levels)).astype(float)
        cost = {None: (apart > 0).astype(float), "linear": apart, "quadratic": apart**2}[weights]
        rows, columns = share.sum(axis=-1), share.sum(axis=-2)
        by_chance = (columns @ cost)[..., :, None] + (rows @ cost)[..., None, :]
        chance = ((rows @ cost) * columns).sum(axis=-1)[..., None, None]
        seen = (cost * share).sum(axis=(-2, -1), keepdims=True)
        # Kappa is one minus the observed cost over the cost expected by chance.
        slope = -(cost / chance) + seen * by_chance / chance**2
        mean = (slope * share).sum(axis=(-2, -1), keepdims=True)
        return (1 - seen / chance)[..., 0, 0], slope - mean
