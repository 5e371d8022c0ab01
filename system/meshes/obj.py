"""Reads Wavefront OBJ: vertices and faces. Materials, textures and groups, how it looks and is sorted, are passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from system.meshes.faults import MeshFault
from system.meshes.kernels.obj import obj_lines
from system.meshes.kernels.polygons import WORK_MAX, cut_polygons
from system.meshes.kernels.words import COMMA, EXTERNAL, FULL, MALFORMED, UNREAD
from system.meshes.reading import (
    CHUNK_BYTES,
    Model,
    Note,
    ReadLimits,
    Rows,
    beyond,
    bytes_of,
    external,
    gathered,
    malformed,
    unread,
)
from system.meshes.recognise import OBJ

_COMMENT = re.compile(rb"(?:(?<=[\r\n])|\A)[ \t]*#[^\r\n]*")
_CONTINUED = re.compile(rb"\\[ \t]*(?:\r\n|\r|\n)")
_ENDS_LOOKED_AT_MAX = 1_000
_CORNER_BYTES_MIN = len(b"v 1 2 3\n")


def read_obj(file: BinaryIO, limits: ReadLimits) -> Model:
    """The triangles of all its objects. A polygon is cut into triangles, and that is noted.

    Raises MeshFault: mesh-malformed, mesh-decimal-comma, mesh-too-large, external-reference, format-known-not-read,
    model-beyond-limits.
    """
    # Room for as many corners as there can be: what is not used takes no memory, and what is used is never copied.
    corners = Rows(3, np.float32, first=file.seek(0, 2) // _CORNER_BYTES_MIN + 1)
    file.seek(0)
    faces = Rows(3, np.int32)
    counts = np.zeros(2, dtype=np.int64)
    for text in _whole_lines(file, limits):
        data = bytes_of(text)
        at, status = 0, FULL
        while status == FULL:
            at, more_corners, more_faces, status = obj_lines(
                data, at, len(data), corners.count, corners.free, faces.free, counts
            )
            corners.count += more_corners
            faces.count += more_faces
            limits.refuse_corners(corners.count)
            limits.refuse_triangles(faces.count)
            if status == FULL:
                if len(corners.free) == 0:
                    corners.grow()
                else:
                    # A polygon of many corners may need more room at once than there would be.
                    faces.grow(len(text) // 2 if more_corners == more_faces == 0 else 0)
        _refuse(status, text, at)
    notes = [Note("polygons-split", {"facets": int(counts[0])})] if counts[0] else []
    if counts[1]:
        notes.append(Note("lines-left-out", {"lines": int(counts[1])}))
    if counts[0]:
        cut_polygons(corners.taken, faces.taken, WORK_MAX)
    return Model(gathered(corners.taken, faces.taken), OBJ, None, tuple(notes))


def _refuse(status: int, text: bytes, at: int) -> None:
    if status == MALFORMED:
        raise malformed()
    if status == COMMA:
        raise MeshFault("mesh-decimal-comma")
    if status == UNREAD:
        raise unread("OBJ with free-form surfaces")
    if status == EXTERNAL:
        raise external(text[at : at + 200].split(None, 2)[1].decode(errors="replace") if b" " in text[at:] else "")


def _whole_lines(file: BinaryIO, limits: ReadLimits) -> Iterator[bytes]:
    """The text in pieces that end with a line, with lines that go on made one."""
    chunk = file.read(CHUNK_BYTES).removeprefix(b"\xef\xbb\xbf")
    rest = b""
    while chunk:
        text = rest + chunk
        chunk = file.read(CHUNK_BYTES)
        cut = _last_end(text) if chunk else len(text)
        rest = text[cut:]
        if len(rest) > limits.line_bytes_max:
            raise beyond("bytes of one line", limits.line_bytes_max)
        text = text[:cut]
        if b"\\" in text:
            # What a comment ends with is no sign that the next line belongs to it.
            text = _CONTINUED.sub(b" ", _COMMENT.sub(b"", text))
        yield text


def _last_end(text: bytes) -> int:
    """Where the last line that does not go on ends; 0 when it is not found near the end."""
    end = len(text)
    for _ in range(_ENDS_LOOKED_AT_MAX):
        end = max(text.rfind(b"\n", 0, end), text.rfind(b"\r", 0, end))
        if end < 0:
            return 0
        if not text[max(0, end - 80) : end].rstrip(b"\r\n \t").endswith(b"\\"):
            return end + 1
    return 0
