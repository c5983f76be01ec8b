"""Where the joint is on the picture of each leg: where brightness changes most from row to row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from analysis.archive.knees.fields import without_narrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from analysis.archive.knees.fields import Grey

#: Share of a leg's pixels that count with their own brightness; brighter ones are metal, and count as these.
_METAL = 80
#: From where to where a leg's axis and its metal are looked for at first, as a share of the height.
_MIDDLE = (0.2, 0.8)
#: What is brighter is exposed, and how near to the ends of what is exposed no joint is looked for, mm.
_SEEN, _END = 0.1, 20.0
#: How far from level the joints of two legs may be, mm.
_LEVEL = 60.0
#: What lies further from a leg's bright part than this is none of it, mm.
_BESIDE = 15.0
#: Half the width of the strip about a leg's axis in which the joint is looked for, mm; the grain of both, mm.
STRIP, _GRAIN = 32.0, 6.0
#: What is brighter than that above and below it over fewer rows than this is a screw across the bone, mm; and how far from
#: where the joint seems to be without such the strongest change may lie, mm.
_BAR, _ABOUT = 9.0, 20.0
#: From where to where the brightness above a joint is compared with that below it, mm from the joint.
_FROM, _TO = 8.0, 50.0


@dataclass(frozen=True)
class Joint:
    """The joint of one leg.

    Attributes
    ----------
    column, row : float
    change : float
        How much brightness changes about it from row to row, per mm.
    falls : float
        How much brighter the bones above it are than those below it: thigh bone and kneecap absorb more than the shin.
    """

    column: float
    row: float
    change: float
    falls: float


def leg_width(half: Grey, row: float) -> float:
    """Return how wide the leg in one half of a film is about a row, pixels."""
    profile = np.sqrt(half[max(0, round(row) - 20) : round(row) + 20]).mean(axis=0)
    return float((profile > 0.4 * profile.max()).sum())


def find_joints(legs: Sequence[Grey], shapes: Sequence[Grey], unit: float) -> list[Joint]:
    """Find the joint of each leg of a film.

    Parameters
    ----------
    legs : sequence of numpy.ndarray of float32, shape (rows, columns)
        The parts of the film that show one leg each, of the same height: brightness, 0 to 1.
    shapes : sequence of numpy.ndarray of float32
        The same without what is bright between the legs: where their axes are.
    unit : float
        Size of a pixel, mm.
    """
    columns = [find_axis(shape[_middle(shape)], unit) for shape in shapes]
    bar = np.ones((max(1, round(_BAR / unit)), 1), np.uint8)
    for _ in range(2):
        ends = [_exposed(_strip(leg, column, unit)) for leg, column in zip(legs, columns, strict=True)]
        strips = [_strip(_plain(leg, column, unit), column, unit) for leg, column in zip(legs, columns, strict=True)]
        changes = [_changes(strip, end, unit) for strip, end in zip(strips, ends, strict=True)]
        # Bars across the bone have edges as well: they are opened away to tell about where the joint is.
        opened = [_changes(np.asarray(cv2.morphologyEx(strip, cv2.MORPH_OPEN, bar), np.float32), end, unit)
                  for strip, end in zip(strips, ends, strict=True)]  # fmt: skip
        rows = [_strongest(change, about, _ABOUT / unit)
                for change, about in zip(changes, _level(opened, unit), strict=True)]  # fmt: skip
        columns = [find_axis(shape[max(0, int(row - 40 / unit)) : int(row + 40 / unit) + 1], unit)
                   for shape, row in zip(shapes, rows, strict=True)]  # fmt: skip
    return [
        Joint(column, row, float(change[row]) / unit, _falls(_strip(leg, column, unit), row, unit))
        for leg, column, row, change in zip(legs, columns, rows, changes, strict=True)
    ]


def find_axis(rows: Grey, unit: float) -> float:
    """Return the column of a leg's axis: the middle of its bright part, which is wider than a ruler beside it or a letter."""
    profile = np.sqrt(without_narrow(rows, unit)).mean(axis=0)
    weight = np.clip(profile - 0.6 * profile.max(), 0, None)
    bright = np.flatnonzero(weight)
    leg = max(np.split(bright, np.flatnonzero(np.diff(bright) > _BESIDE / unit) + 1), key=len)
    return float((weight[leg] * leg).sum() / max(weight[leg].sum(), 1e-9))


def _middle(leg: Grey) -> slice:
    return slice(int(_MIDDLE[0] * len(leg)), int(_MIDDLE[1] * len(leg)) + 1)


def _strip(leg: Grey, column: float, unit: float) -> Grey:
    """Return what lies about a leg's axis; metal is no brighter than bone."""
    low, high = (int(np.clip(round(column + reach), 0, leg.shape[1])) for reach in (-STRIP / unit, STRIP / unit))
    strip = leg[:, low:high]
    return np.minimum(strip, np.percentile(strip[_middle(strip)], _METAL))


def _plain(leg: Grey, column: float, unit: float) -> Grey:
    """Take away what lies across the leg and beside it, such as a frame's bar."""
    beside = np.delete(leg, np.s_[max(0, round(column - STRIP / unit)) : round(column + STRIP / unit)], axis=1)
    if not beside.size:
        return leg
    change = np.median(np.diff(beside, axis=0, prepend=beside[:1]), axis=1)
    return leg - np.cumsum(change, dtype=np.float32)[:, None]


def _changes(strip: Grey, ends: tuple[int, int], unit: float) -> NDArray[Any]:
    """Return how much brightness changes from row to row in four lines beside each other, between two rows."""
    edges = np.linspace(0, strip.shape[1], 5).round().astype(int)
    lines = np.stack([strip[:, a:b].mean(axis=1) for a, b in zip(edges[:-1], edges[1:], strict=True) if b > a])
    change = np.abs(np.diff(smoothed(lines, 1.0 / unit), axis=1)).mean(axis=0)
    change = smoothed(change, _GRAIN / unit)
    first, last = ends
    rows = np.arange(len(change))
    away = np.minimum(rows - first, last - rows)
    if last - first > 4 * _END / unit:
        change[away < _END / unit] = 0
    # The nearer to an end, the more likely it is something else.
    return change * np.clip(0.5 + 2 * away / max(last - first, 1), 0, 1)


def _exposed(strip: Grey) -> tuple[int, int]:
    """Return the first and the last row of a strip that is exposed."""
    rows = np.flatnonzero((strip > _SEEN).mean(axis=1) > 0.9)
    return (int(rows[0]), int(rows[-1])) if len(rows) else (0, len(strip) - 1)


def _level(changes: list[NDArray[Any]], unit: float) -> list[int]:
    """Return the row of the strongest change in each leg, such that they are about level.

    In one leg by itself it may be the end of what is exposed, or a plate's.
    """
    shares = [change / max(float(change.max()), 1e-9) for change in changes]
    reach = round(_LEVEL / unit)
    near = np.ones((2 * reach + 1, 1), np.uint8)
    together = shares[0] + sum(cv2.dilate(share[:, None], near)[:, 0] for share in shares[1:])
    row = int(np.argmax(together))
    return [row, *(_strongest(share, row, reach) for share in shares[1:])]


def _strongest(change: NDArray[Any], about: int, reach: float) -> int:
    start = max(0, about - round(reach))
    return start + int(np.argmax(change[start : about + round(reach) + 1]))


def _falls(strip: Grey, row: int, unit: float) -> float:
    """Return how much brighter a strip is above a row than below it, as far as both are there."""
    lines = strip.mean(axis=1)
    first, last = _exposed(strip)
    start, reach = round(_FROM / unit), min(round(_TO / unit), row - first, last - row)
    if reach <= start:
        return 0.0
    return float(lines[row - reach : row - start].mean() - lines[row + start : row + reach].mean())


def smoothed(lines: NDArray[Any], deviation: float) -> NDArray[Any]:
    """Blur lines of numbers, each along itself, by a normal curve that is cut at four standard deviations."""
    reach = int(4 * deviation + 0.5)
    # OpenCV's, since it is loaded anyway, and SciPy's filters take a quarter of a second to load.
    blurred = cv2.GaussianBlur(
        np.atleast_2d(lines).astype(np.float64), (2 * reach + 1, 1), deviation, borderType=cv2.BORDER_REFLECT
    )
    return blurred.reshape(lines.shape).astype(lines.dtype)
