"""The convex hull around a model, of those of its points that can lie on it: the others are many, and memory is short.

A hull of the farthest points in some thousand directions is found first. Along a direction d from inside, it is passed where
max over its facets of (n . d) / h is 1, which is convex in d: what that is at the corners of a bundle of directions bounds it between
them, so one comparison tells of a point that it lies inside. All this in a box stretched to a cube, so that bundles of a flat model
are as narrow as those of a round one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from manifold3d import Manifold

from system.meshes.compiling import compiled, inlined
from system.meshes.engine.cells import Box, box_of
from system.meshes.stl import Triangles
from system.pricing.adapters.mesh.points import mixed

Floats = npt.NDArray[np.float64]

BINS = 32
"""Bundles of directions along each side of a cube's face."""
POINTS_MAX = 200_000
"""Of more points that may lie on the hull an even share is taken: of a ball of millions of facets, which is round without the rest."""
LOOKED_AT_MAX = 500_000
"""Of more facets so many are looked at for the hull within."""
_MARGIN = 1e-3
_REMEMBERED = 1 << 16


def hull_volume_of(triangles: Triangles, box: Box | None = None) -> float:
    """The volume of the convex hull, in cubic units of the file; 0 of what is flat. The box is found when it is not told."""
    box = box or box_of(triangles)
    # Of very many an even share does: a hull within that is a little smaller leaves a few points more to look at.
    if len(triangles) > LOOKED_AT_MAX:
        some = np.ascontiguousarray(triangles[:: -(-len(triangles) // LOOKED_AT_MAX)])
        volume = _hull_volume(triangles, some, box)
        if volume > 0:
            return volume
    # What is flat may have been so by the choice alone.
    return _hull_volume(triangles, triangles, box)


def _hull_volume(triangles: Triangles, some: Triangles, box: Box) -> float:
    """The same, by a hull within of some of them; 0 where these are flat."""
    low, high = box
    stretch = 2 / np.maximum(high - low, 1e-30)
    farthest = _farthest(some.reshape(-1, 3), (low + high) / 2, stretch, BINS)
    within = Manifold.hull_points(farthest)
    mesh = within.to_mesh()
    corners = np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3]
    if len(corners) == 0:
        return 0.0
    centre = corners.mean(axis=0)
    bounds = _bounds((corners[np.asarray(mesh.tri_verts)] - centre) * stretch)
    if bounds is None:
        # Flat, or as good as: what is within is all there is, unless only some were looked at.
        return float(within.volume()) if some is triangles else 0.0
    count, outer = _outside(np.ascontiguousarray(triangles).reshape(-1, 3), centre, stretch, bounds, BINS)
    step = -(-count // POINTS_MAX) or 1
    return float(Manifold.hull_points(np.concatenate((farthest, outer[:count:step]))).volume())


def _bounds(facets: Floats) -> Floats | None:
    """Of each bundle of directions (face, first, second) the most that max (n . d) / h can be; None of what is flat."""
    normals = np.cross(facets[:, 1] - facets[:, 0], facets[:, 2] - facets[:, 0])
    heights = (normals * facets[:, 0]).sum(axis=1)
    lengths = np.linalg.norm(normals, axis=1)
    sound = lengths > 0
    if not sound.any() or (heights[sound] <= 1e-9 * lengths[sound] * np.abs(facets).max()).any():
        return None
    planes = normals[sound] / heights[sound, None]
    along = np.linspace(-1.0, 1.0, BINS + 1)
    bounds = np.empty((6, BINS, BINS))
    for face in range(6):
        axis, sign = face // 2, 1.0 if face % 2 else -1.0
        directions = np.empty((BINS + 1, BINS + 1, 3))
        directions[..., axis] = sign
        directions[..., (axis + 1) % 3] = along[:, None]
        directions[..., (axis + 2) % 3] = along
        corners = (directions.reshape(-1, 3) @ planes.T).max(axis=1).reshape(BINS + 1, BINS + 1)
        bounds[face] = np.maximum(
            np.maximum(corners[:-1, :-1], corners[1:, :-1]), np.maximum(corners[:-1, 1:], corners[1:, 1:])
        )
    return bounds


@inlined
def _bundle(x: Any, y: Any, z: Any, bins: Any) -> Any:
    """The face of a cube that a direction leaves by with its place there, as one number, and how far along the face's axis it goes."""
    ahead, first, second, axis = x, y, z, np.int64(0)
    if abs(y) > abs(ahead):
        ahead, first, second, axis = y, z, x, np.int64(1)
    if abs(z) > abs(ahead):
        ahead, first, second, axis = z, x, y, np.int64(2)
    away = abs(ahead)
    half = np.float64(bins) / (2 * away) if away > 0 else 0.0
    last = np.int64(bins - 1)
    one, two = np.int64((first + away) * half), np.int64((second + away) * half)
    one, two = one if one < last else last, two if two < last else last
    face = 2 * axis + np.int64(ahead > 0)
    return np.uint64((face * bins + one) * bins + two), away


@compiled
def _farthest(corners: Any, centre: Any, stretch: Any, bins: Any) -> Any:
    """Of each bundle of directions the corner farthest from the centre; shape (n, 3)."""
    reach = np.full(6 * bins * bins, -1.0)
    found = np.zeros((6 * bins * bins, 3), dtype=np.float32)
    for corner in range(len(corners)):
        x = (corners[corner, 0] - centre[0]) * stretch[0]
        y = (corners[corner, 1] - centre[1]) * stretch[1]
        z = (corners[corner, 2] - centre[2]) * stretch[2]
        bundle, _ = _bundle(x, y, z, bins)
        far = x * x + y * y + z * z
        if far > reach[bundle]:
            reach[bundle] = far
            found[bundle] = corners[corner]
    return found[reach >= 0]


@compiled
def _outside(corners: Any, centre: Any, stretch: Any, bounds: Any, bins: Any) -> Any:
    """The corners that may lie outside, and how many there are. Room is made as they are found."""
    points = np.empty((4096, 3), dtype=np.float32)
    seen = np.zeros(_REMEMBERED, dtype=np.uint64)
    limits = bounds.reshape(-1)
    centre_x, centre_y, centre_z = centre[0], centre[1], centre[2]
    stretch_x, stretch_y, stretch_z = stretch[0], stretch[1], stretch[2]
    count = 0
    for number in range(len(corners)):
        corner = np.uint64(number)
        x = (corners[corner, 0] - centre_x) * stretch_x
        y = (corners[corner, 1] - centre_y) * stretch_y
        z = (corners[corner, 2] - centre_z) * stretch_z
        bundle, away = _bundle(x, y, z, bins)
        if away * limits[bundle] < 1 - _MARGIN:
            continue
        # Neighbours in the file share corners: most of those that come again are known.
        key = mixed(corners[corner])
        if seen[key & np.uint64(_REMEMBERED - 1)] == key:
            continue
        seen[key & np.uint64(_REMEMBERED - 1)] = key
        if count == len(points):
            more = np.empty((2 * count, 3), dtype=np.float32)
            more[:count] = points
            points = more
        points[count] = corners[corner]
        count += 1
    return count, points
