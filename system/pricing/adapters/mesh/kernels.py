"""Loops over millions of triangles, compiled: how this package asks numba for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from system.meshes.stl import Triangles

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """The loop in machine code, kept beside its module or in NUMBA_CACHE_DIR for the next process.

    A process that may not write, as the measuring one, compiles what it does not find and keeps nothing.
    """
    dispatcher: Any
    try:
        dispatcher = numba.njit(cache=True, nogil=True, error_model="numpy")(loop)
    except RuntimeError:
        # There is no place to keep it at all.
        dispatcher = numba.njit(nogil=True, error_model="numpy")(loop)
        return dispatcher  # type: ignore[no-any-return]
    keep = dispatcher._cache.save_overload

    def keep_where_possible(signature: Any, result: Any) -> None:
        try:
            keep(signature, result)
        except OSError:
            return

    dispatcher._cache.save_overload = keep_where_possible
    found: Loop = dispatcher
    return found


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
