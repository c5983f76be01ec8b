"""What a display shutter hides of an image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np

from analysis.archive.dicom.corrections import correct
from analysis.archive.dicom.dataset import numbers, present, text, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

#: Of a rectangular one.
_EDGES = ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
#: How far a shutter reaches, as a share of the image, where it was told of a larger image, which was reduced.
_BEYOND = 1.25
#: Of each shape an element that no other has.
_TELLING = {
    "RECTANGULAR": "ShutterLeftVerticalEdge",
    "CIRCULAR": "RadiusOfCircularShutter",
    "POLYGONAL": "VerticesOfThePolygonalShutter",
}


def outside_shutter(shape: tuple[int, ...], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Find what lies outside the display shutter (PS3.3 C.7.6.11); outside of any, if it has several shapes.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image.
    dataset : pydicom.Dataset

    Returns
    -------
    numpy.ndarray of bool, shape (rows, columns), or None
        None where nothing does. A shape that can't be drawn, or that reaches far beyond the image, is noted as a
        correction, and hides nothing.
    """
    shapes = re.findall("[A-Z]+", text(dataset, "ShutterShape").upper())
    # Where the shape isn't told, what is told of it names it.
    shapes = shapes or [shape for shape, keyword in _TELLING.items() if present(dataset, (keyword,))]
    if not shapes:
        return None
    inside = np.ones(shape, np.uint8)
    for name in shapes:
        try:
            part = _inside(name, shape, dataset)
        except (TypeError, ValueError, OverflowError, AttributeError, KeyError, IndexError, cv2.error):
            part = None
        if part is None:
            correct(dataset, "hidden")
        else:
            inside &= part
    return None if inside.all() else inside == 0


def _inside(name: str, shape: tuple[int, ...], dataset: Dataset) -> NDArray[np.uint8] | None:
    """Mark what one shape of a shutter shows; None of one that the standard doesn't know, isn't told, or is another image's."""
    part = np.zeros(shape, np.uint8)
    furthest = shape
    if name.startswith("RECT"):
        told = [numbers(dataset, f"Shutter{edge}Edge") for edge in _EDGES]
        edges = [round(one[0]) if one else None for one in told]
        if edges == [None] * 4:
            return None
        # A missing edge is the image's; they may be exchanged, as in an image that was turned.
        left, right, upper, lower = (
            other if edge is None else edge for edge, other in zip(edges, (1, shape[1], 1, shape[0]), strict=True)
        )
        (left, right), (upper, lower) = sorted((left, right)), sorted((upper, lower))
        furthest = lower, right
        part[max(upper - 1, 0) : lower, max(left - 1, 0) : right] = 1
    elif name.startswith("CIRC"):
        row, column = (round(one) for one in numbers(dataset, "CenterOfCircularShutter"))
        radius = round(numbers(dataset, "RadiusOfCircularShutter")[0])
        furthest = row + radius, column + radius
        cv2.circle(part, (column - 1, row - 1), radius, [1], cv2.FILLED)
    elif name.startswith("POLY"):
        corners = np.array([round(one) for one in numbers(dataset, "VerticesOfThePolygonalShutter")]).reshape(-1, 2)
        furthest = tuple(corners.max(axis=0))
        cv2.fillPoly(part, [corners[:, ::-1].astype(np.int32) - 1], [1])
    elif name == "BITMAP":  # an overlay's bits are what it hides
        part |= _overlay(whole(dataset, "ShutterOverlayGroup") or 0x6000, dataset) == 0
    else:
        return None
    return part if (np.array(furthest) <= _BEYOND * np.array(shape)).all() else None


def _overlay(group: int, dataset: Dataset) -> NDArray[np.uint8]:
    """Read an overlay's bits (PS3.3 C.9.2), of which each word may have its other byte first: what tears it apart less counts."""
    rows, columns = (int(dataset[group, element].value) for element in (0x0010, 0x0011))
    data = np.frombuffer(dataset[group, 0x3000].value, np.uint8)
    swapped = data[: len(data) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
    read = [np.unpackbits(one, bitorder="little")[: rows * columns].reshape(rows, columns) for one in (data, swapped)]
    return min(read, key=lambda bits: np.count_nonzero(np.diff(bits, axis=1)))
