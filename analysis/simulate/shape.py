"""One knee's solids in their bones' own coordinates: the template warped by size, shape and disease.

Made once per exam; `scene` poses them for each view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.simulate import bones
from analysis.simulate.anatomy import Knee
from analysis.simulate.mesh import Array, Mesh, ellipsoid

Frame = Literal["femur", "tibia", "patella", "skin"]


@dataclass(frozen=True)
class Part:
    """A solid that moves with a bone (or stays with the skin).

    Attributes
    ----------
    mesh : Mesh
        In the bone's coordinates, see `bones`; mm.
    layer : str
        What it is made of, a key of `film.LAYERS`.
    frame : {"femur", "tibia", "patella", "skin"}
        What it moves with.
    factor : float
        Weight of its length; negative takes away.
    """

    mesh: Mesh
    layer: str
    frame: Frame
    factor: float = 1.0


def sized(knee: Knee, parts: list[tuple[Mesh, str, Frame, float]]) -> list[Part]:
    """Make parts of meshes given for a knee of the template's size: mesh, layer, frame and factor of each."""
    return [Part(mesh.warped(lambda v: v * knee.size), layer, frame, factor) for mesh, layer, frame, factor in parts]


def bump(vertices: Array, centre: list[float], radii: list[float], push: list[float]) -> Array:
    """Push what lies near `centre` by `push`, fading like a Gaussian of the given radii; mm."""
    near = np.flatnonzero(np.abs(vertices[:, 2] - centre[2]) < 3.5 * radii[2])
    distance = (((vertices[near] - centre) / radii) ** 2).sum(axis=1, keepdims=True)
    moved = vertices.copy()
    moved[near] += np.exp(-0.5 * distance) * np.asarray(push)
    return moved


def stretched(v: Array, reach: float) -> Array:
    """Draw a shaft out to `reach` mm from the joint, where the template is shorter."""
    far = np.abs(v[:, 2])
    end, start = far.max(), 110.0
    if end <= start or reach <= end:
        return v
    z = np.where(far > start, start + (far - start) * (reach - start) / (end - start), far)
    return np.column_stack([v[:, 0], v[:, 1], np.sign(v[:, 2]) * z])


def femur_warp(knee: Knee, v: Array) -> Array:
    """Warp the template's femur into the knee's."""
    s = knee.shape
    for sign, name in ((1.0, "medial"), (-1.0, "lateral")):
        h = knee.spurs[f"ost_{name}_femur"]
        if h > 0.2:
            wide = [2.4 + 0.3 * h, 11 + 0.8 * h, 2.2 + 0.3 * h]
            v = bump(v, [sign * 36.0, -2.0, 9.0], wide, [sign * 1.05 * h, 0, -0.4 * h])
    h = knee.spurs["ost_patella"]
    if h > 0.3:
        v = bump(v, [0, 33.0, 47], [18.0, 4, 4], [0, 0.5 * h, 0.6 * h])
    if knee.osteonecrosis > 0:  # the dead bone gives way: a flat spot
        v = bump(v, [22, 4, 0], [9.0, 9, 5], [0, 0, 0.11 * knee.osteonecrosis])
    v = v * [1 + 0.025 * s[0], 1 + 0.025 * s[1], 1.0]
    v[:, 0] += 0.02 * s[2] * np.maximum(v[:, 2] - 40, 0)  # valgus of the shaft
    return v * knee.size


def tibia_warp(knee: Knee, v: Array) -> Array:
    """Warp the template's tibia into the knee's."""
    s = knee.shape
    for sign, name in ((1.0, "medial"), (-1.0, "lateral")):
        h = knee.spurs[f"ost_{name}_tibia"]
        if h > 0.2:
            wide = [2.4 + 0.3 * h, 12 + 0.8 * h, 2.0 + 0.3 * h]
            v = bump(v, [sign * 36.5, -2.0, -3.0], wide, [sign * 1.1 * h, 0, 0.5 * h])
        worn = knee.attrition.get(f"{name}_tibia", 0.0)
        if worn > 0.1:
            v = bump(v, [sign * 25.0, -4, -1], [11.0, 14, 7], [0, 0, -worn])
    spike = 0.35 * max(knee.spurs.values()) + 0.8 * s[3]  # spines sharpen as osteophytes grow
    for x, y in ((6.0, -1.0), (-5.5, -4.0)):
        v = bump(v, [x, y, 9.0], [3.0, 6, 4], [0, 0, spike])
    return v * [1 + 0.025 * s[0], 1 + 0.025 * s[4], 1.0] * knee.size


def patella_warp(knee: Knee, v: Array) -> Array:
    """Warp the template's patella into the knee's, before the femur of the straight knee."""
    h = knee.spurs["ost_patella"]
    if h > 0.3:
        for z, push in ((17.0, 0.9), (-15.0, -0.8)):
            v = bump(v, [0, -5.0, z], [15.0, 3.5, 3.0], [0, -0.3 * h, push * h])
    front = (33.5 + 12.5) * knee.size + knee.space["patella"]
    return v * knee.size + np.array([-3.0, front, (35 + 3 * knee.shape[5]) * knee.size])


WARPS = {"femur": femur_warp, "tibia": tibia_warp, "patella": patella_warp}


def skeleton(knee: Knee) -> list[Part]:
    """Bones with their disease, without metal.

    Returns
    -------
    list of Part
        The femur's and the tibia's outer surfaces are the first and the third.
    """
    parts: list[Part] = []
    shells = {"femur": bones.femur(), "tibia": bones.tibia(), "patella": bones.patella()}
    for frame, shell in shells.items():
        parts += bone_parts(knee, frame, shell)  # type: ignore[arg-type]
    for mesh, layer in zip(bones.fibula(), ("bone", "spongy"), strict=True):
        parts.append(Part(mesh.warped(lambda v: v * knee.size), layer, "tibia"))
    for name in knee.fractures:
        fracture = bones.fracture(name, knee.variant)
        parts += bone_parts(knee, fracture.bone, fracture.gap(), -1.0)  # type: ignore[arg-type]
    if knee.growing:
        parts += bone_parts(knee, "femur", bones.growth_plate("femur"), -0.8)
        parts += bone_parts(knee, "tibia", bones.growth_plate("tibia"), -0.8)
    for name, sign in (("medial", 1.0), ("lateral", -1.0)):
        for frame, z in (("tibia", -4.5), ("femur", 5.0)):
            depth = knee.sclerosis.get(f"{name}_{frame}", 0.0)
            if depth > 0.3 and not (name == "medial" and "uka" in knee.implants) and "tka" not in knee.implants:
                worn = knee.attrition.get(f"{name}_tibia", 0.0) if frame == "tibia" else 0.0
                lens = ellipsoid([sign * 23 * knee.size, -3, z - worn], [12, 15, 1.2 + 0.7 * depth])
                parts.append(Part(lens, "dense", frame, min(0.08 + 0.06 * depth, 0.45)))  # type: ignore[arg-type]
    if knee.shape[6] > 1.0:  # a fabella, in one of six
        parts.append(
            Part(ellipsoid([-22 * knee.size, -41 * knee.size, 34 * knee.size], [4, 3, 5]), "bone", "femur", 0.5)
        )
    if knee.osteonecrosis > 0:
        parts += _necrosis(knee)
    return parts


def bone_parts(knee: Knee, frame: Frame, shell: tuple[Mesh, Mesh], factor: float = 1.0) -> list[Part]:
    """Outer and inner surface of a bone or of a piece of it, with the knee's breaks and disease."""
    breaks = [bones.fracture(name, knee.variant) for name in knee.fractures]

    def warp(v: Array) -> Array:
        for found in breaks:
            if found.bone == frame:
                v = found.displaced(v)
        return WARPS[frame](knee, v)

    return [
        Part(mesh.warped(warp), layer, frame, factor) for mesh, layer in zip(shell, ("bone", "spongy"), strict=True)
    ]


def _necrosis(knee: Knee) -> list[Part]:
    """Pale dead bone below the medial condyle's surface within a dense rim."""
    r = np.array([0.62, 0.75, 0.42]) * knee.osteonecrosis
    centre = [22.0 * knee.size, 3, 0.6 * r[2] + 3]
    return [
        Part(ellipsoid(centre, r), "lucent", "femur", 0.8),
        Part(ellipsoid(centre, r + 1.6), "dense", "femur", 0.32),
        Part(ellipsoid(centre, r), "dense", "femur", -0.32),
    ]
