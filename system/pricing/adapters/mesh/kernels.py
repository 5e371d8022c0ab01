"""Loops over millions of triangles, compiled: how this package asks numba for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled
from system.meshes.stl import Triangles


def box_of(triangles: Triangles) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The low and the high corner of the bounding box."""
    box = _box(triangles).astype(np.float64)
    return box[0], box[1]


@compiled
def _box(triangles: Any) -> Any:
    box = np.empty((2, 3), dtype=np.float32)
    box[0] = np.inf
    box[1] = -np.inf
    for triangle in range(len(triangles)):
        for corner in range(3):
            for axis in range(3):
                value = triangles[triangle, corner, axis]
                box[0, axis] = min(box[0, axis], value)
                box[1, axis] = max(box[1, axis], value)
    return box
