"""Looks at a file once, chunk by chunk: its hash, its size, and which format it is, by content alone.

Binary STL is 80 bytes of anything, a little-endian count n, and n records of 50 bytes: size = 84 + 50 n. The formula
decides before the first word does, because exporters write "solid" into binary headers too. Text STL is recognised by
the grammar of its first facet.
"""

from __future__ import annotations

import hashlib
import re
import struct

from system.files.domain import rules
from system.files.domain.upload import Findings, Format, Problem

HEADER_BYTES = 84
TRIANGLE_BYTES = 50
HEAD_BYTES_MAX = 65_536
"""How much of the beginning is kept to recognise a format: room for a long name and one facet."""

PLAUSIBLE_TRIANGLES_MAX = 20_000_000
"""A larger count in bytes 80 to 84 means that they are no count: four letters read as a number give 500 million."""

_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+|nan|inf(?:inity)?)(?:e[-+]?\d+)?"
_FACET = (
    rb"facet\s+normal(?:\s+" + _NUMBER + rb"){3}\s+outer\s+loop(?:\s+vertex(?:\s+" + _NUMBER + rb"){3}){3,8}"
    rb"\s+endloop\s+endfacet"
)
_TEXT_STL = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}solid\b[^\r\n]{0,1000}?\s+(?:" + _FACET + rb"|endsolid\b)", re.I)
_FACET_END = b"endfacet"

_STRANGERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"PK\x03\x04"), "a 3MF or ZIP file"),
    (re.compile(rb"glTF"), "a GLB file"),
    (re.compile(rb"ply\r?\n", re.I), "a PLY file"),
    (re.compile(rb"(?:#[^\n]*\n|\s)*(?:mtllib|o|g|v)\s+\S[^\n]*\n", re.I), "an OBJ file"),
    (re.compile(rb"ISO-10303-21"), "a STEP file"),
    (re.compile(rb"(?:AutoCAD|AC10\d\d|\s*0\s+SECTION)"), "a CAD drawing"),
    (re.compile(rb"%PDF-"), "a PDF document"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8"), "a picture"),
    (re.compile(rb"\s*<(?:!doctype|html|\?xml|svg)", re.I), "a web page or XML"),
    (re.compile(rb"\xff\xfe|\xfe\xff"), "text in UTF-16"),
)


class ModelProbe:
    """Feed it the whole file in order, then ask for the findings. Keeps 64 KiB whatever the file's size."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._size_bytes = 0
        self._head = b""
        self._facet_ends = 0
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        self._sha256.update(chunk)
        self._size_bytes += len(chunk)
        if len(self._head) < HEAD_BYTES_MAX:
            self._head = (self._head + chunk)[:HEAD_BYTES_MAX]
        if self._may_be_text():
            window = self._tail + chunk.lower()
            self._facet_ends += window.count(_FACET_END)
            # One byte less than the word, so that a word across two chunks counts once and a whole one not again.
            self._tail = window[-(len(_FACET_END) - 1) :]

    def findings(self, *, declared_bytes: int) -> Findings:
        """The verdict on everything that was fed."""
        found, triangle_count, problem = self._recognised()
        mismatch = rules.arrived_whole(declared_bytes=declared_bytes, arrived_bytes=self._size_bytes)
        problem = mismatch or problem
        return Findings(
            size_bytes=self._size_bytes,
            sha256=self._sha256.hexdigest(),
            format=None if problem else found,
            triangle_count=None if problem else triangle_count,
            problem=problem,
        )

    def _may_be_text(self) -> bool:
        return b"\x00" not in self._head[:HEADER_BYTES]

    def _recognised(self) -> tuple[Format | None, int | None, Problem | None]:
        promised = self._promised_triangles()
        if promised and self._size_bytes == HEADER_BYTES + TRIANGLE_BYTES * promised:
            return Format.STL_BINARY, promised, None
        if _TEXT_STL.match(self._head):
            if self._facet_ends == 0:
                return None, None, _EMPTY
            return Format.STL_ASCII, self._facet_ends, None
        if self._size_bytes == 0 or (promised == 0 and self._size_bytes == HEADER_BYTES):
            return None, None, _EMPTY
        return None, None, self._problem(promised)

    def _promised_triangles(self) -> int | None:
        if self._size_bytes < HEADER_BYTES:
            return None
        (count,) = struct.unpack_from("<I", self._head, HEADER_BYTES - 4)
        return int(count)

    def _problem(self, promised: int | None) -> Problem:
        for pattern, kind in _STRANGERS:
            if pattern.match(self._head):
                return _not_a_model(f"This is {kind}: export the model as STL (binary or text) and upload that.")
        if promised and promised <= PLAUSIBLE_TRIANGLES_MAX:
            expected = HEADER_BYTES + TRIANGLE_BYTES * promised
            arrived = f"{promised} triangles need {expected} bytes, and the file has {self._size_bytes}"
            if self._size_bytes < expected:
                return Problem(
                    "mesh-truncated", "The model is cut off", f"{arrived}: export the model again and upload it whole."
                )
            return _not_a_model(f"The STL header is wrong: {arrived}. Export the model again.")
        if self._head.lstrip()[:5].lower() == b"solid":
            return _not_a_model(
                "The text begins like an STL but holds no whole facet: export the model again, best as binary STL."
            )
        return _not_a_model("This is not an STL file: export the model as STL (binary or text) and upload that.")


_EMPTY = Problem(
    "mesh-empty", "The model is empty", "There is not one triangle in the file: export the model again and look at it."
)


def _not_a_model(detail: str) -> Problem:
    return Problem("not-a-model", "This is not a model we can read", detail)
