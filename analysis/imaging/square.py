"""Crop the black border, reduce, pad to a square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from analysis.archive.dicom.orientation import is_mirrored, is_upside_down

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from analysis.archive.knees.films import Box

# ASSUME: a line of pixels is border while at most this share of it is brighter than the border,
# so that single noisy pixels don't keep a black edge; the paper only says that the border was removed.
_SPECKS = 0.005
# ASSUME: where so much of the edge is white, that is border, too: what a shutter should have hidden. None of 726 public
# knees has a fifth of it.
_WHITE, _FRAME = 250, 0.7
#: A line of which more is white is of a border, on whichever side, with those beyond it that are so as well.
_LINE = 0.98


def active_area(image: NDArray[np.uint8], border: float, min_content: float) -> tuple[slice, slice]:
    """Find the image within its black border, or its white one.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (rows, columns)
    border : float
        Brightness, 0 to 1, up to which a pixel is black. 0 finds no border.
    min_content : float
        Share of the area that must remain; where less would, the whole is returned.

    Returns
    -------
    tuple of slice
        Rows and columns of the active area.
    """
    whole = slice(0, image.shape[0]), slice(0, image.shape[1])
    if border <= 0:
        return whole
    bright = cv2.threshold(image, border * 255, 1, cv2.THRESH_BINARY)[1]
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    if (edge >= _WHITE).mean() > _FRAME:
        bright[image >= _WHITE] = 0
    for turned, shown in (
        (image, bright),
        (image[::-1], bright[::-1]),
        (image.T, bright.T),
        (image.T[::-1], bright.T[::-1]),
    ):
        if (turned[0] >= _WHITE).mean() > _LINE:
            shown[: _lines(turned)] = 0
    spans = []
    for axis in (1, 0):
        share = cv2.reduce(bright, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
        lines = np.flatnonzero(share > _SPECKS)
        if not len(lines):
            return whole
        spans.append(slice(int(lines[0]), int(lines[-1]) + 1))
    rows, columns = spans
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    return (rows, columns) if area >= min_content * image.size else whole


def _lines(image: NDArray[np.uint8]) -> int:
    """Return how many lines of an image are white from the first on."""
    white = (image >= _WHITE).mean(axis=1) > _LINE
    return len(white) if white.all() else int(np.argmin(white))


def hung(image: NDArray[Any], dataset: Dataset, box: Box | None = None) -> NDArray[Any]:
    """Return a picture, or a part of it, as it is usually hung: the head up, and a frontal one with the patient's right on the left.

    Parameters
    ----------
    image : numpy.ndarray, shape (rows, columns)
    dataset : pydicom.Dataset
        Says by PatientOrientation whether the picture is upside down or mirrored.
    box : Box, optional
        The part. What lies beyond the picture is 0, which is black.

    Returns
    -------
    numpy.ndarray, shape (rows, columns) or (box.bottom - box.top, box.right - box.left)
    """
    part = image if box is None else _part(image, box)
    return np.ascontiguousarray(part[:: -1 if is_upside_down(dataset) else 1, :: -1 if is_mirrored(dataset) else 1])


def _part(image: NDArray[Any], box: Box) -> NDArray[Any]:
    rows, columns = image.shape
    part = np.zeros((box.bottom - box.top, box.right - box.left), image.dtype)
    top, left = max(box.top, 0), max(box.left, 0)
    seen = image[top : min(box.bottom, rows), left : min(box.right, columns)]
    part[top - box.top : top - box.top + seen.shape[0], left - box.left : left - box.left + seen.shape[1]] = seen
    return part


def square(
    image: NDArray[np.uint8], size: int, *, border: float = 0.04, min_content: float = 0.05, aspect: float = 1.0
) -> NDArray[np.uint8]:
    """Crop the black border, reduce so that the longer side is `size`, pad to a square.

    Proportions are kept, and the image is centred on black (Olsson et al. 2021, "Input images").
    An image smaller than `size` is enlarged, so that all fill the square.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (rows, columns)
    size : int
        Side of the square, pixels.
    border, min_content : float
        See `active_area`.
    aspect : float
        Height of a pixel divided by its width.

    Returns
    -------
    numpy.ndarray of uint8, shape (size, size)
    """
    image = image[active_area(image, border, min_content)]
    height, width = image.shape[0] * aspect, float(image.shape[1])
    scale = size / max(height, width)
    rows, columns = (min(size, max(1, round(side * scale))) for side in (height, width))
    small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (size - rows) // 2, (size - columns) // 2
    return np.asarray(
        cv2.copyMakeBorder(
            small, top, size - rows - top, left, size - columns - left, cv2.BORDER_CONSTANT, value=[0.0]
        ),
        np.uint8,
    )
