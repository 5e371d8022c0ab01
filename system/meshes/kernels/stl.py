"""Facets of a text STL."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled, helper
from system.meshes.kernels.words import (
    FULL,
    MALFORMED,
    MORE,
    STOPPED,
    Bytes,
    blank,
    number_at,
    passed,
    skip,
    wrong,
)

OUTSIDE, INSIDE, AFTER = 0, 1, 2
"""Where in a text STL: before the first solid, within one, after one."""

_NORMAL, _OUTER, _LOOP, _VERTEX, _ENDLOOP, _ENDFACET, _FACET, _SOLID, _ENDSOLID, _NUMBER = range(10)
_SPELT = (b"normal", b"outer", b"loop", b"vertex", b"endloop", b"endfacet", b"facet", b"solid", b"endsolid")
_WORDS = np.array([list(word.ljust(8)) for word in _SPELT], dtype=np.uint8)
_LENGTHS = np.array([len(word) for word in _SPELT])
_CORNER = [_VERTEX, _NUMBER, _NUMBER, _NUMBER]
_PLAN = np.array([_NORMAL, _OUTER, _LOOP, *_CORNER, *_CORNER, *_CORNER, _ENDLOOP, _ENDFACET])
"""What follows the word `facet`. A table, and not a line of code each: compiled, that is a tenth as long."""
_NORMAL_WORDS_MAX = 3


@helper
def _is(text: Bytes, at: int, end: int, word: int) -> bool:
    """Whether this word, in small or capital letters, is next."""
    length = _LENGTHS[word]
    if at + length > end:
        return False
    for place in range(length):
        if text[at + place] | 32 != _WORDS[word, place]:
            return False
    return at + length == end or blank(text[at + length])


@helper
def _stl_facet(text: Bytes, at: int, end: int, row: npt.NDArray[np.float32]) -> tuple[int, int]:
    """The corners of the facet whose first word ended here, and STOPPED after its last. MORE when the text ends within it."""
    coordinates, passed_over = 0, 0
    step = 0
    while step < len(_PLAN):
        at = skip(text, at, end)
        word = _PLAN[step]
        if word == _NUMBER:
            value, after = number_at(text, at, end)
            if after == end:
                return at, MORE
            if after == at or not blank(text[after]):
                return at, wrong(text, after, end)
            row[coordinates] = np.float32(value)
            coordinates += 1
            step += 1
            at = after
        elif _is(text, at, end, word):
            at += _LENGTHS[word]
            step += 1
        elif at + _LENGTHS[word] > end:
            return at, MORE
        elif word == _OUTER and passed_over < _NORMAL_WORDS_MAX:
            # The normal is not used, and some programs write words for it.
            passed_over += 1
            at = passed(text, at, end)
        else:
            return at, MALFORMED
    return at, STOPPED


@helper
def _after_name(text: Bytes, at: int, end: int) -> int:
    """Where the name of a solid, any words, ends: with its line, or before a facet on the same line. -1 when not within."""
    while at < end and text[at] != 10 and text[at] != 13:
        if _is(text, at, end, _FACET) and blank(text[at - 1]):
            after = skip(text, at + 5, end)
            if _is(text, after, end, _NORMAL):
                after = skip(text, after + 6, end)
                if after < end and (48 <= text[after] <= 57 or 43 <= text[after] <= 46):
                    return at
        at += 1
    return at if at < end else -1


@compiled
def stl_facets(text: Bytes, at: int, end: int, where: int, out: npt.NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Facets of a text STL into rows of nine. Returns where it stopped (what it has done with), how many rows, where in the
    file it is (OUTSIDE, INSIDE, AFTER), and MORE, FULL, MALFORMED or COMMA."""
    rows = 0
    while True:
        at = skip(text, at, end)
        if at >= end:
            return at, rows, where, MORE
        if _is(text, at, end, _FACET) and where == INSIDE:
            if rows == len(out):
                return at, rows, where, FULL
            after, status = _stl_facet(text, at + 5, end, out[rows])
            if status != STOPPED:
                return at, rows, where, status
            rows += 1
            at = after
        elif _is(text, at, end, _SOLID) or _is(text, at, end, _ENDSOLID):
            is_end = text[at] | 32 == 101
            after = _after_name(text, at + (8 if is_end else 5), end)
            if after < 0:
                return at, rows, where, MORE
            where = AFTER if is_end else INSIDE
            at = after
        elif where == INSIDE:
            # A word at the very end may be cut.
            return at, rows, where, MORE if passed(text, at, end) == end else MALFORMED
        else:
            after = passed(text, at, end)
            if after == end:
                return at, rows, where, MORE
            at = after
