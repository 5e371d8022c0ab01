"""An order for triangles that have none: neighbours in space come close to each other, so that few edges wait at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.arithmetic import between
from system.meshes.compiling import compiled, inlined
from system.meshes.stl import Triangles

_BITS = 8
_DIGIT_BITS = 12
"""A cell's number is sorted by in two digits: so few counters stay in the processor's cache."""
_ROW = 3 << 8
_1, _2, _3, _6 = (np.uint64(place) for place in (1, 2, 3, 6))
_ONE, _TWO = np.uint32(1), np.uint32(2)
_DIGIT_SHIFT, _DIGIT_MASK = np.uint32(_DIGIT_BITS), np.uint32((1 << _DIGIT_BITS) - 1)
Box = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
Numbers = npt.NDArray[np.uint32]


def _spread() -> Numbers:
    """Of each step along a side: its bits, with two places between them."""
    steps = np.arange(1 << _BITS, dtype=np.uint32)
    spread = np.zeros_like(steps)
    for bit in range(_BITS):
        spread |= (steps >> bit & 1) << (3 * bit)
    return spread


_SPREAD = _spread()


def order_of(triangles: Triangles, box: Box) -> Numbers:
    """The numbers of all triangles in this box, by the cell of their middle, cells along G. M. Morton's curve (1966); shape (n,).

    A radix sort: 256 cells along each side of the box, twelve bytes for each triangle.
    """
    low, high = box
    extents = np.maximum(high - low, 1e-300)
    cells = np.empty(len(triangles), dtype=np.uint32)
    starts = np.zeros((2, 1 << _DIGIT_BITS), dtype=np.uint32)
    _count(triangles.reshape(-1), 3.0 * low, (1 << _BITS) / (3.0 * extents), _SPREAD, cells, starts[0], starts[1])
    half_sorted, order = np.empty_like(cells), np.empty_like(cells)
    _place(cells, starts[0], starts[1], half_sorted, order)
    return order


def box_of(triangles: Triangles) -> Box:
    """The low and the high corner of the box around all of them, each of shape (3,); not a number where a coordinate is none.

    Many corners side by side are one row, so that numpy compares several numbers at a time.
    """
    values = triangles.reshape(-1)
    even = len(values) - len(values) % _ROW
    low, high = np.full((2, 3), np.inf, dtype=np.float32), np.full((2, 3), -np.inf, dtype=np.float32)
    for number, part in enumerate((values[:even].reshape(-1, _ROW), values[even:].reshape(-1, 3))):
        if len(part):
            low[number] = np.minimum.reduce(np.minimum.reduce(part).reshape(-1, 3))
            high[number] = np.maximum.reduce(np.maximum.reduce(part).reshape(-1, 3))
    return np.minimum(*low).astype(np.float64), np.maximum(*high).astype(np.float64)


@inlined
def _step(corners: Any, place: Any, base: float, scale: float, last: Any) -> Any:
    """The step along a side in which the middle of a triangle lies; `place` is that of its first coordinate there."""
    total = np.float64(corners[place]) + np.float64(corners[place + _3]) + np.float64(corners[place + _6])
    return np.uint64(between(np.int64((total - base) * scale), np.int64(0), last))


@compiled
def _count(
    corners: npt.NDArray[np.float32],
    base: npt.NDArray[np.float64],
    scale: npt.NDArray[np.float64],
    spread: Numbers,
    cells: Numbers,
    lower: Numbers,
    upper: Numbers,
) -> None:
    """The cell of each triangle, and where those of each digit begin once they are sorted by it."""
    last = np.int64(spread.shape[0] - 1)
    base_x, base_y, base_z = base[0], base[1], base[2]
    scale_x, scale_y, scale_z = scale[0], scale[1], scale[2]
    for index in range(cells.shape[0]):
        place = np.uint64(9 * index)
        x = _step(corners, place, base_x, scale_x, last)
        y = _step(corners, place + _1, base_y, scale_y, last)
        z = _step(corners, place + _2, base_z, scale_z, last)
        cell = np.uint32(spread[x] | (spread[y] << _ONE) | (spread[z] << _TWO))
        cells[index] = cell
        lower[np.uint64(cell & _DIGIT_MASK)] += _ONE
        upper[np.uint64(cell >> _DIGIT_SHIFT)] += _ONE
    before_lower, before_upper = np.uint32(0), np.uint32(0)
    for digit in range(lower.shape[0]):
        count_lower, count_upper = lower[digit], upper[digit]
        lower[digit], upper[digit] = before_lower, before_upper
        before_lower, before_upper = np.uint32(before_lower + count_lower), np.uint32(before_upper + count_upper)


@compiled
def _place(cells: Numbers, lower: Numbers, upper: Numbers, half_sorted: Numbers, order: Numbers) -> None:
    for index in range(cells.shape[0]):
        digit = np.uint64(cells[index] & _DIGIT_MASK)
        half_sorted[np.uint64(lower[digit])] = index
        lower[digit] += _ONE
    for place in range(cells.shape[0]):
        index = half_sorted[place]
        digit = np.uint64(cells[np.uint64(index)] >> _DIGIT_SHIFT)
        order[np.uint64(upper[digit])] = index
        upper[digit] += _ONE
