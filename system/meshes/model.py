"""A stranger's model as triangles, whatever format it came in: recognised by content, read within limits.

`read_model` is the one door; each format has a reader of its own: stl.py, stl_text.py, obj.py, ply.py, threemf/, gltf/.
"""

from __future__ import annotations

from typing import BinaryIO

from system.meshes.faults import MeshFault
from system.meshes.reading import Model, Note, ReadLimits, Triangles, are_finite
from system.meshes.recognise import (
    GLB,
    GLTF,
    HEAD_BYTES_MAX,
    OBJ,
    PLY,
    STL_BINARY,
    STL_TEXT,
    TAIL_BYTES_MAX,
    THREE_MF,
    recognise,
)

__all__ = ["Model", "Note", "ReadLimits", "Triangles", "read_model"]

DEFAULTS = ReadLimits()


def read_model(file: BinaryIO, *, limits: ReadLimits = DEFAULTS) -> Model:
    """The triangles of a model, in its own order and units, as float32 of shape (n, 3, 3), with its transforms applied.

    Raises MeshFault: not-a-model, format-known-not-read, mesh-truncated, mesh-malformed, mesh-decimal-comma, mesh-empty,
    mesh-too-large, mesh-not-finite, external-reference, package-unsafe, model-beyond-limits.
    """
    size_bytes = file.seek(0, 2)
    file.seek(max(0, size_bytes - TAIL_BYTES_MAX))
    tail = file.read(TAIL_BYTES_MAX)
    file.seek(0)
    head = file.read(HEAD_BYTES_MAX)
    file.seek(0)
    found = recognise(head, tail, size_bytes)
    if found.unread is not None:
        raise MeshFault("format-known-not-read", format=found.unread)
    if found.format is None:
        raise MeshFault("not-a-model")
    model = _read(found.format, file, size_bytes, limits)
    if len(model.triangles) == 0:
        raise MeshFault("mesh-empty")
    if not are_finite(model.triangles):
        raise MeshFault("mesh-not-finite")
    return model


def _read(kind: str, file: BinaryIO, size_bytes: int, limits: ReadLimits) -> Model:
    """Readers are imported when they are needed: those of text bring a compiler, for which a small binary file need not wait."""
    if kind == STL_BINARY:
        from system.meshes.stl import read_binary

        return Model(read_binary(file, size_bytes, limits), STL_BINARY, None)
    if kind == STL_TEXT:
        from system.meshes.stl_text import read_text

        return Model(read_text(file, limits), STL_TEXT, None)
    if kind == OBJ:
        from system.meshes.obj import read_obj

        return read_obj(file, limits)
    if kind == PLY:
        from system.meshes.ply import read_ply

        return read_ply(file, size_bytes, limits)
    if kind == THREE_MF:
        from system.meshes.threemf.reader import read_3mf

        return read_3mf(file, size_bytes, limits)
    assert kind in (GLB, GLTF)
    from system.meshes.gltf.reader import read_glb, read_gltf

    return read_glb(file, size_bytes, limits) if kind == GLB else read_gltf(file, size_bytes, limits)
