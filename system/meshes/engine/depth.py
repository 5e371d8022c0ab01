"""The metal that overlapping bodies would count twice, by depth: parallel rays through the model, and how deep each point is covered.

The signed volume of closed shells is exact; only the overlap is sampled, so its error is a small share of a small share.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.arithmetic import ceil_of, floor_of, least, most
from system.meshes.compiling import compiled, inlined
from system.meshes.engine.cells import Box, box_of
from system.meshes.stl import Triangles

Floats = npt.NDArray[np.float64]
Corners = npt.NDArray[np.float32]
_Scalar = Any

_TRIANGLE = 9
"""Coordinates of one."""
_CORNER, _TWO_CORNERS = np.uint64(3), np.uint64(6)

RAYS = 500_000
_RAYS_MAX = 16 * RAYS
_CANDIDATES_MAX = 60_000_000
_HITS_MAX = 30_000_000
_OFFSET = (0.3819660113, 0.7071067811)
"""Irrational shares of a cell: rays then miss the corners and edges that modelling programs put on round numbers."""


def overlap_volume(triangles: Triangles, box: Box | None = None) -> float | None:
    """The volume covered more than once, each further time counted, in cubic units of the file; None when it cannot be sampled.

    Triangles of shape (n, 3, 3), float32, closed and facing outwards (cavities inwards). Half a million rays along the shortest
    side of the box, which is found when it is not told; each takes four bytes, and each of its hits eight.
    """
    triangles = np.ascontiguousarray(triangles)
    low, high = box or box_of(triangles)
    corners = triangles.reshape(-1)
    extents = high - low
    across = int(np.argmin(extents))
    first, second = (axis for axis in range(3) if axis != across)
    cell = float(np.sqrt(max(extents[first] * extents[second], 1e-30) / RAYS))
    for _ in range(2):
        columns, rows = int(extents[first] / cell) + 2, int(extents[second] / cell) + 2
        if rows * columns > _RAYS_MAX:
            return None
        starts = np.zeros(rows * columns + 1, dtype=np.int32)
        candidates = _count_hits(corners, (first, second), low, 1.0 / cell, _CANDIDATES_MAX, columns, starts)
        if candidates <= _CANDIDATES_MAX:
            break
        cell *= float(np.sqrt(candidates / _CANDIDATES_MAX)) * 1.1
    else:
        return None
    hit_count = int(starts.sum(dtype=np.int64))
    if hit_count > _HITS_MAX:
        return None
    np.cumsum(starts, out=starts)
    depths = np.empty(hit_count, dtype=np.float32)
    enters = np.empty(hit_count, dtype=np.int8)
    filled = starts[:-1].copy()
    # Axes (first, second) are in ascending order, so their cross product points down `across` when that is the middle axis.
    handed = -1.0 if across == 1 else 1.0
    _keep_hits(corners, (first, second, across), low, 1.0 / cell, handed, columns, filled, depths, enters)
    return float(_excess(starts, depths, enters)) * cell * cell


@inlined
def _first_ray(a: float, b: float, c: float) -> _Scalar:
    """The first ray not before the least of these."""
    return ceil_of(least(a, b, c))


@inlined
def _end_ray(a: float, b: float, c: float) -> _Scalar:
    """The ray after the last that is not behind the greatest of these."""
    return floor_of(most(a, b, c)) + 1


@inlined
def _seen(corners: Corners, place: _Scalar, low: float, per_unit: float, offset: float) -> Any:
    """The corners of a triangle along one direction across the rays, in cells; `place` is that of the first."""
    return (
        (np.float64(corners[place]) - low) * per_unit - offset,
        (np.float64(corners[place + _CORNER]) - low) * per_unit - offset,
        (np.float64(corners[place + _TWO_CORNERS]) - low) * per_unit - offset,
    )


@inlined
def _weights(u: Any, v: Any, ray_u: float, ray_v: float) -> Any:
    """Of each corner: twice the area opposite to it, as the ray divides the triangle."""
    return (
        (u[2] - u[1]) * (ray_v - v[1]) - (v[2] - v[1]) * (ray_u - u[1]),
        (u[0] - u[2]) * (ray_v - v[2]) - (v[0] - v[2]) * (ray_u - u[2]),
        (u[1] - u[0]) * (ray_v - v[0]) - (v[1] - v[0]) * (ray_u - u[0]),
    )


@inlined
def _meets(weights: Any, area: float) -> bool:
    toward = 1.0 if area > 0 else -1.0
    return area != 0 and weights[0] * toward >= 0 and weights[1] * toward >= 0 and weights[2] * toward >= 0


@compiled
def _count_hits(
    corners: Corners,
    plane: tuple[int, int],
    low: Floats,
    per_unit: float,
    candidates_max: int,
    columns: int,
    counts: npt.NDArray[np.int32],
) -> int:
    """Counts the hits of each ray, at the place after its own, and says how many candidates there were; too many are not looked at."""
    candidates = 0
    low_u, low_v = low[plane[0]], low[plane[1]]
    for index in range(corners.shape[0] // _TRIANGLE):
        place = np.uint64(index * _TRIANGLE)
        u = _seen(corners, place + np.uint64(plane[0]), low_u, per_unit, _OFFSET[0])
        u_start, u_end = _first_ray(u[0], u[1], u[2]), _end_ray(u[0], u[1], u[2])
        v = _seen(corners, place + np.uint64(plane[1]), low_v, per_unit, _OFFSET[1])
        v_start, v_end = _first_ray(v[0], v[1], v[2]), _end_ray(v[0], v[1], v[2])
        # One test for both: most triangles lie between two rays.
        if (u_end <= u_start) | (v_end <= v_start):
            continue
        candidates += (u_end - u_start) * (v_end - v_start)
        if candidates > candidates_max:
            continue
        area = (u[1] - u[0]) * (v[2] - v[0]) - (v[1] - v[0]) * (u[2] - u[0])
        for ray_v in range(v_start, v_end):
            for ray_u in range(u_start, u_end):
                if _meets(_weights(u, v, ray_u, ray_v), area):
                    counts[ray_v * columns + ray_u + 1] += 1
    return candidates


@compiled
def _keep_hits(
    corners: Corners,
    axes: tuple[int, int, int],
    low: Floats,
    per_unit: float,
    handed: float,
    columns: int,
    filled: npt.NDArray[np.int32],
    depths: npt.NDArray[np.float32],
    enters: npt.NDArray[np.int8],
) -> None:
    """Where the rays meet these triangles, and whether they enter metal there."""
    low_u, low_v, low_w = low[axes[0]], low[axes[1]], low[axes[2]]
    for index in range(corners.shape[0] // _TRIANGLE):
        place = np.uint64(index * _TRIANGLE)
        u = _seen(corners, place + np.uint64(axes[0]), low_u, per_unit, _OFFSET[0])
        u_start, u_end = _first_ray(u[0], u[1], u[2]), _end_ray(u[0], u[1], u[2])
        v = _seen(corners, place + np.uint64(axes[1]), low_v, per_unit, _OFFSET[1])
        v_start, v_end = _first_ray(v[0], v[1], v[2]), _end_ray(v[0], v[1], v[2])
        if (u_end <= u_start) | (v_end <= v_start):
            continue
        area = (u[1] - u[0]) * (v[2] - v[0]) - (v[1] - v[0]) * (u[2] - u[0])
        for ray_v in range(v_start, v_end):
            for ray_u in range(u_start, u_end):
                weights = _weights(u, v, ray_u, ray_v)
                if _meets(weights, area):
                    hit = filled[ray_v * columns + ray_u]
                    filled[ray_v * columns + ray_u] += 1
                    w = _seen(corners, place + np.uint64(axes[2]), low_w, 1.0, 0.0)
                    height = weights[0] * w[0] + weights[1] * w[1] + weights[2] * w[2]
                    depths[hit] = height / area
                    enters[hit] = 1 if area * handed < 0 else -1


@compiled
def _excess(starts: npt.NDArray[np.int32], depths: npt.NDArray[np.float32], enters: npt.NDArray[np.int8]) -> float:
    """The summed length of all rays inside more than one body.

    A ray that does not leave as often as it enters has grazed an edge: it is left out.
    """
    total = 0.0
    for ray in range(starts.shape[0] - 1):
        start, end = starts[ray], starts[ray + 1]
        balance = 0
        for place in range(start, end):
            balance += enters[place]
        # Two hits are one body at most.
        if balance != 0 or end - start < 4:
            continue
        for place in range(start + 1, end):
            depth, enter = depths[place], enters[place]
            hole = place
            while hole > start and depths[hole - 1] > depth:
                depths[hole], enters[hole] = depths[hole - 1], enters[hole - 1]
                hole -= 1
            depths[hole], enters[hole] = depth, enter
        covered = 0
        for place in range(start, end - 1):
            covered += enters[place]
            if covered > 1:
                total += (covered - 1) * (np.float64(depths[place + 1]) - np.float64(depths[place]))
    return total
