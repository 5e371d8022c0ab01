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
_NO_EXTENT = 1e-300
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
    cells, half_sorted, order = np.empty((3, len(triangles)), dtype=np.uint32)
    starts = np.zeros((2, 1 << _DIGIT_BITS), dtype=np.uint32)
    _sort(triangles.reshape(-1), low, high, _SPREAD, cells, half_sorted, order, starts[0], starts[1])
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


@inlined
def _scale(low: float, high: float, last: Any) -> Any:
    """Steps for each unit of the sum of three corners."""
    extent = high - low
    return np.float64(last + 1) / (3.0 * (extent if extent > _NO_EXTENT else _NO_EXTENT))


@compiled
def _sort(
    corners: npt.NDArray[np.float32],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    spread: Numbers,
    cells: Numbers,
    half_sorted: Numbers,
    order: Numbers,
    lower: Numbers,
    upper: Numbers,
) -> None:
    """The cell of each triangle, where those of each digit begin once they are sorted by it, and then the order."""
    last = np.int64(spread.shape[0] - 1)
    # Of three corners the sum: a third of it is the middle.
    base_x, base_y, base_z = 3.0 * low[0], 3.0 * low[1], 3.0 * low[2]
    scale_x, scale_y, scale_z = (
        _scale(low[0], high[0], last),
        _scale(low[1], high[1], last),
        _scale(low[2], high[2], last),
    )
    for index in range(cells.shape[0]):
        corner = np.uint64(9 * index)
        x = _step(corners, corner, base_x, scale_x, last)
        y = _step(corners, corner + _1, base_y, scale_y, last)
        z = _step(corners, corner + _2, base_z, scale_z, last)
        cell = np.uint32(spread[x] | (spread[y] << _ONE) | (spread[z] << _TWO))
        cells[index] = cell
        lower[np.uint64(cell & _DIGIT_MASK)] += _ONE
        upper[np.uint64(cell >> _DIGIT_SHIFT)] += _ONE
    before_lower, before_upper = np.uint32(0), np.uint32(0)
    for digit in range(lower.shape[0]):
        count_lower, count_upper = lower[digit], upper[digit]
        lower[digit], upper[digit] = before_lower, before_upper
        before_lower, before_upper = np.uint32(before_lower + count_lower), np.uint32(before_upper + count_upper)
    for index in range(cells.shape[0]):
        low_digit = np.uint64(cells[index] & _DIGIT_MASK)
        half_sorted[np.uint64(lower[low_digit])] = index
        lower[low_digit] += _ONE
    for place in range(cells.shape[0]):
        triangle = half_sorted[place]
        high_digit = np.uint64(cells[np.uint64(triangle)] >> _DIGIT_SHIFT)
        order[np.uint64(upper[high_digit])] = triangle
        upper[high_digit] += _ONE
