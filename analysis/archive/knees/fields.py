"""What of a film of both knees is its field: without the border about it, fog, and what is narrow or between the legs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from analysis.archive.dicom.dataset import Unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grey = NDArray[np.float32]

#: Brightness, 0 to 1, up to which a pixel is black, and how much the pixels of a border may differ.
_BLACK, _ALIKE = 0.04, 0.03
#: What is at least so bright is white; and the share of white within a white border from which it is the beam that is white.
_WHITE, _BEAM = 0.9, 0.1
#: What is narrower is no leg, mm; and how far to either side of the valley's column there may be air in a row, mm.
_NARROW, _REACH = 40.0, 15.0
#: Share of a line of pixels that must be brighter than black, so that lead letters don't count.
_SPECKS = 0.06


def without_border(grey: Grey) -> Grey:
    """Blacken what the collimator left grey or white: areas of one brightness that lie along nearly all of an edge.

    Raises
    ------
    Unreadable
        `film_unclear`, where it is the beam that is white.
    """
    inside, brightest = np.ones(grey.shape, np.uint8), 0.0
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        level = float(np.median(grey[edge]))
        alike = np.abs(grey - level) < _ALIKE
        if level > _BLACK and alike[edge].mean() > 0.8:
            labels = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)[1]
            inside[np.isin(labels, np.unique(labels[edge][alike[edge]]))] = 0
            brightest = max(brightest, level)
    if inside.all():
        return grey
    # A leg may be as bright as the border where it meets it: the field has no dents. Words on the border are none of it.
    points = cv2.findNonZero(cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)))
    field = np.zeros(grey.shape, np.uint8)
    if points is not None:
        cv2.fillConvexPoly(field, cv2.convexHull(points), 1)
        if brightest > _WHITE and (grey[field > 0] > _WHITE).mean() > _BEAM:
            raise Unreadable("film_unclear", "what lies about the legs is white between them, too")
    # The seam is of another grey where the film was reduced.
    return np.where(cv2.erode(field, np.ones((5, 5), np.uint8)) > 0, grey, np.float32(0))


def without_fog(seen: Grey) -> Grey:
    """Take away what scatter adds from side to side: a straight line below the columns' brightness."""
    profile = seen.mean(axis=0)
    line = np.linspace(profile[0], profile[-1], len(profile), dtype=np.float32)
    line -= max(0.0, float((line - profile).max()))
    return np.clip(seen - np.clip(line, 0, None), 0, None)


def without_narrow(seen: Grey, unit: float) -> Grey:
    """Take away what is brighter than all beside it and narrower than a leg: rulers, beads, letters, and shafts of bones."""
    return np.asarray(cv2.morphologyEx(seen, cv2.MORPH_OPEN, np.ones((1, max(1, round(_NARROW / unit))), np.uint8)))


def without_bridge(seen: Grey, valley: int, unit: float) -> Grey:
    """Take away what is bright between the legs, where air should be: fog, or flesh of both.

    On the legs it is a straight line from the valley, where it can be seen, to nothing at the film's sides.
    """
    reach = max(1, round(_REACH / unit))
    between = seen[:, max(0, valley - reach) : valley + reach].min(axis=1, keepdims=True)
    between = np.asarray(cv2.blur(between, (1, 2 * reach + 1)))
    share = np.interp(np.arange(seen.shape[1]), (0, valley, seen.shape[1] - 1), (0, 1, 0)).astype(np.float32)
    return np.clip(seen - between * share, 0, None)


def trimmed(grey: Grey) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what isn't border."""
    bright = grey > _BLACK
    spans = []
    for axis in (1, 0):
        lines = np.flatnonzero(bright.mean(axis=axis) > _SPECKS)
        spans += [int(lines[0]), int(lines[-1]) + 1] if len(lines) else [0, 0]
    return spans[0], spans[1], spans[2], spans[3]
