"""Lead letters R and L on a film: which side of the patient lies where, as whoever took the film laid it down.

A letter is a bright stroke that stands by itself, and is told from all other letters and digits, and their mirror images, by its
correlation with drawn ones. On 7,330 knees of the OAI without a letter none was read.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Longer side, pixels, of a film as it is looked at, and of one that doesn't say how large its pixels are, mm.
_LOOK, _LONG = 860, 430.0
#: The widest stroke of a letter, mm, and by how much it is brighter than what lies about it, of 255.
_STROKE, _BRIGHTER = 7.0, 60
#: How high letters are, mm and pixels at least; how wide for their height; and how much of their rectangle they fill.
_HEIGHT, _PIXELS, _WIDE, _FILL = (6.0, 30.0), 7, (0.25, 1.3), (0.12, 0.75)
#: Height from which an L counts, mm, since two lines of a bone that meet are one as well.
_HIGH = 8.0
#: Correlation from which it is this letter, by how much it must exceed that of others, and how far the shape may differ (a
#: logarithm). Other things on simulated films come to 0.65, lines that meet on real knees to 0.8 as an L and 0.5 as an R.
_ALIKE, _CLEARLY, _SHAPE = {"R": 0.55, "r": 0.55, "L": 0.85}, 0.04, 0.35
#: Columns and rows in which letters are compared.
_SIZE = (20, 28)
#: How far from the middle between the knees a single letter must lie to name one of them, mm.
_ASIDE = 15.0


@dataclass(frozen=True)
class Letter:
    """A letter, R or L, and the column of its middle in stored pixels."""

    name: str
    column: float


def read_letters(film: NDArray[np.uint8], width: float | None = None) -> list[Letter]:
    """Read the letters R, also mirrored, and L, which mirrored is too much like a J, that are no part of a word.

    Parameters
    ----------
    film : numpy.ndarray of uint8, shape (rows, columns)
        0 is black (air), 255 white (metal); the head is up.
    width : float, optional
        Of a pixel, mm.

    Returns
    -------
    list of Letter
    """
    scale = min(1.0, _LOOK / max(film.shape))
    unit = width / scale if width else _LONG / (scale * max(film.shape))
    small = film if scale == 1 else cv2.resize(film, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    about = max(3, round(_STROKE / unit))
    raised = cv2.morphologyEx(
        small, cv2.MORPH_TOPHAT, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (about | 1, about | 1))
    )
    bright = (raised > _BRIGHTER).astype(np.uint8)
    found = [cv2.boundingRect(line) for line in cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]]
    found = [place for place in found if _fits(place, bright, unit)]
    names = dict[int, str]()
    for i, (left, top, wide, high) in enumerate(found):
        part = np.s_[top : top + high, left : left + wide]
        name = _name(raised[part] * bright[part])
        if name and (name != "L" or high * unit >= _HIGH):
            names[i] = name.upper()
    # Both letters may lie side by side between the legs; beside anything else a letter is one of a word.
    others = [place for i, place in enumerate(found) if i not in names]
    alone = [i for i in names if not any(_in_a_word(found[i], other) for other in others)]
    return [Letter(names[i], (found[i][0] + found[i][2] / 2) / scale) for i in alone]


def contradiction(letters: list[Letter], columns: list[float], sides: tuple[str, str], width: float | None) -> str:
    """Say which letter contradicts the sides of a film's two knees; empty where none does.

    Parameters
    ----------
    letters : list of Letter
    columns : list of float
        Of the joints, from left to right, stored pixels.
    sides : tuple of str
        left and right in the order of the joints.
    width : float, optional
        Of a pixel, mm; without, the knees are as far apart as most people's.
    """
    middle, aside = float(np.mean(columns)), _ASIDE / width if width else np.ptp(columns) / 12
    by_name = {name: [letter.column for letter in letters if letter.name == name] for name in ("R", "L")}
    if by_name["R"] and by_name["L"]:  # beside each other in the middle, perhaps: their order counts
        middle, aside = float(np.mean([np.mean(places) for places in by_name.values()])), 0.0
    for name, side in (("R", "right"), ("L", "left")):
        for column in by_name[name]:
            if abs(column - middle) > aside and sides[int(column > middle)] != side:
                return f"the letter {name} lies beside the {sides[int(column > middle)]} knee"
    return ""


def _fits(place: Sequence[int], bright: NDArray[np.uint8], unit: float) -> bool:
    """Return whether something (left, top, width, height) is as large as a letter, and fills as much of its rectangle."""
    left, top, wide, high = place
    if not (high >= _PIXELS and _HEIGHT[0] <= high * unit <= _HEIGHT[1] and _WIDE[0] <= wide / high <= _WIDE[1]):
        return False
    return bool(_FILL[0] <= bright[top : top + high, left : left + wide].mean() <= _FILL[1])


def _in_a_word(one: Sequence[int], other: Sequence[int]) -> bool:
    """Return whether two things (left, top, width, height) stand beside each other as letters of a word do."""
    (left, top, wide, high), (x, y, width, height) = one, other
    apart = max(x - (left + wide), left - (x + width))
    return abs(y + height / 2 - top - high / 2) < high and apart < 1.2 * high and 0.5 < height / high < 2


def _name(drawn: NDArray[Any]) -> str | None:
    """Return R, r (mirrored) or L for a thing, bright on 0, that is clearly this letter and no other."""
    names, shapes, known = _known()
    # What is brighter than its stroke is noise, or bone behind it.
    shape, flat = _flat(np.minimum(drawn, np.percentile(drawn[drawn > 0], 60)))
    alike = np.where(np.abs(np.log(shape / shapes)) < _SHAPE, known @ flat, -1.0)
    best = names[int(np.argmax(alike))]
    second = float(alike[names != best].max())
    return best if alike.max() >= max(_ALIKE.get(best, 2.0), second + _CLEARLY) else None


@cache
def _known() -> tuple[NDArray[np.str_], NDArray[Any], NDArray[Any]]:
    """Draw letters and digits, two fonts of three weights, and their mirror images, which are written small."""
    names, drawn = [], []
    for name in string.ascii_uppercase + string.digits:
        for font in (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX):
            for weight in (4, 8, 13):
                canvas = np.zeros((160, 160), np.uint8)
                cv2.putText(canvas, name, (30, 120), font, 3.5, (255,), weight, cv2.LINE_AA)
                x, y, wide, high = cv2.boundingRect(canvas)
                letter = canvas[y : y + high, x : x + wide]
                names += [name, name.lower() if name.isalpha() else f"-{name}"]
                drawn += [_flat(letter), _flat(letter[:, ::-1])]
    return np.array(names), np.array([shape for shape, _ in drawn]), np.stack([flat for _, flat in drawn])


def _flat(drawn: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    """Return width through height, and the pixels in one size and a little blurred, of mean 0 and length 1."""
    way = cv2.INTER_AREA if drawn.shape[0] > _SIZE[1] else cv2.INTER_LINEAR
    same = cv2.GaussianBlur(cv2.resize(np.ascontiguousarray(drawn, np.float32), _SIZE, interpolation=way), (0, 0), 1.0)
    flat = np.asarray(same, float).ravel() - float(same.mean())
    return drawn.shape[1] / drawn.shape[0], flat / max(float(np.linalg.norm(flat)), 1e-9)
