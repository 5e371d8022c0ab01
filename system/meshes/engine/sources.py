"""Triangles as they come: from an STL file chunk by chunk, or from an array. Each can be gone through again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

import numpy as np

from system.meshes.engine.text_kernels import read_facets
from system.meshes.faults import MeshFault
from system.meshes.stl import (
    FACET,
    HEADER_BYTES,
    TRIANGLE_COUNT_MAX,
    Triangles,
    facets_announced,
    read_stl,
)

CHUNK = 4096
"""Triangles at a time: a fifth of a megabyte of the file, which stays in the processor's cache."""
_TEXT_BYTES = 1 << 20
_FACET_BYTES_MIN = 80


class Source(Protocol):
    """Triangles that can be gone through more than once."""

    def chunks(self) -> Iterator[Triangles]:
        """All of them in their order; a chunk is good until the next one. Raises MeshFault as `read_stl` does."""
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
        self._file.seek(HEADER_BYTES)
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


class TextSource:
    """A text STL file as nearly all programs write it; one that differs is read by `read_stl`, which knows why it is wrong."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._otherwise: ArraySource | None = None

    def chunks(self) -> Iterator[Triangles]:
        """As many as a megabyte of text holds at a time."""
        if self._otherwise is None:
            told = 0
            for chunk in self._plain():
                if chunk is None:
                    break
                told += len(chunk)
                yield chunk
            else:
                return
            self._otherwise = ArraySource(read_stl(self._file))
            # What was told already is the same: only what follows was not understood.
            yield from ArraySource(self._otherwise.triangles()[told:]).chunks()
            return
        yield from self._otherwise.chunks()

    def triangles(self) -> Triangles:
        """Parsed, in parts that are put together."""
        parts = [chunk.copy() for chunk in self.chunks()]
        return np.concatenate(parts) if parts else np.empty((0, 3, 3), dtype=np.float32)

    def _plain(self) -> Iterator[Triangles | None]:
        """Chunks; None where something is not as it usually is."""
        self._file.seek(0)
        corners = np.empty((_TEXT_BYTES // _FACET_BYTES_MIN, 3, 3), dtype=np.float32)
        buffer = np.empty(2 * _TEXT_BYTES, dtype=np.uint8)
        kept = told = 0
        inside = False
        while True:
            part = self._file.read(_TEXT_BYTES)
            buffer[kept : kept + len(part)] = np.frombuffer(part, dtype=np.uint8)
            length = kept + len(part)
            used, facets, inside, understood = read_facets(buffer[:length], not part, inside, corners)
            if not understood or length - used > _TEXT_BYTES:
                yield None
                return
            told += facets
            if told > TRIANGLE_COUNT_MAX:
                raise MeshFault(
                    "mesh-too-large",
                    triangle_count=f"more than {TRIANGLE_COUNT_MAX}",
                    triangle_count_max=TRIANGLE_COUNT_MAX,
                )
            if facets:
                yield corners[:facets]
            kept = length - used
            buffer[:kept] = buffer[used:length].copy()
            if not part and not facets:
                if kept or inside:
                    yield None
                return


def source_of(what: BinaryIO | Triangles) -> Source:
    """What can be gone through. Raises MeshFault: not-a-model, mesh-truncated, mesh-too-large."""
    if isinstance(what, np.ndarray):
        return ArraySource(what)
    count = facets_announced(what)
    return TextSource(what) if count is None else BinarySource(what, count)
