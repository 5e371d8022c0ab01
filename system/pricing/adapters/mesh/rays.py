"""Every crossing of some rays with all triangles, without a tree: the rays lie in a grid, and the triangles stream past them.

A triangle is held against the rays of the cells that its box meets, so the work is one look at each triangle and a few crossings;
memory is that of the rays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.arithmetic import between, floor_of, least, most
from system.meshes.compiling import compiled, inlined
from system.meshes.engine.cells import Box, box_of
from system.meshes.stl import Triangles

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

CROSSINGS_MAX = 64
"""Of one ray. One that meets more is left out: no piece of jewelry has so many walls in a row."""
TESTS_MAX = 150_000_000
"""Triangles held against rays: about a second. A million triangles of a usual model need some three million."""
_CELLS_MAX = 192
_1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(place) for place in range(1, 9))
_PADDING = 1e-3
"""Share of a cell by which boxes are widened, so that rounding loses no crossing."""


@dataclass(frozen=True, slots=True)
class Crossings:
    """Of each ray: how many, how far along it, and the cosine between its direction and the outward normal met: below zero it enters.

    `count` is CROSSINGS_MAX + 1 of a ray that met too many. Shapes (ray,), (ray, CROSSINGS_MAX) twice.
    """

    count: Ints
    distance: Floats
    cosine: Floats


def crossings_of(
    triangles: Triangles, starts: Floats, directions: Floats, own: Ints, box: Box | None = None
) -> Crossings | None:
    """What rays from `starts` along unit `directions` meet, in no order. `own` is the triangle each starts on, which it never meets.

    None when it would be too much work.
    """
    low, high = box or box_of(triangles)
    extents = high - low
    # Fine enough that a cell holds few triangles, coarse enough that a triangle meets few cells.
    along = min(_CELLS_MAX, max(4, int(1.5 * len(triangles) ** (1 / 3))))
    cell = max(float(extents.max()) / along, 1e-30)
    counts = np.maximum(np.ceil(extents / cell), 1).astype(np.int64)
    first, rays = _in_cells(starts, directions, low, cell, counts)
    count = np.zeros(len(starts), dtype=np.int32)
    distance = np.zeros((len(starts), CROSSINGS_MAX))
    cosine = np.zeros((len(starts), CROSSINGS_MAX))
    corners = np.ascontiguousarray(triangles).reshape(-1)
    done = _meet(
        corners, starts, directions, own, low, cell, counts, first, rays, count, distance, cosine, TESTS_MAX, _PADDING
    )
    return Crossings(count, distance, cosine) if done else None


def _in_cells(starts: Floats, directions: Floats, low: Floats, cell: float, counts: Any) -> tuple[Any, Any]:
    """The rays of each cell: those of cell i are rays[first[i] : first[i + 1]]."""
    first = np.zeros(int(counts.prod()) + 1, dtype=np.int32)
    _lay(starts, directions, low, cell, counts, first, np.empty(0, dtype=np.int32), _PADDING)
    np.cumsum(first, out=first)
    rays = np.empty(int(first[-1]), dtype=np.int32)
    # Filled from the end of each cell's part downwards: afterwards `first` is where each part begins.
    _lay(starts, directions, low, cell, counts, first, rays, _PADDING)
    return first, rays


@compiled
def _lay(starts: Any, directions: Any, low: Any, cell: Any, counts: Any, first: Any, rays: Any, padding: Any) -> None:
    """Counts the rays of each cell, or lays them into `rays` when it has room.

    Goes by layers across the axis that a ray is steepest along.
    """
    filling = len(rays) > 0
    for ray in range(len(starts)):
        axis = 0
        for other in range(1, 3):
            if abs(directions[ray, other]) > abs(directions[ray, axis]):
                axis = other
        one, two = (axis + 1) % 3, (axis + 2) % 3
        start = (starts[ray, axis] - low[axis]) / cell
        slope = directions[ray, axis]
        layer = min(max(int(np.floor(start)), 0), counts[axis] - 1)
        step = 1 if slope > 0 else -1
        # The layer behind the start too: a crossing at the start may be counted into it.
        layer = min(max(layer - step, 0), counts[axis] - 1)
        while 0 <= layer < counts[axis]:
            near = max((layer - padding - start) / slope, (layer + 1 + padding - start) / slope)
            far = min((layer - padding - start) / slope, (layer + 1 + padding - start) / slope)
            u0 = (starts[ray, one] - low[one]) / cell + directions[ray, one] * near
            u1 = (starts[ray, one] - low[one]) / cell + directions[ray, one] * far
            v0 = (starts[ray, two] - low[two]) / cell + directions[ray, two] * near
            v1 = (starts[ray, two] - low[two]) / cell + directions[ray, two] * far
            u_from, u_to = int(np.floor(min(u0, u1) - padding)), int(np.floor(max(u0, u1) + padding))
            v_from, v_to = int(np.floor(min(v0, v1) - padding)), int(np.floor(max(v0, v1) + padding))
            # Points on the far side of the box belong to its last cell.
            if u_to < 0 or v_to < 0 or u_from > counts[one] or v_from > counts[two]:
                layer += step
                continue
            for u in range(max(min(u_from, counts[one] - 1), 0), min(u_to, counts[one] - 1) + 1):
                for v in range(max(min(v_from, counts[two] - 1), 0), min(v_to, counts[two] - 1) + 1):
                    if axis == 0:
                        place = (layer * counts[1] + u) * counts[2] + v
                    elif axis == 1:
                        place = (v * counts[1] + layer) * counts[2] + u
                    else:
                        place = (u * counts[1] + v) * counts[2] + layer
                    if filling:
                        first[place] -= 1
                        rays[first[place]] = ray
                    else:
                        first[place] += 1
            layer += step


@inlined
def _cells_along(corners: Any, at: Any, low: Any, per_unit: Any, padding: Any, last: Any) -> Any:
    """The first and the last cell that a triangle's box meets along an axis; `at` is the place of its first coordinate there."""
    a, b, c = corners[at], corners[at + _3], corners[at + _6]
    begin = floor_of((np.float64(least(a, b, c)) - low) * per_unit - padding)
    end = floor_of((np.float64(most(a, b, c)) - low) * per_unit + padding)
    return np.uint64(between(begin, np.int64(0), last)), np.uint64(between(end, np.int64(0), last))


@compiled
def _meet(
    corners: Any,
    starts: Any,
    directions: Any,
    own: Any,
    low: Any,
    cell: Any,
    counts: Any,
    first: Any,
    rays: Any,
    count: Any,
    distance: Any,
    cosine: Any,
    tests_max: Any,
    padding: Any,
) -> bool:
    """Holds each triangle against the rays of its cells. Says whether it came to the end within `tests_max`."""
    room = distance.shape[1]
    # The triangle that each ray was last held against: a ray met in several cells counts once.
    last = np.full(len(starts), -1, dtype=np.int32)
    tests = np.int64(0)
    per_unit = 1.0 / cell
    last_x, last_y, last_z = np.int64(counts[0] - 1), np.int64(counts[1] - 1), np.int64(counts[2] - 1)
    wide_y, wide_z = np.uint64(counts[1]), np.uint64(counts[2])
    for triangle in range(len(corners) // 9):
        at = np.uint64(9 * triangle)
        x_begin, x_end = _cells_along(corners, at, low[0], per_unit, padding, last_x)
        y_begin, y_end = _cells_along(corners, at + _1, low[1], per_unit, padding, last_y)
        z_begin, z_end = _cells_along(corners, at + _2, low[2], per_unit, padding, last_z)
        ready = False
        for x in range(x_begin, x_end + _1):
            for y in range(y_begin, y_end + _1):
                row = (x * wide_y + y) * wide_z
                tests += np.int64(z_end - z_begin) + 1
                for place in range(first[row + z_begin], first[row + z_end + _1]):
                    ray = rays[place]
                    tests += 1
                    if last[ray] == triangle or own[ray] == triangle:
                        continue
                    last[ray] = triangle
                    if not ready:
                        ax, ay, az = (
                            np.float64(corners[at]),
                            np.float64(corners[at + _1]),
                            np.float64(corners[at + _2]),
                        )
                        ux, uy, uz = corners[at + _3] - ax, corners[at + _4] - ay, corners[at + _5] - az
                        vx, vy, vz = corners[at + _6] - ax, corners[at + _7] - ay, corners[at + _8] - az
                        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
                        length = np.sqrt(nx * nx + ny * ny + nz * nz)
                        ready = True
                    dx, dy, dz = directions[ray, 0], directions[ray, 1], directions[ray, 2]
                    along = nx * dx + ny * dy + nz * dz
                    if abs(along) <= 1e-12 * length:
                        continue
                    wx, wy, wz = starts[ray, 0] - ax, starts[ray, 1] - ay, starts[ray, 2] - az
                    # Moeller and Trumbore 1997: the weights of two corners and the distance, by Cramer's rule.
                    qx, qy, qz = wy * dz - wz * dy, wz * dx - wx * dz, wx * dy - wy * dx
                    first_weight = -(vx * qx + vy * qy + vz * qz) / along
                    second_weight = (ux * qx + uy * qy + uz * qz) / along
                    if first_weight < 0 or second_weight < 0 or first_weight + second_weight > 1:
                        continue
                    if count[ray] >= room:
                        count[ray] = room + 1
                        continue
                    distance[ray, count[ray]] = -(nx * wx + ny * wy + nz * wz) / along
                    cosine[ray, count[ray]] = along / length
                    count[ray] += 1
        if tests > tests_max:
            return False
    return True
