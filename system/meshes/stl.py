"""Reads STL, binary or text, told apart by content and never by name, into one array of triangles."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from system.meshes.beside import side_by_side
from system.meshes.faults import MeshFault
from system.meshes.reading import TRIANGLE_COUNT_MAX, ReadLimits, Triangles
from system.meshes.recognise import STL_FACET_BYTES, STL_HEADER_BYTES, stl_count
from system.meshes.records import FACET, copy_corners, parts_of, records_of

__all__ = ["FACET", "TRIANGLE_COUNT_MAX", "Triangles", "read_binary", "read_stl"]

READ_IN_PARTS_FROM = 200_000
"""Triangles from which a file is read in two parts at a time: most of it is waiting for memory."""


def read_stl(file: BinaryIO) -> Triangles:
    """The triangles of an STL file, in its own order and units, as float32 of shape (n, 3, 3).

    Raises MeshFault: not-a-model, mesh-truncated, mesh-malformed, mesh-decimal-comma, mesh-empty, mesh-too-large, mesh-not-finite,
    model-beyond-limits.
    """
    from system.meshes.model import read_model

    model = read_model(file)
    if not model.format.startswith("stl-"):
        raise MeshFault("not-a-model")
    return model.triangles


def read_binary(file: BinaryIO, size_bytes: int, limits: ReadLimits) -> Triangles:
    """Bytes after the last announced facet are ignored, as every program does; missing ones are a fault."""
    announced = stl_count(file.read(STL_HEADER_BYTES)) or 0
    limits.refuse_triangles(announced)
    if STL_HEADER_BYTES + announced * STL_FACET_BYTES > size_bytes:
        raise MeshFault("mesh-truncated")
    triangles = np.empty((announced, 3, 3), dtype=np.float32)

    def fill(first: int, count: int) -> None:
        for start, records in records_of(file, first, count):
            copy_corners(records, triangles[first + start : first + start + len(records)])

    parts = parts_of(file, 0, announced, 2 if announced >= READ_IN_PARTS_FROM else 1)
    with side_by_side(len(parts) - 1) as beside:
        others = [beside.submit(fill, *part) for part in parts[1:]]
        fill(*parts[0])
        for other in others:
            other.result()
    return triangles
