"""Films that show both knees: where each knee is on them, or why that can't be said.

No network and nothing learnt: the legs are the two humps of the film's brightness, and `joints` finds the joint of each.
How well this does is measured by `bench-films`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import cv2
import numpy as np

from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.knees.fields import trimmed, without_border, without_bridge, without_fog, without_narrow
from analysis.archive.knees.joints import STRIP, find_axis, find_joints, leg_width, smoothed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.archive.knees.fields import Grey
    from analysis.archive.knees.joints import Joint

#: Pixels of the longer side of the film as it is looked at: about a millimetre each on a film of 43 cm.
_LOOK = 430
#: A jump of brightness, and the share of rows that have it in one column, by which a straight edge is known; the widest band
#: between two exposures, mm; and how much what no exposure reached may vary along the film.
_EDGE, _STRAIGHT, _BAND, _EVEN = 0.2, 0.7, 25.0, 0.05
#: Brighter than this is leg; and how much more the ends of one leg may differ from those of the other than the film is
#: askew, mm. How bright each leg is says nothing, since one may be thicker.
_SEEN, _ASKEW = 0.1, 12.0
#: How deep the valley between two legs is, as a share of the lower leg's brightness: less than the first is one leg,
#: less than the second can't be told.
_ONE, _CLEAR = 0.12, 0.30
#: How deep a valley is from side to side by which two legs lie across the film; that of a joint is no deeper than 0.4.
_LYING = 0.5
#: A leg takes this share of the trimmed width at least.
_NARROWEST = 0.25
#: Less than this changes brightness where no joint is seen, per mm: where bones are all white.
_FAINT = 0.004
#: By so much the shin is brighter than the thigh bone where both legs are upside down. Of 658 upright knees of the OAI two
#: seem to be, and in 652 the thigh bone is brighter by as much.
_FALLS = -0.02
#: A film of both knees is at most this many times as high as wide; higher ones show whole legs.
_TALLEST = 1.6
#: A leg's width at the knee, mm, where nothing says how large a pixel is: the part brighter than a sixth of its middle.
#: ASSUME: as wide as the simulated legs, measured in the same way; only the size of the square rests on it.
_LEG = 96.0


@dataclass(frozen=True)
class Box:
    """A part of a picture, in its stored pixels; what lies beyond the picture is black."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        """Write it as `read` reads it."""
        return f"{self.top},{self.left},{self.bottom},{self.right}"


@dataclass(frozen=True)
class Knee:
    """One knee on a film.

    Attributes
    ----------
    column, row : float
        The middle of its joint, stored pixels.
    box : Box
        The square about it.
    half : Box
        The half of the film that shows it, within the film's borders.
    """

    column: float
    row: float
    box: Box
    half: Box


@dataclass(frozen=True)
class Parted:
    """The knees of a film.

    Attributes
    ----------
    knees : tuple of Knee
        From left to right.
    depth : float
        How clear the valley between the legs is, 0 to 1.
    upside_down : bool
        In both legs the bones above the joint are darker than those below it.
    """

    knees: tuple[Knee, Knee]
    depth: float
    upside_down: bool


def part(film: NDArray[np.uint8], spacing: tuple[float, float] | None, side: float) -> Parted | None:
    """Find the two knees of a film.

    Parameters
    ----------
    film : numpy.ndarray of uint8, shape (rows, columns)
        0 is black (air), 255 white (metal).
    spacing : tuple of float, optional
        Height and width of a pixel, mm; without, the legs' width is the measure.
    side : float
        Side of the square about each joint, mm.

    Returns
    -------
    Parted or None
        None where there is one hump: one knee, or none.

    Raises
    ------
    Unreadable
        `film_unclear`, with what is wrong: no clear valley, a leg cut off, a film too high, two films on a plate.
    """
    grey, unit, look, aspect = _reduced(film, spacing)
    top, bottom, left, right = trimmed(grey)
    seen = grey[top:bottom, left:right]
    if min(seen.shape) < 40:
        raise Unreadable("film_unclear", "hardly anything to be seen")
    seen = without_fog(seen)
    valley, depth = _valley(without_narrow(seen, unit), unit)
    if depth < _CLEAR and _valley(seen.T, unit)[1] > _LYING:
        raise Unreadable("film_unclear", "the legs lie across the film")
    if depth < _ONE:
        return None
    if depth < _CLEAR:
        raise Unreadable("film_unclear", "no clear valley between the legs")
    if min(valley, seen.shape[1] - valley) < _NARROWEST * seen.shape[1]:
        raise Unreadable("film_unclear", "one side is too narrow for a leg")
    if film.shape[0] * aspect > _TALLEST * film.shape[1]:
        raise Unreadable("film_unclear", "the film is too high for two knees")
    if _band(seen, valley, unit):
        raise Unreadable("film_unclear", "two exposures on one plate, or a ruler without marks")
    clear = without_bridge(seen, valley, unit)
    if _two_fields(seen, clear, valley, unit):
        raise Unreadable("film_unclear", "two exposures on one plate, or a leg that ends before the other")
    spans = ((0, valley), (valley, seen.shape[1]))
    legs, shapes = ([picture[:, start:stop] for start, stop in spans] for picture in (seen, clear))
    joints = find_joints(legs, shapes, unit)
    if spacing is None:
        unit = _LEG / float(np.mean([leg_width(leg, joint.row) for leg, joint in zip(shapes, joints, strict=True)]))
        joints = find_joints(legs, shapes, unit)
    if max(joint.change for joint in joints) < _FAINT:
        raise Unreadable("film_unclear", "the joints don't stand out")
    first, second = (
        _knee(seen, span, joint, (top, left), unit, look, aspect, side)
        for span, joint in zip(spans, joints, strict=True)
    )
    return Parted((first, second), depth, upside_down=all(joint.falls < _FALLS for joint in joints))


def part_one(film: NDArray[np.uint8], spacing: tuple[float, float] | None, side: float) -> Box:
    """Find the square about the joint on a film of one knee; parameters as of `part`."""
    grey, unit, look, aspect = _reduced(film, spacing)
    top, bottom, left, right = trimmed(grey)
    seen = grey[top:bottom, left:right]
    if min(seen.shape) < 40:
        raise Unreadable("film_unclear", "hardly anything to be seen")
    if spacing is None:
        unit = _LEG / leg_width(seen, find_joints([seen], [seen], unit)[0].row)
    joint = find_joints([seen], [seen], unit)[0]
    return _knee(seen, (0, seen.shape[1]), joint, (top, left), unit, look, aspect, side).box


def _reduced(film: NDArray[np.uint8], spacing: tuple[float, float] | None) -> tuple[Grey, float, float, float]:
    """Return the film at about a millimetre a pixel, how many mm that is, and its scale; and a stored pixel's aspect.

    A film that doesn't say how large its pixels are is taken for one of usual size.
    """
    aspect = spacing[0] / spacing[1] if spacing else 1.0
    high, wide = film.shape
    look = _LOOK / max(high * aspect, wide)
    small = cv2.resize(
        film, (max(8, round(wide * look)), max(8, round(high * aspect * look))), interpolation=cv2.INTER_AREA
    )
    grey = without_border(small.astype(np.float32) / np.float32(255))
    return grey, spacing[1] / look if spacing else 1.0, look, aspect


def _knee(
    seen: Grey,
    span: tuple[int, int],
    joint: Joint,
    corner: tuple[int, int],
    unit: float,
    look: float,
    aspect: float,
    side: float,
) -> Knee:
    """Put the joint in the columns `span` of a trimmed film into stored pixels."""
    (start, stop), (top, left) = span, corner
    x, y = (left + start + joint.column) / look, (top + joint.row) / look / aspect
    across = side / unit / look / 2
    down = across / aspect
    return Knee(
        column=x,
        row=y,
        box=Box(round(y - down), round(x - across), round(y + down), round(x + across)),
        half=Box(
            round(top / look / aspect),
            round((left + start) / look),
            round((top + seen.shape[0]) / look / aspect),
            round((left + stop) / look),
        ),
    )


def _valley(seen: Grey, unit: float) -> tuple[int, float]:
    """Return the column of the deepest valley between two humps, and its depth as a share of the lower hump."""
    quarter = seen.shape[0] // 4
    # A root, so that metal is no mountain beside which a leg is flat.
    profile = smoothed(np.sqrt(seen[quarter : seen.shape[0] - quarter]).mean(axis=0), 4.0 / unit)
    left = np.maximum.accumulate(profile)
    right = np.maximum.accumulate(profile[::-1])[::-1]
    depth = 1 - profile / np.maximum(np.minimum(left, right), 1e-6)
    low, high = int(0.3 * len(profile)), int(0.7 * len(profile)) + 1
    column = low + int(np.argmax(depth[low:high]))
    return column, float(depth[column])


def _band(seen: Grey, valley: int, unit: float) -> bool:
    """Tell a band that no exposure reached: two opposite edges between the legs, straight from top to bottom, and one grey.

    One such edge may be skin; a ruler is bright and has marks.
    """
    start = max(0, valley - seen.shape[1] // 6)
    change = np.diff(seen[:, start : valley + seen.shape[1] // 6], axis=1)
    # Over three columns, since the film may lie a little askew.
    jump = change[:, :-1] + change[:, 1:]
    rising, falling = (
        np.flatnonzero((np.maximum(way[:, :-1], way[:, 1:]) > _EDGE).mean(axis=0) > _STRAIGHT) for way in (jump, -jump)
    )
    for rise, fall in product(rising, falling):
        if abs(rise - fall) < _BAND / unit:
            # Between the edges, each of which is three columns wide. What is darker than both sides is no ruler.
            inside = seen[:, start + rise + 3 : start + fall + 1]
            if rise > fall or not inside.size or np.ptp(np.percentile(inside.mean(axis=1), (2, 98))) < _EVEN:
                return True
    return False


def _two_fields(seen: Grey, clear: Grey, valley: int, unit: float) -> bool:
    """Tell two exposures by the legs, whose fields end at other heights."""
    ends = []
    for half in (np.s_[:, :valley], np.s_[:, valley:]):
        # About the axis, since what lies beside a leg may be fogged.
        leg, axis, reach = seen[half], round(find_axis(clear[half], unit)), max(1, round(STRIP / unit))
        strip = leg[:, max(0, axis - reach) : axis + reach]
        rows = np.flatnonzero((strip > _SEEN).mean(axis=1) > 0.5)
        if not len(rows):
            return False
        ends.append(rows[[0, -1]])
    # Of one field that is askew both ends are higher on the same side.
    top, bottom = ends[0] - ends[1]
    return bool(abs(top - bottom) * unit > _ASKEW)
