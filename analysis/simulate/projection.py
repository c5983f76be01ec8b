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


@njit(cache=True, error_model="numpy")
def _edge(xs, ys, i, j):  # type: ignore[no-untyped-def]
    """Return a point of an edge and its run by row, computed the same way from both triangles that share it."""
    p, q = min(i, j), max(i, j)
    return xs[p], ys[p], (xs[q] - xs[p]) / (ys[q] - ys[p])


@njit(cache=True, error_model="numpy")
def _add(out, xs, ys, inverse, faces, distance, factor):  # type: ignore[no-untyped-def]
    rows, columns = out.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        area = (xs[b] - xs[a]) * (ys[c] - ys[a]) - (ys[b] - ys[a]) * (xs[c] - xs[a])
        if area == 0.0 or max(xs[a], xs[b], xs[c]) < 0 or min(xs[a], xs[b], xs[c]) > columns - 1:
            continue
        top, middle, bottom = a, b, c
        if ys[top] > ys[middle]:
            top, middle = middle, top
        if ys[middle] > ys[bottom]:
            middle, bottom = bottom, middle
        if ys[top] > ys[middle]:
            top, middle = middle, top
        if max(0.0, np.ceil(ys[top])) >= min(rows, np.ceil(ys[bottom])):
            continue
        sign = factor if area > 0 else -factor
        # One over the distance is linear in the image; distances stay between the corners'.
        gx = ((inverse[b] - inverse[a]) * (ys[c] - ys[a]) - (inverse[c] - inverse[a]) * (ys[b] - ys[a])) / area
        gy = ((inverse[c] - inverse[a]) * (xs[b] - xs[a]) - (inverse[b] - inverse[a]) * (xs[c] - xs[a])) / area
        least, most = min(inverse[a], inverse[b], inverse[c]), max(inverse[a], inverse[b], inverse[c])
        # Ends of rows and columns are half open: with edges that both neighbours see alike, each pixel belongs to exactly
        # one triangle, so that no ray slips through a seam and none is counted twice.
        x0, y0, run0 = _edge(xs, ys, top, bottom)
        for upper, lower in ((top, middle), (middle, bottom)):
            first_y, end_y = max(0, int(np.ceil(ys[upper]))), min(rows, int(np.ceil(ys[lower])))
            if first_y >= end_y:
                continue
            x1, y1, run1 = _edge(xs, ys, upper, lower)
            for y in range(first_y, end_y):
                one, other = x0 + (y - y0) * run0, x1 + (y - y1) * run1
                first_x, end_x = max(0, int(np.ceil(min(one, other)))), min(columns, int(np.ceil(max(one, other))))
                value = inverse[a] + gx * (first_x - xs[a]) + gy * (y - ys[a])
                for x in range(first_x, end_x):
                    out[y, x] += sign * (1.0 / min(max(value, least), most) - distance)
                    value += gx
