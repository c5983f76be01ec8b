"""How many independent cases and controls carry as much information about an AUC as those of a study.

An interval that takes its variance from the scores alone fails with few cases: they vary little when they happen to
score alike, and not at all when every case outscores every control. Here the variance is what normal scores have at
the AUC in question, for numbers of cases and controls that are first made effective:

- by a design effect where patients have several exams, from the correlation of the scores of a patient's exams;
- by the variance that the scores themselves show (DeLong, Biometrics 1988;44:837; by patient Obuchowski, Biometrics
  1997;53:567), to the degree that it is known: with many cases it decides, with few the normal scores do.

All functions take many studies at once, one a row, which is how the simulations of coverage call them.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, owens_t
from scipy.stats import norm, rankdata, t

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]

#: What the variance of normal scores weighs beside that of the scores themselves, in degrees of freedom. It stands for
#: variances of placements that differ by about 60 % between outcomes (the square root of 2 / 5).
PRIOR = 5.0
#: The most that agreement between the cases and controls of one patient may add to the effective numbers, as a share.
CROSSED = 0.25


def covariance(auc: Floats, correlation: Floats | float) -> Floats:
    """Return the covariance of two comparisons of a case with a control, for normal scores.

    Parameters
    ----------
    auc : array of float
        0 to 1, exclusive: the chance that a case outscores a control.
    correlation : array of float
        Of the two differences in score; one half where the comparisons share the case or the control.

    Notes
    -----
    The bivariate normal integral of equal limits is one of Owen's T (Annals of Mathematical Statistics 1956;27:1075).
    """
    limit = ndtri(auc)
    slope = np.sqrt((1 - np.asarray(correlation)) / (1 + np.asarray(correlation)))
    return np.asarray(auc - 2 * owens_t(limit, slope) - np.square(auc), dtype=np.float64)


def placements(truth: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Return the share of controls below each case, and of cases above each control; ties count half.

    Parameters
    ----------
    truth : array of float, shape (n,)
    score : array of float, shape (..., n)

    Returns
    -------
    cases, controls : array of float, shape (..., m) and (..., n - m)
        The mean of either is the AUC. By ranks, so memory grows with the exams alone.
    """
    case = truth == 1
    ranks = rankdata(score, axis=-1)
    within, among = rankdata(score[..., case], axis=-1), rankdata(score[..., ~case], axis=-1)
    cases = (ranks[..., case] - within) / max(1, int((~case).sum()))
    controls = 1 - (ranks[..., ~case] - among) / max(1, int(case.sum()))
    return cases, controls


class Clusters:
    """Patients as groups of exams.

    Attributes
    ----------
    names : array of str, shape (c,)
        In alphabetical order.
    which : array of int, shape (n,)
        The patient of each exam.
    sizes : array of int, shape (c,)
        Exams of each patient.
    kish : float
        Number of patients, of equal size, that are worth as much where exams of a patient say the same.
    """

    def __init__(self, patients: Names) -> None:
        self.names, which = np.unique(patients.astype(str), return_inverse=True)
        self.which = which
        self.order = np.argsort(which, kind="stable")
        self.sizes = np.bincount(which)
        self.starts = np.r_[0, np.cumsum(self.sizes)[:-1]]
        self.kish = float(self.sizes.sum() ** 2 / (self.sizes**2).sum())

    def total(self, values: Floats) -> Floats:
        """Return the sums by patient, along the last axis."""
        return np.add.reduceat(values[..., self.order], self.starts, axis=-1)


def mean_variance(values: Floats, clusters: Clusters) -> Floats:
    """Return the variance of the mean of placements, by patient; over exams that is DeLong's."""
    sums = clusters.total(values - values.mean(axis=-1, keepdims=True))
    count = len(clusters.sizes)
    return np.square(sums).sum(axis=-1) / values.shape[-1] ** 2 * count / max(count - 1, 1)


def effective_numbers(truth: Floats, score: Floats, patients: Names) -> tuple[Floats, Floats, Floats]:
    """Estimate the AUC, and the effective numbers of cases and controls.

    Parameters
    ----------
    truth : array of float, shape (n,)
        1 for a case, 0 for a control; at least one of each.
    score : array of float, shape (..., n)
        Finite.
    patients : array of str, shape (n,)

    Returns
    -------
    auc, cases, controls : array of float, shape (...)
        Effective numbers are at least 1 and needn't be whole. They exceed the numbers of exams where the scores vary
        less than normal scores would, at most twofold.
    """
    case = truth == 1
    placed = placements(truth, score)
    auc = placed[0].mean(axis=-1)
    exams = (int(case.sum()), int((~case).sum()))
    groups = (Clusters(patients[case]), Clusters(patients[~case]))
    everyone = Clusters(patients)
    # An AUC of 1 is taken for the highest that so few exams could tell from 1: at 1 itself nothing varies.
    edge = 1 / (2 * (min(exams) + 1))
    inside = np.clip(auc, edge, 1 - edge)
    expected = covariance(inside, 0.5)
    count = len(everyone.sizes)
    correlation, penalty = np.zeros_like(auc), 1.0
    if count < len(truth):
        correlation = np.ones_like(auc)
        if count > 2:
            correlation = within_patients(score[..., case], score[..., ~case], groups)
            # The correlation is estimated, on so many degrees of freedom: as wider as Student's t is than normal.
            penalty = float((norm.ppf(0.975) / t.ppf(0.975, count - 2)) ** 2)
    shared = covariance(inside, correlation / 2) / expected
    found = []
    for number, values, group in zip(exams, placed, groups, strict=True):
        value = number / (1 + (number / group.kish - 1) * shared) * penalty
        value = np.maximum(value, group.kish if count < len(truth) else number)
        known = 2 * (len(group.sizes) - 1) / (_kurtosis(inside) - 1)
        observed = mean_variance(values, group) * value / expected
        value = value * (PRIOR + known) / (PRIOR + known * observed)
        found.append(np.clip(value, 1.0, 2.0 * number))
    crossed = _crossed(everyone, case)
    if count > 2 and crossed:
        # A patient's case and control go up and down together, which the AUC doesn't notice.
        own = expected * (1 / found[0] + 1 / found[1])
        cross = 2 * crossed / (exams[0] * exams[1]) * covariance(inside, -correlation * penalty / 2)
        share = np.clip(1 + cross / own, CROSSED, 1.0)
        found = [value / share for value in found]
    return auc, found[0], found[1]


def within_patients(cases: Floats, controls: Floats, groups: tuple[Clusters, Clusters]) -> Floats:
    """Return the correlation of scores within patients, of normal scores by rank within cases and within controls.

    The intraclass correlation of an analysis of variance; 1 where no class has two patients or all scores are equal.
    """
    between = within = np.zeros(cases.shape[:-1])
    df_between = df_within = 0
    size = 0.0
    for values, group in zip((cases, controls), groups, strict=True):
        n = values.shape[-1]
        z = ndtri((rankdata(values, axis=-1) - 0.375) / (n + 0.25))
        means = group.total(z) / group.sizes
        between = between + (group.sizes * np.square(means - z.mean(axis=-1, keepdims=True))).sum(axis=-1)
        within = within + np.square(z - means[..., group.which]).sum(axis=-1)
        df_between += len(group.sizes) - 1
        df_within += n - len(group.sizes)
        size += n - (group.sizes**2).sum() / n
    if not df_between:
        return np.ones(cases.shape[:-1])
    if not df_within:
        return np.zeros(cases.shape[:-1])
    size /= df_between
    between, within = between / df_between, within / df_within
    total = between + (size - 1) * within
    return np.clip(np.where(total > 0, (between - within) / np.where(total > 0, total, 1), 1.0), 0.0, 1.0)


def _crossed(everyone: Clusters, case: npt.NDArray[np.bool_]) -> float:
    """Return the number of pairs of a case and a control of the same patient."""
    count = len(everyone.sizes)
    cases = np.bincount(everyone.which[case], minlength=count)
    return float((cases * (everyone.sizes - cases)).sum())


def _kurtosis(auc: Floats) -> Floats:
    """Return the kurtosis of the placements of normal scores; it says how well their variance can be known."""
    grid, values = _kurtosis_table()
    return np.asarray(np.interp(np.maximum(auc, 1 - auc), grid, values), dtype=np.float64)


@cache
def _kurtosis_table() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    grid = np.r_[np.linspace(0.5, 0.99, 400), np.linspace(0.99, 0.9999, 400)[1:]]
    placed = ndtr(np.sqrt(2) * ndtri(grid)[:, None] + nodes)
    residual = placed - (placed @ weights)[:, None]
    return grid, (residual**4 @ weights) / np.square(residual**2 @ weights)
