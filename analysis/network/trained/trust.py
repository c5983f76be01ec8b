"""Which knees a network should not be trusted on: those unlike what it has learnt from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.errors import StudyError
from analysis.imaging.store import mean_grey
from analysis.network.checkpoints import read_tensors, save_weights

#: What is wrong with a knee, by the rule that says so.
MARKS = {
    "unlike": "an image looks like none that the network learnt from: it may be no knee, turned or inverted",
    "brightness": "an image is darker or brighter than nearly all training images",
    "small": "an image has fewer pixels than any that the network learnt from",
    "view": "an image is of a view that the network never saw",
    "unsure": "the network can't decide between grades: no grade is as probable as it nearly always is",
}
#: An image is reduced to so many pixels a side, and compared with so many of the nearest training images.
SIDE, NEAREST = 8, 5
#: Share of the validation set that each rule leaves unmarked.
SHARE = 0.99


@dataclass(frozen=True)
class Looks:
    """What the rules need of a set of images, which is little beside the images themselves.

    Attributes
    ----------
    thumbnails : numpy.ndarray of uint8, shape (n, SIDE * SIDE)
    grey : numpy.ndarray of float, shape (n,)
        Mean grey level within the padding.
    """

    thumbnails: np.ndarray
    grey: np.ndarray

    @classmethod
    def of(cls, blocks: Iterable[np.ndarray]) -> Looks:
        """Take it from prepared images, some of them, (n, side, side), at a time."""
        found = [(thumbnails(images), mean_grey(images)) for images in blocks]
        if not found:
            return cls(np.zeros((0, SIDE * SIDE), np.uint8), np.zeros(0))
        small, grey = zip(*found, strict=True)
        return cls(np.concatenate(small), np.concatenate(grey))


class _Limits(BaseModel):
    """What `Trust.limits` holds; NaN, which nothing is above or below, would mark no knee."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    unlike: float
    darkest: float
    brightest: float
    smallest: int
    views: list[str]
    sure: dict[str, float]


@dataclass(frozen=True)
class Trust:
    """What the training images were like.

    Attributes
    ----------
    thumbnails : numpy.ndarray of uint8, shape (training images, SIDE * SIDE)
    limits : mapping
        unlike: largest mean distance to the nearest thumbnails (grey levels); darkest, brightest: mean grey level of what
        is within the padding; smallest: longer side of the smallest file, pixels; views: those that it saw; sure: for each
        item, the probability that its grade has at least.
    """

    thumbnails: np.ndarray
    limits: Mapping[str, Any]

    @classmethod
    def learn(
        cls,
        training: Looks,
        validation: Looks,
        longer: np.ndarray,
        views: set[str],
        sure: Mapping[str, float],
    ) -> Trust:
        """Take the limits from the training set and, held out, the validation set.

        Parameters
        ----------
        training, validation : Looks
        longer : numpy.ndarray of int
            Longer side of each training image's file, pixels.
        views : set of str
            The views among the training images.
        sure : mapping of str to float
            For each item, the smallest probability of the chosen grade that is taken for a decision.
        """
        fresh = cls(training.thumbnails, {})
        # Without a validation set the training images themselves, each of which is its own nearest one, set the limit.
        held = validation if len(validation.grey) else training
        grey = np.concatenate([training.grey, validation.grey])
        edge = (1 - SHARE) / 2
        darkest, brightest = np.quantile(grey, [edge, 1 - edge])
        limits = {
            "unlike": float(np.quantile(fresh.apart(held.thumbnails), SHARE)),
            "darkest": float(darkest),
            "brightest": float(brightest),
            "smallest": int(longer.min()),
            "views": sorted(views),
            "sure": dict(sure),
        }
        return cls(fresh.thumbnails, limits)

    @classmethod
    def load(cls, path: Path) -> Trust:
        """Read what `save` wrote; StudyError where the file is of something else."""
        state, about = read_tensors(path)
        known = state.get("thumbnails", torch.zeros(0))
        try:
            limits = _Limits.model_validate(about).model_dump()
        except ValidationError:
            limits = None
        if limits is None or known.dtype != torch.uint8 or known.shape[1:] != (SIDE**2,) or not len(known):
            raise StudyError(f"{path} doesn't say what the network can be trusted on; copy the network's folder again.")
        return cls(known.numpy(), limits)

    def save(self, path: Path) -> None:
        """Write to a safetensors file."""
        save_weights(path, {"thumbnails": torch.from_numpy(self.thumbnails)}, self.limits)

    def distance(self, images: np.ndarray) -> np.ndarray:
        """Root mean square difference to the nearest training thumbnails, grey levels, mean of the NEAREST."""
        return self.apart(thumbnails(images))

    def apart(self, small: np.ndarray) -> np.ndarray:
        """Return `distance` of images that are thumbnails already, (n, SIDE * SIDE)."""
        known = self.thumbnails.astype(np.float32)
        square = (known**2).sum(1)
        found = []
        for start in range(0, len(small), 64):
            own = small[start : start + 64].astype(np.float32)
            apart = np.maximum((own**2).sum(1)[:, None] - 2 * own @ known.T + square, 0)
            near = min(NEAREST, apart.shape[1])
            found.append(np.sqrt(np.partition(apart, near - 1, axis=1)[:, :near] / SIDE**2).mean(1))
        return np.concatenate(found) if found else np.zeros(0)

    def of_images(self, images: np.ndarray, longer: np.ndarray, views: list[str | None]) -> list[list[str]]:
        """Return the marks of each image, in the order of MARKS.

        Parameters
        ----------
        images : numpy.ndarray of uint8, shape (n, side, side)
            As prepared.
        longer : numpy.ndarray of int, shape (n,)
            Longer side of each file, pixels.
        views : list of str or None
            As the header says; an image of an unknown view isn't marked for it.
        """
        grey, limits = mean_grey(images), self.limits
        hits = {
            "unlike": self.distance(images) > limits["unlike"],
            "brightness": (grey < limits["darkest"]) | (grey > limits["brightest"]),
            "small": np.asarray(longer) < limits["smallest"],
            "view": np.array([view is not None and view not in limits["views"] for view in views], bool),
        }
        return [[mark for mark, hit in hits.items() if hit[i]] for i in range(len(images))]

    def is_unsure(self, item: str, probability: float) -> bool:
        """Whether the probability of an item's grade is too small for a decision."""
        return bool(probability < self.limits["sure"].get(item, 0.0))


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Reduce prepared images, (n, side, side) of uint8, to (n, SIDE * SIDE) of uint8."""
    small = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel() for image in images]
    return np.array(small, np.uint8).reshape(len(small), SIDE * SIDE)
