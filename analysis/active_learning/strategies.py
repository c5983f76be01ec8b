"""What makes an exam worth reading: uncertainty of the predicted grades, and distance in feature space.

Settles 2009 reviews the first three (uncertainty sampling); Sener and Savarese 2018 the last (core-set).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import entropy as shannon
from sklearn.metrics import pairwise_distances_argmin_min

from analysis.active_learning.settings import Strategy


def margin(levels: np.ndarray) -> np.ndarray:
    """One minus the gap between the two most probable levels.

    Parameters
    ----------
    levels : numpy.ndarray, shape (exams, levels)
        Probabilities that sum to one.

    Returns
    -------
    numpy.ndarray, shape (exams,)
        From 0 (sure) to 1 (a tie).
    """
    two = np.sort(levels, 1)[:, -2:]
    return 1 - (two[:, 1] - two[:, 0])


def entropy(levels: np.ndarray) -> np.ndarray:
    """Entropy of the predicted levels, as `margin`, in units of its largest value: 0 (sure) to 1 (all equally likely)."""
    return shannon(levels, base=levels.shape[1], axis=1)


def severity_gap(levels: np.ndarray) -> np.ndarray:
    """Expected distance between the true level and the best single guess at it, as `margin`, in levels.

    To mistake a grade for one two steps away counts twice as much as for its neighbour. The guess is
    the median of the predicted levels, which makes the expected distance smallest.
    """
    scale = np.arange(levels.shape[1])
    expected = levels @ np.abs(scale[:, None] - scale)  # for each guess
    return expected.min(1)


DOUBT: dict[Strategy, Callable[[np.ndarray], np.ndarray]] = {
    "margin": margin,
    "entropy": entropy,
    "severity_gap": severity_gap,
}


def most_doubtful(
    strategy: Strategy, items: list[np.ndarray], number: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the exams with the largest mean doubt over the items.

    Parameters
    ----------
    strategy : {"margin", "entropy", "severity_gap"}
    items : list of numpy.ndarray, each of shape (exams, levels)
        Predicted levels of each item.
    number : int
        How many, at most.
    rng : numpy.random.Generator
        Decides between exams of equal doubt.

    Returns
    -------
    chosen : numpy.ndarray of int
        The most doubtful first.
    doubt : numpy.ndarray of float
        Theirs.
    """
    doubt = np.mean([DOUBT[strategy](levels) for levels in items], 0)
    order = np.lexsort((rng.permutation(len(doubt)), -doubt))[:number]
    return order, doubt[order]


def farthest(
    pool: np.ndarray, known: np.ndarray, number: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Choose exams one by one, each the farthest from all that are labelled or chosen (greedy k-center).

    Parameters
    ----------
    pool : numpy.ndarray, shape (exams, features)
    known : numpy.ndarray, shape (labelled exams, features)
        At least one row.
    number : int
        How many, at most.
    rng : numpy.random.Generator
        Decides between exams equally far away.

    Returns
    -------
    chosen : numpy.ndarray of int
        In the order they were chosen.
    distance : numpy.ndarray of float
        Euclidean, when each was chosen.
    """
    tie = rng.permutation(len(pool))
    # ASSUME: distances are Euclidean and the features as they are, not standardised (as the core-set method has it).
    nearest = pairwise_distances_argmin_min(pool, known)[1]
    chosen, distance = [], []
    for _ in range(min(number, len(pool))):
        best = int(np.lexsort((tie, -nearest))[0])
        chosen.append(best)
        distance.append(float(nearest[best]))
        nearest = np.minimum(nearest, np.linalg.norm(pool - pool[best], axis=1))
        nearest[chosen] = -np.inf
    return np.array(chosen, int), np.array(distance)
