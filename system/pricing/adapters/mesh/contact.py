"""Which bodies hang together: those whose surfaces come as near as a cell of a grid, and those that lie inside another's metal."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.arithmetic import between, floor_of, least, most
from system.meshes.compiling import compiled, inlined
from system.meshes.engine.cells import Box, box_of
from system.meshes.stl import Triangles
from system.pricing.adapters.mesh.solids import winding_numbers

CELLS = 160
"""Along the longest side: a gap of 0.13 mm in a ring is a cell, and metal would bridge it."""
_PIECES_MAX = 20_000_000
"""Pieces of a cell's size that large facets are cut into: about a second."""
_NESTED_MAX = 50
_PADDING = 1e-3
"""Share of a cell by which boxes are widened."""
_1, _2, _3, _6 = (np.uint64(place) for place in (1, 2, 3, 6))


def separate_groups(solid: Triangles, box: Box | None = None) -> int | None:
    """How many groups of bodies there are of which none touches another: 1 is a piece that stays together.

    The surface is closed and faces outwards, cavities inwards; its box is found when it is not told. None when it would be
    too much work.
    """
    low, high = box or box_of(solid)
    cell = max(float((high - low).max()) / CELLS, 1e-30)
    counts = (np.floor((high - low) / cell) + 1).astype(np.int64)
    parents = np.arange(int(counts.prod()), dtype=np.int32)
    group_of = np.empty(len(solid), dtype=np.int32)
    if not _join(np.ascontiguousarray(solid).reshape(-1), low, cell, counts, parents, group_of, _PIECES_MAX):
        return None
    groups = _number(parents, group_of)
    volumes, boxes, examples = _summed(solid, group_of, groups, low)
    bodies = np.flatnonzero(volumes > 0)
    if len(bodies) > _NESTED_MAX:
        return len(bodies)
    return sum(not _is_nested(body, bodies, solid, group_of, boxes, examples) for body in bodies)


def _is_nested(body: Any, bodies: Any, solid: Triangles, group_of: npt.NDArray[Any], boxes: Any, examples: Any) -> bool:
    """Whether a group lies inside the metal of the others."""
    others = bodies[bodies != body]
    around = (boxes[others, 0] <= boxes[body, 0]).all(axis=1) & (boxes[others, 1] >= boxes[body, 1]).all(axis=1)
    if not around.any():
        return False
    point = solid[examples[body], 0].astype(np.float64)[None]
    return bool(winding_numbers(point, solid[group_of != body])[0] > 0.5)


@compiled
def _root(parents: Any, cell: Any) -> Any:
    while parents[cell] != cell:
        parents[cell] = parents[parents[cell]]
        cell = parents[cell]
    return cell


@inlined
def _cells_along(corners: Any, at: Any, low: Any, per_unit: Any, last: Any) -> Any:
    """The first and the last cell that a triangle's box meets along an axis, and how long it is there, in cells."""
    a, b, c = corners[at], corners[at + _3], corners[at + _6]
    begin = (np.float64(least(a, b, c)) - low) * per_unit
    end = (np.float64(most(a, b, c)) - low) * per_unit
    nothing = np.int64(0)
    return (
        between(floor_of(begin - _PADDING), nothing, last),
        between(floor_of(end + _PADDING), nothing, last),
        end - begin,
    )


@compiled
def _join(corners: Any, low: Any, cell: Any, counts: Any, parents: Any, homes: Any, pieces_max: Any) -> bool:
    """Joins the cells that each facet meets, cut into pieces of about a cell; `homes` gets one cell of each facet.

    In the end every cell's parent is the root of its group.
    """
    pieces = 0
    per_unit = 1.0 / cell
    last_x, last_y, last_z = np.int64(counts[0] - 1), np.int64(counts[1] - 1), np.int64(counts[2] - 1)
    wide_y, wide_z = np.int64(counts[1]), np.int64(counts[2])
    for triangle in range(len(homes)):
        at = np.uint64(9 * triangle)
        x_begin, x_end, x_long = _cells_along(corners, at, low[0], per_unit, last_x)
        y_begin, y_end, y_long = _cells_along(corners, at + _1, low[1], per_unit, last_y)
        z_begin, z_end, z_long = _cells_along(corners, at + _2, low[2], per_unit, last_z)
        longest = most(x_long, y_long, z_long)
        if longest > 2.0:
            parts = int(np.ceil(longest))
            pieces += parts * parts
            if pieces > pieces_max:
                return False
            homes[triangle] = _join_pieces(corners, at, low, cell, counts, parents, parts)
            continue
        home = (x_begin * wide_y + y_begin) * wide_z + z_begin
        homes[triangle] = home
        if (x_begin != x_end) | (y_begin != y_end) | (z_begin != z_end):
            _join_cells(counts, parents, x_begin, x_end, y_begin, y_end, z_begin, z_end, home)
    for each in range(len(parents)):
        parents[each] = _root(parents, each)
    return True


@compiled
def _number(parents: Any, homes: Any) -> int:
    """Makes of one cell of each facet the number of its group, and says how many groups there are."""
    numbers = np.full(len(parents), -1, dtype=np.int32)
    count = 0
    for triangle in range(len(homes)):
        root = parents[homes[triangle]]
        if numbers[root] < 0:
            numbers[root] = count
            count += 1
        homes[triangle] = numbers[root]
    return count


@compiled
def _join_pieces(corners: Any, first: Any, low: Any, cell: Any, counts: Any, parents: Any, parts: Any) -> Any:
    """Joins the cells that each piece of a large facet meets, and returns one of them."""
    at = np.empty((3, 3))
    corner = np.empty((3, 3))
    for each in range(3):
        for axis in range(3):
            at[each, axis] = (np.float64(corners[first + np.uint64(3 * each + axis)]) - low[axis]) / cell
    home = np.int64(-1)
    for row in range(parts):
        for piece in range(2 * (parts - row) - 1):
            column = piece // 2
            for axis in range(3):
                along = (at[1, axis] - at[0, axis]) / parts
                up = (at[2, axis] - at[0, axis]) / parts
                base = at[0, axis] + along * column + up * row
                if piece % 2 == 0:
                    corner[0, axis], corner[1, axis], corner[2, axis] = base, base + along, base + up
                else:
                    corner[0, axis], corner[1, axis], corner[2, axis] = base + along, base + up, base + along + up
            home = _join_piece(corner, counts, parents, home)
    return home


@compiled
def _join_piece(corner: Any, counts: Any, parents: Any, home: Any) -> Any:
    """Joins the cells of one piece with `home`, or with the first of them."""
    x0 = min(max(int(np.floor(min(corner[0, 0], corner[1, 0], corner[2, 0]) - _PADDING)), 0), counts[0] - 1)
    x1 = min(max(int(np.floor(max(corner[0, 0], corner[1, 0], corner[2, 0]) + _PADDING)), 0), counts[0] - 1)
    y0 = min(max(int(np.floor(min(corner[0, 1], corner[1, 1], corner[2, 1]) - _PADDING)), 0), counts[1] - 1)
    y1 = min(max(int(np.floor(max(corner[0, 1], corner[1, 1], corner[2, 1]) + _PADDING)), 0), counts[1] - 1)
    z0 = min(max(int(np.floor(min(corner[0, 2], corner[1, 2], corner[2, 2]) - _PADDING)), 0), counts[2] - 1)
    z1 = min(max(int(np.floor(max(corner[0, 2], corner[1, 2], corner[2, 2]) + _PADDING)), 0), counts[2] - 1)
    return _join_cells(counts, parents, x0, x1, y0, y1, z0, z1, home)


@compiled
def _join_cells(counts: Any, parents: Any, x0: Any, x1: Any, y0: Any, y1: Any, z0: Any, z1: Any, home: Any) -> Any:
    """Joins a block of cells with `home`, or when that is below zero with the first of them; returns the root."""
    if home >= 0:
        home = _root(parents, home)
    for x in range(x0, x1 + 1):
        for y in range(y0, y1 + 1):
            for z in range(z0, z1 + 1):
                found = _root(parents, (x * counts[1] + y) * counts[2] + z)
                if home < 0:
                    home = found
                elif found < home:
                    parents[home] = found
                    home = found
                else:
                    parents[found] = home
    return home


@compiled
def _summed(triangles: Any, group_of: Any, groups: Any, low: Any) -> Any:
    """The signed volume of each group, its box, and one facet of it."""
    volumes = np.zeros(groups)
    boxes = np.empty((groups, 2, 3))
    boxes[:, 0] = np.inf
    boxes[:, 1] = -np.inf
    examples = np.zeros(groups, dtype=np.int64)
    for triangle in range(len(triangles)):
        group = group_of[triangle]
        examples[group] = triangle
        for axis in range(3):
            for corner in range(3):
                value = np.float64(triangles[triangle, corner, axis])
                boxes[group, 0, axis] = min(boxes[group, 0, axis], value)
                boxes[group, 1, axis] = max(boxes[group, 1, axis], value)
        ax, ay, az = (
            triangles[triangle, 0, 0] - low[0],
            triangles[triangle, 0, 1] - low[1],
            triangles[triangle, 0, 2] - low[2],
        )
        bx, by, bz = (
            triangles[triangle, 1, 0] - low[0],
            triangles[triangle, 1, 1] - low[1],
            triangles[triangle, 1, 2] - low[2],
        )
        cx, cy, cz = (
            triangles[triangle, 2, 0] - low[0],
            triangles[triangle, 2, 1] - low[1],
            triangles[triangle, 2, 2] - low[2],
        )
        volumes[group] += (ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)) / 6
    return volumes, boxes, examples
