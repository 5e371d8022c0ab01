"""Puts the parts of a 3MF together: what its build asks for, where it asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from system.meshes.reading import Model, Note, ReadLimits, Triangles, beyond, malformed, placed, together
from system.meshes.recognise import THREE_MF
from system.meshes.threemf.markup import Markup, Object, Part, Placed, Spent
from system.meshes.threemf.package import Package

_UNITS = {
    "micron": ("mm", 0.001),
    "millimeter": ("mm", 1.0),
    "centimeter": ("cm", 1.0),
    "inch": ("in", 1.0),
    "foot": ("in", 12.0),
    "meter": ("m", 1.0),
}
"""What they are called here, and how many of those one of theirs is."""
_NOT_MADE = frozenset({"support", "solidsupport"})
Key = tuple[str, str]
"""Of an object: the name of its part, and its id there."""


def read_3mf(file: BinaryIO, size_bytes: int, limits: ReadLimits) -> Model:
    """The triangles of all that is built. Supports, and what is marked as not to be made, are left out, and noted.

    Raises MeshFault: mesh-truncated, mesh-malformed, mesh-decimal-comma, mesh-too-large, external-reference, package-unsafe,
    format-known-not-read, model-beyond-limits.
    """
    package = Package(file, size_bytes, limits)
    assembly = _Assembly(package, limits)
    root = package.root()
    part = assembly.part(root)
    if part.unit not in _UNITS:
        raise malformed()
    unit, scale = _UNITS[part.unit]
    wanted = [item for item in part.items if not item.is_left_out]
    left_out = len(part.items) - len(wanted)
    # Counted before anything is placed: a hundred objects of two components each are more than there are atoms.
    sizes = [assembly.size(assembly.key(item, root), ()) for item in wanted]
    limits.refuse_instances(sum(size.instances for size in sizes))
    limits.refuse_triangles(sum(size.triangles for size in sizes))
    base = None if scale == 1.0 else np.diag([scale, scale, scale, 1.0])
    parts = [triangles for item in wanted for triangles in assembly.placed(item, root, base)]
    left_out += sum(size.left_out for size in sizes)
    notes = (Note("parts-left-out", {"parts": left_out}),) if left_out else ()
    return Model(together(parts), THREE_MF, unit, notes)


@dataclass(frozen=True, slots=True)
class _Size:
    instances: int
    triangles: int
    left_out: int


@dataclass(slots=True)
class _Assembly:
    package: Package
    limits: ReadLimits
    spent: Spent = field(default_factory=Spent)
    parts: dict[str, Part] = field(default_factory=dict)
    sizes: dict[Key, _Size] = field(default_factory=dict)

    def part(self, name: str) -> Part:
        """What the part of this name describes; read once."""
        if name not in self.parts:
            self.parts[name] = Markup(self.limits, self.spent).read(self.package.pieces_ahead(name))
        return self.parts[name]

    def key(self, thing: Placed, beside: str) -> Key:
        """Which object is meant by what stands in the part `beside`."""
        return (self.package.named(thing.path, beside=beside) if thing.path else beside), thing.object_id

    def object(self, key: Key) -> Object:
        """The object. Raises mesh-malformed when there is none."""
        found = self.part(key[0]).objects.get(key[1])
        if found is None:
            raise malformed()
        return found

    def size(self, key: Key, above: tuple[Key, ...]) -> _Size:
        """How much an object would be once placed. Raises MeshFault for one that is part of itself, or lies too deep."""
        if key in self.sizes:
            return self.sizes[key]
        if key in above:
            raise malformed()
        if len(above) >= self.limits.depth_max:
            raise beyond("parts within parts", self.limits.depth_max)
        found = self.object(key)
        if found.kind in _NOT_MADE:
            size = _Size(1, 0, 1)
        else:
            inner = [self.size(self.key(each, key[0]), (*above, key)) for each in found.components]
            size = _Size(
                1 + sum(each.instances for each in inner),
                len(found.numbers) + sum(each.triangles for each in inner),
                sum(each.left_out for each in inner),
            )
        self.sizes[key] = size
        return size

    def placed(self, thing: Placed, beside: str, above: npt.NDArray[np.float64] | None) -> Iterator[Triangles]:
        """The triangles of an object and of those in it."""
        matrix = _within(above, thing.matrix)
        key = self.key(thing, beside)
        found = self.object(key)
        if found.kind in _NOT_MADE:
            return
        if len(found.numbers):
            yield placed(found.corners, found.numbers, matrix)
        for each in found.components:
            yield from self.placed(each, key[0], matrix)


def _within(
    outer: npt.NDArray[np.float64] | None, inner: npt.NDArray[np.float64] | None
) -> npt.NDArray[np.float64] | None:
    if outer is None or inner is None:
        return inner if outer is None else outer
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(outer @ inner, dtype=np.float64)
