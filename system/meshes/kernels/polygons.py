"""Polygons with dents. Readers spread each as a fan from its first corner, which is right unless it covers metal that is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled, inlined

Corners = npt.NDArray[np.float32]
Faces = npt.NDArray[np.int32]
Points = npt.NDArray[np.float64]

SIDES_MAX = 1_024
"""A polygon of more corners stays a fan."""
WORK_MAX = 100_000_000
"""Corners looked at, whether they lie in an ear: a quarter of a second. Beyond, polygons stay fans."""


@inlined
def goes_on(first: Any) -> Any:
    """How a reader writes the first corner of a fan's triangle that is not its first: below zero, so that the fan is known."""
    return -1 - first


@inlined
def _turn(points: Points, one: Any, other: Any, third: Any) -> Any:
    """Twice the area of three points of a plane, below zero where they run clockwise."""
    return (points[other, 0] - points[one, 0]) * (points[third, 1] - points[one, 1]) - (
        points[other, 1] - points[one, 1]
    ) * (points[third, 0] - points[one, 0])


@compiled
def cut_polygons(corners: Corners, faces: Faces, work_max: int) -> int:
    """Makes of fans, as readers write them, faces; those of polygons with dents are cut anew. Returns how many were.

    A corner that there is not is left for who gathers them. What crosses itself, or lies in no plane, may stay a fan.
    """
    points = np.empty((SIDES_MAX, 2))
    links = np.empty((SIDES_MAX, 2), dtype=np.int32)
    ears = np.empty((SIDES_MAX, 3), dtype=np.int32)
    work = np.zeros(1, dtype=np.int64)
    cut = 0
    row = 0
    while row < len(faces):
        end = row + 1
        while end < len(faces) and faces[end, 0] < 0:
            faces[end, 0] = goes_on(faces[end, 0])
            end += 1
        sides = end - row + 2
        if 3 < sides <= SIDES_MAX and work[0] < work_max and _has_dents(corners, faces, row, end):
            _flatten(corners, faces, row, end, points)
            if _cut_ears(points, sides, links, ears, work, work_max):
                # Rows are read as corners of the fan until all are known.
                for number in range(sides - 2):
                    for place in range(3):
                        ears[number, place] = _corner_of(faces, row, ears[number, place])
                faces[row:end] = ears[: sides - 2]
                cut += 1
        row = end
    return cut


@inlined
def _corner_of(faces: Faces, row: Any, number: Any) -> Any:
    """A corner of a polygon, by its place in it."""
    return faces[row, number] if number < 3 else faces[row + number - 2, 2]


@inlined
def _normal(corners: Corners, one: Any, other: Any, third: Any) -> Any:
    ax, ay, az = np.float64(corners[one, 0]), np.float64(corners[one, 1]), np.float64(corners[one, 2])
    ux, uy, uz = corners[other, 0] - ax, corners[other, 1] - ay, corners[other, 2] - az
    vx, vy, vz = corners[third, 0] - ax, corners[third, 1] - ay, corners[third, 2] - az
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


@compiled
def _has_dents(corners: Corners, faces: Faces, row: int, end: int) -> bool:
    """Whether a triangle of the fan faces the other way than all of them together."""
    x, y, z = 0.0, 0.0, 0.0
    for each in range(row, end):
        for place in range(3):
            if faces[each, place] < 0 or faces[each, place] >= len(corners):
                return False
        nx, ny, nz = _normal(corners, faces[each, 0], faces[each, 1], faces[each, 2])
        x, y, z = x + nx, y + ny, z + nz
    for each in range(row, end):
        nx, ny, nz = _normal(corners, faces[each, 0], faces[each, 1], faces[each, 2])
        if nx * x + ny * y + nz * z < 0:
            return True
    return False


@compiled
def _flatten(corners: Corners, faces: Faces, row: int, end: int, points: Points) -> None:
    """The polygon as it is seen along the axis that it faces most, running counter-clockwise."""
    normal = np.zeros(3)
    for each in range(row, end):
        x, y, z = _normal(corners, faces[each, 0], faces[each, 1], faces[each, 2])
        normal[0] += x
        normal[1] += y
        normal[2] += z
    axis = np.argmax(np.abs(normal))
    one, other = (axis + 1) % 3, (axis + 2) % 3
    if normal[axis] < 0:
        one, other = other, one
    for number in range(end - row + 2):
        corner = _corner_of(faces, row, number)
        points[number, 0] = corners[corner, one]
        points[number, 1] = corners[corner, other]


@compiled
def _cut_ears(points: Points, sides: int, links: Faces, ears: Faces, work: Any, work_max: int) -> bool:
    """G. H. Meisters, Polygons have ears (1975): a corner whose neighbours see each other is cut off, until three are left.

    Corners on a straight line are cut when nothing else is: their facets have no area, and their edges have their neighbours.
    """
    for number in range(sides):
        links[number, 0] = (number + sides - 1) % sides
        links[number, 1] = (number + 1) % sides
    left, missed, count, corner = sides, 0, 0, 0
    while left > 3:
        before, after = links[corner, 0], links[corner, 1]
        turn = _turn(points, before, corner, after)
        if (turn > 0 and not _is_entered(points, links, before, corner, after, work)) or (turn == 0 and missed >= left):
            ears[count, 0], ears[count, 1], ears[count, 2] = before, corner, after
            count += 1
            links[before, 1], links[after, 0] = after, before
            left -= 1
            missed = 0
            # Not the same corner again and again: that would make a fan of slivers.
            corner = links[after, 1] if left % 2 else before
            continue
        missed += 1
        if missed > 2 * left or work[0] > work_max:
            return False
        corner = after
    before, after = links[corner, 0], links[corner, 1]
    ears[count, 0], ears[count, 1], ears[count, 2] = before, corner, after
    return bool(_turn(points, before, corner, after) >= 0)


@compiled
def _is_entered(points: Points, links: Faces, before: int, corner: int, after: int, work: Any) -> bool:
    """Whether another corner of the polygon lies in this triangle, or on its rim; one at the place of a corner does not count."""
    other = links[after, 1]
    while other != before:
        work[0] += 1
        is_in = (
            _turn(points, before, corner, other) >= 0
            and _turn(points, corner, after, other) >= 0
            and _turn(points, after, before, other) >= 0
        )
        if is_in and not (
            (points[other, 0] == points[before, 0] and points[other, 1] == points[before, 1])
            or (points[other, 0] == points[corner, 0] and points[other, 1] == points[corner, 1])
            or (points[other, 0] == points[after, 0] and points[other, 1] == points[after, 1])
        ):
            return True
        other = links[other, 1]
    return False
