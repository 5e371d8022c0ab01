"""Reads STL in words, piece by piece: of any case, with any ends of lines, of one solid or several."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from system.meshes.faults import MeshFault
from system.meshes.kernels.stl import AFTER, OUTSIDE, stl_facets
from system.meshes.kernels.words import COMMA, FULL, MALFORMED
from system.meshes.reading import CHUNK_BYTES, ReadLimits, Rows, Triangles, beyond, bytes_of, malformed


def read_text(file: BinaryIO, limits: ReadLimits) -> Triangles:
    """The triangles of all its solids. Names of solids may be any words; normals are not read.

    Raises MeshFault: not-a-model, mesh-truncated, mesh-malformed, mesh-decimal-comma, mesh-too-large, model-beyond-limits.
    """
    rows = Rows(9, np.float32)
    where, rest = OUTSIDE, b""
    chunk = file.read(CHUNK_BYTES).removeprefix(b"\xef\xbb\xbf")
    while True:
        # The end of the file ends a word too.
        text = rest + (chunk or b"\n")
        at, where = _piece(text, where, rows, limits)
        rest = text[at:]
        if not chunk:
            break
        if len(rest) > limits.line_bytes_max:
            raise beyond("bytes of one facet", limits.line_bytes_max)
        chunk = file.read(CHUNK_BYTES)
    if where != AFTER:
        raise MeshFault("mesh-truncated" if rows.count or b"facet" in rest.lower() else "not-a-model")
    return rows.taken.reshape(-1, 3, 3)


def _piece(text: bytes, where: int, rows: Rows, limits: ReadLimits) -> tuple[int, int]:
    at, data = 0, bytes_of(text)
    while True:
        at, count, where, status = stl_facets(data, at, len(data), where, rows.free)
        rows.count += count
        limits.refuse_triangles(rows.count)
        if status == COMMA:
            raise MeshFault("mesh-decimal-comma")
        if status == MALFORMED:
            raise malformed()
        if status != FULL:
            return at, where
        rows.grow()
