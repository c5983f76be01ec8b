"""The length of every ray inside a closed mesh, by adding up where the ray leaves and enters it.

A ray from the source to a pixel crosses a closed surface an even number of
times; the sum of the distances at which it leaves, less those at which it
enters, is its path inside. Each triangle therefore adds its signed distance to
the pixels it covers, whatever the order (Freud et al. 2006; Vidal et al. 2009).
This is exact for meshes, concave ones too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.simulate.mesh import Mesh

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Beam:
    """A point source before a flat detector, with the object's origin on the central ray.

    The image's coordinates are millimetres in the plane of the origin, so that
    magnification by the detector's distance cancels, and what is nearer to the
    source is larger. Vertices are (right, up, along the beam).

    Attributes
    ----------
    rows, columns : int
        Size of the image, pixels.
    pixel : float
        Side of a pixel in the plane of the origin, mm.
    distance : float
        Source to origin, mm.
    right, up : float
        Where the centre of the image lies, mm from the central ray.
    """

    rows: int
    columns: int
    pixel: float
    distance: float
    right: float = 0.0
    up: float = 0.0

    def obliquity(self) -> Map:
        """Length of a ray for each millimetre along the central ray, shape (rows, columns)."""
        x = self.right + (np.arange(self.columns) - (self.columns - 1) / 2) * self.pixel
        y = self.up - (np.arange(self.rows) - (self.rows - 1) / 2) * self.pixel
        return np.sqrt(1 + (x[None] ** 2 + y[:, None] ** 2) / self.distance**2).astype(np.float32)


def depth(mesh: Mesh, beam: Beam, near: Map | None = None, far: Map | None = None) -> Map:
    """Length inside the mesh along the central ray's direction; times the obliquity it is the path.

    Parameters
    ----------
    mesh : Mesh
        Vertices as (right, up, along the beam), origin as the beam's.
    beam : Beam
    near, far : ndarray of float32, shape (rows, columns), optional
        Count only what lies between these depths (mm from the origin along the beam).

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Millimetres, never negative.
    """
    out = np.zeros((beam.rows, beam.columns), np.float32)
    scale = beam.distance / (mesh.vertices[:, 2] + beam.distance)
    columns = (mesh.vertices[:, 0] * scale - beam.right) / beam.pixel + (beam.columns - 1) / 2
    rows = (beam.up - mesh.vertices[:, 1] * scale) / beam.pixel + (beam.rows - 1) / 2
    bounded = near is not None or far is not None
    shape = out.shape if bounded else (1, 1)
    low = np.full(shape, -1e9, np.float32) if near is None else near
    high = np.full(shape, 1e9, np.float32) if far is None else far
    _add(out, columns, rows, 1.0 / (mesh.vertices[:, 2] + beam.distance), mesh.faces, low, high, beam.distance, bounded)
    # Which way round the faces turn decides the sign of all of them alike.
    return np.abs(out)


@njit(cache=True, fastmath=False)
def _add(out, xs, ys, inverse, faces, near, far, distance, bounded):  # type: ignore[no-untyped-def]
    rows, columns = out.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        low_x, high_x = min(xs[a], xs[b], xs[c]), max(xs[a], xs[b], xs[c])
        low_y, high_y = min(ys[a], ys[b], ys[c]), max(ys[a], ys[b], ys[c])
        first_x, last_x = max(0, int(np.ceil(low_x))), min(columns - 1, int(np.floor(high_x)))
        first_y, last_y = max(0, int(np.ceil(low_y))), min(rows - 1, int(np.floor(high_y)))
        if first_x > last_x or first_y > last_y:
            continue
        area = (xs[b] - xs[a]) * (ys[c] - ys[a]) - (ys[b] - ys[a]) * (xs[c] - xs[a])
        if area == 0.0:
            continue
        sign = 1.0 if area > 0 else -1.0
        # One over the distance is linear in the image; distances stay between the corners'.
        gx = ((inverse[b] - inverse[a]) * (ys[c] - ys[a]) - (inverse[c] - inverse[a]) * (ys[b] - ys[a])) / area
        gy = ((inverse[c] - inverse[a]) * (xs[b] - xs[a]) - (inverse[b] - inverse[a]) * (xs[c] - xs[a])) / area
        least, most = min(inverse[a], inverse[b], inverse[c]), max(inverse[a], inverse[b], inverse[c])
        for y in range(first_y, last_y + 1):
            for x in range(first_x, last_x + 1):
                # An edge is computed the same way from both its triangles, so that exactly one
                # of them owns a pixel on it: no ray slips through, none is counted twice.
                if (
                    _inside(a, b, xs, ys, x, y, sign)
                    and _inside(b, c, xs, ys, x, y, sign)
                    and _inside(c, a, xs, ys, x, y, sign)
                ):
                    value = inverse[a] + gx * (x - xs[a]) + gy * (y - ys[a])
                    z = 1.0 / min(max(value, least), most) - distance
                    if bounded:
                        z = min(max(z, near[y, x]), far[y, x])
                    out[y, x] += sign * z


@njit(cache=True, inline="always")
def _inside(a, b, xs, ys, x, y, sign):  # type: ignore[no-untyped-def]
    first, last = min(a, b), max(a, b)
    value = (xs[last] - xs[first]) * (y - ys[first]) - (ys[last] - ys[first]) * (x - xs[first])
    return (value >= 0.0) == ((a < b) == (sign > 0))
