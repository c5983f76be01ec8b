"""Where everything stands: the leg's pose, the joint spaces, the soft tissue, in the beam's coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.anatomy import Knee
from analysis.simulate.mesh import Array, Mesh, ellipsoid, lofted, rotation
from analysis.simulate.shape import Part, stretched

HINGE = np.array([0.0, -6.0, 22.0])  # axis of flexion in the femur's coordinates, mm
CELL = 2.5  # mm, grid on which the plateau's height is looked up


@dataclass(frozen=True)
class Pose:
    """How the leg lies to the beam.

    Attributes
    ----------
    turn : float
        Rotation of the leg about its long axis, degrees; 0 is frontal, 90 lateral.
    tilt : float
        Tilt of the beam along the leg, degrees.
    flexion : float
        Flexion of the knee, degrees.
    lean : float
        Rotation of the leg within the image, degrees.
    up, down : float
        How far the leg reaches above and below the joint line, mm.
    """

    turn: float = 0.0
    tilt: float = 5.0
    flexion: float = 5.0
    lean: float = 0.0
    up: float = 150.0
    down: float = 150.0

    def matrix(self) -> Array:
        """Turn the knee's (x, y, z) into the beam's (right, up, along)."""
        frame = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
        return rotation(2, self.lean) @ frame @ rotation(0, self.tilt) @ rotation(2, self.turn)


def _plateau(tibia: Array, low: float, high: float) -> Array:
    """Height of the tibia's top over a grid of x and y; -inf where there is none."""
    x, y, z = tibia.T
    near = tibia[(z > -14) & (x > low) & (x < high) & (np.abs(y) < 23)]
    cells = np.floor(near[:, :2] / CELL).astype(int) + 40
    top = np.full((80, 80), -np.inf)
    np.maximum.at(top, (cells[:, 0], cells[:, 1]), near[:, 2])
    return top


def seat(femur: Array, tibia: Array, knee: Knee, wider: float = 0.0) -> tuple[float, float]:
    """Find where the femur stands so that both joint spaces are as the anatomy says.

    Parameters
    ----------
    femur, tibia : ndarray, shape (n, 3)
        Vertices of the outer surfaces, the femur flexed already.
    knee : Knee
    wider : float
        Added to both spaces, mm (the unloaded knee opens a little).

    Returns
    -------
    lift, slope : float
        To add to the femur's z: lift + slope * x.
    """
    lift, slope = 0.0, 0.0
    bounds = {name: sorted((sign * 11.0 * knee.size, sign * 33.0 * knee.size)) for name, sign in
              (("medial", 1.0), ("lateral", -1.0))}  # fmt: skip
    tops = {name: _plateau(tibia, *bound) for name, bound in bounds.items()}
    for _ in range(3):
        found = []
        for name, (low, high) in bounds.items():
            near = femur[(femur[:, 0] > low) & (femur[:, 0] < high) & (np.abs(femur[:, 1]) < 22)]
            cells = np.floor(near[:, :2] / CELL).astype(int) + 40
            gap = near[:, 2] + lift + slope * near[:, 0] - tops[name][cells[:, 0], cells[:, 1]]
            k = int(np.argmin(gap))
            found.append((near[k, 0], knee.space[name] + wider - gap[k]))
        (x_medial, medial), (x_lateral, lateral) = found
        change = (medial - lateral) / (x_medial - x_lateral)
        lift, slope = lift + medial - change * x_medial, slope + change
    return float(lift), float(slope)


def posed(knee: Knee, parts: list[Part], pose: Pose, loaded: bool) -> list[Part]:
    """Put the parts of a knee where they are for one view.

    Parameters
    ----------
    knee : Knee
    parts : list of Part
        In their bones' coordinates; femur first, tibia third, as `shape.skeleton` gives them.
    pose : Pose
    loaded : bool
        Weight-bearing; otherwise the joint opens by a good half millimetre.

    Returns
    -------
    list of Part
        In the beam's coordinates, with the soft tissue.
    """
    hinge = HINGE * knee.size
    bend, nod = rotation(0, pose.flexion), rotation(0, 0.1 * pose.flexion)
    flexed = (parts[0].mesh.vertices - hinge) @ bend.T + hinge
    lift, slope = seat(flexed, parts[2].mesh.vertices, knee, 0.0 if loaded else 0.6)
    matrix = pose.matrix()
    # The trochlea's front (a circle about (9, 28)) turns away backwards, and the kneecap follows it.
    turn = np.radians(pose.flexion)
    back = knee.size * (15 * (np.cos(turn) - 1) - 6 * np.sin(turn))

    def place(part: Part) -> Array:
        v = part.mesh.vertices
        if part.frame == "femur":
            v = (stretched(v, pose.up + 60) - hinge) @ bend.T + hinge
            v[:, 2] += lift + slope * v[:, 0]
        elif part.frame == "patella":
            # Held by its tendon, the kneecap hardly moves against the tibia while the femur flexes behind it.
            v = (v - hinge) @ nod.T + hinge + [0, back, 0]
        elif part.frame == "tibia":
            v = stretched(v, pose.down + 60)
        return v @ matrix.T

    whole = [*parts, *flesh(knee, pose)]
    return [Part(Mesh(place(part), part.mesh.faces), part.layer, part.frame, part.factor) for part in whole]


FLESH = np.array([
    [-420, 42, 42, -10, 5], [-260, 50, 50, -16, 7], [-150, 55, 58, -15, 8], [-70, 52, 54, -6, 7], [-25, 53, 57, 1, 6],
    [10, 56, 60, 4, 7], [50, 58, 62, 4, 8], [110, 64, 66, 4, 11], [200, 74, 74, 4, 14], [420, 84, 84, 4, 17],
])  # z, half axis x, half axis y, centre y, thickness of the fat, mm  # fmt: skip


def flesh(knee: Knee, pose: Pose) -> list[Part]:
    """Skin and fascia as tubes that bend with the knee, the fat pad, and the cast if there is one."""
    z = np.concatenate([
        np.linspace(-pose.down - 90, -60, 10), np.linspace(-45, 60, 10), np.linspace(80, pose.up + 90, 10)
    ])  # fmt: skip
    a, b, y, fat = (np.interp(z, FLESH[:, 0], FLESH[:, k]) for k in range(1, 5))
    grow = knee.size * (0.5 + 0.5 * knee.girth)
    skin = _tube(knee, pose, z, a * grow, b * grow, y)
    fat = fat * knee.girth**1.5
    parts = [
        Part(skin, "skin", "skin"),
        Part(_tube(knee, pose, z, a * grow - fat, b * grow - fat, y), "muscle", "skin"),
    ]
    pad = np.array([0, 34, 4]) * knee.size
    parts.append(Part(ellipsoid(pad, [19, 8, 13]), "pad", "skin"))
    if knee.cast:
        # Bandages overlap, so that the plaster's thickness changes from turn to turn.
        plaster = 7 + 1.5 * np.sin(z / 11 + knee.variant) + 1.0 * np.sin(z / 4.7)
        parts += [
            Part(_tube(knee, pose, z, a * grow + 3 + plaster, b * grow + 3 + plaster, y), "plaster", "skin"),
            Part(_tube(knee, pose, z, a * grow + 3, b * grow + 3, y), "plaster", "skin", -1.0),
        ]
    return parts


def _tube(knee: Knee, pose: Pose, z: Array, a: Array, b: Array, y: Array) -> Mesh:
    """Rings with half axes a and b about (0, y), bent about the knee's axis."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    hinge = HINGE * knee.size
    t = np.clip((z + 25) / 90, 0, 1)
    bend = (np.radians(pose.flexion) * t * t * (3 - 2 * t))[:, None]
    across = np.broadcast_to(a[:, None] * np.cos(angle), (len(z), len(angle)))
    dy, dz = y[:, None] + b[:, None] * np.sin(angle) - hinge[1], (z - hinge[2])[:, None]
    return lofted(
        np.stack(
            [
                across,
                hinge[1] + dy * np.cos(bend) - dz * np.sin(bend),
                hinge[2] + dy * np.sin(bend) + dz * np.cos(bend),
            ],
            axis=-1,
        )
    )
