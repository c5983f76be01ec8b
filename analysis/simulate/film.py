"""One radiograph: the knee in its pose, projected, exposed, detected and processed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from analysis.simulate import physics
from analysis.simulate.anatomy import Knee
from analysis.simulate.population import PlannedExam
from analysis.simulate.projection import Beam, Map, add_depth
from analysis.simulate.scene import Pose, posed
from analysis.simulate.settings import RadiographySettings
from analysis.simulate.shape import Part

#: Rotation of the leg from frontal, flexion of the knee, and tilt of the beam for each view, degrees.
VIEWS = {"ap": (0.0, 6.0, 5.0), "lateral": (90.0, 28.0, 0.0), "oblique": (42.0, 10.0, 4.0)}
#: Visible field by protocol: width, height, and where its middle is above the joint line, mm.
FIELDS = {
    "knee": (140.0, 172.0, 4.0),
    "femur": (175.0, 380.0, 135.0),
    "tibia": (165.0, 370.0, -130.0),
    "shaft": (150.0, 200.0, -210.0),
}


#: Lead letters for a side: R and L, or in Swedish H (höger) and V (vänster).
LETTERS = {"right": "RH", "left": "LV"}


@dataclass(frozen=True)
class Radiograph:
    """A finished image.

    Attributes
    ----------
    pixels : ndarray of float32, shape (rows, columns)
        As displayed, 0 black to 1 white.
    spacing : float
        Millimetres of a pixel in the plane of the knee.
    """

    pixels: Map
    spacing: float


@cache
def _spongiosa() -> Map:
    """Tile of trabecular texture, 0.4 mm a pixel, mean 0 and SD 1; mostly along, some across."""
    rng = np.random.default_rng(1892)  # a fixed texture; where it is cut out varies
    size = 1024
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    noise = np.fft.rfft2(rng.standard_normal((size, size)))
    frequency = np.hypot(fx, fy)
    band = np.exp(-((frequency - 0.16) ** 2) / (2 * 0.08**2)) + 0.5 * np.exp(-((frequency - 0.05) ** 2) / (2 * 0.03**2))
    angle = np.arctan2(fy, fx + 1e-9)
    direction = np.exp(-(angle**2) / (2 * 0.35**2)) + 0.45 * np.exp(-((np.abs(angle) - np.pi / 2) ** 2) / (2 * 0.3**2))
    tile = np.fft.irfft2(noise * band * (direction + 0.12), (size, size))
    return ((tile - tile.mean()) / tile.std()).astype(np.float32)


def _texture(rng: Generator, beam: Beam, lean: float) -> Map:
    """Cut the trabecular texture at random, turned along the bone."""
    step = beam.pixel / 0.4
    c, s = np.cos(np.radians(lean)) * step, np.sin(np.radians(lean)) * step
    start = rng.uniform(0, 1024, 2)
    matrix = np.array([[c, s, start[0]], [-s, c, start[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(_spongiosa(), matrix, (beam.columns, beam.rows), flags=flags, borderMode=cv2.BORDER_WRAP)
    return np.asarray(cut, np.float32)


def _spongy(knee: Knee, beam: Beam, texture: Map, middle: float, fade: float) -> Map:
    """Share of the marrow space that is bone: most by the joint, little in the shaft."""
    up = beam.up - (np.arange(beam.rows) - (beam.rows - 1) / 2) * beam.pixel
    t = np.clip((np.abs(up - middle) - 28 * knee.size) / fade, 0, 1)
    level = knee.bone * (1 - 0.86 * t * t * (3 - 2 * t))
    return (level[:, None] * (1 + 0.30 * texture)).astype(np.float32)


#: What a millimetre of each layer adds to the path through each material, mm. Bone displaces muscle;
#: the inside of a bone is marrow in place of cortex; metal displaces muscle (within bone: its marrow).
LAYERS: dict[str, dict[str, float]] = {
    "bone": {"bone": 1, "muscle": -1},
    "spongy": {"bone": -1, "fat": 1},
    "lucent": {},
    "dense": {"bone": 1, "fat": -1},
    "skin": {"fat": 1},
    "muscle": {"fat": -1, "muscle": 1},
    "pad": {"fat": 0.5, "muscle": -0.5},
    "plaster": {"plaster": 1},
    "polyethylene": {"polyethylene": 1, "muscle": -1},
    **{metal: {metal: 1, "muscle": -1} for metal in ("titanium", "steel", "cobalt", "cement", "carbon")},
}


def paths(knee: Knee, beam: Beam, parts: list[Part], texture: Map) -> dict[str, Map]:
    """Add up what every ray goes through.

    Parameters
    ----------
    knee : Knee
    beam : Beam
    parts : list of Part
        In the beam's coordinates.
    texture : ndarray of float32, shape (rows, columns)
        Of the spongy bone, mean 0.

    Returns
    -------
    dict of str to ndarray of float32, shape (rows, columns)
        Millimetres by material.
    """
    layers: dict[str, Map] = {}
    for part in parts:
        if part.layer not in layers:
            layers[part.layer] = np.zeros((beam.rows, beam.columns), np.float32)
        add_depth(layers[part.layer], part.mesh, beam, part.factor)
    # The beam's coordinates are the knee's mirrored, so that faces turn the other way round.
    oblique = -beam.obliquity()
    layers = {name: length * oblique for name, length in layers.items()}
    total: dict[str, Map] = {}
    for name, length in layers.items():
        for material, amount in LAYERS[name].items():
            total[material] = total[material] + amount * length if material in total else amount * length
    share = _spongy(knee, beam, texture, 0.0, 70.0)
    spongy = share * (layers["spongy"] - layers["lucent"] if "lucent" in layers else layers["spongy"])
    total["bone"] += spongy
    total["fat"] -= spongy
    return total


def take(
    rng: Generator, knee: Knee, parts: list[Part], view: str, exam: PlannedExam, settings: RadiographySettings
) -> Radiograph:
    """Take one radiograph of a knee.

    Parameters
    ----------
    rng : Generator
        Positioning, exposure and noise.
    knee : Knee
    parts : list of Part
        Its solids, see `shape.skeleton` and `hardware.hardware`.
    view : {"ap", "lateral", "oblique"}
    exam : PlannedExam
        Its protocol decides the field and the load, its kind whether the picture fails.
    settings : RadiographySettings
    """
    turn, flexion, tilt = VIEWS[view]
    field = "shaft" if exam.kind == "no_knee" else exam.protocol
    width, height, middle = FIELDS.get(field, FIELDS["knee"])
    grow = rng.uniform(0.92, 1.12)
    width, height = width * grow * rng.uniform(0.92, 1.1), height * grow
    pose = Pose(
        turn=turn + rng.normal(0, settings.rotation) * (2 if view == "oblique" else 1),
        tilt=tilt + rng.normal(0, settings.tilt),
        flexion=float(np.clip(flexion + rng.normal(0, 6 if view == "lateral" else 3), 0, 60)),
        lean=rng.normal(0, 2.5) + (-0.5 * flexion if view == "lateral" else 0),
        up=max(90.0, middle + height / 2 + 10),
        down=max(90.0, -middle + height / 2 + 10),
    )
    rows = int(rng.integers(settings.image_size[0], settings.image_size[1] + 1))
    pixel = height / rows
    beam = Beam(rows, round(width / pixel), pixel, rng.uniform(950, 1250), rng.normal(0, 5), middle + rng.normal(0, 7))
    placed = posed(knee, parts, pose, exam.protocol == "weight_bearing")
    lengths = paths(knee, beam, placed, _texture(rng, beam, pose.lean))
    signal = physics.transmission(lengths, rng.uniform(*settings.tube_voltage))
    if knee.side == "left":
        signal = np.ascontiguousarray(signal[:, ::-1])
    failed = exam.kind == "unusable"
    if failed:  # the patient moved, and the exposure was far too low
        signal = np.asarray(cv2.blur(signal, (1, max(3, round(9 / pixel)))), np.float32)
    return developed(
        rng, lambda seen: _marker(rng, knee.side, seen, pixel), signal, pixel, settings, 0.02 if failed else 1.0
    )


def developed(
    rng: Generator,
    lead: Callable[[NDArray[np.bool_]], Map],
    signal: Map,
    pixel: float,
    settings: RadiographySettings,
    dose: float = 1.0,
) -> Radiograph:
    """Expose, detect and process what passes the body.

    Parameters
    ----------
    rng : Generator
    lead : callable
        Makes the lead letters within the field that the collimator leaves open, 0 to 1.
    signal : ndarray of float32, shape (rows, columns)
        Transmission.
    pixel : float
        mm.
    settings : RadiographySettings
    dose : float
        Share of the usual exposure.
    """
    signal = physics.scattered(signal, rng.uniform(*settings.scatter), pixel)
    seen = np.ones(signal.shape, bool)
    if rng.random() < settings.collimated:
        seen = _collimated(rng, signal.shape)
        signal = np.where(seen, signal, np.float32(0.004))
    if rng.random() < settings.marker:
        signal = signal * np.exp(-4.0 * lead(seen))
    quanta = dose * np.exp(rng.uniform(*np.log(settings.exposure)))
    signal = physics.detected(signal, rng, quanta, rng.uniform(*settings.blur) / pixel)
    pixels = physics.displayed(signal, seen, pixel, rng.uniform(0.8, 1.3), rng.uniform(0.1, 0.8), rng.uniform(0.0, 0.5))
    pixels = np.clip(pixels, 0, 1)
    if rng.random() >= settings.unmasked:
        pixels = np.where(seen, pixels, np.float32(0))
    return Radiograph(pixels, pixel)


def _collimated(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Make the open field of the collimator: a rectangle, sometimes turned a little."""
    rows, columns = shape
    margins = rng.uniform(0.0, 0.11, 4) * (rng.random(4) < 0.75)
    top, bottom = margins[0] * rows, (1 - margins[1]) * rows
    left, right = margins[2] * columns, (1 - margins[3]) * columns
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    turn = np.radians(rng.normal(0, 1.0)) * (rng.random() < 0.4)
    centre = corners.mean(axis=0)
    c, s = np.cos(turn), np.sin(turn)
    corners = (corners - centre) @ np.array([[c, s], [-s, c]]) + centre
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return mask.astype(bool)


def _marker(rng: Generator, side: str, seen: NDArray[np.bool_], pixel: float) -> Map:
    """Make the lead letter of one knee's film."""
    letters = LETTERS[side]
    letter = letters[int(rng.random() < 0.6)]
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    height = rng.uniform(9, 13) / pixel
    x = columns[0] + rng.uniform(2, 5) / pixel if rng.random() < 0.5 else columns[-1] - rng.uniform(13, 16) / pixel
    y = rows[0] + rng.uniform(14, 40) / pixel if rng.random() < 0.6 else rows[-1] - rng.uniform(4, 30) / pixel
    return letters_at(seen.shape, {letter: (x, y)}, height, pixel)


def letters_at(shape: tuple[int, ...], places: dict[str, tuple[float, float]], height: float, pixel: float) -> Map:
    """Draw lead letters, each with its lower left corner at a place (column, row); height in pixels."""
    lead = np.zeros(shape, np.uint8)
    for letter, (x, y) in places.items():
        cv2.putText(
            lead,
            letter,
            (round(x), round(y)),
            cv2.FONT_HERSHEY_SIMPLEX,
            height / 21.0,
            255,
            max(1, round(1.8 / pixel)),
            cv2.LINE_AA,
        )
    return lead.astype(np.float32) / np.float32(255)
