"""Which triangle is seen at each point of a picture: an orthographic z-buffer over arrays, row by row of each triangle.

Work follows what is covered and not the boxes around it: a long sliver costs its own length. It is counted before it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.stl import Triangles

Floats = npt.NDArray[np.floating[Any]]
"""Of 32 bits wherever there is one for each triangle or point."""
Ints = npt.NDArray[np.int64]

_BLOCK = 1 << 15
_AT_ONCE = 1 << 20
"""Triangles looked at together, and what they may cover together: small ones stay in the processor's cache, large ones in memory."""
_WORK_MAX = 40_000_000
"""Rows and points of all triangles together: a few seconds. A model of the trade covers a million of each."""
_NEAREST = (1 << 30) - 1
_NOTHING = -1
_TRIANGLE_BITS = 32


@dataclass(frozen=True, slots=True)
class View:
    """From model to picture: from `origin`, which lies on the model so that a far one keeps its digits; by `turn`, whose rows are
    the picture's right, its up and the way to the viewer; then by `scale` and `shift`.

    A point's centre is at whole numbers; y grows upwards, and a larger z is nearer, from 0 to `depth`.
    """

    origin: Floats
    turn: Floats
    scale: np.float32
    shift: Floats
    side: int
    depth: float

    def placed(self, triangles: Triangles) -> Floats:
        """Corners in the picture; shape (axis, corner, triangle)."""
        corners = np.subtract(triangles.transpose(2, 1, 0), self.origin[:, None, None], order="C").reshape(3, -1)
        placed: Floats = (self.turn * self.scale) @ corners + self.shift[:, None]
        return placed.reshape(3, 3, -1)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Of each row of points that a triangle meets: which triangle, the row, the first point, how many, and the depth at x = 0."""

    owner: Ints
    y: Ints
    first: Ints
    count: Ints
    depth: Floats
    slope: Floats


def seen(triangles: Triangles, view: View) -> Ints | None:
    """The index of the triangle nearest to the viewer at each point, -1 where there is none; shape (side, side), row 0 lowest.

    Only triangles that face the viewer count: those of a closed surface hide the others. None when it would be too much work.
    """
    nearest = np.full(view.side * view.side, _NOTHING, dtype=np.int64)
    done = 0
    for start in range(0, len(triangles), _BLOCK):
        x, y, z = view.placed(triangles[start : start + _BLOCK])
        double_area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
        low, high = y.min(axis=0), y.max(axis=0)
        facing = np.flatnonzero((double_area > 0) & (np.ceil(high) > np.ceil(low)))
        work = np.cumsum(double_area[facing] / 2 + high[facing] - low[facing], dtype=np.float64)
        done += int(work[-1]) if len(work) else 0
        if done > _WORK_MAX:
            return None
        cuts: Any = np.searchsorted(work, np.arange(_AT_ONCE, work[-1], _AT_ONCE)) if len(work) else []
        for part in np.split(facing, cuts):
            rows = _rows_of(x[:, part], y[:, part], z[:, part], double_area[part], view.side)
            _cover(nearest, rows, z[:, part], part + start, view)
    triangle = np.where(nearest == _NOTHING, _NOTHING, nearest & ((1 << _TRIANGLE_BITS) - 1))
    return triangle.reshape(view.side, view.side)


def _rows_of(x: Floats, y: Floats, z: Floats, double_area: Floats, side: int) -> _Rows:
    """The rows of each triangle, between its edges. Neighbours share an edge's crossing, so that nothing shows between them."""
    xs, ys = _from_below(x, y)
    slope_x = ((z[1] - z[0]) * (y[2] - y[0]) - (z[2] - z[0]) * (y[1] - y[0])) / double_area
    slope_y = ((z[2] - z[0]) * (x[1] - x[0]) - (z[1] - z[0]) * (x[2] - x[0])) / double_area
    base = z[0] - slope_x * x[0] - slope_y * y[0]
    lowest = np.clip(np.ceil(ys[0]), 0, side).astype(np.int64)
    count = np.clip(np.ceil(ys[2]), 0, side).astype(np.int64) - lowest
    owner, offset = _repeated(count)
    row = lowest[owner] + offset
    at = row.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = [(xs[end] - xs[begin]) / (ys[end] - ys[begin]) for begin, end in ((0, 2), (0, 1), (1, 2))]
        long = xs[0][owner] + (at - ys[0][owner]) * steps[0][owner]
        lower = xs[0][owner] + (at - ys[0][owner]) * steps[1][owner]
        upper = xs[1][owner] + (at - ys[1][owner]) * steps[2][owner]
    short = np.where(at < ys[1][owner], lower, upper)
    first = np.clip(np.ceil(np.minimum(long, short)), 0, side).astype(np.int64)
    points = np.clip(np.ceil(np.maximum(long, short)), 0, side).astype(np.int64) - first
    return _Rows(owner, row, first, points, base[owner] + slope_y[owner] * at, slope_x[owner])


def _from_below(x: Floats, y: Floats) -> tuple[list[Floats], list[Floats]]:
    """The corners of each triangle, the lowest first."""
    xs, ys = list(x), list(y)
    for one, two in ((0, 1), (1, 2), (0, 1)):
        swapped = ys[one] > ys[two]
        xs[one], xs[two] = np.where(swapped, xs[two], xs[one]), np.where(swapped, xs[one], xs[two])
        ys[one], ys[two] = np.where(swapped, ys[two], ys[one]), np.where(swapped, ys[one], ys[two])
    return xs, ys


def _cover(nearest: Ints, rows: _Rows, z: Floats, index: Ints, view: View) -> None:
    """Keeps at each point the nearest of what is there and of these rows."""
    row, offset = _repeated(rows.count)
    x = rows.first[row] + offset
    owner = rows.owner[row]
    # The plane of a triangle seen edge-on is steep: never beyond its own corners.
    depth = np.clip(rows.depth[row] + rows.slope[row] * x, z.min(axis=0)[owner], z.max(axis=0)[owner])
    steps = (np.clip(depth / view.depth, 0, 1) * _NEAREST).astype(np.int64)
    np.maximum.at(nearest, rows.y[row] * view.side + x, (steps << _TRIANGLE_BITS) | index[owner])


def _repeated(counts: Ints) -> tuple[Ints, Ints]:
    """Each index as often as it counts, and the number of each repetition from 0."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
