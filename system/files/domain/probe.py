"""Looks at a file once, chunk by chunk: its hash, its size, and which format it is, by content alone.

What tells formats apart has its home in system/meshes/recognise.py. Of an STL more is known at once: how many triangles it has, and
whether it is whole, for binary ones by their count and for those in words by the grammar of the first facet.
"""

from __future__ import annotations

import hashlib
import re
import struct

from system.files.domain import rules
from system.files.domain.upload import Findings, Format, Problem
from system.meshes import recognise as known

HEADER_BYTES = known.STL_HEADER_BYTES
TRIANGLE_BYTES = known.STL_FACET_BYTES
HEAD_BYTES_MAX = known.HEAD_BYTES_MAX
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

_FORMATS = {
    known.OBJ: Format.OBJ,
    known.PLY: Format.PLY,
    known.THREE_MF: Format.THREE_MF,
    known.GLB: Format.GLB,
    known.GLTF: Format.GLTF,
}
_EXPORT = "export the model as STL, 3MF, OBJ, PLY or GLB and upload that."


class ModelProbe:
    """Feed it the whole file in order, then ask for the findings. Keeps 128 KiB whatever the file's size."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._size_bytes = 0
        self._head = b""
        self._end = b""
        self._facet_ends = 0
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        self._sha256.update(chunk)
        self._size_bytes += len(chunk)
        if len(self._head) < HEAD_BYTES_MAX:
            self._head = (self._head + chunk)[:HEAD_BYTES_MAX]
        self._end = (self._end + chunk[-known.TAIL_BYTES_MAX :])[-known.TAIL_BYTES_MAX :]
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
        promised = known.stl_count(self._head)
        if promised and self._size_bytes == HEADER_BYTES + TRIANGLE_BYTES * promised:
            return Format.STL_BINARY, promised, None
        if self._size_bytes == 0 or (promised == 0 and self._size_bytes == HEADER_BYTES):
            return None, None, _EMPTY
        found = known.recognise(self._head, self._end, self._size_bytes)
        if found.format in _FORMATS:
            problem = self._cut_off() if found.format == known.GLB else None
            return (None if problem else _FORMATS[found.format]), None, problem
        if found.format == known.STL_TEXT and _TEXT_STL.match(self._head):
            if self._facet_ends == 0:
                return None, None, _EMPTY
            return Format.STL_ASCII, self._facet_ends, None
        if found.unread is not None:
            detail = f"This is a file in the format {found.unread}: {_EXPORT}"
            return None, None, Problem("format-known-not-read", "We do not read this format", detail)
        if found.stranger is not None:
            return None, None, _not_a_model(f"This is {found.stranger}: {_EXPORT}")
        return None, None, self._problem(promised)

    def _cut_off(self) -> Problem | None:
        """A GLB says how long it is."""
        if len(self._head) >= 12 and (length := struct.unpack_from("<I", self._head, 8)[0]) <= self._size_bytes:
            return None
        told = (
            f"The file says it has {length} bytes, and has {self._size_bytes}"
            if len(self._head) >= 12
            else "It ends at once"
        )
        return Problem("mesh-truncated", "The model is cut off", f"{told}: export the model again and upload it whole.")

    def _problem(self, promised: int | None) -> Problem:
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
        return _not_a_model(f"This is no file of a model that we know: {_EXPORT}")


_EMPTY = Problem(
    "mesh-empty", "The model is empty", "There is not one triangle in the file: export the model again and look at it."
)


def _not_a_model(detail: str) -> Problem:
    return Problem("not-a-model", "This is not a model we can read", detail)
