"""Whether a prepared image looks like a radiograph at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Grey levels (of 256): a standard deviation below this shows nothing.
_CONTRAST = 4.0
#: Correlation of neighbouring pixels: noise has about 0, 2,465 simulated images 0.87 and more, 4,726 public knees 0.84.
_SMOOTH = 0.5
#: Share of white above which a window was made for smaller values (of the public knees at most 0.01, of simulated images
#: with a white border 0.22), and the grey levels below which for larger ones.
_WHITE, _QUARTER = 0.4, 64
#: So does a range of brightness below this, but for a hundredth at either end: of the public knees it is 79 and more.
_RANGE = 24
#: Fewer grey levels than this are a drawing, a page of text or a mask; and fewer before the image is reduced, which makes
#: greys of black beside white.
_LEVELS, _LEVELS_PICKED = 16, 5
#: So is what has less than this share of its pixels between black and white.
_BETWEEN = 0.05
_GREYS = np.arange(256, dtype=np.float64)
#: Share of the rows, side by side, that are one and the same grey: what a decoder fills in. At most 0.02 of 7,330 public
#: knees and 1,107 simulated images. Of the columns it is more, as air beside a leg may be grey.
_FILLED_ROWS, _FILLED_COLUMNS = 0.12, 0.4


def implausible(square: NDArray[np.uint8], picked: NDArray[np.uint8] | None = None) -> str | None:
    """Say why an image is no radiograph, or None.

    Parameters
    ----------
    square : numpy.ndarray of uint8, shape (size, size)
        A prepared image; black lines and columns about it are padding.
    picked : numpy.ndarray of uint8, optional
        Single pixels of the image at its full size.

    Returns
    -------
    str or None
        nothing to be seen, noise, few shades of grey, or partly filled with one grey.
    """
    rows, columns = np.flatnonzero(square.any(axis=1)), np.flatnonzero(square.any(axis=0))
    if not len(rows):
        return "nothing to be seen"
    image = np.ascontiguousarray(square[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    levels = _levels(image)
    if min(image.shape) < 4 or levels @ _GREYS**2 / image.size - (levels @ _GREYS / image.size) ** 2 < _CONTRAST**2:
        return "nothing to be seen"
    low, high = np.searchsorted(np.cumsum(levels), np.array((0.01, 0.99)) * image.size)
    if high - low < _RANGE:
        return "nothing to be seen"
    few = np.count_nonzero(levels) < _LEVELS or levels[8:248].sum() < _BETWEEN * image.size
    if few or (picked is not None and np.count_nonzero(_levels(picked)) < _LEVELS_PICKED):
        return "few shades of grey"
    if _filled(image, 1, _FILLED_ROWS) or _filled(image, 0, _FILLED_COLUMNS):
        return "partly filled with one grey"
    rough = _is_rough(image[:, :-1], image[:, 1:]) or _is_rough(image[:-1], image[1:])
    return "noise" if rough else None


def _is_rough(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Return whether neighbouring pixels have little to do with each other."""
    left, right = one.ravel().astype(float), other.ravel().astype(float)
    n, first, second = left.size, left.sum(), right.sum()
    # Of images over some 600 pixels the products are no longer exact, and rounding could leave a negative rest.
    spread = math.sqrt(max((n * (left @ left) - first**2) * (n * (right @ right) - second**2), 0.0))
    return bool(n * (left @ right) - first * second < _SMOOTH * (spread or 1.0))


def is_faint(picked: NDArray[np.uint8]) -> bool:
    """Return whether an image is mostly white, or has less than a quarter of the scale: by a window for other values.

    Parameters
    ----------
    picked : numpy.ndarray of uint8
        Single pixels of the image.
    """
    levels = np.cumsum(_levels(picked)) / picked.size
    low, high = np.searchsorted(levels, (0.01, 0.99))
    return bool(1 - levels[253] > _WHITE or high - low < _QUARTER)


def _levels(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return cv2.calcHist([np.ascontiguousarray(image)], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def _filled(image: NDArray[np.uint8], axis: int, share: float) -> bool:
    """Find so many lines side by side that each hold one grey, neither black nor white; axis 1: rows."""
    low, high = image.min(axis=axis).astype(np.int16), image.max(axis=axis).astype(np.int16)
    # Decoders leave a faint pattern in what they fill in.
    grey = (high - low <= 8) & (low > 8) & (high < 247)
    needed = math.ceil(share * len(grey))
    starts = range(len(grey) - needed + 1) if grey.sum() >= needed else ()
    runs = (slice(start, start + needed) for start in starts)
    return any(grey[run].all() and high[run].max() - low[run].min() <= 8 for run in runs)
