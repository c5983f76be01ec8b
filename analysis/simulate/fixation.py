"""What holds a fracture, an osteotomy or a graft: plates, nails, wires, staples, fixators, screws."""

from __future__ import annotations

import numpy as np

from analysis.simulate import bones
from analysis.simulate.anatomy import Knee
from analysis.simulate.mesh import Array, Mesh, box, outward, rod, tube
from analysis.simulate.shape import Frame, Part, sized


def _shaft(bone: str, z: Array) -> tuple[Array, Array, Array, Array]:
    """Centre x, centre y and half axes of a shaft at heights z, mm, before scaling."""
    table = np.array(sorted(bones.FEMUR if bone == "femur" else bones.TIBIA), float)
    x, y, a, b = (np.interp(z, table[:, 0], table[:, k]) for k in range(1, 5))
    return x, y, a, b


def _screw(start: list[float], end: list[float], radius: float, head: float = 1.7) -> Mesh:
    """Shaft with threads, and a head at the start."""
    a, b = np.array(start, float), np.array(end, float)
    length = float(np.linalg.norm(b - a))
    t = np.linspace(0, 1, max(12, int(length / 0.7)))
    thread = radius * (1 + 0.16 * np.sin(2 * np.pi * t * length / 2.1))
    radii = np.where(t * length < 3.5, radius * head, thread)
    return tube(a + t[:, None] * (b - a), radii, 12)


def plate(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make a plate along a shaft, with its screws."""
    bone: Frame = "femur" if knee.variant % 5 < 3 else "tibia"
    sign = -1.0 if knee.variant % 2 or bone == "femur" else 1.0
    length = float(rng.uniform(95, 170))
    z = np.linspace(14, 14 + length, 30) if bone == "femur" else np.linspace(-9, -9 - 0.75 * length, 30)
    x, y, a, _ = _shaft(bone, z)
    if bone == "femur":
        a = np.where(z < 36, 39.0, a)
    edge = x + sign * (a + 3.0)
    wide = np.interp(np.abs(z), [0, 40, 60], [10.0, 8.5, 6.5])
    metal = "titanium" if knee.variant % 3 else "steel"
    path = np.column_stack([edge, y + 2, z])
    # The cross-section's first axis lies along the bone's front to back.
    flat = tube(path, np.column_stack([np.full(30, 1.9), wide]), 14)
    flat = outward(Mesh(_flattened(flat.vertices, path, 1.9, wide), flat.faces))
    parts: list[tuple[Mesh, str, Frame, float]] = [(flat, metal, bone, 1.0)]
    for k in sorted(rng.choice(np.arange(1, 29), 7, replace=False)):
        near = abs(z[k]) < 45
        depth = (1.75 if near else 2.05) * a[k] + 4
        for dy in (-6.0, 6.0) if near else (0.0,):
            start = [edge[k] + sign * 1.5, y[k] + 2 + dy, z[k]]
            end = [edge[k] - sign * depth, y[k] + 2 + 0.5 * dy, z[k] + rng.normal(0, 1.5)]
            parts.append((_screw(start, end, 2.1), metal, bone, 1.0))
    return sized(knee, parts)


def _flattened(v: Array, path: Array, thin: float, wide: Array) -> Array:
    """Turn the tube's cross-sections so that they are thin along x and wide along y."""
    n = len(path)
    rings = v[: n * 14].reshape(n, 14, 3)
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    power = 0.6  # between an ellipse and a rectangle
    c, s = np.cos(angle), np.sin(angle)
    rings = path[:, None] + np.stack(
        [
            np.broadcast_to(thin * np.sign(c) * np.abs(c) ** power, (n, 14)),
            wide[:, None] * np.sign(s) * np.abs(s) ** power,
            np.zeros((n, 14)),
        ],
        axis=-1,
    )
    return np.vstack([rings.reshape(-1, 3), rings[0].mean(axis=0), rings[-1].mean(axis=0)])


def nail(knee: Knee, rng: np.random.Generator, bone: Frame) -> list[Part]:
    """Make an intramedullary nail with its locking screws."""
    if bone == "femur":
        tip = 14.0 if knee.variant % 3 == 0 else float(rng.uniform(30, 60))  # from the knee, or from the hip
        z = np.linspace(tip, 226, 40)
    else:
        z = np.linspace(-16, -230, 40)
    x, y, _, _ = _shaft(bone, z)
    if bone == "tibia":  # goes in at the front, above the tuberosity
        y = y + np.interp(z, [-75, -16], [0, 14])
    elif tip < 20:
        x, y = x * np.interp(z, [tip, 80], [0, 1]), np.interp(z, [tip, 80], [2, 9])
    path = np.column_stack([x, y, z])
    metal = "titanium" if knee.variant % 2 else "steel"
    parts: list[tuple[Mesh, str, Frame, float]] = [
        (tube(path, np.full(40, 5.4), 16), metal, bone, 1.0),
        (tube(path[1:], np.full(39, 2.4), 12), metal, bone, -1.0),
    ]
    for step in (3, 6) if bone == "femur" else (4, 8):
        cx, cy, cz = path[step]
        half = _shaft(bone, np.array([cz]))[2][0] + 3
        tilt = 6 if bone == "tibia" else 0
        parts.append((_screw([cx - half, cy, cz], [cx + half, cy + tilt, cz], 2.3), metal, bone, 1.0))
    return sized(knee, parts)


def _ring(centre: Array, radii: tuple[float, float], tilt: float, wire: float) -> Mesh:
    angle = np.linspace(0, 2 * np.pi, 36)
    path = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle), tilt * np.cos(angle + tilt)], axis=-1)
    return tube(path + centre, np.full(36, wire), 8)


def cerclage(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make wires around the shaft of the femur."""
    parts: list[tuple[Mesh, str, Frame, float]] = []
    start = float(rng.uniform(62, 85))
    for k in range(int(rng.integers(2, 5))):
        z = start + k * float(rng.uniform(12, 20))
        x, y, a, b = (float(v[0]) for v in _shaft("femur", np.array([z])))
        centre = np.array([x, y, z])
        parts.append((_ring(centre, (a + 1.0, b + 1.0), float(rng.normal(0, 2)), 0.8), "steel", "femur", 1.0))
        twist = centre + [-a - 1, 0, 0]
        parts.append((rod(twist, twist + [-4, 1, 2], 1.3), "steel", "femur", 1.0))
    return sized(knee, parts)


def k_wires(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make Kirschner wires: a tension band of the patella, or crossed wires of a bone."""
    if knee.variant % 2:  # tension band of the patella: two wires and a figure of eight before them
        z, y = 35.0, 46.0 + knee.space["patella"] / knee.size
        angle = np.linspace(0, 2 * np.pi, 50)
        eight = np.stack([10 * np.sin(2 * angle), np.full(50, y + 13.0), z + 22 * np.cos(angle)], axis=-1)
        parts: list[tuple[Mesh, str, Frame, float]] = [(tube(eight, np.full(50, 0.65), 8), "steel", "patella", 1.0)]
        for x in (-10.0, 4.0):
            parts.append((rod([x, y, z - 24], [x + 1, y + 1, z + 26], 0.9), "steel", "patella", 1.0))
        return sized(knee, parts)
    bone: Frame = "femur" if knee.variant % 4 else "tibia"
    up = 1.0 if bone == "femur" else -1.0
    parts = []
    for sign in (-1.0, 1.0, -1.0)[: int(rng.integers(2, 4))]:
        start = [sign * 40, float(rng.normal(0, 4)), up * float(rng.uniform(14, 24))]
        end = [-sign * float(rng.uniform(8, 22)), float(rng.normal(0, 6)), up * float(rng.uniform(62, 85))]
        parts.append((rod(start, end, 0.95), "steel", bone, 1.0))
    return sized(knee, parts)


def staple(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make a staple."""
    sign = 1.0 if knee.variant % 2 else -1.0
    bone: Frame = "tibia" if knee.variant % 3 else "femur"
    z = -26.0 if bone == "tibia" else 32.0
    x = _shaft(bone, np.array([z]))[2][0] + (2.5 if bone == "femur" else 1.5)
    half, leg, y = float(rng.uniform(8, 11)), float(rng.uniform(15, 20)), float(rng.normal(2, 3))
    corners = [[x - leg, y, z - half + 1], [x, y, z - half], [x, y, z + half], [x - leg, y, z + half - 1]]
    path = np.array(corners) * [sign, 1, 1]
    parts: list[tuple[Mesh, str, Frame, float]] = [
        (rod(path[k], path[k + 1], 1.5), "cobalt", bone, 1.0) for k in range(3)
    ]
    return sized(knee, parts)


def x_fix(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make an external fixator of both bones."""
    parts: list[tuple[Mesh, str, Frame, float]] = []
    for bone, heights in (("femur", (85.0, 112.0)), ("tibia", (-90.0, -118.0))):
        frame: Frame = bone  # type: ignore[assignment]
        for z in heights:
            x, y, a, _ = (float(v[0]) for v in _shaft(bone, np.array([z])))
            outside = [x - 78, y + 52, z]
            parts.append((rod(outside, [x + 0.7 * a, y - 8, z], 2.5), "steel", frame, 1.0))
            parts.append((box(outside, [7, 6, 6]), "steel", frame, 0.7))
        ends = [[-78.0, 62.0, heights[0] - np.sign(heights[0]) * 40], [-78.0, 62.0, heights[1] * 1.15]]
        parts.append((rod(ends[0], ends[1], 5.0), "carbon", frame, 1.0))
    parts.append((rod([-76, 66, -70], [-76, 66, 70], 5.0), "carbon", "tibia", 1.0))
    return sized(knee, parts)


def screws(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make one to three screws by themselves."""
    bone: Frame = "tibia" if knee.variant % 3 else "femur"
    sign = -1.0 if knee.variant % 2 else 1.0
    height = -14.0 if bone == "tibia" else 24.0
    parts: list[tuple[Mesh, str, Frame, float]] = []
    for k in range(int(rng.integers(1, 4))):
        z, y = height + float(rng.normal(0, 3)), -10 + 10 * k + float(rng.normal(0, 2))
        start, end = [sign * 38, y, z], [-sign * float(rng.uniform(10, 28)), y + float(rng.normal(0, 3)), z]
        parts.append((_screw(start, end, 2.6), "titanium" if knee.variant % 4 else "steel", bone, 1.0))
    return sized(knee, parts)


def x_ligament(knee: Knee, rng: np.random.Generator) -> list[Part]:
    """Make the tunnels and the fixation of a replaced cruciate ligament."""
    metal = "titanium" if knee.variant % 4 else "steel"
    parts: list[tuple[Mesh, str, Frame, float]] = [
        (rod([14, 20, -42], [1, -4, -1], 4.6), "lucent", "tibia", 0.9),
        (_screw([13, 19, -39], [6, 6, -18], 3.9, 1.0), metal, "tibia", 1.0),
        (rod([-7, -12, 14], [-30, -1, 48], 4.4), "lucent", "femur", 0.9),
    ]
    if knee.variant % 2:  # a button on the outer cortex, or a second screw
        parts.append((rod([-36, 1, 42], [-29, 1, 53], 1.7), metal, "femur", 1.0))
    else:
        parts.append((_screw([-9, -11, 17], [-21, -6, 35], 3.8, 1.0), metal, "femur", 1.0))
    return sized(knee, parts)
