"""Agreement of any number of readers, of whom not all read every exam: Krippendorff's alpha for ordinal grades."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from krippendorff import alpha
from scipy.stats import t

Floats = npt.NDArray[np.float64]
NAN = float("nan")


def measure_alpha(grades: Floats, patients: np.ndarray, highest: int, level: float = 0.95) -> dict[str, object]:
    """Measure how far all readers agree on one item.

    Parameters
    ----------
    grades : array of float, shape (exams, readers)
        From 0 to `highest`; NaN where a reader hasn't read an exam.
    patients : array of str, shape (exams,)
    highest : int
        The item's highest level.
    level : float
        Confidence level of the interval.

    Returns
    -------
    dict
        n (exams that two or more read), patients, conflicts (exams on which not all agree), level; alpha, at most 1, by
        the package krippendorff, with an interval by the jackknife that leaves out one patient at a time (Student's t);
        and `reason`, filled where one of these can't be had.
    """
    several = (~np.isnan(grades)).sum(axis=1) > 1
    grades, patients = grades[several], patients[several]
    row: dict[str, object] = {"n": len(grades), "patients": len(set(patients)), "level": level, "reason": ""}
    if not len(grades):
        return row | {"conflicts": 0, "reason": "no exam that two read"}
    row["conflicts"] = int((np.nanmin(grades, axis=1) < np.nanmax(grades, axis=1)).sum())
    if len(np.unique(grades[~np.isnan(grades)])) == 1:
        return row | {"reason": "all gave the same grade to all exams, so alpha is not defined"}
    domain = list(range(highest + 1))
    estimate = float(alpha(reliability_data=grades.T, value_domain=domain, level_of_measurement="ordinal"))
    row["alpha"] = estimate
    left_out = without_each(grades, patients, highest)
    count = len(left_out)
    if row["conflicts"] == 0:
        return row | {"reason": "the readers never differ, so alpha's interval has no width"}
    if count < 2 or not np.isfinite(left_out).all():
        return row | {"reason": "too few patients for an interval of alpha"}
    spread = np.sqrt((count - 1) / count * np.square(left_out - left_out.mean()).sum())
    half = float(t.isf((1 - level) / 2, count - 1) * spread)
    return row | {"alpha_low": estimate - half, "alpha_high": min(1.0, estimate + half)}


def without_each(grades: Floats, patients: np.ndarray, highest: int) -> Floats:
    """Return alpha without each patient in turn, from what each exam adds to the table of coincidences.

    Parameters
    ----------
    grades : array of float, shape (exams, readers)
        At least two an exam.
    patients : array of str, shape (exams,)
    highest : int
    """
    counts = np.stack([(grades == value).sum(axis=1) for value in range(highest + 1)], axis=1).astype(float)
    pairs = np.einsum("ei,ej->eij", counts, counts)
    pairs[:, np.arange(highest + 1), np.arange(highest + 1)] -= counts
    pairs /= (counts.sum(axis=1) - 1)[:, None, None]
    names, who = np.unique(patients.astype(str), return_inverse=True)
    by_patient = np.zeros((len(names), highest + 1, highest + 1))
    np.add.at(by_patient, who, pairs)
    return ordinal_alpha(by_patient.sum(axis=0) - by_patient)


def ordinal_alpha(coincidences: Floats) -> Floats:
    """Return alpha of tables of coincidences, shape (..., levels, levels); NaN where only one level occurs.

    Two grades are as far apart as there are readings between them, each end counted half (Krippendorff, Content
    Analysis, 2004).
    """
    number = coincidences.sum(axis=-1)
    middle = np.cumsum(number, axis=-1) - number / 2
    apart = np.square(middle[..., :, None] - middle[..., None, :])
    seen = (coincidences * apart).sum(axis=(-2, -1))
    expected = np.einsum("...i,...j,...ij->...", number, number, apart)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - (number.sum(axis=-1) - 1) * seen / expected, dtype=np.float64)
