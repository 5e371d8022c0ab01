"""Words and numbers in text, byte by byte: what the readers of all texts share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import helper

Bytes = npt.NDArray[np.uint8]

MORE, FULL, MALFORMED, COMMA, STOPPED, UNREAD, EXTERNAL = 0, 1, 2, 3, 4, 5, 6
"""How a piece ended: more text is needed, or more room; it breaks its rules, or has commas in its numbers; or else something comes."""

_TENS = np.array([10.0**power for power in range(23)])
"""Those that float64 has exactly."""
_DIGITS_MAX = 18
_NAN, _INF = (np.frombuffer(word, dtype=np.uint8) for word in (b"nan", b"inf"))


@helper
def blank(letter: int) -> bool:
    return letter == 32 or 9 <= letter <= 13


@helper
def skip(text: Bytes, at: int, end: int) -> int:
    """Where the next word begins."""
    while at < end and (text[at] == 32 or 9 <= text[at] <= 13):
        at += 1
    return at


@helper
def passed(text: Bytes, at: int, end: int) -> int:
    """Where this word ends."""
    while at < end and not (text[at] == 32 or 9 <= text[at] <= 13):
        at += 1
    return at


@helper
def is_word(text: Bytes, at: int, end: int, word: Bytes) -> bool:
    """Whether this word, in small or capital letters, is next."""
    if at + len(word) > end:
        return False
    for place in range(len(word)):
        if text[at + place] | 32 != word[place]:
            return False
    return at + len(word) == end or blank(text[at + len(word)])


@helper
def begins(text: Bytes, at: int, end: int, word: Bytes) -> bool:
    if at + len(word) > end:
        return False
    for place in range(len(word)):  # noqa: SIM110  (the compiler knows no generators)
        if text[at + place] | 32 != word[place]:
            return False
    return True


@helper
def number_at(text: Bytes, at: int, end: int) -> tuple[float, int]:
    """The number at this place and where it ends; the same place when there is none.

    Exactly rounded up to 15 digits and powers of ten up to 22, beyond that within two units of the last place of a float64.
    """
    start = at
    negative = False
    if at < end and (text[at] == 45 or text[at] == 43):
        negative = text[at] == 45
        at += 1
    mantissa = np.int64(0)
    digits = 0
    exponent = 0
    seen = False
    while at < end and 48 <= text[at] <= 57:
        if digits < _DIGITS_MAX:
            mantissa = mantissa * 10 + np.int64(text[at] - 48)
            digits += int(mantissa > 0)
        else:
            exponent += 1
        seen = True
        at += 1
    if at < end and text[at] == 46:
        at += 1
        while at < end and 48 <= text[at] <= 57:
            if digits < _DIGITS_MAX:
                mantissa = mantissa * 10 + np.int64(text[at] - 48)
                digits += int(mantissa > 0)
                exponent -= 1
            seen = True
            at += 1
    if not seen:
        value = np.nan
        if begins(text, at, end, _INF):
            value = np.inf
        elif not begins(text, at, end, _NAN):
            return 0.0, start
        # Whatever programs write after it: nan(ind), infinity.
        at = passed(text, at, end)
        return (-value if negative else value), at
    if at < end and (text[at] | 32 == 101):
        mark = at
        at += 1
        down = False
        if at < end and (text[at] == 45 or text[at] == 43):
            down = text[at] == 45
            at += 1
        power = 0
        first = at
        while at < end and 48 <= text[at] <= 57:
            if power < 10000:
                power = power * 10 + int(text[at] - 48)
            at += 1
        if at == first:
            at = mark
        exponent += -power if down else power
    value = float(mantissa)
    if mantissa != 0:
        while exponent > 0 and value < np.inf:
            step = min(exponent, 22)
            value *= _TENS[step]
            exponent -= step
        while exponent < 0 and value > 0.0:
            step = min(-exponent, 22)
            value /= _TENS[step]
            exponent += step
    return (-value if negative else value), at


@helper
def wrong(text: Bytes, at: int, end: int) -> int:
    """What is wrong with a number that ends here and is not followed by a blank; MORE when its word goes on with more text."""
    if at < end and text[at] == 44:
        return COMMA
    return MORE if passed(text, at, end) == end else MALFORMED
