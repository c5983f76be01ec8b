"""What a file's pixels are, where its header says it wrongly or hides part of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from analysis.archive.dicom import text, value, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

# ASSUME: a shutter or padding that hides more than this share of the image is a wrong tag.
_HIDDEN = 0.95
#: Share of the edge that padding without a tag must take.
_EDGE = 0.05


def true_values(stored: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Take the bits that hold the image out of those that are stored (DICOM PS3.5 8.1).

    Values that fit into the bits stored are taken as they are, whatever the high bit says. Others are shifted down
    where they are aligned to the left; else what lies above is cut off (overlays are drawn there), unless that makes
    the image rougher: then the number of bits is what is wrong.

    Parameters
    ----------
    stored : numpy.ndarray of int, shape (rows, columns)
        8 or 16 bits a pixel, as decoded.
    dataset : pydicom.Dataset

    Returns
    -------
    numpy.ndarray
        Of the same shape and type.
    """
    allocated = 8 * stored.dtype.itemsize
    bits = whole(dataset, "BitsStored") or allocated
    if not 0 < bits < allocated:
        return stored
    signed = np.issubdtype(stored.dtype, np.signedinteger)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if stored.min() >= low and stored.max() <= high:
        return stored
    unused = allocated - bits
    above = (whole(dataset, "HighBit") or bits - 1) + 1 - bits
    if above == unused or not (stored & (2**unused - 1)).any():
        return stored >> unused
    masked = (stored << unused) >> unused
    return masked if _roughness(masked) <= _roughness(stored) else stored


def _roughness(image: NDArray[Any]) -> int:
    return int(np.abs(np.diff(image[::4].astype(np.int32), axis=1)).sum())


def hidden(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Return which pixels are none of the image: padding about it, and what lies outside a display shutter.

    Returns
    -------
    numpy.ndarray of bool, shape (rows, columns), or None
        None where there are none.
    """
    parts = [part for part in (_padding(stored, dataset), _outside_shutter(stored.shape, dataset)) if part is not None]
    if not parts:
        return None
    found = np.logical_or.reduce(parts)
    return found if found.mean() <= _HIDDEN else None


def _padding(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Find the padding (PS3.3 C.7.5.1.1.2): its value or range, as far as it touches the edge of the image.

    ASSUME: the same value within the image is the image's, as where metal is as white as the padding.
    """
    first = whole(dataset, "PixelPaddingValue")
    last = whole(dataset, "PixelPaddingRangeLimit")
    mask = None if first is None else _between(stored, first, first if last is None else last)
    if mask is None and first is not None and (bits := whole(dataset, "BitsStored")):
        # A value beyond the bits that hold the image was cut to them like the image.
        mask = _between(stored, *(one & (2**bits - 1) for one in (first, first if last is None else last)))
    if mask is None:
        mask = _untold(stored)
    if mask is None:
        return None
    labels = cv2.connectedComponents(mask, connectivity=4)[1]
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.isin(labels, edge[edge > 0])


def _between(stored: NDArray[Any], first: int, last: int) -> NDArray[np.uint8] | None:
    """Mark a range of values; None where no pixel has one."""
    low, high = sorted(_within(one, stored.dtype) for one in (first, last))
    mask = ((stored >= low) & (stored <= high)).astype(np.uint8)
    return mask if mask.any() else None


def _untold(stored: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Mark padding that no tag declares.

    ASSUME: it is the lowest or highest value, lies along a twentieth of the edge, and is further from every other value
    than those are from each other. Black about a dark image isn't, nor is a saturated beam.
    """
    edge = np.concatenate([stored[0], stored[-1], stored[:, 0], stored[:, -1]])
    for extreme in (edge.max(), edge.min()):
        # First by a few of the pixels: nearly all images end here.
        for some in (stored[::8, ::8], stored):
            others = some[some != extreme]
            if others.size < 2 or not _far(int(extreme), int(others.min()), int(others.max())):
                break
        else:
            if (edge == extreme).mean() >= _EDGE:
                return np.asarray(stored == extreme, np.uint8)
    return None


def _far(value: int, low: int, high: int) -> bool:
    return low < high and max(value - high, low - value) > high - low


def _within(number: int, dtype: np.dtype[Any]) -> int:
    """Return a number as a pixel would hold it: the tag may be signed where the pixels aren't."""
    info = np.iinfo(dtype)
    return (number - info.min) % (info.max - info.min + 1) + info.min


def _outside_shutter(shape: tuple[int, ...], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Find what lies outside the display shutter (PS3.3 C.7.6.11); outside of any, if it has several shapes."""
    shapes = text(dataset, "ShutterShape").upper().split()
    inside = np.ones(shape, np.uint8)
    for name in shapes:
        part = np.zeros(shape, np.uint8)
        try:
            if name == "RECTANGULAR":
                left, right, upper, lower = (
                    int(value(dataset, f"Shutter{edge}Edge"))
                    for edge in ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
                )
                part[max(upper - 1, 0) : lower, max(left - 1, 0) : right] = 1
            elif name == "CIRCULAR":
                row, column = (int(one) for one in value(dataset, "CenterOfCircularShutter"))
                cv2.circle(part, (column - 1, row - 1), int(value(dataset, "RadiusOfCircularShutter")), [1], cv2.FILLED)
            elif name == "POLYGONAL":
                corners = np.array([int(one) for one in value(dataset, "VerticesOfThePolygonalShutter")]).reshape(-1, 2)
                cv2.fillPoly(part, [corners[:, ::-1].astype(np.int32) - 1], [1])
            elif name == "BITMAP":  # an overlay's bits are what it hides
                part |= dataset.overlay_array(whole(dataset, "ShutterOverlayGroup") or 0x6000) == 0
            else:
                continue
        except (TypeError, ValueError, OverflowError, AttributeError, KeyError, cv2.error):
            continue
        inside &= part
    return None if inside.all() else inside == 0
