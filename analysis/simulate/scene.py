"""The solids of one knee in one pose: bones warped by disease, soft tissue, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate import bones
from analysis.simulate.anatomy import Knee
from analysis.simulate.mesh import Array, Mesh, ellipsoid, lofted, rotation

HINGE = np.array([0.0, -6.0, 22.0])  # axis of flexion in the femur's coordinates, mm


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


@dataclass(frozen=True)
class Solid:
    """A mesh in the beam's coordinates and what it does to the paths.

    Attributes
    ----------
    mesh : Mesh
        Vertices as (right, up, along the beam).
    paths : dict
        What a millimetre inside adds, by material; negative takes away.
    trabecular : bool
        The mesh is the spongy inside of a bone: textured, and fading towards the shaft.
    bone : str
        Which bone it belongs to, for texture and fractures; empty if none.
    """

    mesh: Mesh
    paths: dict[str, float]
    trabecular: bool = False
    bone: str = ""


def bump(vertices: Array, centre: Array, radii: Array, push: Array) -> Array:
    """Push what lies near `centre` by `push`, fading like a Gaussian of the given radii."""
    distance = (((vertices - centre) / radii) ** 2).sum(axis=1, keepdims=True)
    return vertices + np.exp(-0.5 * distance) * np.asarray(push)


def _femur_warp(knee: Knee, reach: float) -> list[Mesh]:
    s = knee.shape
    result = []
    for mesh in bones.femur():
        v = mesh.vertices.copy()
        for name, sign in (("medial", 1.0), ("lateral", -1.0)):
            h = knee.spurs[f"ost_{name}_femur"]
            if h > 0.2:
                r = np.array([2.6 + 0.35 * h, 11 + 0.8 * h, 2.4 + 0.3 * h])
                v = bump(v, np.array([sign * 36.5, -2.0, 8.0]), r, np.array([sign * 0.95 * h, 0, -0.35 * h]))
        h = knee.spurs["ost_patella"]
        v = bump(v, np.array([0, 32.0, 46]), np.array([18.0, 4, 4]), np.array([0, 0.4 * h, 0.5 * h]))
        v[:, 0] *= 1 + 0.025 * s[0]
        v[:, 1] *= 1 + 0.025 * s[1]
        v[:, 0] += 0.02 * s[2] * np.maximum(v[:, 2] - 40, 0)  # valgus of the shaft
        result.append(Mesh(_stretched(v * knee.size, reach), mesh.faces))
    return result


def _tibia_warp(knee: Knee, reach: float) -> list[Mesh]:
    s = knee.shape
    result = []
    for mesh in bones.tibia():
        v = mesh.vertices.copy()
        for name, sign in (("medial", 1.0), ("lateral", -1.0)):
            h = knee.spurs[f"ost_{name}_tibia"]
            if h > 0.2:
                r = np.array([2.6 + 0.35 * h, 12 + 0.8 * h, 2.2 + 0.3 * h])
                v = bump(v, np.array([sign * 37.0, -2.0, -3.0]), r, np.array([sign * h, 0, 0.45 * h]))
            worn = knee.attrition.get(f"{name}_tibia", 0.0)
            if worn > 0.1:
                v = bump(v, np.array([sign * 24.0, -4, -1]), np.array([11.0, 14, 7]), np.array([0, 0, -worn]))
        spike = 0.35 * max(knee.spurs.values())
        for x, y in ((6.0, -1.0), (-5.5, -4.0)):
            v = bump(v, np.array([x, y, 9.0]), np.array([3.0, 6, 4]), np.array([0, 0, spike + 0.8 * s[3]]))
        v[:, 0] *= 1 + 0.025 * s[0]
        v[:, 1] *= 1 + 0.025 * s[4]
        result.append(Mesh(_stretched(v * knee.size, reach), mesh.faces))
    return result


def _stretched(v: Array, reach: float) -> Array:
    """Draw a shaft out to `reach` mm; the 230 mm that are meshed end there."""
    far = np.abs(v[:, 2])
    end, start = far.max(), 110.0
    if reach > end > start:
        z = np.where(far > start, start + (far - start) * (reach - start) / (end - start), far)
        v = v.copy()
        v[:, 2] = np.sign(v[:, 2]) * z
    return v


def _heights(tibia: Array, low: float, high: float) -> tuple[Array, Array]:
    """Top of the plateau on a 2.5 mm grid over x in low..high and y in -24..22; NaN where empty."""
    near = tibia[(tibia[:, 2] > -14) & (tibia[:, 0] > low) & (tibia[:, 0] < high) & (np.abs(tibia[:, 1]) < 23)]
    cells = np.floor(near[:, :2] / 2.5).astype(int) + 40
    top = np.full((80, 80), -np.inf)
    np.maximum.at(top, (cells[:, 0], cells[:, 1]), near[:, 2])
    return top, near


def seat(femur: Array, tibia: Array, knee: Knee, wider: float = 0.0) -> tuple[float, float]:
    """Find where the femur stands so that both joint spaces are as the anatomy says.

    Parameters
    ----------
    femur, tibia : ndarray, shape (n, 3)
        Vertices of the outer surfaces, the femur flexed already.
    wider : float
        Added to both spaces, mm (the unloaded knee opens a little).

    Returns
    -------
    lift, tilt : float
        To add to the femur's z: lift + tilt * x.
    """
    lift, slope = 0.0, 0.0
    for _ in range(3):
        found = []
        for name, sign in (("medial", 1.0), ("lateral", -1.0)):
            low, high = sorted((sign * 11.0 * knee.size, sign * 33.0 * knee.size))
            top, _ = _heights(tibia, low, high)
            near = femur[(femur[:, 0] > low) & (femur[:, 0] < high) & (np.abs(femur[:, 1]) < 22)]
            cells = np.floor(near[:, :2] / 2.5).astype(int) + 40
            gap = near[:, 2] + lift + slope * near[:, 0] - top[cells[:, 0], cells[:, 1]]
            k = int(np.argmin(gap))
            found.append((gap[k], near[k, 0], knee.space[name] + wider))
        (gm, xm, wm), (gl, xl, wl) = found
        change = ((wm - gm) - (wl - gl)) / (xm - xl)
        lift, slope = lift + (wm - gm) - change * xm, slope + change
    return float(lift), float(slope)


def solids(knee: Knee, pose: Pose, loaded: bool = True) -> list[Solid]:
    """Build everything the beam meets but implants.

    Parameters
    ----------
    knee : Knee
    pose : Pose
    loaded : bool
        Weight-bearing; otherwise the joint opens by a good half millimetre.
    """
    size = knee.size
    hinge = HINGE * size
    bend = rotation(0, pose.flexion)
    femur = _femur_warp(knee, pose.up + 60)
    tibia = _tibia_warp(knee, pose.down + 60)
    femur = [mesh.moved(shift=-hinge).moved(bend, hinge) for mesh in femur]
    lift, slope = seat(femur[0].vertices, tibia[0].vertices, knee, 0.0 if loaded else 0.6)

    def raised(mesh: Mesh) -> Mesh:
        return mesh.warped(lambda v: v + np.column_stack([0 * v[:, 0], 0 * v[:, 0], lift + slope * v[:, 0]]))

    femur = [raised(mesh) for mesh in femur]
    fibula = [Mesh(_stretched(mesh.vertices * size, pose.down + 60), mesh.faces) for mesh in bones.fibula()]
    kneecap = _kneecap(knee, pose, hinge)
    view = rotation(0, pose.tilt) @ rotation(2, pose.turn)
    frame = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # (x, y, z) to (right, up, along the beam)
    lean = rotation(2, pose.lean)

    def placed(mesh: Mesh) -> Mesh:
        return mesh.moved(lean @ frame @ view)

    displaced = {"muscle": -1.0}
    found: list[Solid] = []
    for name, (outer, inner) in (("femur", femur), ("tibia", tibia), ("fibula", fibula), ("patella", kneecap)):
        found.append(Solid(placed(outer), {"bone": 1.0, **displaced}, bone=name))
        found.append(Solid(placed(inner), {"bone": -1.0, "fat": 1.0}, True, name))
    for name, sign in (("medial", 1.0), ("lateral", -1.0)):
        for bone, z in (("tibia", -4.5), ("femur", 5.0)):
            depth = knee.sclerosis.get(f"{name}_{bone}", 0.0)
            if depth > 0.3:
                x = sign * 23 * size
                lens = ellipsoid([x, -3, z], [12, 15, 1.0 + 0.7 * depth])
                lens = raised(lens) if bone == "femur" else lens
                amount = min(0.08 + 0.06 * depth, 0.45)
                found.append(Solid(placed(lens), {"bone": amount, "fat": -amount}))
    flesh, muscle = _flesh(knee, pose)
    found.append(Solid(placed(flesh), {"fat": 1.0}))
    found.append(Solid(placed(muscle), {"fat": -1.0, "muscle": 1.0}))
    hoffa = ellipsoid([0, 34 * size, 4], [20, 9, 14])
    found.append(Solid(placed(hoffa), {"fat": 0.9, "muscle": -0.9}))
    return found


def _kneecap(knee: Knee, pose: Pose, hinge: Array) -> list[Mesh]:
    result = []
    h = knee.spurs["ost_patella"]
    front = 36.0 + 11.5
    for mesh in bones.patella():
        v = mesh.vertices.copy()
        for z, push in ((17.0, 0.8), (-15.0, -0.8)):
            v = bump(v, np.array([0, -6.0, z]), np.array([14.0, 3.5, 3.5]), np.array([0, -0.3 * h, push * h]))
        v *= knee.size
        y = front * knee.size + knee.space["patella"]
        v = v + np.array([-3.0, y, (34 + 3 * knee.shape[5]) * knee.size])
        # Held by its tendon, the kneecap hardly moves against the tibia while the femur flexes behind it.
        turn = rotation(0, 0.1 * pose.flexion)
        result.append(Mesh((v - hinge) @ turn.T + hinge, mesh.faces))
    return result


def _flesh(knee: Knee, pose: Pose) -> tuple[Mesh, Mesh]:
    """Skin and fascia as lofted tubes that bend with the knee."""
    knots = np.array([
        [-420, 42, 42, -10, 5], [-260, 50, 50, -16, 7], [-150, 55, 58, -15, 8], [-70, 52, 54, -6, 7],
        [-25, 53, 57, 1, 6], [10, 56, 60, 4, 7], [50, 58, 62, 4, 8], [110, 64, 66, 4, 11], [200, 74, 74, 4, 14],
        [420, 84, 84, 4, 17],
    ])  # z, half axis x, half axis y, centre y, fat in mm  # fmt: skip
    z = np.concatenate(
        [np.linspace(-pose.down - 90, -60, 10), np.linspace(-45, 60, 10), np.linspace(80, pose.up + 90, 10)]
    )
    a, b, y, fat = (np.interp(z, knots[:, 0], knots[:, k]) for k in range(1, 5))
    grow = 0.5 + 0.5 * knee.girth
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    hinge = HINGE * knee.size
    meshes = []
    for inset in (np.zeros_like(fat), fat * knee.girth**1.5):
        ring_a, ring_b = a * knee.size * grow - inset, b * knee.size * grow - inset
        ring = np.stack(
            [
                ring_a[:, None] * np.cos(angle),
                y[:, None] + ring_b[:, None] * np.sin(angle),
                np.broadcast_to(z[:, None], (len(z), len(angle))),
            ],
            axis=-1,
        )
        t = np.clip((ring[..., 2] + 25) / 90, 0, 1)
        bend = np.radians(pose.flexion) * t * t * (3 - 2 * t)
        dy, dz = ring[..., 1] - hinge[1], ring[..., 2] - hinge[2]
        ring[..., 1] = hinge[1] + dy * np.cos(bend) - dz * np.sin(bend)
        ring[..., 2] = hinge[2] + dy * np.sin(bend) + dz * np.cos(bend)
        meshes.append(lofted(ring))
    return meshes[0], meshes[1]
