"""How often simulated films of both knees are cut where they should be, by variation."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd
import pydicom
from numpy.random import Generator
from numpy.typing import NDArray

from analysis.archive import describe
from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.knees.cutting import cut
from analysis.archive.settings import CutSettings, IngestSettings
from analysis.simulate import dicom
from analysis.simulate.anatomy import IMPLANTS, body, draw
from analysis.simulate.bilateral import Film, draw_stance, take_both
from analysis.simulate.film import Radiograph
from analysis.simulate.hardware import hardware
from analysis.simulate.population import Patient, PlannedExam
from analysis.simulate.settings import FileSettings, RadiographySettings
from analysis.simulate.shape import skeleton

if TYPE_CHECKING:
    from analysis.simulate.anatomy import Knee

#: How far from the middle of its square a joint may lie, mm.
NEAR = 10.0
_PATIENT = Patient("1", "A^B", "F", date(1950, 1, 1), 0)
_EXAM = PlannedExam(0, _PATIENT, "training", "regular", "weight_bearing", date(2010, 1, 1), "both", ("ap",), 0, "even",
                    patella=False, partner=1)  # fmt: skip

#: What is out of the ordinary, by name: changes of the stance. What is done to the finished picture stands in `_altered`.
VARIATIONS: dict[str, Callable[[Generator], dict[str, Any]]] = {
    "ordinary": lambda rng: {},
    "5 % off centre": lambda rng: {"aside": float(rng.choice([-21.5, 21.5]))},
    "10 % off centre": lambda rng: {"aside": float(rng.choice([-43.0, 43.0])), "gap": float(rng.uniform(15, 50))},
    "heights differ by up to 5 %": lambda rng: {"step": float(rng.uniform(-17.5, 17.5))},
    "film turned by 5 degrees": lambda rng: {"turn": float(rng.choice([-5, 5]))},
    "mirrored": lambda rng: {"mirrored": True},
    "mirrored by its letters alone": lambda rng: {"mirrored": True, "letters": str(rng.choice(["outside", "between"]))},
    "portrait": lambda rng: {"portrait": True, "gap": float(rng.uniform(5, 30)), "aside": float(rng.normal(0, 5))},
    "legs touch": lambda rng: {"gap": float(rng.uniform(-12, 2))},
    "letters between": lambda rng: {"letters": "between"},
    "implant on one side": lambda rng: {},
    "joints near an edge": lambda rng: {"height": float(rng.choice([-1, 1]) * rng.uniform(60, 105))},
    "grey or white border": lambda rng: {},
    "fog on one side": lambda rng: {},
    "bar across": lambda rng: {},
    "fog between the legs": lambda rng: {},
    "thick legs that touch": lambda rng: {"gap": float(rng.uniform(-25, 5))},
    "ruler between": lambda rng: {},
    "positioning frame": lambda rng: {},
    "one leg missing": lambda rng: {"missing": str(rng.choice(["left", "right"]))},
    "two plates": lambda rng: {"plates": True},
    "upside down": lambda rng: {},
    "on its side": lambda rng: {},
}
#: Films that must not be cut.
_NOT_IN_ORDER = ("mirrored by its letters alone", "one leg missing", "two plates", "upside down", "on its side")
_SHOWN = ("tka", "uka", "plate", "screws", "staple", "im_nail_tibia")


def films(number: int, seed: int) -> Iterator[tuple[str, Film, pydicom.Dataset]]:
    """Simulate films, one variation after the other.

    Yields
    ------
    str
        A key of VARIATIONS.
    Film
        With the truth.
    pydicom.Dataset
        The film as a file has it: a quarter in MONOCHROME1, a fifth without spacing.
    """
    radiography, files = RadiographySettings(), FileSettings(compressed=0, no_meta=0)
    lettered = RadiographySettings(marker=1.0)
    for k in range(number):
        rng = np.random.default_rng([seed, k])
        name = list(VARIATIONS)[k % len(VARIATIONS)]
        stance = draw_stance(rng)
        usual = replace(stance, portrait=False, gap=max(stance.gap, 15.0), mirrored=False)
        stance = stance if name == "ordinary" else replace(usual, **VARIATIONS[name](rng))
        person = body(rng, "right", str(rng.choice(["F", "M"])), float(rng.uniform(40, 85)))
        if name == "thick legs that touch":
            person = replace(person, girth=float(rng.uniform(1.25, 1.7)))
        legs = {
            side: _leg(rng, person, side, name == "implant on one side" and side == "left")
            for side in ("right", "left")
        }
        film = _altered(rng, name, take_both(rng, legs, stance, lettered if "letters alone" in name else radiography))
        shared = dicom.header(rng, _EXAM, dicom.uid(rng), files)
        data = dicom.image(
            rng, shared, _EXAM, "ap", 1, film.picture, files, stance.mirrored and "letters alone" not in name
        )
        yield name, film, pydicom.dcmread(io.BytesIO(data))


def _altered(rng: Generator, name: str, film: Film) -> Film:
    """Change a finished film as its variation asks."""
    pixels, spacing = film.picture.pixels.copy(), film.picture.spacing
    rows, columns = pixels.shape
    if name == "grey or white border":
        field = np.zeros(pixels.shape, bool)
        top, bottom, left, right = rng.uniform(0.02, 0.1, 4)
        field[int(top * rows) : int((1 - bottom) * rows), int(left * columns) : int((1 - right) * columns)] = True
        pixels[~field] = rng.uniform(0.1, 1.0)
    elif name == "fog on one side":
        fog = np.linspace(0, rng.uniform(0.3, 0.6), columns, dtype=np.float32)[:: int(rng.choice([-1, 1]))]
        pixels = np.minimum((1 - fog.max() / 2) * pixels + fog, 1)
    elif name == "bar across":
        middle = np.mean([y for _, y in film.joints.values()]) + rng.choice([-1, 1]) * rng.uniform(50, 90) / spacing
        half = rng.uniform(3, 15) / spacing
        pixels[max(0, round(middle - half)) : round(middle + half)] += np.float32(rng.uniform(0.1, 0.35))
    elif name == "fog between the legs":
        x, y = np.mean(list(film.joints.values()), axis=0)
        down, across = np.ogrid[:rows, :columns]
        reach, height = rng.uniform(20, 80) / spacing, rng.uniform(40, 400) / spacing
        fog = rng.uniform(0.2, 0.5) * np.exp(-(((across - x) / reach) ** 2 + ((down - y) / height) ** 2) / 2)
        pixels = np.minimum((1 - fog.max() / 2) * pixels + fog.astype(np.float32), 1)
    elif name in ("ruler between", "positioning frame"):
        pixels += _between(rng, name, film)
    elif name == "upside down":
        joints = {side: (columns - 1 - x, rows - 1 - y) for side, (x, y) in film.joints.items()}
        return Film(Radiograph(np.ascontiguousarray(pixels[::-1, ::-1]), spacing), joints)
    elif name == "on its side":
        return Film(Radiograph(np.ascontiguousarray(pixels.T), spacing))
    return Film(Radiograph(np.minimum(pixels, 1), spacing), film.joints)


def _between(rng: Generator, name: str, film: Film) -> NDArray[np.float32]:
    """Draw a metal ruler with its marks, or a frame of acrylic with lead beads, as bright as they are, 0 elsewhere.

    ASSUME: a frame has a wall between the legs, a shelf below the knees, and beads on both; no film with one was at hand.
    """
    shape, spacing = film.picture.pixels.shape, film.picture.spacing
    x, y = np.mean(list(film.joints.values()), axis=0)
    half = rng.uniform(4, 15) / spacing
    drawn = np.zeros(shape, np.float32)
    wall = np.s_[:, round(x - half) : round(x + half)]
    drawn[wall] = rng.uniform(0.05, 0.2) if name == "positioning frame" else rng.uniform(0.4, 1)
    if name == "ruler between":
        for mark in np.arange(0, shape[0], 10 / spacing):
            drawn[int(mark) : int(mark + 1 / spacing) + 1, round(x) : round(x + half)] = 0
        return drawn
    shelf, thick, apart = y + rng.uniform(70, 110) / spacing, rng.uniform(8, 40) / spacing, rng.uniform(8, 25) / spacing
    drawn[round(shelf) : round(shelf + thick)] = rng.uniform(0.05, 0.3)
    beads = [(x + sign * half, row) for sign in (-1, 1) for row in np.arange(0, shape[0], apart)]
    beads += [(column, shelf + thick / 2) for column in np.arange(0, shape[1], apart)]
    for column, row in beads:
        cv2.circle(drawn, (round(column), round(row)), max(1, round(1.5 / spacing)), (1.0,), -1)
    return drawn


def _leg(rng: Generator, person: Knee, side: str, implant: bool) -> tuple[Knee, list[Any]]:
    metal = (str(rng.choice(_SHOWN)),) if implant else ()
    kl = 0 if metal in (("tka",), ("uka",)) else int(rng.integers(5))
    knee = replace(person, side=side, implants=tuple(name for name in metal if name in IMPLANTS))
    knee = draw(rng, knee, kl, "lateral" if "uka" in metal else "medial", patella=False)
    return knee, [*skeleton(knee), *hardware(knee)]


def evaluate(number: int, seed: int) -> pd.DataFrame:
    """Cut simulated films as ingest does, and hold the cut against the truth.

    Returns
    -------
    pandas.DataFrame
        A row a variation and one for all films that are in order: variation, films, refused (or taken for no film of both
        knees), wrong_side and far (films with a joint further than NEAR from the middle of its square), of those cut.
    """
    settings, rows = IngestSettings(), []
    for name, film, dataset in films(number, seed):
        side, contradicted = describe.side(dataset, settings)
        found = {"view": describe.view(dataset, settings), "side": side, "body_part": "knee",
                 "noted": "side_contradicted" if contradicted else None}  # fmt: skip
        try:
            boxes, _ = cut(dataset, found, False, CutSettings())
        except Unreadable:
            boxes = {}
        rows.append((name, not boxes, *_errors(film, boxes)))
    table = pd.DataFrame(rows, columns=["variation", "refused", "wrong_side", "far"])
    counted = table.groupby("variation", sort=False).agg(
        films=("refused", "size"), **{column: (column, "sum") for column in table.columns[1:]}
    )
    counted.loc["all in order"] = counted.drop(index=list(_NOT_IN_ORDER), errors="ignore").sum()
    return counted.reset_index()


def _errors(film: Film, boxes: dict[str, Any]) -> tuple[bool, bool]:
    """Return whether a knee has the wrong side, and whether a joint is far from the middle of its square."""
    if not boxes:
        return False, False
    middle = {side: ((box.left + box.right) / 2, (box.top + box.bottom) / 2) for side, box in boxes.items()}
    away = {
        (side, other): float(np.hypot(*np.subtract(middle[side], joint))) * film.picture.spacing
        for side in middle
        for other, joint in film.joints.items()
    }
    wrong = any(away[side, side] > min(away[side, other] for other in film.joints) for side in film.joints)
    return wrong, any(away[side, side] > NEAR for side in film.joints) or len(film.joints) < 2
