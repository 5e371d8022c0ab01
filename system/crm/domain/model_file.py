"""A model without the words in it: people write names into the header of a binary STL, and into the name of a text one.

The geometry stays as it was uploaded, number by number; whatever is no number of a facet has no way into the result.
"""

from __future__ import annotations

import re
import struct

HEADER_BYTES, TRIANGLE_BYTES, GEOMETRY_BYTES = 84, 50, 48
TITLE = b"model"
_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+|nan|inf(?:inity)?)(?:e[-+]?\d+)?"
_FACET = re.compile(
    rb"facet\s+normal((?:\s+" + _NUMBER + rb"){3})\s+outer\s+loop((?:\s+vertex(?:\s+" + _NUMBER + rb"){3}){3,8})"
    rb"\s+endloop\s+endfacet",
    re.IGNORECASE,
)
_VERTEX = re.compile(rb"vertex((?:\s+" + _NUMBER + rb"){3})", re.IGNORECASE)
_FACET_END = re.compile(rb"endfacet", re.IGNORECASE)


def without_words(body: bytes) -> bytes | None:
    """The same STL with its title blanked, and the two spare bytes of every binary facet; None for what is no STL as we read it.

    None too when a facet of a text STL could not be read: half a model would be another one.
    """
    if len(body) > HEADER_BYTES:
        (count,) = struct.unpack_from("<I", body, HEADER_BYTES - 4)
        if len(body) == HEADER_BYTES + TRIANGLE_BYTES * count:
            return _binary(body, count)
    return _text(body)


def _binary(body: bytes, count: int) -> bytes:
    blanked = bytearray(body)
    blanked[:80] = TITLE.ljust(80)
    for spare in range(GEOMETRY_BYTES, TRIANGLE_BYTES):
        blanked[HEADER_BYTES + spare :: TRIANGLE_BYTES] = bytes(count)
    return bytes(blanked)


def _text(body: bytes) -> bytes | None:
    lines = [b"solid " + TITLE]
    count = 0
    for facet in _FACET.finditer(body):
        count += 1
        lines.append(b"facet normal " + b" ".join(facet[1].split()))
        lines.append(b"outer loop")
        lines += [b"vertex " + b" ".join(vertex[1].split()) for vertex in _VERTEX.finditer(facet[2])]
        lines += [b"endloop", b"endfacet"]
    if not count or count != len(_FACET_END.findall(body)):
        return None
    return b"\n".join([*lines, b"endsolid " + TITLE, b""])
