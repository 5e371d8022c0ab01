"""Every crossing of some rays with all triangles, without a tree: the rays lie in a grid, and the triangles stream past them.

A triangle is held against the rays of the cells that its box meets, so the work is one look at each triangle and a few crossings;
memory is that of the rays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled
from system.meshes.engine.cells import box_of
from system.meshes.stl import Triangles

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

CROSSINGS_MAX = 64
"""Of one ray. One that meets more is left out: no piece of jewelry has so many walls in a row."""
TESTS_MAX = 150_000_000
"""Triangles held against rays: about a second. A million triangles of a usual model need some three million."""
_CELLS_MAX = 96
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


def crossings_of(triangles: Triangles, starts: Floats, directions: Floats, own: Ints) -> Crossings | None:
    """What rays from `starts` along unit `directions` meet, in no order. `own` is the triangle each starts on, which it never meets.

    None when it would be too much work.
    """
    low, high = box_of(triangles)
    extents = high - low
    # Fine enough that a cell holds few triangles, coarse enough that a triangle meets few cells.
    along = min(_CELLS_MAX, max(4, int(1.5 * len(triangles) ** (1 / 3))))
    cell = max(float(extents.max()) / along, 1e-30)
    counts = np.maximum(np.ceil(extents / cell), 1).astype(np.int64)
    first, rays = _in_cells(starts, directions, low, cell, counts)
    count = np.zeros(len(starts), dtype=np.int32)
    distance = np.zeros((len(starts), CROSSINGS_MAX))
    cosine = np.zeros((len(starts), CROSSINGS_MAX))
    done = _meet(
        triangles, starts, directions, own, low, cell, counts, first, rays, count, distance, cosine, TESTS_MAX, _PADDING
    )
    return Crossings(count, distance, cosine) if done else None


def _in_cells(starts: Floats, directions: Floats, low: Floats, cell: float, counts: Any) -> tuple[Any, Any]:
    """The rays of each cell: those of cell i are rays[first[i] : first[i + 1]]."""
    first = np.zeros(int(counts.prod()) + 1, dtype=np.int64)
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


@compiled
def _meet(
    triangles: Any,
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
    tests = 0
    begin = np.empty(3, dtype=np.int64)
    end = np.empty(3, dtype=np.int64)
    for triangle in range(len(triangles)):
        for axis in range(3):
            a = np.float64(triangles[triangle, 0, axis])
            b = np.float64(triangles[triangle, 1, axis])
            c = np.float64(triangles[triangle, 2, axis])
            begin[axis] = min(max(int(np.floor((min(a, b, c) - low[axis]) / cell - padding)), 0), counts[axis] - 1)
            end[axis] = min(max(int(np.floor((max(a, b, c) - low[axis]) / cell + padding)), 0), counts[axis] - 1)
        ready = False
        for x in range(begin[0], end[0] + 1):
            for y in range(begin[1], end[1] + 1):
                row = (x * counts[1] + y) * counts[2]
                tests += end[2] - begin[2] + 1
                for at in range(first[row + begin[2]], first[row + end[2] + 1]):
                    ray = rays[at]
                    tests += 1
                    if last[ray] == triangle or own[ray] == triangle:
                        continue
                    last[ray] = triangle
                    if not ready:
                        ax = np.float64(triangles[triangle, 0, 0])
                        ay = np.float64(triangles[triangle, 0, 1])
                        az = np.float64(triangles[triangle, 0, 2])
                        ux = triangles[triangle, 1, 0] - ax
                        uy = triangles[triangle, 1, 1] - ay
                        uz = triangles[triangle, 1, 2] - az
                        vx = triangles[triangle, 2, 0] - ax
                        vy = triangles[triangle, 2, 1] - ay
                        vz = triangles[triangle, 2, 2] - az
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
