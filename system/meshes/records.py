"""The records of a binary STL file, in chunks that stay in the processor's cache. They are read, not mapped: a mapped file that
somebody shortens would end the process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from system.meshes.faults import MeshFault
from system.meshes.reading import Triangles
from system.meshes.recognise import STL_FACET_BYTES, STL_HEADER_BYTES

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
"""One record."""
_BLOCKS = np.dtype({"names": ["corners"], "formats": ["V36"], "offsets": [12], "itemsize": FACET.itemsize})
"""The same with all corners as one block: copied in half the time."""
CHUNK = 4096
"""Triangles at a time: a fifth of a megabyte of the file."""
FIRST_CHUNK = 256
"""The first chunk is short: it is enough to see whether the file has an order."""


def records_of(file: BinaryIO, first: int, count: int) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """So many records from `first` on, each chunk with how many came before it, and good until the next one.

    Raises MeshFault mesh-truncated.
    """
    place = STL_HEADER_BYTES + first * STL_FACET_BYTES
    descriptor = file.fileno() if is_of_the_system(file) else None
    if descriptor is None:
        file.seek(place)
    records = np.empty(min(CHUNK, count), dtype=FACET)
    for start, end in chunks_of(count):
        view = records[: end - start].view(np.uint8).data
        filled = 0
        while filled < len(view):
            left = view[filled:]
            got = file.readinto(left) if descriptor is None else os.preadv(descriptor, [left], place)  # type: ignore[attr-defined]
            if not got:
                raise MeshFault("mesh-truncated")
            filled += got
            place += got
        yield start, records[: end - start]


def copy_corners(records: npt.NDArray[Any], triangles: Triangles) -> None:
    """Puts the corners of so many records into as many triangles, contiguous float32 of shape (n, 3, 3)."""
    triangles.reshape(-1, 9).view("V36")[:, 0] = records.view(_BLOCKS)["corners"]


def chunks_of(count: int) -> Iterator[tuple[int, int]]:
    """Where each chunk of so many triangles begins and ends."""
    return pairwise(chain((0,), range(FIRST_CHUNK, count, CHUNK), (count,)))


def parts_of(file: BinaryIO, first: int, count: int, parts: int) -> Sequence[tuple[int, int]]:
    """The first record and the number of records of each part that can be read at one time with the others."""
    if not is_of_the_system(file):
        return [(first, count)]
    ends = [first + count * number // parts for number in range(parts + 1)]
    return [(begin, end - begin) for begin, end in pairwise(ends)]


def is_of_the_system(file: BinaryIO) -> bool:
    """Whether it can be read at several places at a time."""
    try:
        file.fileno()
    except (OSError, AttributeError):
        return False
    return True
