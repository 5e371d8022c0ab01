"""Triangles as they come: from an STL file chunk by chunk, or from an array. Each can be gone through again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

import numpy as np

from system.meshes.faults import MeshFault
from system.meshes.model import read_model
from system.meshes.recognise import STL_FACET_BYTES, STL_HEADER_BYTES, stl_count
from system.meshes.stl import FACET, TRIANGLE_COUNT_MAX, Triangles

CHUNK = 4096
"""Triangles at a time: a fifth of a megabyte of the file, which stays in the processor's cache."""


class Source(Protocol):
    """Triangles that can be gone through more than once."""

    def chunks(self) -> Iterator[Triangles]:
        """All of them in their order; a chunk is good until the next one. Raises MeshFault as `read_model` does."""
        ...

    def triangles(self) -> Triangles:
        """All of them at once."""
        ...


class ArraySource:
    """Triangles that are in memory already."""

    def __init__(self, triangles: Triangles) -> None:
        self._triangles = np.ascontiguousarray(triangles, dtype=np.float32)

    def chunks(self) -> Iterator[Triangles]:
        """Slices of the array."""
        for start in range(0, len(self._triangles), CHUNK):
            yield self._triangles[start : start + CHUNK]

    def triangles(self) -> Triangles:
        """The array itself."""
        return self._triangles


class BinarySource:
    """A binary STL file. It is read, not mapped: a mapped file that somebody shortens would end the process."""

    def __init__(self, file: BinaryIO, count: int) -> None:
        self._file = file
        self._count = count

    def chunks(self) -> Iterator[Triangles]:
        """Read into one buffer again and again."""
        corners = np.empty((min(CHUNK, self._count), 3, 3), dtype=np.float32)
        for start, records in self._records():
            del start
            part = corners[: len(records)]
            part[:] = records["corners"]
            yield part

    def triangles(self) -> Triangles:
        """Read once."""
        result = np.empty((self._count, 3, 3), dtype=np.float32)
        for start, records in self._records():
            result[start : start + len(records)] = records["corners"]
        return result

    def _records(self) -> Iterator[tuple[int, np.ndarray]]:
        self._file.seek(STL_HEADER_BYTES)
        records = np.empty(min(CHUNK, self._count), dtype=FACET)
        for start in range(0, self._count, CHUNK):
            wanted = min(CHUNK, self._count - start)
            view = records[:wanted].view(np.uint8).data
            filled = 0
            while filled < len(view):
                got = self._file.readinto(view[filled:])  # type: ignore[attr-defined]
                if not got:
                    raise MeshFault("mesh-truncated")
                filled += got
            yield start, records[:wanted]


def source_of(what: BinaryIO | Triangles) -> Source:
    """What can be gone through: a binary STL file as it stands there, any other model as read. Raises MeshFault as `read_model`."""
    if isinstance(what, np.ndarray):
        return ArraySource(what)
    size_bytes = what.seek(0, 2)
    what.seek(0)
    count = stl_count(what.read(STL_HEADER_BYTES))
    if count and STL_HEADER_BYTES + count * STL_FACET_BYTES == size_bytes and count <= TRIANGLE_COUNT_MAX:
        return BinarySource(what, count)
    return ArraySource(read_model(what).triangles)
