"""Points told apart by a hash of their coordinates: facets that stand twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from system.meshes.compiling import compiled
from system.meshes.stl import Triangles


def duplicates_in(triangles: Triangles) -> int:
    """How many facets stand on three points that another facet stands on already, whichever way they face."""
    sums = np.sort(_corner_sums(triangles))
    return int((sums[1:] == sums[:-1]).sum())


@compiled
def mixed(point: Any) -> Any:
    """A hash of a point of float32, minus zero being zero."""
    key = np.uint64(0x9E3779B97F4A7C15)
    for axis in range(3):
        value = np.float32(point[axis] + np.float32(0))
        key ^= np.uint64(value.view(np.uint32))
        key *= np.uint64(0xBF58476D1CE4E5B9)
        key ^= key >> np.uint64(29)
    key *= np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(32))


@compiled
def _corner_sums(triangles: Any) -> Any:
    """One number for the three points of each facet, in whatever order; a number of its own for one without an area."""
    sums = np.empty(len(triangles), dtype=np.uint64)
    for facet in range(len(triangles)):
        first = mixed(triangles[facet, 0])
        second = mixed(triangles[facet, 1])
        third = mixed(triangles[facet, 2])
        flat = first == second or second == third or third == first
        sums[facet] = np.uint64(facet) if flat else first + second + third
    return sums
