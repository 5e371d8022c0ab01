"""Elements of 3MF that come by the million."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled
from system.meshes.kernels.words import COMMA, FULL, MALFORMED, MORE, STOPPED, Bytes, blank, number_at, skip

_PLAIN_MAX = 15


@compiled
def xml_rows(
    text: Bytes, at: int, end: int, name: Bytes, are_numbers: bool, out: npt.NDArray[np.float64]
) -> tuple[int, int, int]:
    """Elements `<name x= y= z= ...>` or, of corners' numbers, `<name v1= v2= v3= ...>` into rows of three.

    Returns where it stopped, how many rows, and MORE, FULL, MALFORMED, COMMA, or STOPPED before anything else than such an element.
    """
    rows = 0
    while True:
        at = skip(text, at, end)
        if at + len(name) + 2 > end:
            return at, rows, MORE
        if text[at] != 60:
            return at, rows, MALFORMED
        for place in range(len(name)):
            if text[at + 1 + place] != name[place]:
                return at, rows, STOPPED
        place = at + 1 + len(name)
        if not (blank(text[place]) or text[place] == 47 or text[place] == 62):
            return at, rows, STOPPED
        if rows == len(out):
            return at, rows, FULL
        found = 0
        while True:
            place = skip(text, place, end)
            if place >= end:
                return at, rows, MORE
            if text[place] == 47 or text[place] == 62:
                break
            first = place
            while place < end and text[place] != 61 and not blank(text[place]) and text[place] != 62:
                place += 1
            length = place - first
            place = skip(text, place, end)
            if place + 1 >= end:
                return at, rows, MORE
            if text[place] != 61:
                return at, rows, MALFORMED
            place = skip(text, place + 1, end)
            if place >= end:
                return at, rows, MORE
            quote = text[place]
            if quote != 34 and quote != 39:
                return at, rows, MALFORMED
            place += 1
            axis = -1
            if are_numbers and length == 2 and text[first] == 118:
                axis = int(text[first + 1]) - 49
            elif not are_numbers and length == 1:
                axis = int(text[first]) - 120
            if 0 <= axis <= 2:
                if found & (1 << axis):
                    return at, rows, MALFORMED
                first = skip(text, place, end)
                # Corners' numbers are plain: a few digits up to the quote.
                whole, after = np.int64(0), first
                while after < min(end, first + _PLAIN_MAX) and 48 <= text[after] <= 57:
                    whole = whole * 10 + np.int64(text[after] - 48)
                    after += 1
                value = float(whole)
                if after == first or after >= end or text[after] != quote:
                    value, after = number_at(text, first, end)
                if after >= end:
                    return at, rows, MORE
                place = skip(text, after, end)
                if place >= end:
                    return at, rows, MORE
                if text[place] != quote or after == first:
                    is_comma = text[place] == 44
                    while place < end and text[place] != quote:
                        place += 1
                    return at, rows, MORE if place >= end else (COMMA if is_comma else MALFORMED)
                if are_numbers and not (0 <= value < 2**31 - 1 and value == np.floor(value)):
                    return at, rows, MALFORMED
                out[rows, axis] = value
                found |= 1 << axis
            else:
                while place < end and text[place] != quote:
                    if text[place] == 60:
                        return at, rows, MALFORMED
                    place += 1
                if place >= end:
                    return at, rows, MORE
            place += 1
        if found != 7:
            return at, rows, MALFORMED
        if text[place] == 47:
            if place + 1 >= end:
                return at, rows, MORE
            if text[place + 1] != 62:
                return at, rows, MALFORMED
            at = place + 2
        else:
            # <name ...></name>
            place = skip(text, place + 1, end)
            if place + 3 + len(name) > end:
                return at, rows, MORE
            if text[place] != 60 or text[place + 1] != 47:
                return at, rows, MALFORMED
            for letter in range(len(name)):
                if text[place + 2 + letter] != name[letter]:
                    return at, rows, MALFORMED
            place = skip(text, place + 2 + len(name), end)
            if place >= end:
                return at, rows, MORE
            if text[place] != 62:
                return at, rows, MALFORMED
            at = place + 1
        rows += 1
