"""Reads STL, binary or text, told apart by content and never by name, into one array of triangles."""

from __future__ import annotations

import re
import warnings
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from system.meshes.faults import MeshFault

Triangles = npt.NDArray[np.float32]
"""Shape (triangle, corner, axis)."""

TRIANGLE_COUNT_MAX = 6_000_000
HEADER_BYTES = 84
FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_TEXT_START = re.compile(rb"\s*solid\b", re.IGNORECASE)
_NAME_LINE = re.compile(rb"^[ \t]*(end)?solid\b[^\r\n]*", re.MULTILINE)
_CHUNK_BYTES = 4 << 20
_FACET_BYTES_MAX = 4096
_COORDINATES_PER_FACET = 12


def read_stl(file: BinaryIO) -> Triangles:
    """The triangles of an STL file, in its own order and units, as float32 of shape (n, 3, 3).

    Raises MeshFault: not-a-model, mesh-truncated, mesh-malformed, mesh-empty, mesh-too-large, mesh-not-finite.
    """
    announced = facets_announced(file)
    triangles = _read_text(file) if announced is None else _read_binary(file, announced)
    if len(triangles) == 0:
        raise MeshFault("mesh-empty")
    if not np.isfinite(triangles).all():
        raise MeshFault("mesh-not-finite")
    return triangles


def facets_announced(file: BinaryIO) -> int | None:
    """How many facets a binary STL file says it has, all of which are there; None for a text one.

    Bytes after the last announced facet are ignored, as every program does. Raises MeshFault: not-a-model, mesh-truncated,
    mesh-too-large.
    """
    size_bytes = file.seek(0, 2)
    file.seek(0)
    head = file.read(1024)
    announced = int.from_bytes(head[80:84], "little") if len(head) >= HEADER_BYTES else None
    exact = announced is not None and HEADER_BYTES + announced * FACET.itemsize == size_bytes
    if not exact and _TEXT_START.match(head) and b"\0" not in head:
        return None
    if announced is None or not (exact or _looks_binary(head)):
        raise MeshFault("not-a-model")
    if announced > TRIANGLE_COUNT_MAX:
        raise MeshFault("mesh-too-large", triangle_count=announced, triangle_count_max=TRIANGLE_COUNT_MAX)
    if HEADER_BYTES + announced * FACET.itemsize > size_bytes:
        raise MeshFault("mesh-truncated")
    return announced


def _looks_binary(head: bytes) -> bool:
    """A binary STL below 16 M triangles has a zero byte in its counter; text has none."""
    return head[83] == 0


def _read_binary(file: BinaryIO, announced: int) -> Triangles:
    file.seek(HEADER_BYTES)
    triangles = np.empty((announced, 3, 3), dtype=np.float32)
    step = _CHUNK_BYTES // FACET.itemsize
    for start in range(0, announced, step):
        wanted = min(step, announced - start)
        body = file.read(wanted * FACET.itemsize)
        if len(body) < wanted * FACET.itemsize:
            raise MeshFault("mesh-truncated")
        triangles[start : start + wanted] = np.frombuffer(body, dtype=FACET)["corners"]
    return triangles


def _read_text(file: BinaryIO) -> Triangles:
    """Reads in chunks that end after a facet, so that memory holds the numbers and not the words."""
    file.seek(0)
    parts: list[Triangles] = []
    rest = b""
    ended = False
    triangle_count = 0
    while chunk := file.read(_CHUNK_BYTES):
        text = (rest + chunk).lower()
        cut = text.rfind(b"endfacet") + len(b"endfacet")
        if cut < len(b"endfacet"):
            if len(text) > _CHUNK_BYTES:
                raise MeshFault("not-a-model")
            rest = text
            continue
        parts.append(_facets(text[:cut]))
        rest = text[cut:]
        triangle_count += len(parts[-1])
        if triangle_count > TRIANGLE_COUNT_MAX:
            raise MeshFault(
                "mesh-too-large",
                triangle_count=f"more than {triangle_count - 1}",
                triangle_count_max=TRIANGLE_COUNT_MAX,
            )
    tail = rest.lower()
    ended = b"endsolid" in tail
    if b"facet" in _NAME_LINE.sub(b"", tail) or not ended:
        raise MeshFault("mesh-truncated" if parts or ended or b"facet" in tail else "not-a-model")
    return np.concatenate(parts) if parts else np.empty((0, 3, 3), dtype=np.float32)


def _facets(text: bytes) -> Triangles:
    """The facets of a piece of lower-case text that ends with `endfacet`. Names of solids may be any words."""
    text = _NAME_LINE.sub(b"", text)
    counts = {word: text.count(word) for word in (b"endfacet", b"normal", b"outer loop", b"endloop", b"vertex")}
    facet_count = counts[b"endfacet"]
    expected = dict.fromkeys(counts, facet_count) | {b"vertex": 3 * facet_count}
    if counts != expected:
        raise MeshFault("mesh-malformed")
    for word in (b"endfacet", b"facet", b"normal", b"outer loop", b"endloop", b"vertex"):
        text = text.replace(word, b" ")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            numbers = np.fromstring(text, dtype=np.float64, sep=" ")
    except (DeprecationWarning, ValueError) as error:
        raise MeshFault("mesh-malformed") from error
    if len(numbers) != facet_count * _COORDINATES_PER_FACET:
        raise MeshFault("mesh-malformed")
    with np.errstate(over="ignore"):
        corners = numbers.reshape(facet_count, _COORDINATES_PER_FACET)[:, 3:].astype(np.float32)
    return corners.reshape(facet_count, 3, 3)
