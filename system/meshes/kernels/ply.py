"""Rows of PLY, in words or in bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled, helper
from system.meshes.kernels.polygons import goes_on
from system.meshes.kernels.words import FULL, MALFORMED, MORE, STOPPED, Bytes, blank, number_at, skip, wrong

SKIP, CORNER_X, CORNER_Y, CORNER_Z, SKIP_LIST, FACE = 0, 1, 2, 3, 4, 5
"""What a property of a row of PLY is: passed over, a coordinate, a list passed over, the corners of a face."""


@helper
def _fan(
    number: float, place: int, ends: npt.NDArray[np.float64], faces: npt.NDArray[np.int32], row: int
) -> tuple[int, bool]:
    """The next corner of a polygon, a fan for `cut_polygons`: the row after its triangle, and whether it is a number of a corner."""
    if not (0 <= number < 2**31 - 1) or number != np.floor(number):
        return row, False
    if place == 0:
        ends[0] = number
    elif place >= 2:
        faces[row, 0] = np.int32(ends[0]) if place == 2 else goes_on(np.int32(ends[0]))
        faces[row, 1] = np.int32(ends[1])
        faces[row, 2] = np.int32(number)
        row += 1
    ends[1] = number
    return row, True


@compiled
def ply_words(
    text: Bytes,
    at: int,
    end: int,
    rows: int,
    kinds: npt.NDArray[np.int64],
    corners: npt.NDArray[np.float32],
    faces: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """Rows of a PLY in words. Returns where it stopped, how many rows it read, how many triangles, and how it ended.

    A word that ends with the text may go on: give a blank after the last. Adds polygons of more than three corners to `counts`.
    """
    done, triangles = 0, 0
    ends = np.zeros(2)
    while done < rows:
        start = at
        row = triangles
        for kind in kinds:
            at = skip(text, at, end)
            value, after = number_at(text, at, end)
            if after == end:
                return start, done, triangles, MORE
            if after == at or not blank(text[after]):
                return start, done, triangles, wrong(text, after, end)
            at = after
            if CORNER_X <= kind <= CORNER_Z:
                corners[done, kind - CORNER_X] = np.float32(value)
            elif kind >= SKIP_LIST:
                if not (0 <= value < 2**31) or value != np.floor(value):
                    return start, done, triangles, MALFORMED
                if kind == FACE and row + value - 2 > len(faces):
                    return start, done, triangles, FULL
                for place in range(int(value)):
                    at = skip(text, at, end)
                    number, after = number_at(text, at, end)
                    if after == end:
                        return start, done, triangles, MORE
                    if after == at or not blank(text[after]):
                        return start, done, triangles, wrong(text, after, end)
                    at = after
                    if kind == FACE:
                        row, good = _fan(number, place, ends, faces, row)
                        if not good:
                            return start, done, triangles, MALFORMED
                if kind == FACE and value < 3:
                    return start, done, triangles, MALFORMED
                if kind == FACE and value > 3:
                    counts[0] += 1
        triangles = row
        done += 1
    return at, done, triangles, STOPPED


@helper
def _scalar(data: Bytes, at: int, kind: int, swapped: bool, room: npt.NDArray[np.uint64]) -> float:
    """The number of this kind (a PLY's type, by its place in ply.py::TYPES), of 1, 2, 4 or 8 bytes, at this place."""
    size = 1 if kind < 2 else (2 if kind < 4 else (8 if kind == 7 else 4))
    word = np.uint64(0)
    for place in range(size):
        byte = np.uint64(data[at + (place if swapped else size - 1 - place)])
        word = (word << np.uint64(8)) | byte
    room[0] = word
    if kind == 6:
        return np.float64(room.view(np.float32)[0])
    if kind == 7:
        return np.float64(room.view(np.float64)[0])
    value = np.float64(np.int64(word))
    if kind == 0 and value > 127:
        value -= 256.0
    elif kind == 2 and value > 32767:
        value -= 65536.0
    elif kind == 4 and value > 2147483647:
        value -= 4294967296.0
    return value


@helper
def _size(kind: int) -> int:
    return 1 if kind < 2 else (2 if kind < 4 else (8 if kind == 7 else 4))


@compiled
def ply_bytes(
    data: Bytes,
    at: int,
    end: int,
    rows: int,
    kinds: npt.NDArray[np.int64],
    types: npt.NDArray[np.int64],
    swapped: bool,
    corners: npt.NDArray[np.float32],
    faces: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """Rows of a binary PLY that have lists. `types` are those of each property's count, and of itself. Returns as `ply_words` does."""
    done, triangles = 0, 0
    ends = np.zeros(2)
    room = np.zeros(1, dtype=np.uint64)
    while done < rows:
        start = at
        row = triangles
        for place in range(len(kinds)):
            kind, counted, scalar = kinds[place], types[place, 0], types[place, 1]
            size = _size(scalar)
            if kind < SKIP_LIST:
                if at + size > end:
                    return start, done, triangles, MORE
                if kind != SKIP:
                    corners[done, kind - CORNER_X] = np.float32(_scalar(data, at, scalar, swapped, room))
                at += size
                continue
            if at + _size(counted) > end:
                return start, done, triangles, MORE
            length = _scalar(data, at, counted, swapped, room)
            at += _size(counted)
            if not (0 <= length < 2**31) or length != np.floor(length) or (kind == FACE and length < 3):
                return start, done, triangles, MALFORMED
            if at + length * size > end:
                return start, done, triangles, MORE
            if kind == FACE:
                if row + length - 2 > len(faces):
                    return start, done, triangles, FULL
                for corner in range(int(length)):
                    row, good = _fan(_scalar(data, at + corner * size, scalar, swapped, room), corner, ends, faces, row)
                    if not good:
                        return start, done, triangles, MALFORMED
                if length > 3:
                    counts[0] += 1
            at += int(length) * size
        triangles = row
        done += 1
    return at, done, triangles, STOPPED
