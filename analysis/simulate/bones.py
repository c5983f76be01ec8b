"""The healthy bones of a right knee as smooth solids, meshed once and then warped for each patient.

Coordinates: x towards medial, y towards anterior, z towards proximal, in mm;
the tibia's plateau is at z = 0, the femur's own z = 0 touches both condyles
from below. The dimensions are those of a middle-sized adult (epicondylar width
82 mm, tibial plateau 76 x 50 mm, patella 44 x 42 x 21 mm).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from analysis.simulate.mesh import Array, Mesh, from_distance

STEP = 1.7  # mm, size of the marching cubes


def _smooth_min(a: Array, b: Array, k: float) -> Array:
    """Union of two solids whose seam is filled over a width of `k` mm (Quilez' polynomial form)."""
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1)
    return b + (a - b) * h - k * h * (1 - h)


def _cut(a: Array, b: Array, k: float) -> Array:
    """Solid a without b, with a rounded edge."""
    return -_smooth_min(-a, b, k)


def _ellipsoid(x: Array, y: Array, z: Array, c: tuple[float, ...], r: tuple[float, ...]) -> Array:
    p = [(v - m) / s for v, m, s in zip((x, y, z), c, r, strict=True)]
    k0 = np.sqrt(p[0] ** 2 + p[1] ** 2 + p[2] ** 2)
    k1 = np.sqrt((p[0] / r[0]) ** 2 + (p[1] / r[1]) ** 2 + (p[2] / r[2]) ** 2)
    return k0 * (k0 - 1) / np.maximum(k1, 1e-6)


def _disc(x: Array, y: Array, z: Array, c: tuple[float, ...], radius: float, half: float, edge: float) -> Array:
    """Roll along x with rounded edges."""
    qx = np.abs(x - c[0]) - half + edge
    qr = np.sqrt((y - c[1]) ** 2 + (z - c[2]) ** 2) - radius + edge
    return np.minimum(np.maximum(qx, qr), 0) + np.hypot(np.maximum(qx, 0), np.maximum(qr, 0)) - edge


def _loft(x: Array, y: Array, z: Array, knots: list[tuple[float, ...]], power: float = 2.0) -> Array:
    """Column along z of (super)elliptic cross-sections; a knot is z, centre x, centre y, half axis x, half axis y."""
    from scipy.interpolate import PchipInterpolator

    table = np.array(sorted(knots))
    cx, cy, a, b = np.moveaxis(
        PchipInterpolator(table[:, 0], table[:, 1:])(np.clip(z, table[0, 0], table[-1, 0])), -1, 0
    )
    k = (np.abs((x - cx) / a) ** power + np.abs((y - cy) / b) ** power) ** (1 / power)
    side = (k - 1) * np.minimum(a, b)
    return np.maximum(side, np.maximum(table[0, 0] - z, z - table[-1, 0]))


FEMUR = [  # the shaft leans 6 degrees to lateral as it rises
    (20, 0, 0, 36, 22), (36, 0, 0, 36.5, 23), (50, -1, 4, 28, 20), (66, -2.5, 7, 20.5, 17), (85, -5, 9, 16.5, 15),
    (115, -8, 10, 14.2, 14), (160, -12, 10, 13.6, 14), (230, -18, 8, 13.6, 14.2),
]  # fmt: skip
TIBIA = [
    (-400, 4, -8, 11.5, 13), (-200, 4, -6, 12, 14.5), (-120, 3, -4, 12.8, 15.5), (-85, 2.5, -2, 14.5, 17),
    (-60, 1.5, -1, 18, 19), (-38, 0.5, -1, 25.5, 21), (-22, 0, -1.5, 32.5, 22.5), (-8, 0, -2, 36, 23),
]  # fmt: skip
FIBULA = [(-400, -24, -16, 6.5, 6.5), (-120, -28, -17, 6, 6.5), (-60, -31, -18, 5.6, 5.8), (-38, -33, -18.5, 6.5, 6.5),
          (-24, -34, -19, 8, 8.5)]  # fmt: skip


def femur_distance(x: Array, y: Array, z: Array) -> Array:
    """Negative inside the femur, in mm near its surface."""
    medial = _smooth_min(_disc(x, y, z, (23, -15, 20), 20, 13, 10), _disc(x, y, z, (23, 6, 26.5), 26.5, 14, 11), 8)
    lateral = _smooth_min(_disc(x, y, z, (-23, -13, 20), 20, 12.5, 10), _disc(x, y, z, (-23, 9, 28), 28, 14.5, 11), 8)
    trochlea = _disc(x, y, z, (0, 13, 30), 20, 20, 8)
    bone = _smooth_min(_smooth_min(medial, lateral, 4), trochlea, 8)
    bone = _smooth_min(bone, _loft(x, y, z, FEMUR, 2.2), 9)
    for c, r in (((37, -7, 29), (5, 11, 11)), ((-37, -5, 27), (5, 10, 10)), ((33, -9, 43), (4.5, 7, 8))):
        bone = _smooth_min(bone, _ellipsoid(x, y, z, c, r), 8)
    # Intercondylar notch: a tunnel from behind, whose roof slopes up backwards (Blumensaat's line).
    roof = 19 - 0.35 * (y + 10)
    tunnel = np.sqrt((x / 10.5) ** 2 + (np.maximum(z - roof + 14, 0) / 14) ** 2) * 10.5 - 10.5
    return _cut(bone, np.maximum(tunnel, y - 6), 5)


def tibia_distance(x: Array, y: Array, z: Array) -> Array:
    """Negative inside the tibia, in mm near its surface."""
    top = z + 0.10 * y  # posterior slope; the plateau falls backwards
    medial = _ellipsoid(x, y, np.zeros_like(z), (18, -1, 0), (20, 25, 1e3))
    lateral = _ellipsoid(x, y, np.zeros_like(z), (-18.5, -3, 0), (19.5, 22, 1e3))
    bridge = _ellipsoid(x, y, np.zeros_like(z), (0, 4, 0), (22, 19, 1e3))
    rim = _smooth_min(_smooth_min(medial, lateral, 8), bridge, 8) + 0.24 * np.maximum(-top, 0)
    edge = 3.5  # rounded rim of the plateau
    qr, qz = rim + edge, np.abs(top + 12) - 12 + edge
    head = np.minimum(np.maximum(qr, qz), 0) + np.hypot(np.maximum(qr, 0), np.maximum(qz, 0)) - edge
    bone = _smooth_min(head, _loft(x, y, z, TIBIA, 2.3), 8)
    bone = _smooth_min(bone, _ellipsoid(x, y, z, (-2, 18, -40), (9, 9, 16)), 10)
    # The medial plateau is a dish, the lateral one almost flat.
    for centre, radius, sag in ((21.0, 62.0, 1.8), (-20.5, 90.0, 0.7)):
        bowl = np.sqrt((x - centre) ** 2 + (y + 2) ** 2 + (top - radius + sag) ** 2) - radius
        bone = _cut(bone, np.maximum(bowl, np.abs(x - centre) - 15), 2.5)
    for c, r in (((6.0, -1, -1), (4.0, 9, 9.5)), ((-5.5, -4, -1), (4.0, 8, 8.5)), ((0, -1, -3), (8, 12, 6))):
        bone = _smooth_min(bone, _ellipsoid(x, y, z, c, r), 4)
    return bone


def fibula_distance(x: Array, y: Array, z: Array) -> Array:
    """Negative inside the fibula."""
    head = _ellipsoid(x, y, z, (-34, -19, -20), (9, 10, 11))
    styloid = _ellipsoid(x, y, z, (-36, -21, -12), (4, 5, 6))
    return _smooth_min(_smooth_min(head, styloid, 4), _loft(x, y, z, FIBULA), 6)


def patella_distance(x: Array, y: Array, z: Array) -> Array:
    """Negative inside the patella; its own origin is its middle."""
    body = _ellipsoid(x, y, z, (0, 0, 2), (22, 11.5, 20))
    pole = _ellipsoid(x, y, z, (0, 1, -14), (11, 7, 10))
    bone = _smooth_min(body, pole, 8)
    facets = np.maximum(-y - 7 + 0.30 * np.abs(x + 2), -z - 14)  # two facets meeting in a ridge
    return -_smooth_min(-bone, -facets, 3)


def _thickness(z: Array, thin: float, thick: float, start: float, stop: float) -> Array:
    """Cortex: thin near the joint, thick in the shaft, in mm."""
    t = np.clip((z - start) / (stop - start), 0, 1)
    return thin + (thick - thin) * t * t * (3 - 2 * t)


@cache
def femur() -> tuple[Mesh, Mesh]:
    """Outer surface and inner surface of the cortex, to 230 mm above the joint."""
    low, high = np.array([-48.0, -42, -2]), np.array([48.0, 44, 226])
    inner = from_distance(lambda x, y, z: femur_distance(x, y, z) + _thickness(z, 1.2, 5.5, 35, 130), low, high, STEP)
    return from_distance(femur_distance, low, high, STEP), inner


@cache
def tibia() -> tuple[Mesh, Mesh]:
    """Outer and inner surface of the tibia's cortex, to 230 mm below the joint."""
    low, high = np.array([-44.0, -34, -230]), np.array([44.0, 36, 14])
    inner = from_distance(lambda x, y, z: tibia_distance(x, y, z) + _thickness(-z, 1.3, 4.8, 25, 130), low, high, STEP)
    return from_distance(tibia_distance, low, high, STEP), inner


@cache
def fibula() -> tuple[Mesh, Mesh]:
    """Outer and inner surface of the fibula's cortex."""
    low, high = np.array([-48.0, -34, -230]), np.array([-14.0, -4, -2])
    inner = from_distance(lambda x, y, z: fibula_distance(x, y, z) + _thickness(-z, 1.0, 2.8, 25, 70), low, high, STEP)
    return from_distance(fibula_distance, low, high, STEP), inner


@cache
def patella() -> tuple[Mesh, Mesh]:
    """Outer and inner surface of the patella's cortex."""
    low, high = np.array([-25.0, -15, -27]), np.array([25.0, 15, 25])
    return (
        from_distance(patella_distance, low, high, STEP),
        from_distance(lambda x, y, z: patella_distance(x, y, z) + 1.2, low, high, STEP),
    )
