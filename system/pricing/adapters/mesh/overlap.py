"""The metal that overlapping bodies would count twice, by depth: parallel rays through the model, and how deep each point is covered.

The signed volume of closed shells is exact; only the overlap is sampled, so its error is a small share of a small share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from system.meshes.stl import Triangles

Floats = npt.NDArray[np.float64]

_RAYS = 500_000
_CANDIDATES_MAX = 60_000_000
_BATCH = 1 << 20
_OFFSET = (0.3819660113, 0.7071067811)
"""Irrational shares of a cell: rays then miss the corners and edges that modelling programs put on round numbers."""


@dataclass(frozen=True, slots=True)
class _Hits:
    ray: npt.NDArray[np.int64]
    depth: Floats
    enters: npt.NDArray[np.int8]


def overlap_volume(triangles: Triangles) -> float | None:
    """The volume covered more than once, each further time counted, in cubic units of the file; None when it cannot be sampled.

    The triangles must be closed and face outwards (cavities inwards).
    """
    low = triangles.min(axis=(0, 1)).astype(np.float64)
    extents = triangles.max(axis=(0, 1)).astype(np.float64) - low
    across = int(np.argmin(extents))
    first, second = (axis for axis in range(3) if axis != across)
    cell = float(np.sqrt(max(extents[first] * extents[second], 1e-30) / _RAYS))
    spans = _spans(triangles, (first, second), low, cell)
    candidates = int((spans[2] * spans[3]).sum())
    if candidates > _CANDIDATES_MAX:
        cell *= float(np.sqrt(candidates / _CANDIDATES_MAX)) * 1.1
        spans = _spans(triangles, (first, second), low, cell)
        if int((spans[2] * spans[3]).sum()) > 2 * _CANDIDATES_MAX:
            return None
    row_length = int(extents[first] / cell) + 3
    parts = [
        _hits(
            triangles[batch].astype(np.float64),
            tuple(span[batch] for span in spans),
            (first, second, across),
            low,
            cell,
            row_length,
        )
        for batch in _batches(spans[2] * spans[3])
    ]
    if not parts:
        return 0.0
    hits = _Hits(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("ray", "depth", "enters")))
    return _excess(hits) * cell * cell


def _spans(triangles: Triangles, plane: tuple[int, int], low: Floats, cell: float) -> tuple[npt.NDArray[np.int64], ...]:
    """For each triangle: the first ray it may meet in both directions, and how many in both."""
    starts, counts = [], []
    for axis, offset in zip(plane, _OFFSET, strict=True):
        column = (triangles[:, :, axis] - low[axis]) / cell - offset
        start = np.ceil(column.min(axis=1)).astype(np.int64)
        starts.append(start)
        counts.append(np.maximum(np.floor(column.max(axis=1)).astype(np.int64) - start + 1, 0))
    return (*starts, *counts)


def _batches(candidates: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of the triangles that may meet a ray, in batches of about a million candidates."""
    meeting = np.flatnonzero(candidates)
    running = np.cumsum(candidates[meeting])
    start = 0
    while start < len(meeting):
        done = running[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(running, done + _BATCH, side="right")))
        yield meeting[start:end]
        start = end


def _hits(
    corners: Floats,
    spans: tuple[npt.NDArray[np.int64], ...],
    axes: tuple[int, int, int],
    low: Floats,
    cell: float,
    row_length: int,
) -> _Hits:
    """Where the rays meet these triangles, and whether they enter metal there."""
    start_u, start_v, count_u, count_v = spans
    candidates = count_u * count_v
    owner = np.repeat(np.arange(len(corners)), candidates)
    position = np.arange(len(owner)) - np.repeat(np.cumsum(candidates) - candidates, candidates)
    ray_u = start_u[owner] + position % count_u[owner]
    ray_v = start_v[owner] + position // count_u[owner]
    axis_u, axis_v, across = axes
    u = (corners[:, :, axis_u] - low[axis_u]) / cell - _OFFSET[0]
    v = (corners[:, :, axis_v] - low[axis_v]) / cell - _OFFSET[1]
    twice_area = (u[:, 1] - u[:, 0]) * (v[:, 2] - v[:, 0]) - (v[:, 1] - v[:, 0]) * (u[:, 2] - u[:, 0])
    weights = []
    for one, two in ((1, 2), (2, 0), (0, 1)):
        side_u, side_v = (u[:, two] - u[:, one])[owner], (v[:, two] - v[:, one])[owner]
        weights.append(side_u * (ray_v - v[owner, one]) - side_v * (ray_u - u[owner, one]))
    area = twice_area[owner]
    toward = np.sign(area)
    inside = (area != 0) & (weights[0] * toward >= 0) & (weights[1] * toward >= 0) & (weights[2] * toward >= 0)
    owner, area = owner[inside], area[inside]
    heights = corners[owner, :, across]
    depth = sum(weight[inside] * heights[:, corner] for corner, weight in enumerate(weights)) / area
    # Axes (first, second) are in ascending order, so their cross product points down `across` when that is the middle axis.
    handed = -1.0 if across == 1 else 1.0
    enters = np.where(area * handed < 0, 1, -1).astype(np.int8)
    return _Hits((ray_v[inside] + 1) * row_length + ray_u[inside] + 1, depth, enters)


def _excess(hits: _Hits) -> float:
    """The summed length of all rays inside more than one body.

    A ray that does not leave as often as it enters has grazed an edge: it is left out.
    """
    if len(hits.ray) == 0:
        return 0.0
    order = np.lexsort((hits.depth, hits.ray))
    ray, depth, enters = hits.ray[order], hits.depth[order], hits.enters[order].astype(np.int64)
    starts = np.flatnonzero(np.concatenate(([True], ray[1:] != ray[:-1])))
    balance = np.add.reduceat(enters, starts)
    sound = np.repeat(balance == 0, np.diff(starts, append=len(ray)))
    ray, depth, enters = ray[sound], depth[sound], enters[sound]
    covered = np.cumsum(enters)[:-1]
    lengths = np.diff(depth)
    return float((lengths * np.maximum(covered - 1, 0))[ray[1:] == ray[:-1]].sum())
