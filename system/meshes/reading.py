"""What every reader of models takes and gives: limits, and a model with notes of what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.faults import MeshFault

Triangles = npt.NDArray[np.float32]
"""Shape (triangle, corner, axis)."""
Corners = npt.NDArray[np.float32]
"""Shape (corner, axis)."""
Numbers = npt.NDArray[np.int32]
"""Numbers of corners; shape (triangle, 3)."""

TRIANGLE_COUNT_MAX = 6_000_000
_FINITE_BLOCK = 1 << 13
CHUNK_BYTES = 4 << 20
"""How much of a long file is looked at at once."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader did that the model's owner should know. Its words are the asking service's, by the code."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """A model as triangles, in units of the file. `unit` is "mm", "cm", "m" or "in" when the file says so."""

    triangles: Triangles
    format: str
    unit: str | None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a file may ask for. Each is checked before it is spent: what is announced costs nothing.

    `depth_max` is of parts within parts, `instances_max` of parts placed, `elements_max` of elements of XML beside vertices and
    triangles, `described_bytes_max` of a description in JSON or a header, `unpacked_ratio_max` of bytes unpacked for each packed one.
    """

    triangles_max: int = TRIANGLE_COUNT_MAX
    corners_max: int = 2 * TRIANGLE_COUNT_MAX
    line_bytes_max: int = 1 << 18
    unpacked_bytes_max: int = 512 << 20
    unpacked_ratio_max: int = 200
    entries_max: int = 2_000
    instances_max: int = 20_000
    depth_max: int = 32
    elements_max: int = 500_000
    described_bytes_max: int = 4 << 20

    def refuse_triangles(self, count: int) -> None:
        """Raises mesh-too-large for more triangles than are read."""
        if count > self.triangles_max:
            raise MeshFault("mesh-too-large", triangle_count=count, triangle_count_max=self.triangles_max)

    def refuse_corners(self, count: int) -> None:
        """Raises model-beyond-limits for more corners than are read."""
        if count > self.corners_max:
            raise beyond("vertices", self.corners_max)

    def refuse_instances(self, count: int) -> None:
        """Raises model-beyond-limits for more parts than are placed."""
        if count > self.instances_max:
            raise beyond("parts", self.instances_max)


def beyond(what: str, most: int) -> MeshFault:
    """The fault of a file that has more of something than we take."""
    return MeshFault("model-beyond-limits", what=what, most=most)


def malformed() -> MeshFault:
    """The fault of a file that breaks the rules of its own format."""
    return MeshFault("mesh-malformed")


def unread(name: str) -> MeshFault:
    """The fault of a format, or a feature of one, that we know and do not read."""
    return MeshFault("format-known-not-read", format=name)


def external(name: str) -> MeshFault:
    """The fault of a model whose geometry lies in another file."""
    return MeshFault("external-reference", reference="".join(letter for letter in name if letter.isprintable())[:80])


def gathered(corners: npt.NDArray[np.floating[Any]], numbers: npt.NDArray[np.integer[Any]]) -> Triangles:
    """The triangles that have these corners. Raises mesh-malformed for a corner that there is not."""
    if len(numbers) == 0:
        return np.empty((0, 3, 3), dtype=np.float32)
    if int(numbers.min()) < 0 or int(numbers.max()) >= len(corners):
        raise malformed()
    with np.errstate(over="ignore"):
        return np.asarray(corners.astype(np.float32, copy=False)[numbers])


def placed(
    corners: npt.NDArray[np.floating[Any]],
    numbers: npt.NDArray[np.integer[Any]],
    matrix: npt.NDArray[np.float64] | None,
) -> Triangles:
    """The triangles where a matrix of 4 x 4 puts them (column vectors); one that mirrors does not turn the surface inside out.

    Corners are moved before they are repeated, so that those that were equal stay so.
    """
    if matrix is None:
        return gathered(corners, numbers)
    with np.errstate(over="ignore", invalid="ignore"):
        moved = corners.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    triangles = gathered(moved, numbers)
    return triangles[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else triangles


def together(parts: list[Triangles]) -> Triangles:
    """All of them, one after another."""
    if len(parts) == 1:
        return np.ascontiguousarray(parts[0])
    return np.concatenate(parts) if parts else np.empty((0, 3, 3), dtype=np.float32)


def are_finite(triangles: Triangles) -> bool:
    """Whether every coordinate is a number, block by block: what is noted of each is not the size of the model."""
    step = _FINITE_BLOCK
    return all(bool(np.isfinite(triangles[at : at + step]).all()) for at in range(0, len(triangles), step))


class Rows:
    """Rows that come one after another, how many nobody knows: the room doubles."""

    def __init__(self, columns: int, dtype: npt.DTypeLike, *, first: int = 1 << 14) -> None:
        self._rows = np.empty((first, columns), dtype=dtype)
        self.count = 0

    @property
    def free(self) -> npt.NDArray[Any]:
        """Where the next rows go."""
        return self._rows[self.count :]

    @property
    def taken(self) -> npt.NDArray[Any]:
        """The rows there are."""
        return self._rows[: self.count]

    def grow(self, at_least: int = 0) -> None:
        """Makes room for as many again, and for `at_least`."""
        wider = np.empty((max(2 * len(self._rows), self.count + at_least), self._rows.shape[1]), dtype=self._rows.dtype)
        wider[: self.count] = self.taken
        self._rows = wider


def bytes_of(text: bytes) -> npt.NDArray[np.uint8]:
    """A text as the compiled readers take it."""
    return np.frombuffer(text, dtype=np.uint8)
