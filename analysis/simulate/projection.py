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


def add_depth(out: Map, mesh: Mesh, beam: Beam, factor: float = 1.0) -> None:
    """Add the length inside a mesh along the central ray's direction; times the obliquity it is the path.

    Parameters
    ----------
    out : ndarray of float32, shape (rows, columns)
        Millimetres times `factor` are added to it.
    mesh : Mesh
        Vertices as (right, up, along the beam), origin as the beam's; its faces turn outwards as
        those of `mesh` do in coordinates (x, y, z) and (right, up, along), which are mirror images.
    beam : Beam
    factor : float
        Weight of the length; negative takes away.
    """
    far = mesh.vertices[:, 2] + beam.distance
    scale = beam.distance / (far * beam.pixel)
    columns = mesh.vertices[:, 0] * scale + ((beam.columns - 1) / 2 - beam.right / beam.pixel)
    rows = (beam.rows - 1) / 2 + beam.up / beam.pixel - mesh.vertices[:, 1] * scale
    _add(out, columns, rows, 1.0 / far, mesh.faces, beam.distance, factor)


@njit(cache=True)
def _add(out, xs, ys, inverse, faces, distance, factor):  # type: ignore[no-untyped-def]
    rows, columns = out.shape
    cross = np.empty(3)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        first_y = max(0, int(np.ceil(min(ys[a], ys[b], ys[c]))))
        last_y = min(rows - 1, int(np.ceil(max(ys[a], ys[b], ys[c]))) - 1)
        if first_y > last_y:
            continue
        if max(xs[a], xs[b], xs[c]) < 0 or min(xs[a], xs[b], xs[c]) > columns - 1:
            continue
        area = (xs[b] - xs[a]) * (ys[c] - ys[a]) - (ys[b] - ys[a]) * (xs[c] - xs[a])
        if area == 0.0:
            continue
        sign = factor if area > 0 else -factor
        # One over the distance is linear in the image; distances stay between the corners'.
        gx = ((inverse[b] - inverse[a]) * (ys[c] - ys[a]) - (inverse[c] - inverse[a]) * (ys[b] - ys[a])) / area
        gy = ((inverse[c] - inverse[a]) * (xs[b] - xs[a]) - (inverse[b] - inverse[a]) * (xs[c] - xs[a])) / area
        least, most = min(inverse[a], inverse[b], inverse[c]), max(inverse[a], inverse[b], inverse[c])
        for y in range(first_y, last_y + 1):
            # Where the row crosses an edge is computed the same way from both triangles that share
            # it, and ends are half open: each pixel belongs to exactly one of them, so that no ray
            # slips through a seam and none is counted twice.
            count = 0
            for i, j in ((a, b), (b, c), (c, a)):
                p, q = min(i, j), max(i, j)
                if (ys[p] <= y) != (ys[q] <= y):
                    cross[count] = xs[p] + (y - ys[p]) * (xs[q] - xs[p]) / (ys[q] - ys[p])
                    count += 1
            if count != 2:
                continue
            first_x = max(0, int(np.ceil(min(cross[0], cross[1]))))
            last_x = min(columns - 1, int(np.ceil(max(cross[0], cross[1]))) - 1)
            value = inverse[a] + gx * (first_x - xs[a]) + gy * (y - ys[a])
            for x in range(first_x, last_x + 1):
                out[y, x] += sign * (1.0 / min(max(value, least), most) - distance)
                value += gx
