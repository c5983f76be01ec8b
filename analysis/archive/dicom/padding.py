"""Padding about an image: what the file says of it, and what looks like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from analysis.archive.dicom.codestream import LOSSY
from analysis.archive.dicom.corrections import correct
from analysis.archive.dicom.dataset import syntax_of, text, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

# ASSUME: padding that takes more than this share of the image is a wrong tag.
_HIDDEN = 0.95
#: Share of the edge that padding without a tag must take.
EDGE = 0.05
#: Of so many lines about an image it is a border.
_FRAME = 5


def padding(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Find the padding, also behind lines of one value that are drawn about it all; these are none of the image then."""
    found = _told_or_not(stored, dataset)
    lines = 0 if found is not None and edge(found).any() else _lines_about(stored)
    if lines and (within := _told_or_not(stored[lines:-lines, lines:-lines], dataset)) is not None and within.any():
        return np.pad(within, lines, constant_values=True)
    return found


def _lines_about(stored: NDArray[Any]) -> int:
    """Return how many lines of one value are drawn about an image, if they are a few."""
    lines, drawn = 0, stored[0, 0]
    while lines < _FRAME and min(stored.shape) > 2 and (edge(stored) == drawn).all():
        stored, lines = stored[1:-1, 1:-1], lines + 1
    return lines if lines < _FRAME else 0


def _told_or_not(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Find the padding (PS3.3 C.7.5.1.1.2): its value or range, as far as it touches the edge of the image.

    ASSUME: the same value within the image is the image's, as where metal is as white as the padding.
    """
    first = whole(dataset, "PixelPaddingValue")
    last = whole(dataset, "PixelPaddingRangeLimit")
    # A loss in compression spreads a value over those next to it.
    near = (int(stored.max()) - int(stored.min())) // 100 if first is not None and _is_lossy(dataset) else 0
    mask = None if first is None else _between(stored, first, first if last is None else last, near)
    if mask is None and first is not None and (bits := whole(dataset, "BitsStored")):
        # A value beyond the bits that hold the image was cut to them like the image.
        mask = _between(stored, *(one & (2**bits - 1) for one in (first, first if last is None else last)))
    if mask is None and (mask := _untold(stored)) is not None:
        correct(dataset, "padding")
    return None if mask is None else touching(mask)


def _is_lossy(dataset: Dataset) -> bool:
    return text(dataset, "LossyImageCompression") == "01" or syntax_of(dataset) in LOSSY


def _between(stored: NDArray[Any], first: int, last: int, near: int = 0) -> NDArray[np.uint8] | None:
    """Mark a range of values, and those near it; None where no pixel has one, or nearly all have."""
    low, high = sorted(_within(one, stored.dtype) for one in (first, last))
    # Compared as Python's numbers, of which none is too large.
    info = np.iinfo(stored.dtype)
    mask = ((stored >= max(low - near, info.min)) & (stored <= min(high + near, info.max))).astype(np.uint8)
    return mask if 0 < mask.mean() <= _HIDDEN else None


def _untold(stored: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Mark padding that no tag declares.

    ASSUME: it is the lowest or highest value, lies along a twentieth of the edge, and is further from every other value
    than those are from each other. Black about a dark image isn't, nor is a saturated beam.
    """
    border = edge(stored)
    for extreme in (border.max(), border.min()):
        # First by a few of the pixels: nearly all images end here.
        for some in (stored[::8, ::8], stored):
            others = some[some != extreme]
            if others.size < 2 or not _far(int(extreme), int(others.min()), int(others.max())):
                break
        else:
            if (border == extreme).mean() >= EDGE:
                return np.asarray(stored == extreme, np.uint8)
    return None


def _far(value: int, low: int, high: int) -> bool:
    return low < high and max(value - high, low - value) > high - low


def _within(number: int, dtype: np.dtype[Any]) -> int:
    """Return a number as a pixel would hold it: the tag may be signed where the pixels aren't."""
    info = np.iinfo(dtype)
    return (number - info.min) % (info.max - info.min + 1) + info.min


def edge(image: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels along all four sides of an image; those of the corners twice."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def touching(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Return what of a mask touches the edge of the image."""
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1]
    there = np.unique(edge(labels))
    return np.isin(labels, there[there > 0])
