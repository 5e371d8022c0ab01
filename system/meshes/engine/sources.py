"""Triangles as they come: from an STL file chunk by chunk, or from an array. Each can be gone through again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import BinaryIO, Protocol

import numpy as np

from system.meshes.engine.front_kernels import Halves
from system.meshes.faults import MeshFault
from system.meshes.model import read_model
from system.meshes.recognise import STL_FACET_BYTES, STL_HEADER_BYTES, stl_count
from system.meshes.stl import FACET, TRIANGLE_COUNT_MAX, Triangles

CHUNK = 4096
"""Triangles at a time: a fifth of a megabyte of the file, which stays in the processor's cache."""
FIRST_CHUNK = 256
"""The first chunk is short: it is enough to see whether the file has an order."""


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
        for start, end in _chunks_of(len(self._triangles)):
            yield halves_of(self._triangles[start:end])

    def triangles(self) -> Triangles:
        """The array itself."""
        return self._triangles


class BinarySource:
    """A binary STL file. It is read, not mapped: a mapped file that somebody shortens would end the process."""

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
        if not _is_of_the_system(self._file):
            return [self]
        ends = [self._first + self._count * number // count for number in range(count + 1)]
        return [BinarySource(self._file, end - begin, begin) for begin, end in pairwise(ends)]

    def chunks(self) -> Iterator[Halves]:
        """Records, read into one buffer again and again."""
        for _, records in self._records():
            yield records.view(np.uint16).reshape(len(records), -1)

    def triangles(self) -> Triangles:
        """Read once."""
        result = np.empty((self._count, 3, 3), dtype=np.float32)
        for start, records in self._records():
            result[start : start + len(records)] = records["corners"]
        return result

    def _records(self) -> Iterator[tuple[int, np.ndarray]]:
        place = STL_HEADER_BYTES + self._first * STL_FACET_BYTES
        descriptor = self._file.fileno() if _is_of_the_system(self._file) else None
        if descriptor is None:
            self._file.seek(place)
        records = np.empty(min(CHUNK, self._count), dtype=FACET)
        for start, end in _chunks_of(self._count):
            view = records[: end - start].view(np.uint8).data
            filled = 0
            while filled < len(view):
                left = view[filled:]
                got = self._file.readinto(left) if descriptor is None else os.preadv(descriptor, [left], place)  # type: ignore[attr-defined]
                if not got:
                    raise MeshFault("mesh-truncated")
                filled += got
                place += got
            yield start, records[: end - start]


def _chunks_of(count: int) -> Iterator[tuple[int, int]]:
    """Where each chunk of so many triangles begins and ends."""
    return pairwise(chain((0,), range(FIRST_CHUNK, count, CHUNK), (count,)))


def _is_of_the_system(file: BinaryIO) -> bool:
    """Whether it can be read at several places at a time."""
    try:
        file.fileno()
    except (OSError, AttributeError):
        return False
    return True


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
