"""Triangles as they come: from an STL file chunk by chunk, or from an array. Each can be gone through again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

import numpy as np

from system.meshes.engine.front_kernels import Halves
from system.meshes.model import read_model
from system.meshes.recognise import STL_FACET_BYTES, STL_HEADER_BYTES, stl_count
from system.meshes.records import chunks_of, copy_corners, parts_of, records_of
from system.meshes.stl import TRIANGLE_COUNT_MAX, Triangles


class Source(Protocol):
    """Triangles that can be gone through more than once."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def head(self, count: int) -> Triangles:
        """The first of them. Raises MeshFault as `read_model` does."""
        ...

    def parts(self, count: int) -> Sequence[Source]:
        """The same in their order in at most so many parts, that can be gone through at one time."""
        ...

    def chunks(self) -> Iterator[Halves]:
        """All of them in their order, as a front takes them; each good until the next one. Raises MeshFault as `read_model` does."""
        ...

    def triangles(self) -> Triangles:
        """All of them at once."""
        ...


def halves_of(triangles: Triangles) -> Halves:
    """The same memory in words of 16 bits: contiguous float32 of shape (n, 3, 3)."""
    return triangles.reshape(len(triangles), -1).view(np.uint16)


class ArraySource:
    """Triangles that are in memory already."""

    def __init__(self, triangles: Triangles) -> None:
        self._triangles = np.ascontiguousarray(triangles, dtype=np.float32)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._triangles)

    def head(self, count: int) -> Triangles:
        """The first of them."""
        return self._triangles[:count]

    def parts(self, count: int) -> Sequence[Source]:
        """Slices of the array."""
        return [ArraySource(part) for part in np.array_split(self._triangles, count)]

    def chunks(self) -> Iterator[Halves]:
        """Slices of the array."""
        for start, end in chunks_of(len(self._triangles)):
            yield halves_of(self._triangles[start:end])

    def triangles(self) -> Triangles:
        """The array itself."""
        return self._triangles


class BinarySource:
    """A binary STL file, from a record on."""

    def __init__(self, file: BinaryIO, count: int, first: int = 0) -> None:
        self._file = file
        self._count = count
        self._first = first

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count

    def head(self, count: int) -> Triangles:
        """The first of them."""
        return BinarySource(self._file, min(count, self._count), self._first).triangles()

    def parts(self, count: int) -> Sequence[Source]:
        """Parts of the file, each read at its own place; the whole where a file is none of the system's."""
        return [
            BinarySource(self._file, part_count, first)
            for first, part_count in parts_of(self._file, self._first, self._count, count)
        ]

    def chunks(self) -> Iterator[Halves]:
        """Records, read into one buffer again and again."""
        for _, records in records_of(self._file, self._first, self._count):
            yield records.view(np.uint16).reshape(len(records), -1)

    def triangles(self) -> Triangles:
        """Read once."""
        result = np.empty((self._count, 3, 3), dtype=np.float32)
        for start, records in records_of(self._file, self._first, self._count):
            copy_corners(records, result[start : start + len(records)])
        return result


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
