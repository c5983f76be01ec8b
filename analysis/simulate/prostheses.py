"""Knee prostheses, total and of one side, in metal of real attenuation, and the bone that was sawn off for them."""

from __future__ import annotations

from functools import cache, reduce

import numpy as np

from analysis.simulate import bones
from analysis.simulate.anatomy import Knee
from analysis.simulate.mesh import Array, Mesh, box, from_distance, rod, tube
from analysis.simulate.shape import Frame, Part, bone_parts, sized

BOTH: tuple[Frame, Frame] = ("femur", "tibia")


def _common(*distances: Array) -> Array:
    """Intersection of solids given by their distances."""
    return reduce(np.maximum, distances)


def _femoral_cut(x: Array, y: Array, z: Array) -> Array:
    """Negative in the bone that a femoral component sits on: five plane cuts."""
    return _common(
        8.5 - z, y - 25 - 0.08 * (z - 30), -25 - y,
        (-(y + 25) - (z - 8.5) + 14) * 0.7071, ((y - 25) - (z - 8.5) + 12) * 0.7071,
    )  # fmt: skip


@cache
def _femoral_component(low_x: float, high_x: float) -> Mesh:
    """Metal between the natural surface of the condyles and the plane cuts, within a range of x."""

    def distance(x: Array, y: Array, z: Array) -> Array:
        surface = bones.femur_distance(x, y, z) - 0.3
        extent = np.maximum(z - np.where(y > 0, 50.0, 32.0), np.maximum(low_x - x, x - high_x))
        return _common(surface, -_femoral_cut(x, y, z), extent)

    return from_distance(distance, [-46, -42, -2], [46, 44, 54], 1.3)


@cache
def _resected(bone: str, *, medial_only: bool) -> bones.Shell:
    """Bone that the saw took for a prosthesis."""

    def region(x: Array, y: Array, z: Array) -> Array:
        away = -9.0 - z if bone == "tibia" else np.maximum(-_femoral_cut(x, y, z), z - 52)
        return np.maximum(away, 8.0 - x) if medial_only else away

    box_ = {"tibia": ([-44, -34, -12], [44, 36, 14]), "femur": ([-48, -42, -2], [48, 44, 54])}[bone]
    return bones.shell(bone, region, box_[0], box_[1], 1.5)  # type: ignore[arg-type]


@cache
def _tray(low_x: float, top: float, thick: float, inset: float) -> Mesh:
    """Plate with the outline of the plateau."""

    def distance(x: Array, y: Array, z: Array) -> Array:
        outline = bones.tibia_distance(x, y, np.full_like(z, -6.0)) + inset
        return _common(outline, np.abs(z - top + thick / 2) - thick / 2, low_x - x)

    return from_distance(distance, [-42, -32, top - thick - 1], [42, 34, top + 1], 1.0)


def tka(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make a total knee arthroplasty, with what the saw took for it."""
    metal = "cobalt"
    keel = float(rng.uniform(34, 52))
    parts: list[tuple[Mesh, str, Frame, float]] = [
        (_femoral_component(-60, 60), metal, "femur", 1.0),
        (rod([18, -2, 8], [18, 0, 20], 3.5), metal, "femur", 1.0),
        (rod([-18, -2, 8], [-18, 0, 20], 3.5), metal, "femur", 1.0),
        (_tray(-60, -9.0, 4.0, 1.0), metal, "tibia", 1.0),
        (_tray(-60, -1.5, 7.5, 1.5), "polyethylene", "tibia", 1.0),
        (_tray(-60, -13.0, 1.6, 0.5), "cement", "tibia", 1.0),
        (tube(np.array([[0, 2, -13], [0, 1, -13 - keel]]), np.array([7.5, 5.5])), metal, "tibia", 1.0),
        (box([0, 0, -20], [20, 1.8, 7]), metal, "tibia", 0.8),
    ]
    sawn = [part for bone in BOTH for part in bone_parts(knee, bone, _resected(bone, medial_only=False), -1.0)]
    return sized(knee, parts) + sawn


def uka(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make a unicondylar arthroplasty of the medial side, with what the saw took for it."""
    parts: list[tuple[Mesh, str, Frame, float]] = [
        (_femoral_component(11.0, 34.0), "cobalt", "femur", 1.0),
        (rod([22, 0, 8], [22, 4, 24], 3.0), "cobalt", "femur", 1.0),
        (_tray(9.0, -9.0, 3.5, 0.5), "cobalt", "tibia", 1.0),
        (_tray(9.0, -1.5, 7.0, 1.0), "polyethylene", "tibia", 1.0),
        (box([20, 0, -16], [1.4, 10, 4]), "cobalt", "tibia", 1.0),
    ]
    return sized(knee, parts) + bone_parts(knee, "tibia", _resected("tibia", medial_only=True), -1.0)
