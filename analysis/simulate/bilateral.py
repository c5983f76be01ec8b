"""Both knees on one film, and where they stand on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from analysis.simulate import physics
from analysis.simulate.anatomy import Knee
from analysis.simulate.film import LETTERS, VIEWS, Radiograph, _texture, developed, letters_at, paths
from analysis.simulate.projection import Beam, Map
from analysis.simulate.scene import Pose, posed
from analysis.simulate.settings import RadiographySettings
from analysis.simulate.shape import Part

#: The film, mm.
LONG, SHORT = 430.0, 350.0
#: Half the width of a middle-sized leg at the knee, mm.
_HALF = 57.0


@dataclass(frozen=True)
class Stance:
    """How two legs stand before one film.

    Attributes
    ----------
    portrait : bool
        The film stands upright.
    gap : float
        Air between the knees, mm; below 0 they overlap.
    aside, height : float
        Where the middle between the joints is, mm to the right of and above the film's centre.
    step : float
        How much higher the joint on the image's left is, mm.
    turn : float
        Rotation of the film, degrees.
    mirrored : bool
        The film lies the wrong way round, so that the patient's right is on the image's right.
    missing : str
        The side without a leg before the film, or empty.
    letters : {"", "outside", "between"}
        Where lead letters lie.
    plates : bool
        Each knee was exposed by itself on its own part of the plate, with its own field and dose, and a band between the
        two not at all.
    """

    portrait: bool = False
    gap: float = 60.0
    aside: float = 0.0
    height: float = 0.0
    step: float = 0.0
    turn: float = 0.0
    mirrored: bool = False
    missing: str = ""
    letters: str = "outside"
    plates: bool = False


@dataclass(frozen=True)
class Film:
    """A film of both knees and the truth about it.

    Attributes
    ----------
    picture : Radiograph
    joints : dict of str to tuple of float
        Side to column and row of the middle of its joint, pixels.
    """

    picture: Radiograph
    joints: dict[str, tuple[float, float]] = field(default_factory=dict)


def draw_stance(rng: Generator) -> Stance:
    """Draw how most people stand: a hand's width apart, nearly centred, nearly level; odd ones are rare."""
    portrait = rng.random() < 0.06
    return Stance(
        portrait=bool(portrait),
        gap=float(rng.uniform(5, 30) if portrait else rng.uniform(15, 90)),
        aside=float(rng.normal(0, 0.03) * LONG),
        height=float(rng.normal(0, 12)),
        step=float(rng.normal(0, 5)),
        turn=float(rng.normal(0, 1.0)),
        mirrored=bool(rng.random() < 0.03),
        letters=str(rng.choice(["outside", "between", ""], p=[0.7, 0.15, 0.15])),
    )


def take_both(
    rng: Generator,
    legs: dict[str, tuple[Knee, list[Part]]],
    stance: Stance,
    settings: RadiographySettings,
) -> Film:
    """Take one frontal radiograph of both knees, bearing weight.

    ASSUME: each knee is projected by a central ray of its own; with one source for both the far edges would be drawn
    out by less than a hundredth.

    Parameters
    ----------
    rng : Generator
        Positioning, exposure and noise.
    legs : dict
        Side to the knee and its solids, see `shape.skeleton` and `hardware.hardware`.
    stance : Stance
    settings : RadiographySettings
    """
    high, wide = (LONG, SHORT) if stance.portrait else (SHORT, LONG)
    # A film of both knees has about as many pixels a millimetre as one of a single knee has at its least.
    pixel = LONG / int(rng.integers(2 * settings.image_size[0], 2 * settings.image_size[1] + 1))
    rows, columns = round(high / pixel), round(wide / pixel)
    distance, voltage = rng.uniform(1000, 1800), rng.uniform(*settings.tube_voltage)
    half = {side: _HALF * knee.size * (0.5 + 0.5 * knee.girth) for side, (knee, _) in legs.items()}
    apart = stance.gap / 2
    centre = {
        "right": (stance.aside - apart - half["right"], stance.height + stance.step / 2),
        "left": (stance.aside + apart + half["left"], stance.height - stance.step / 2),
    }
    total: dict[str, Map] = {}
    for side, (knee, parts) in legs.items():
        if side == stance.missing:
            continue
        x, up = centre[side]
        beam = Beam(rows, columns, pixel, distance, -x if side == "right" else x, -up)
        lengths = _leg(rng, knee, parts, beam, settings)
        for material, length in lengths.items():
            seen = length if side == "right" else length[:, ::-1]
            total[material] = total[material] + seen if material in total else seen.copy()
    if not total:
        raise ValueError("a film shows one leg at least")
    signal = np.asarray(physics.transmission(total, voltage), np.float32)
    middle = ((columns - 1) / 2, (rows - 1) / 2)
    joints = {
        side: (middle[0] + x / pixel, middle[1] - up / pixel)
        for side, (x, up) in centre.items()
        if side != stance.missing
    }
    matrix = cv2.getRotationMatrix2D(middle, stance.turn, 1.0)
    if stance.turn:
        signal = np.asarray(
            cv2.warpAffine(signal, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderValue=(1.0,)), np.float32
        )
        joints = {side: tuple(matrix @ (*place, 1.0)) for side, place in joints.items()}
    if stance.mirrored:
        signal = np.ascontiguousarray(signal[:, ::-1])
        joints = {side: (columns - 1 - x, y) for side, (x, y) in joints.items()}

    if not stance.plates:
        return Film(_exposed(rng, stance, joints, signal, pixel, settings), joints)
    band = round(rng.uniform(4, 12) / pixel)
    start = round(middle[0] + stance.aside / pixel) - band // 2
    # What neither exposure reached is masked black or left white.
    pixels = np.full(signal.shape, float(rng.random() < 0.4), np.float32)
    for part in (slice(0, start), slice(start + band, columns)):
        own = {side: (x - part.start, y) for side, (x, y) in joints.items() if part.start <= x < part.stop}
        pixels[:, part] = _exposed(rng, stance, own, signal[:, part], pixel, settings).pixels
    return Film(Radiograph(pixels, pixel), joints)


def _exposed(
    rng: Generator,
    stance: Stance,
    joints: dict[str, tuple[float, float]],
    signal: Map,
    pixel: float,
    settings: RadiographySettings,
) -> Radiograph:
    """Develop one exposure, with the letters of the knees in it."""

    def lead(seen: NDArray[np.bool_]) -> Map:
        return _letters(rng, stance, joints, seen, pixel)

    return developed(rng, lead, signal, pixel, settings)


def _leg(rng: Generator, knee: Knee, parts: list[Part], beam: Beam, settings: RadiographySettings) -> dict[str, Map]:
    """Project one leg, drawn as the right one."""
    turn, flexion, tilt = VIEWS["ap"]
    pose = Pose(
        turn=turn + rng.normal(0, settings.rotation),
        tilt=tilt + rng.normal(0, settings.tilt),
        flexion=float(np.clip(flexion + rng.normal(0, 3), 0, 60)),
        lean=rng.normal(0, 2.5),
        up=SHORT,
        down=SHORT,
    )
    return paths(knee, beam, posed(knee, parts, pose, loaded=True), _texture(rng, beam, pose.lean))


def _letters(
    rng: Generator, stance: Stance, joints: dict[str, tuple[float, float]], seen: NDArray[np.bool_], pixel: float
) -> Map:
    """Lay the lead letters beside each knee, or between the two."""
    height = rng.uniform(9, 13) / pixel
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    middle = np.mean([x for x, _ in joints.values()])
    places = {}
    for side, (x, y) in joints.items():
        letter = LETTERS[side][0]
        if stance.letters == "outside":
            edge = (
                columns[0] + 4 / pixel if x < middle or (x == middle and side == "right") else columns[-1] - 16 / pixel
            )
            places[letter] = (edge, float(np.clip(rows[0] + rng.uniform(14, 60) / pixel, 0, rows[-1])))
        elif stance.letters == "between":
            places[letter] = (
                middle - 12 / pixel if x < middle else middle + 2 / pixel,
                y - rng.uniform(20, 90) / pixel,
            )
    return letters_at(seen.shape, places, height, pixel)
