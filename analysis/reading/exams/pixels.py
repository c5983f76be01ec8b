"""A radiograph for the browser: every grey level that was recorded, and the window it opens with."""

from __future__ import annotations

import gzip
import struct
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.archive.dicom.corrections import correct
from analysis.archive.dicom.dataset import read
from analysis.archive.dicom.orientation import towards
from analysis.archive.dicom.pixel_data import refuse_replaced
from analysis.archive.knees.negative import is_negative
from analysis.imaging.pixels import brightness, decode, pixel_aspect
from analysis.imaging.square import hung

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.archive.knees.films import Box


@dataclass(frozen=True)
class Picture:
    """Pixels without a header.

    Attributes
    ----------
    grey : numpy.ndarray of uint16, shape (rows, columns)
        More is whiter; square pixels.
    low, high : int
        Grey levels that the file, or prepare in its place, shows as black and as white.
    offset, scale : float
        The file's own value (after its rescale slope and intercept) is offset + scale x grey.
    spacing : float
        Millimetres a pixel, 0 where the file doesn't say.
    calibrated : bool
        Whether that is the patient's plane; else it is the detector's, and everything is magnified.
    sided : bool
        Whether the file says where the patient's right and left are. The right is at the image's left edge, as it is hung.
    """

    grey: NDArray[np.uint16]
    low: int
    high: int
    offset: float = 0.0
    scale: float = 1.0
    spacing: float = 0.0
    calibrated: bool = False
    sided: bool = False

    def pack(self) -> bytes:
        """Return a head of 32 bytes, then the pixels row by row, all gzipped.

        The head has columns, rows, low, high, offset, scale, spacing and marks, 32 bits each, little-endian;
        marks has 1 for calibrated, 2 for sided.
        """
        rows, columns = self.grey.shape
        numbers = (self.low, self.high, self.offset, self.scale, self.spacing)
        marks = int(self.calibrated) + 2 * self.sided
        head = struct.pack("<IIiifffI", columns, rows, *numbers, marks)
        return gzip.compress(head + self.grey.astype("<u2").tobytes(), compresslevel=1, mtime=0)


def load_picture(path: str | Path, digest: str = "", box: Box | None = None) -> Picture:
    """Decode an image of the archive in full resolution and depth.

    Parameters
    ----------
    path : str or Path
    digest : str
        Hash of the pixels that the file held when it was indexed; empty: whatever it holds.
    box : Box, optional
        The part of the picture to show; without, all of it.

    Raises
    ------
    Unreadable
        If the file can't be read or decoded, or holds other pixels by now.
    """
    path = Path(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read(path)
        stored = decode(dataset)
        if digest:
            refuse_replaced(dataset, digest)
        shown = brightness(dataset, stored)
        if is_negative(hung(shown, dataset, box)):
            correct(dataset, "negative")
            shown = brightness(dataset, stored)
        picture = _with_depth(stored, shown)
        aspect = pixel_aspect(dataset)
        spacing, calibrated = _spacing(dataset)
    picture = replace(picture, grey=hung(picture.grey, dataset, box), sided=towards(dataset)[0] in ("L", "R"))
    if aspect != 1:
        import cv2

        rows, columns = picture.grey.shape
        grey = cv2.resize(picture.grey, (columns, max(1, round(rows * aspect))), interpolation=cv2.INTER_LINEAR)
        picture = replace(picture, grey=grey.astype(np.uint16))
    slope, intercept = (
        float(dataset.get(name, other)) for name, other in (("RescaleSlope", 1), ("RescaleIntercept", 0))
    )
    offset = slope * picture.offset + intercept
    if not picture.scale:  # the values are shades, as shown: nothing that the file gives a meaning to
        offset = 0.0
    return replace(picture, offset=offset, scale=slope * picture.scale, spacing=spacing, calibrated=calibrated)


def _spacing(dataset: Any) -> tuple[float, bool]:
    """Return the width of a pixel, mm, and whether it is that of the patient's plane; 0 where nothing usable is said."""
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        try:
            width = float(dataset.get(name)[1])
        except (TypeError, ValueError, IndexError):
            continue
        if 0.001 < width < 10:
            # Without a calibration the two tags say the same of the detector.
            detector = dataset.get("ImagerPixelSpacing") == dataset.get(name)
            return width, name == "PixelSpacing" and not detector
    return 0.0, False


def _with_depth(stored: NDArray[Any], shown: NDArray[np.uint8]) -> Picture:
    """Keep the stored values, and find the window by how `brightness` shows them.

    The window is the straight line through the values shown as neither black nor white; where a lookup
    table bends it, the line is the nearest one.
    """
    if not np.issubdtype(stored.dtype, np.integer) or stored.dtype.itemsize > 2:
        return Picture(shown.astype(np.uint16) * 257, 0, 65535, scale=0)
    lowest = int(stored.min())
    grey = (stored.astype(np.int32) - lowest).astype(np.uint16)
    table = np.full(int(grey.max()) + 1, -1, np.int16)
    table[grey] = shown
    values = np.flatnonzero((table > 0) & (table < 255))
    if len(np.unique(table[values])) < 2:  # a step from black to white
        return Picture(shown.astype(np.uint16) * 257, 0, 65535, scale=0)
    slope, offset = np.polyfit(values, table[values], 1)
    low, high = (0 - offset) / slope, (255 - offset) / slope
    if slope < 0:  # MONOCHROME1: the lowest value is white
        highest = int(grey.max())
        grey, low, high = (highest - grey).astype(np.uint16), highest - low, highest - high
        return Picture(grey, *_ends(low, high), offset=lowest + highest, scale=-1)
    return Picture(grey, *_ends(low, high), offset=lowest)


def _ends(low: float, high: float) -> tuple[int, int]:
    return tuple(int(np.clip(np.rint(end), -(2**30), 2**30)) for end in (low, high))  # type: ignore[return-value]
