"""Makes a mesh light: few triangles that look like many.

Whatever is drawn keeps its size: the triangles with the outermost corners stay as they are, and nothing comes to lie outside the box.
What is no surface (its triangles share no corners) or does not get light is gathered in cells instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from fast_simplification.simplify import simplify

from system.meshes.stl import Triangles
from system.meshes.welding import weld

Corners = npt.NDArray[np.float32]
"""Shape (corner, axis), in units of the file."""
Numbers = npt.NDArray[np.int64]
"""Corners' numbers; shape (triangle, 3)."""
_SOUP_CORNERS_PER_TRIANGLE = 1.0
"""A closed surface has half as many corners as triangles; where it has more than this, its triangles hardly meet."""
_OVER = 1.15
"""More than so many times what was asked for is not light."""
_CORNER_BYTES, _TRIANGLE_BYTES = 8, 12
"""What they take in the file at most."""
_GRIDS_TRIED = 8
_WELL_USED = 0.7
"""A grid that uses so much of the budget is fine enough."""
_CELLS_MAX = 1 << 20
_NUMBERED_MAX = 2_000_000
"""Three numbers below this fit into one of 64 bits."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles that share corners."""

    corners: Corners
    triangles: Numbers


@dataclass(frozen=True, slots=True)
class Budget:
    """What a level may have: about so many triangles, and at most so many bytes for them and their corners."""

    triangles_max: int
    bytes_max: int

    def allows(self, mesh: Mesh) -> bool:
        """Whether the mesh is light enough, and there."""
        return 0 < len(mesh.triangles) <= _OVER * self.triangles_max and _bytes_of(mesh) <= self.bytes_max

    def over(self, mesh: Mesh) -> float:
        """How many times what the budget has the mesh takes."""
        return max(len(mesh.triangles) / self.triangles_max, _bytes_of(mesh) / self.bytes_max)


def _bytes_of(mesh: Mesh) -> int:
    return _CORNER_BYTES * len(mesh.corners) + _TRIANGLE_BYTES * len(mesh.triangles)


def joined(triangles: Triangles) -> Mesh:
    """The same surface with equal corners made one, without triangles that lost their area by that."""
    numbers = weld(triangles)
    count = int(numbers.max()) + 1
    corners = np.empty((count, 3), dtype=np.float32)
    corners[numbers.ravel()] = triangles.reshape(-1, 3)
    return Mesh(corners, _with_area(numbers))


def lighter(mesh: Mesh, budget: Budget) -> Mesh:
    """The mesh within a budget, its box the same. One that is light already stays as it is."""
    if len(mesh.triangles) <= budget.triangles_max and budget.allows(mesh):
        return mesh
    light = None
    is_surface = len(mesh.corners) <= _SOUP_CORNERS_PER_TRIANGLE * len(mesh.triangles)
    if is_surface and len(mesh.triangles) > budget.triangles_max:
        light = _simplified(mesh, budget.triangles_max)
    if light is None or not budget.allows(light):
        light = gathered(mesh, budget)
    return _as_large_as(mesh, light)


def _simplified(mesh: Mesh, triangles_max: int) -> Mesh | None:
    """Edges given up where the surface changes least, by quadric error (Garland and Heckbert); None when the library cannot."""
    try:
        corners, triangles = simplify(
            np.ascontiguousarray(mesh.corners, dtype=np.float64),
            np.ascontiguousarray(mesh.triangles, dtype=np.int32),
            target_count=triangles_max,
        )
    except (ValueError, RuntimeError):
        return None
    if not np.isfinite(corners).all():
        return None
    return Mesh(corners.astype(np.float32), triangles.astype(np.int64))


def gathered(mesh: Mesh, budget: Budget) -> Mesh:
    """Corners of one cell of a grid made one, at their middle; triangles within a cell go. A few grids are tried for one that fits."""
    low, high = mesh.corners.min(axis=0).astype(np.float64), mesh.corners.max(axis=0).astype(np.float64)
    longest = float((high - low).max()) or 1.0
    best = None
    # The finest grid known to be light enough, and the coarsest known to be too heavy.
    fits, heavy = 2.0, float(_CELLS_MAX)
    cells = float(np.sqrt(budget.triangles_max))
    for _ in range(_GRIDS_TRIED):
        found = _in_cells(mesh, low, longest / cells)
        over = budget.over(found)
        if over > 1:
            heavy = cells
        else:
            best, fits = found, cells
            if over > _WELL_USED:
                break
        # On a surface twice as many cells to a side give four times as many triangles; on anything else halving finds it.
        guess = cells * np.sqrt(0.9 / max(over, 0.01))
        cells = float(guess if fits < guess < heavy else np.sqrt(fits * heavy))
    return best or _in_cells(mesh, low, longest / fits)


def _in_cells(mesh: Mesh, low: npt.NDArray[np.float64], side: float) -> Mesh:
    places = np.floor((mesh.corners - low) / side).astype(np.int64)
    # Fewer than 2^21 cells to a side: three of them fit into one number.
    keys = (places[:, 0] << 42) | (places[:, 1] << 21) | places[:, 2]
    cells, cell_of = np.unique(keys, return_inverse=True)
    sums = np.stack([np.bincount(cell_of, weights=mesh.corners[:, axis]) for axis in range(3)], axis=1)
    middles = sums / np.bincount(cell_of)[:, None]
    triangles = _with_area(cell_of[mesh.triangles])
    if (count := len(cells)) < _NUMBERED_MAX:
        # One of several that became the same is enough.
        order = np.sort(triangles, axis=1)
        _, first = np.unique((order[:, 0] * count + order[:, 1]) * count + order[:, 2], return_index=True)
        triangles = triangles[np.sort(first)]
    return _used(Mesh(middles.astype(np.float32), triangles))


def _as_large_as(model: Mesh, light: Mesh) -> Mesh:
    """The light mesh within the model's box, with the model's own triangles at its six outermost corners."""
    low, high = model.corners[model.triangles.ravel()].min(axis=0), model.corners[model.triangles.ravel()].max(axis=0)
    outermost = _outermost(model)
    kept = model.corners[model.triangles[outermost]].reshape(-1, 3)
    corners = np.concatenate((np.clip(light.corners, low, high), kept))
    more = len(light.corners) + np.arange(len(kept), dtype=np.int64).reshape(-1, 3)
    return _used(Mesh(corners, np.concatenate((light.triangles, more))))


def _outermost(mesh: Mesh) -> npt.NDArray[np.int64]:
    """The triangles with the lowest and the highest corner along each axis: six at most."""
    of_triangles = mesh.corners[mesh.triangles]
    ends = [int(find(of_triangles[:, :, axis].ravel())) // 3 for axis in range(3) for find in (np.argmin, np.argmax)]
    return np.unique(ends).astype(np.int64)


def _with_area(numbers: Numbers) -> Numbers:
    same = (numbers[:, 0] == numbers[:, 1]) | (numbers[:, 1] == numbers[:, 2]) | (numbers[:, 2] == numbers[:, 0])
    kept: Numbers = numbers[~same].astype(np.int64)
    return kept


def _used(mesh: Mesh) -> Mesh:
    """The same without corners that no triangle has."""
    used, numbers = np.unique(mesh.triangles, return_inverse=True)
    return Mesh(mesh.corners[used], numbers.reshape(-1, 3).astype(np.int64))
