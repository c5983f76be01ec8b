"""Where the joint is on the picture of one leg: where brightness changes most from row to row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grey = NDArray[np.float32]

#: Share of a leg's pixels that count with their own brightness; brighter ones are metal, and count as these.
_METAL = 80
#: Where the joint is looked for, as a share of the trimmed height.
_MIDDLE = (0.2, 0.8)
#: What lies further from a leg's bright part than this is none of it, mm.
_BESIDE = 15.0
#: Half the width of the strip about a leg's axis in which the joint is looked for, mm; the grain of both, mm.
STRIP, _GRAIN = 32.0, 6.0
#: What is brighter than that above and below it over fewer rows than this is a screw across the bone, mm; and how far from
#: where the joint seems to be without such the strongest change may lie, mm.
_BAR, _ABOUT = 9.0, 20.0


def leg_width(half: Grey, row: float) -> float:
    """Return how wide the leg in one half of a film is about a row, pixels."""
    profile = np.sqrt(half[max(0, round(row) - 20) : round(row) + 20]).mean(axis=0)
    return float((profile > 0.4 * profile.max()).sum())


def find_joint(half: Grey, unit: float) -> tuple[float, float]:
    """Find the joint in one half of a film.

    Parameters
    ----------
    half : numpy.ndarray of float32, shape (rows, columns)
        Brightness, 0 to 1.
    unit : float
        Size of a pixel, mm.

    Returns
    -------
    tuple of float
        Column and row.
    """
    height = half.shape[0]
    low, high = int(_MIDDLE[0] * height), int(_MIDDLE[1] * height) + 1
    column = find_axis(half[low:high], unit)
    row = 0.0
    for _ in range(2):
        row = _row(half, column, unit, low, high)
        about = slice(max(0, int(row - 40 / unit)), int(row + 40 / unit) + 1)
        column = find_axis(half[about], unit)
    return column, row


def find_axis(rows: Grey, unit: float) -> float:
    """Return the column of a leg's axis: the middle of its bright part, which is wider than a ruler beside it or a letter."""
    profile = np.sqrt(rows).mean(axis=0)
    weight = np.clip(profile - 0.6 * profile.max(), 0, None)
    bright = np.flatnonzero(weight)
    leg = max(np.split(bright, np.flatnonzero(np.diff(bright) > _BESIDE / unit) + 1), key=len)
    return float((weight[leg] * leg).sum() / max(weight[leg].sum(), 1e-9))


def _row(half: Grey, column: float, unit: float, low: int, high: int) -> float:
    """Return the row about which brightness changes most from row to row, in four strips beside each other."""
    reach = STRIP / unit
    edges = np.linspace(column - reach, column + reach, 5).round().astype(int).clip(0, half.shape[1])
    bone = half[:, edges[0] : edges[-1]]
    bone = np.minimum(bone, np.percentile(bone[low:high], _METAL))

    def changes(bone: NDArray[Any]) -> NDArray[Any]:
        strips = [
            bone[:, a:b].mean(axis=1) for a, b in zip(edges[:-1] - edges[0], edges[1:] - edges[0], strict=True) if b > a
        ]
        change = np.abs(np.diff(smoothed(np.stack(strips), 1.0 / unit), axis=1)).mean(axis=0)
        return smoothed(change, _GRAIN / unit)[low : high - 1]

    # Bars across the bone have edges as well: they are opened away to tell about where the joint is.
    opened = cv2.morphologyEx(bone, cv2.MORPH_OPEN, np.ones((max(1, round(_BAR / unit)), 1), np.uint8))
    about = int(np.argmax(changes(opened)))
    start = max(0, about - round(_ABOUT / unit))
    return float(low + start + np.argmax(changes(bone)[start : about + round(_ABOUT / unit) + 1]))


def smoothed(lines: NDArray[Any], deviation: float) -> NDArray[Any]:
    """Blur lines of numbers, each along itself, by a normal curve that is cut at four standard deviations."""
    reach = int(4 * deviation + 0.5)
    # OpenCV's, since it is loaded anyway, and SciPy's filters take a quarter of a second to load.
    blurred = cv2.GaussianBlur(
        np.atleast_2d(lines).astype(np.float64), (2 * reach + 1, 1), deviation, borderType=cv2.BORDER_REFLECT
    )
    return blurred.reshape(lines.shape).astype(lines.dtype)
