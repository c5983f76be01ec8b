"""A radiograph for the browser: every grey level that was recorded, and the window it opens with."""

from __future__ import annotations

import gzip
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.archive.dicom import read
from analysis.imaging.pixels import brightness
from analysis.imaging.prepare import pixel_aspect

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """Pixels without a header.

    Attributes
    ----------
    grey : numpy.ndarray of uint16, shape (rows, columns)
        More is whiter; square pixels.
    low, high : int
        Grey levels that the file, or prepare in its place, shows as black and as white.
    """

    grey: NDArray[np.uint16]
    low: int
    high: int

    def pack(self) -> bytes:
        """Return columns, rows, low, high (little-endian 32 bit), then the pixels row by row, all gzipped."""
        head = struct.pack("<IIii", self.grey.shape[1], self.grey.shape[0], self.low, self.high)
        return gzip.compress(head + self.grey.astype("<u2").tobytes(), compresslevel=1, mtime=0)


def load_picture(path: Path) -> Picture:
    """Decode an image of the archive in full resolution and depth.

    Raises
    ------
    Unreadable
        If the file can't be read or decoded.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read(path)
        shown = brightness(dataset)
        picture = _with_depth(dataset.pixel_array, shown)
        aspect = pixel_aspect(dataset)
    if aspect != 1:
        import cv2

        rows, columns = picture.grey.shape
        grey = cv2.resize(picture.grey, (columns, max(1, round(rows * aspect))), interpolation=cv2.INTER_LINEAR)
        picture = Picture(grey.astype(np.uint16), picture.low, picture.high)
    return picture


def _with_depth(stored: NDArray[Any], shown: NDArray[np.uint8]) -> Picture:
    """Keep the stored values, and find the window by how `brightness` shows them.

    The window is the straight line through the values shown as neither black nor white; where a lookup
    table bends it, the line is the nearest one.
    """
    if not np.issubdtype(stored.dtype, np.integer) or stored.dtype.itemsize > 2:
        return Picture(shown.astype(np.uint16) * 257, 0, 65535)
    lowest = int(stored.min())
    grey = (stored.astype(np.int32) - lowest).astype(np.uint16)
    table = np.full(int(grey.max()) + 1, -1, np.int16)
    table[grey] = shown
    values = np.flatnonzero((table > 0) & (table < 255))
    if len(np.unique(table[values])) < 2:  # a step from black to white
        return Picture(shown.astype(np.uint16) * 257, 0, 65535)
    slope, offset = np.polyfit(values, table[values], 1)
    low, high = (0 - offset) / slope, (255 - offset) / slope
    if slope < 0:  # MONOCHROME1: the lowest value is white
        highest = int(grey.max())
        grey, low, high = (highest - grey).astype(np.uint16), highest - low, highest - high
    return Picture(grey, *(int(np.clip(np.rint(end), -(2**30), 2**30)) for end in (low, high)))
