"""How well the marks work that tell which knees a network should not be trusted on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis.network.trained.trust import SHARE, Looks, Trust
from analysis.schemas.network import TRUSTED
from analysis.statistics.uncertainty.proportions import wilson

#: Test images that are altered, at most: enough for a share to within some percent.
IMAGES = 500


def learn(looks: dict[str, Looks], longer: np.ndarray, views: set[str], scores: pd.DataFrame) -> Trust:
    """Take the limits of trust from what the network learnt from.

    Parameters
    ----------
    looks : dict of str to Looks
        Of the images of the sets training and validation.
    longer : numpy.ndarray of int
        Longer side of each training image's file, pixels.
    views : set of str
        The views among the training images.
    scores : pandas.DataFrame
        For each item a column: the probability of the chosen grade, a row for each validation exam.
    """
    sure = {
        str(item): float(values.dropna().quantile(1 - SHARE)) for item, values in scores.items() if values.notna().any()
    }
    return Trust.learn(looks["training"], looks["validation"], longer, views, sure)


def inverted(images: np.ndarray) -> np.ndarray:
    """Return photographic negatives; the black padding stays."""
    return np.where(_content(images), 255 - images, 0).astype(np.uint8)


def _content(images: np.ndarray) -> np.ndarray:
    """Mark the pixels that are no padding: lines and columns that are black throughout."""
    return np.asarray(images.any(2, keepdims=True) & images.any(1, keepdims=True))


def _middle(images: np.ndarray) -> np.ndarray:
    side = images.shape[1]
    third = side // 3
    middle = images[:, third : 2 * third, third : 2 * third]
    return middle.repeat(3, 1).repeat(3, 2)


#: What is done to test images, by what it is called.
ALTERED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Test images as they are": lambda images: images,
    "Test images, inverted": inverted,
    "Test images, turned by a quarter": lambda images: np.rot90(images, 1, (1, 2)).copy(),
    "Test images, upside down": lambda images: images[:, ::-1].copy(),
    "Test images, a quarter as bright": lambda images: images // 4,
    "Test images, too bright": lambda images: np.where(_content(images), 255 - (255 - images) // 4, 0).astype(np.uint8),
    "Test images, the middle ninth alone": _middle,
}


def measure(trust: Trust, images: np.ndarray, about: pd.DataFrame, chosen: pd.DataFrame, level: float) -> pd.DataFrame:
    """Count how many of the test set are marked, as they are and altered.

    Parameters
    ----------
    trust : Trust
    images : numpy.ndarray of uint8, shape (n, side, side)
        Prepared images of the test set.
    about : pandas.DataFrame
        For each image: exam, patient, view, and longer, the longer side of its file in pixels.
    chosen : pandas.DataFrame
        Index exam; for each item a column, the probability of the grade that the network chose.
    level : float
        Confidence level of the intervals (Wilson's, by patient).

    Returns
    -------
    pandas.DataFrame
        Schema TRUSTED. The first row counts exams by all rules, the others images by how they look.
    """
    views = [view if isinstance(view, str) else None for view in about["view"]]
    marked = pd.Series(
        [bool(marks) for marks in trust.of_images(images, about["longer"].to_numpy(), views)], dtype=bool
    )
    exams = pd.DataFrame({"marked": marked, "exam": about["exam"], "patient": about["patient"]})
    exams = exams.groupby("exam").agg({"marked": "any", "patient": "first"})
    unsure = pd.Series(False, chosen.index)
    for item, values in chosen.items():
        unsure |= np.array([trust.is_unsure(str(item), value) for value in values], bool)
    exams["marked"] |= unsure.reindex(exams.index, fill_value=False)
    rows = [_row("Test exams, by all rules", exams["marked"], exams["patient"], level)]
    step = max(1, -(-len(images) // IMAGES))
    some, patients = images[::step], about["patient"][::step]
    size = np.full(len(some), trust.limits["smallest"])
    for name, alter in ALTERED.items():
        looks = [bool(marks) for marks in trust.of_images(alter(some), size, [None] * len(some))]
        rows.append(_row(name, pd.Series(looks, dtype=bool), patients, level))
    return pd.DataFrame(rows, columns=list(TRUSTED.columns))


def _row(name: str, marked: pd.Series, patients: pd.Series, level: float) -> tuple[object, ...]:
    flags = marked.to_numpy(bool)
    return name, len(flags), int(flags.sum()), *wilson(flags, patients.to_numpy(object), level), level
