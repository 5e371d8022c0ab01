"""Text STL parsed as its grammar says, without words ever becoming objects. It gives up on whatever is unusual."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled

Bytes = npt.NDArray[np.uint8]
_Scalar = Any

_TENS = np.array([float(f"1e{power}") for power in range(-300, 301)])
_TENS_MIDDLE = 300
_DIGITS_MAX = np.uint64((1 << 63) // 10 - 10)
_TEN = np.uint64(10)
_ENDED, _DIFFERS = -1, -2
_WORDS = (b"facet", b"normal", b"outer", b"loop", b"vertex", b"endloop", b"endfacet", b"solid", b"endsolid")
FACET, NORMAL, OUTER, LOOP, VERTEX, ENDLOOP, ENDFACET, SOLID, ENDSOLID = range(9)
_LETTERS = np.array([list(word.ljust(8, b"\0")) for word in _WORDS], dtype=np.uint8)


@compiled
def _gap(text: Bytes, at: _Scalar) -> _Scalar:
    """Where the white space that begins here ends."""
    while at < text.shape[0] and (text[at] == 32 or 9 <= text[at] <= 13):
        at += 1
    return at


@compiled
def _after(text: Bytes, at: _Scalar, word: _Scalar) -> _Scalar:
    """Where this word and the white space around it end; or _ENDED with the text before that is sure, or _DIFFERS."""
    at = np.int64(at)
    if at < 0:
        return at
    at = _gap(text, at)
    for offset in range(_LETTERS.shape[1]):
        if _LETTERS[word, offset] == 0:
            break
        if at >= text.shape[0]:
            return _ENDED
        letter = text[at]
        if 65 <= letter <= 90:
            letter += 32
        if letter != _LETTERS[word, offset]:
            return _DIFFERS
        at += 1
    if at >= text.shape[0]:
        return _ENDED
    if not (text[at] == 32 or 9 <= text[at] <= 13):
        return _DIFFERS
    return at


@compiled
def _number(text: Bytes, at: _Scalar, tens: npt.NDArray[np.float64], value: npt.NDArray[np.float64]) -> _Scalar:
    """Where the number after this white space ends, and what it is, to the last digit or two of a float64."""
    if at < 0:
        return at
    at = _gap(text, at)
    size = text.shape[0]
    negative = False
    if at < size and (text[at] == 45 or text[at] == 43):
        negative = text[at] == 45
        at += 1
    digits = np.uint64(0)
    power = 0
    seen = 0
    pointed = False
    while at < size:
        letter = text[at]
        if 48 <= letter <= 57:
            seen += 1
            if digits <= _DIGITS_MAX:
                digits = digits * _TEN + np.uint64(letter - 48)
                if pointed:
                    power -= 1
            elif not pointed:
                power += 1
        elif letter == 46 and not pointed:
            pointed = True
        else:
            break
        at += 1
    if at < size and seen and (text[at] == 101 or text[at] == 69):
        at += 1
        down = False
        if at < size and (text[at] == 45 or text[at] == 43):
            down = text[at] == 45
            at += 1
        exponent: _Scalar = 0
        told = 0
        while at < size and 48 <= text[at] <= 57:
            exponent = min(exponent * 10 + (text[at] - 48), 100000)
            told += 1
            at += 1
        if at < size and told == 0:
            return _DIFFERS
        power += -exponent if down else exponent
    if at >= size:
        return _ENDED
    if not (text[at] == 32 or 9 <= text[at] <= 13) or seen == 0 or power < -300 or power > 300:
        return _DIFFERS
    result = np.float64(digits)
    if power < 0 and power >= -22:
        # Powers of ten are exact up to here: one rounding.
        result /= tens[_TENS_MIDDLE - power]
    elif power != 0:
        result *= tens[_TENS_MIDDLE + power]
    value[0] = -result if negative else result
    return at


@compiled
def _facet(
    text: Bytes,
    at: _Scalar,
    tens: npt.NDArray[np.float64],
    value: npt.NDArray[np.float64],
    corners: npt.NDArray[np.float32],
) -> _Scalar:
    """Where one facet ends; its corners are told."""
    at = _after(text, at, NORMAL)
    for _ in range(3):
        at = _number(text, at, tens, value)
    at = _after(text, _after(text, at, OUTER), LOOP)
    for corner in range(3):
        at = _after(text, at, VERTEX)
        for axis in range(3):
            at = _number(text, at, tens, value)
            corners[corner, axis] = np.float32(value[0])
    return _after(text, _after(text, at, ENDLOOP), ENDFACET)


@compiled
def _line_end(text: Bytes, at: _Scalar) -> _Scalar:
    while at < text.shape[0] and text[at] != 10 and text[at] != 13:
        at += 1
    return at if at < text.shape[0] else _ENDED


@compiled
def _parse(
    text: Bytes, inside: bool, tens: npt.NDArray[np.float64], corners: npt.NDArray[np.float32]
) -> tuple[int, int, bool, bool]:
    value = np.zeros(1)
    done = 0
    facets = 0
    while facets < corners.shape[0]:
        at = _gap(text, done)
        if at == text.shape[0]:
            break
        if inside:
            after = _after(text, at, FACET)
            if after >= 0:
                after = _facet(text, after, tens, value, corners[facets])
                if after >= 0:
                    facets += 1
            elif after == _DIFFERS:
                after = _after(text, at, ENDSOLID)
                if after >= 0:
                    after = _line_end(text, after)
                    inside = after < 0
        else:
            after = _after(text, at, SOLID)
            if after >= 0:
                after = _line_end(text, after)
                inside = after >= 0
        if after == _DIFFERS:
            return done, facets, inside, False
        if after == _ENDED:
            break
        done = after
    return done, facets, inside, True


def read_facets(text: Bytes, last: bool, inside: bool, corners: npt.NDArray[np.float32]) -> tuple[int, int, bool, bool]:
    """Parses facets into `corners`, from text that may stop anywhere unless it is the last.

    Returns how many bytes are done with, how many facets were read, whether a solid is open, and whether all was understood.
    """
    if last:
        # The end of the file ends a line.
        text = np.concatenate((text, np.frombuffer(b"\n", dtype=np.uint8)))
    used, facets, inside, understood = _parse(text, inside, _TENS, corners)
    blank = last and not text[used:].tobytes().strip()
    return len(text) - last if blank else min(used, len(text) - last), facets, bool(inside), bool(understood)
