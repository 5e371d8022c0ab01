"""Lines of OBJ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled, helper
from system.meshes.kernels.polygons import goes_on
from system.meshes.kernels.words import (
    COMMA,
    EXTERNAL,
    FULL,
    MALFORMED,
    MORE,
    STOPPED,
    UNREAD,
    Bytes,
    blank,
    is_word,
    number_at,
    passed,
    skip,
)

_CALL, _CURV, _SURF = (np.frombuffer(word, dtype=np.uint8) for word in (b"call", b"curv", b"surf"))


@helper
def _line_end(text: Bytes, at: int, end: int) -> int:
    while at < end and text[at] != 10 and text[at] != 13:
        at += 1
    return at


@helper
def _obj_face(
    text: Bytes, at: int, end: int, known: int, faces: npt.NDArray[np.int32], row: int
) -> tuple[int, int, int]:
    """A face's line, as a fan of triangles from `row` on, for `cut_polygons`.

    Returns the row after them, how many corners, and how it ended.
    """
    corners = 0
    first = np.int64(0)
    previous = np.int64(0)
    while True:
        at = skip(text, at, end)
        if at >= end or text[at] == 35:
            return row, corners, STOPPED if corners >= 3 else MALFORMED
        negative = text[at] == 45
        if negative:
            at += 1
        number = np.int64(0)
        digits = 0
        while at < end and 48 <= text[at] <= 57:
            number = number * 10 + np.int64(text[at] - 48)
            digits += 1
            at += 1
        if digits == 0 or digits > 10 or number == 0 or not (at == end or text[at] == 47 or blank(text[at])):
            return row, corners, MALFORMED
        while at < end and not blank(text[at]):
            letter = text[at]
            if not (letter == 47 or letter == 45 or 48 <= letter <= 57):
                return row, corners, MALFORMED
            at += 1
        number = known - number if negative else number - 1
        if number < 0 or number >= 2**31 - 1:
            return row, corners, MALFORMED
        corners += 1
        if corners == 1:
            first = number
        elif corners > 2:
            if row == len(faces):
                return row, corners, FULL
            faces[row, 0] = first if corners == 3 else goes_on(first)
            faces[row, 1] = previous
            faces[row, 2] = number
            row += 1
        previous = number


@compiled
def obj_lines(
    text: Bytes,
    at: int,
    end: int,
    known: int,
    corners: npt.NDArray[np.float32],
    faces: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """Whole lines of an OBJ into rows of `corners` and `faces`; `known` corners came before them.

    Returns where it stopped, how many rows of both, and MORE, FULL, MALFORMED, COMMA, UNREAD or EXTERNAL. Adds to `counts`: polygons
    of more than three corners, and lines and points.
    """
    corner_rows, face_rows = 0, 0
    while at < end:
        start = skip(text, at, end)
        stop = _line_end(text, start, end)
        word = passed(text, start, stop)
        length = word - start
        letter = text[start] if length else np.uint8(35)
        if letter == 118 and length == 1:
            if corner_rows == len(corners):
                return at, corner_rows, face_rows, FULL
            place = word
            for axis in range(3):
                place = skip(text, place, stop)
                value, after = number_at(text, place, stop)
                if after == place or (after < stop and not blank(text[after])):
                    is_comma = after < stop and text[after] == 44
                    return at, corner_rows, face_rows, COMMA if is_comma else MALFORMED
                corners[corner_rows, axis] = np.float32(value)
                place = after
            corner_rows += 1
        elif letter == 102 and (length == 1 or (length == 2 and text[start + 1] == 111)):
            after, sides, status = _obj_face(text, word, stop, known + corner_rows, faces, face_rows)
            if status != STOPPED:
                return at, corner_rows, face_rows, status
            if sides > 3:
                counts[0] += 1
            face_rows = after
        elif (letter == 108 or letter == 112) and length == 1:
            counts[1] += 1
        elif length == 4 and (is_word(text, start, stop, _CURV) or is_word(text, start, stop, _SURF)):
            return at, corner_rows, face_rows, UNREAD
        elif length == 4 and is_word(text, start, stop, _CALL):
            return at, corner_rows, face_rows, EXTERNAL
        at = stop
    return at, corner_rows, face_rows, MORE
