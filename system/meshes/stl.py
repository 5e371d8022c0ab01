"""Reads STL, binary or text, told apart by content and never by name, into one array of triangles."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from system.meshes.faults import MeshFault
from system.meshes.reading import CHUNK_BYTES, TRIANGLE_COUNT_MAX, ReadLimits, Triangles
from system.meshes.recognise import STL_FACET_BYTES, STL_HEADER_BYTES, stl_count

__all__ = ["FACET", "TRIANGLE_COUNT_MAX", "Triangles", "read_binary", "read_stl"]

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
"""One record of a binary file."""


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
    step = CHUNK_BYTES // STL_FACET_BYTES
    for start in range(0, announced, step):
        wanted = min(step, announced - start)
        body = file.read(wanted * STL_FACET_BYTES)
        if len(body) < wanted * STL_FACET_BYTES:
            raise MeshFault("mesh-truncated")
        triangles[start : start + wanted] = np.frombuffer(body, dtype=FACET)["corners"]
    return triangles
