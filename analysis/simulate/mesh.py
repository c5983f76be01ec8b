"""Closed triangle meshes: the solids that the beam goes through. Lengths are millimetres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mesh:
    """A closed surface.

    Attributes
    ----------
    vertices : ndarray, shape (n, 3)
        Millimetres.
    faces : ndarray of int, shape (m, 3)
        All turning the same way round, outwards or inwards.
    """

    vertices: Array
    faces: NDArray[np.int64]

    def moved(self, rotation: Array | None = None, shift: Array | tuple[float, float, float] = (0, 0, 0)) -> Mesh:
        """Rotate about the origin, then shift."""
        turned = self.vertices if rotation is None else self.vertices @ rotation.T
        return Mesh(turned + np.asarray(shift, float), self.faces)

    def warped(self, warp: Callable[[Array], Array]) -> Mesh:
        """Apply `warp`, a smooth map of space, to every vertex."""
        return Mesh(warp(self.vertices), self.faces)


def joined(meshes: list[Mesh]) -> Mesh:
    """Several solids as one mesh; where they overlap, they count double."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    faces = [mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]
    return Mesh(np.vstack([mesh.vertices for mesh in meshes]), np.vstack(faces))


def from_distance(
    distance: Callable[[Array, Array, Array], Array], low: Sequence[float], high: Sequence[float], step: float
) -> Mesh:
    """Mesh the solid in which a distance function is negative, by marching cubes.

    Parameters
    ----------
    distance : callable
        Of the arrays x, y, z; negative inside. The solid is cut off at the box.
    low, high : sequence of 3 floats
        Corners of the box.
    step : float
        Size of the cubes; beyond 60 mm from z = 0 they grow along z, since shafts are straight.
    """
    import mcubes

    axes = [np.arange(a - step, b + 2 * step, step) for a, b in zip(low, high, strict=True)]
    z = axes[2]
    if np.abs(z).max() > 60:
        fine, rest = z[np.abs(z) <= 60], np.arange(60 + 2 * step, np.abs(z).max(), 4 * step)
        axes[2] = np.concatenate([fine, rest]) if z[-1] > 60 else np.concatenate([-rest[::-1], fine])
    field = np.asarray(distance(*np.meshgrid(*axes, indexing="ij", sparse=True)), float)
    # The outermost layer is outside whatever the function says, so that the surface is closed.
    sealed = np.full([len(axis) for axis in axes], float(step))
    inner = (slice(1, -1),) * 3
    sealed[inner] = np.broadcast_to(field, sealed.shape)[inner]
    vertices, faces = mcubes.marching_cubes(sealed, 0.0)
    placed = [np.interp(vertices[:, k], np.arange(len(axis)), axis) for k, axis in enumerate(axes)]
    return outward(Mesh(np.column_stack(placed), faces.astype(np.int64)))


def outward(mesh: Mesh) -> Mesh:
    """Turn the faces round if the mesh's signed volume is negative, so that all solids agree."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c))
    return mesh if volume > 0 else Mesh(mesh.vertices, mesh.faces[:, ::-1].copy())


def rotation(axis: int, degrees: float) -> Array:
    """Rotation matrix about a coordinate axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [k for k in range(3) if k != axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def tube(path: Array, radii: Array, sides: int = 16) -> Mesh:
    """Sweep a circle or an ellipse along a path and close the ends.

    Parameters
    ----------
    path : ndarray, shape (n, 3)
        Points of the centre line.
    radii : ndarray, shape (n,) or (n, 2)
        Radius at each point, or the two half axes of an ellipse.
    sides : int
        Corners of the cross-section.
    """
    path, radii = np.asarray(path, float), np.asarray(radii, float)
    radii = np.column_stack([radii, radii]) if radii.ndim == 1 else radii
    tangent = np.gradient(path, axis=0)
    tangent = tangent / np.linalg.norm(tangent, axis=1, keepdims=True)
    # A fixed helper keeps neighbouring cross-sections from twisting against each other.
    mean = np.abs(tangent).mean(axis=0)
    helper = np.eye(3)[np.argmin(mean)]
    first = np.cross(np.broadcast_to(helper, tangent.shape), tangent)
    norm = np.linalg.norm(first, axis=1, keepdims=True)
    first = first / np.maximum(norm, 1e-9)
    second = np.cross(tangent, first)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring: Array = (
        path[:, None]
        + radii[:, None, :1] * np.cos(angle)[None, :, None] * first[:, None]
        + radii[:, None, 1:] * np.sin(angle)[None, :, None] * second[:, None]
    )
    return lofted(ring)


def lofted(rings: Array) -> Mesh:
    """Join rings of points, shape (n, k, 3), into a closed solid."""
    n, k, _ = rings.shape
    vertices = np.vstack([rings.reshape(-1, 3), rings[0].mean(axis=0), rings[-1].mean(axis=0)])
    i, j = np.meshgrid(np.arange(n - 1), np.arange(k), indexing="ij")
    a, b = i * k + j, i * k + (j + 1) % k
    c, d = a + k, b + k
    sides = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    ring, last = np.arange(k), (n - 1) * k
    bottom = np.stack([np.full(k, n * k), (ring + 1) % k, ring], -1)
    top = np.stack([np.full(k, n * k + 1), last + ring, last + (ring + 1) % k], -1)
    return outward(Mesh(vertices, np.concatenate([sides, bottom, top]).astype(np.int64)))


def rod(start: Array | list[float], end: Array | list[float], radius: float, sides: int = 14) -> Mesh:
    """Make a straight cylinder."""
    return tube(np.array([start, end], float), np.array([radius, radius]), sides)


def ellipsoid(centre: Array | list[float], radii: Array | list[float], rings: int = 14, sides: int = 20) -> Mesh:
    """Make an ellipsoid along the axes."""
    polar = np.linspace(0.02, np.pi - 0.02, rings)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ball = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(angle),
            np.sin(polar)[:, None] * np.sin(angle),
            np.cos(polar)[:, None] * np.ones_like(angle),
        ],
        axis=-1,
    )
    return lofted(ball * np.asarray(radii, float) + np.asarray(centre, float))


def box(centre: Array | list[float], half: Array | list[float]) -> Mesh:
    """Make a box along the axes."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    rings = np.stack([np.column_stack([corners, np.full(4, z)]) for z in (-1.0, 1.0)])
    return lofted(rings * np.asarray(half, float) + np.asarray(centre, float))
