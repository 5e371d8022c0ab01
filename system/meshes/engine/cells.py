"""An order for triangles that have none: neighbours in space come close to each other, so that few edges wait at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled
from system.meshes.stl import Triangles

_BITS = 5
CELLS = 1 << (3 * _BITS)


def order_of(triangles: Triangles) -> npt.NDArray[np.uint32]:
    """The numbers of all triangles, by the cell of their middle, cells along G. M. Morton's curve (1966); shape (n,).

    A counting sort: 32 cells along each side of the box, six bytes for each triangle.
    """
    low, high = box_of(triangles)
    extents = np.maximum(high - low, 1e-300)
    cells = np.empty(len(triangles), dtype=np.uint16)
    starts = np.zeros(CELLS + 1, dtype=np.int64)
    _count(triangles, low, (1 << _BITS) / (3.0 * extents), _spread(), cells, starts)
    np.cumsum(starts, out=starts)
    order = np.empty(len(triangles), dtype=np.uint32)
    _place(cells, starts, order)
    return order


def _spread() -> npt.NDArray[np.int64]:
    """Of each number below 32: its bits, with two places between them."""
    numbers = np.arange(1 << _BITS, dtype=np.int64)
    spread = np.zeros_like(numbers)
    for bit in range(_BITS):
        spread |= (numbers >> bit & 1) << (3 * bit)
    return spread


def box_of(triangles: Triangles) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The low and the high corner of the box around all of them, each of shape (3,). numpy's own way takes ten times as long."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    _reach(triangles, low, high)
    return low, high


@compiled
def _reach(triangles: Triangles, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> None:
    for axis in range(3):
        least, most = np.float32(np.inf), np.float32(-np.inf)
        for index in range(triangles.shape[0]):
            for corner in range(3):
                least = min(least, triangles[index, corner, axis])
                most = max(most, triangles[index, corner, axis])
        low[axis], high[axis] = np.float64(least), np.float64(most)


@compiled
def _count(
    triangles: Triangles,
    low: npt.NDArray[np.float64],
    scale: npt.NDArray[np.float64],
    spread: npt.NDArray[np.int64],
    cells: npt.NDArray[np.uint16],
    starts: npt.NDArray[np.int64],
) -> None:
    last = spread.shape[0] - 1
    base = 3.0 * low
    for index in range(triangles.shape[0]):
        cell = 0
        for axis in range(3):
            total = (
                np.float64(triangles[index, 0, axis])
                + np.float64(triangles[index, 1, axis])
                + np.float64(triangles[index, 2, axis])
            )
            step = min(last, max(0, int((total - base[axis]) * scale[axis])))
            cell |= spread[step] << axis
        cells[index] = cell
        starts[cell + 1] += 1


@compiled
def _place(cells: npt.NDArray[np.uint16], starts: npt.NDArray[np.int64], order: npt.NDArray[np.uint32]) -> None:
    for index in range(cells.shape[0]):
        cell = cells[index]
        order[starts[cell]] = index
        starts[cell] += 1
