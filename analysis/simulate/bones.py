"""The healthy bones of a right knee as smooth solids, meshed once and then warped for each patient.

Coordinates: x towards medial, y towards anterior, z towards proximal, in mm;
the tibia's plateau is at z = 0, the femur's own z = 0 touches both condyles
from below. The dimensions are those of a middle-sized adult (epicondylar width
82 mm, tibial plateau 76 x 50 mm, patella 44 x 42 x 21 mm).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


def _loft(x: Array, y: Array, z: Array, knots: Sequence[tuple[float, ...]], power: float = 2.0) -> Array:
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
    medial = _smooth_min(_disc(x, y, z, (23, -15, 20), 20, 13.5, 11), _disc(x, y, z, (23, 6, 26.5), 26.5, 15.5, 13), 8)
    lateral = _smooth_min(_disc(x, y, z, (-23, -13, 20), 20, 13, 10.5), _disc(x, y, z, (-23, 9, 28), 28, 15.5, 13), 8)
    trochlea = _disc(x, y, z, (0, 12, 31), 22, 20, 8)
    bone = _smooth_min(_smooth_min(medial, lateral, 4), trochlea, 8)
    bone = _smooth_min(bone, _loft(x, y, z, FEMUR, 2.2), 9)
    for c, r in (((37, -7, 29), (5, 11, 11)), ((-37, -5, 27), (5, 10, 10)), ((33, -9, 43), (4.5, 7, 8))):
        bone = _smooth_min(bone, _ellipsoid(x, y, z, c, r), 8)
    # Intercondylar notch: a tunnel from behind, whose roof slopes up backwards (Blumensaat's line).
    roof = 17 - 0.4 * (y + 10)
    tunnel = np.sqrt((x / 9.5) ** 2 + (np.maximum(z - roof + 14, 0) / 14) ** 2) * 9.5 - 9.5
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
    bone = _smooth_min(bone, _ellipsoid(x, y, z, (-2, 18, -36), (8, 7.5, 13)), 10)
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
    body = _ellipsoid(x, y, z, (0, 0, 2), (22, 12.5, 20))
    pole = _ellipsoid(x, y, z, (0, 2, -14), (10, 6, 10))
    bone = _smooth_min(body, pole, 8)
    facets = -y - 7.5 + 0.28 * np.abs(x + 2) + 0.1 * np.maximum(-z - 8, 0)  # two facets that meet in a ridge
    return -_smooth_min(-bone, -facets, 3)


def _thickness(z: Array, thin: float, thick: float, start: float, stop: float) -> Array:
    """Cortex: thin near the joint, thick in the shaft, in mm."""
    t = np.clip((z - start) / (stop - start), 0, 1)
    return thin + (thick - thin) * t * t * (3 - 2 * t)


Distance = Callable[[Array, Array, Array], Array]
Shell = tuple[Mesh, Mesh]
#: Distance, thickness of the cortex (thin, thick, and between which heights), and box of each bone.
BONES: dict[str, tuple[Distance, tuple[float, float, float, float], list[float], list[float]]] = {
    "femur": (femur_distance, (1.1, 5.5, 35, 130), [-48, -42, -2], [48, 44, 226]),
    "tibia": (tibia_distance, (1.2, 4.8, 25, 130), [-44, -34, -230], [44, 36, 14]),
    "fibula": (fibula_distance, (1.0, 2.8, 25, 70), [-48, -34, -230], [-14, -4, -2]),
    "patella": (patella_distance, (1.2, 1.2, 30, 60), [-25, -15, -27], [25, 15, 25]),
}


def shell(name: str, region: Distance | None = None, low: list[float] | None = None, high: list[float] | None = None,
          step: float = STEP) -> Shell:  # fmt: skip
    """Outer and inner surface of a bone's cortex, within a region if one is given.

    Parameters
    ----------
    name : str
        A key of `BONES`.
    region : callable, optional
        Distance function of the region, negative inside.
    low, high : list of 3 floats, optional
        Box to look in, where it is smaller than the bone's.
    step : float
        Size of the marching cubes, mm.
    """
    distance, cortex, bottom, top = BONES[name]

    def outer(x: Array, y: Array, z: Array) -> Array:
        d = distance(x, y, z)
        return d if region is None else np.maximum(d, region(x, y, z))

    def inner(x: Array, y: Array, z: Array) -> Array:
        d = distance(x, y, z) + _thickness(np.abs(z), *cortex)
        return d if region is None else np.maximum(d, region(x, y, z))

    box = (low or bottom, high or top)
    return from_distance(outer, *box, step), from_distance(inner, *box, step)


@cache
def femur() -> Shell:
    """Outer and inner surface of the femur's cortex, to 226 mm above the joint."""
    return shell("femur")


@cache
def tibia() -> Shell:
    """Outer and inner surface of the tibia's cortex, to 230 mm below the joint."""
    return shell("tibia")


@cache
def fibula() -> Shell:
    """Outer and inner surface of the fibula's cortex."""
    return shell("fibula")


@cache
def patella() -> Shell:
    """Outer and inner surface of the patella's cortex."""
    return shell("patella")


@cache
def growth_plate(name: str) -> Shell:
    """Cartilage between epiphysis and shaft of a growing bone, 2.4 mm thick and wavy."""
    height, sign = (19.0, 1) if name == "femur" else (-14.0, -1)

    def plate(x: Array, y: Array, z: Array) -> Array:
        return np.abs(z - height - sign * 3 * np.cos(x / 9)) - 1.2

    _, _, low, high = BONES[name]
    return shell(name, plate, [*low[:2], height - 7], [*high[:2], height + 7], 1.2)


@dataclass(frozen=True)
class Fracture:
    """A break along a jagged surface.

    Attributes
    ----------
    bone : str
    normal : tuple of 3 floats
        Across the break, towards the fragment that moves.
    point : tuple of 3 floats
        A point of the break, mm.
    width : float
        Width of the gap, mm.
    shift : tuple of 3 floats
        How far the fragment has moved, mm.
    """

    bone: str
    normal: tuple[float, float, float]
    point: tuple[float, float, float]
    width: float
    shift: tuple[float, float, float]

    def across(self, x: Array, y: Array, z: Array) -> Array:
        """Signed distance to the break, mm."""
        n = np.array(self.normal) / np.linalg.norm(self.normal)
        plane = sum(k * (v - p) for k, v, p in zip(n, (x, y, z), self.point, strict=True))
        return plane + 1.1 * np.sin(x / 3.1 + z / 4.3 + y / 9) + 0.6 * np.sin(x / 1.7 - z / 2.3)

    def displaced(self, v: Array) -> Array:
        """Move the fragment."""
        t = np.clip(self.across(*v.T) / 1.6 + 0.5, 0, 1)
        return v + t[:, None] * np.array(self.shift)

    def gap(self) -> Shell:
        """Return the bone that is missing from the gap."""
        return _gap(self)


@cache
def _gap(found: Fracture) -> Shell:
    _, _, low, high = BONES[found.bone]
    low, high = [*low[:2], max(low[2], -95)], [*high[:2], min(high[2], 95)]
    return shell(found.bone, lambda x, y, z: np.abs(found.across(x, y, z)) - found.width / 2, low, high, 1.1)


#: Supracondylar and condylar; split of the lateral plateau, metaphyseal, medial plateau; transverse and vertical.
FRACTURES = {
    "fracture_femur": (
        Fracture("femur", (0.35, 0.1, 1.0), (0, 0, 58), 2.6, (2.5, 1.5, 0.5)),
        Fracture("femur", (1.0, 0.0, -0.45), (3, 0, 22), 2.2, (0.8, 0, 1.6)),
        Fracture("femur", (-0.5, 0.3, 1.0), (0, 0, 72), 3.2, (-4.0, 2.0, -1.5)),
    ),
    "fracture_tibia": (
        Fracture("tibia", (-1.0, 0.1, 0.30), (-14, 0, -10), 2.4, (-1.8, 0, -2.2)),
        Fracture("tibia", (0.25, 0.1, 1.0), (0, 0, -40), 2.4, (1.5, 1.0, 0)),
        Fracture("tibia", (1.0, 0.0, 0.45), (13, 0, -12), 2.2, (1.0, 0, -1.8)),
    ),
    "fracture_patella": (
        Fracture("patella", (0.1, 0, 1.0), (0, 0, 0), 2.8, (0, 0, 2.0)),
        Fracture("patella", (1.0, 0, 0.2), (6, 0, 0), 2.0, (1.4, 0, 0)),
    ),
}


def fracture(name: str, variant: int) -> Fracture:
    """Return one of the typical fractures of a bone."""
    return FRACTURES[name][variant % len(FRACTURES[name])]
