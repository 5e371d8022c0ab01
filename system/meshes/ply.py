"""Reads PLY (Stanford polygons): in words or in bytes of either order, elements and properties in any order and of any type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from system.meshes.faults import MeshFault
from system.meshes.reading import (
    CHUNK_BYTES,
    Corners,
    Model,
    Note,
    ReadLimits,
    Rows,
    beyond,
    bytes_of,
    gathered,
    malformed,
    unread,
)
from system.meshes.recognise import HEAD_BYTES_MAX, PLY

TYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")
"""The types of numbers, by numpy's names."""
_TYPE_OF = {
    name: TYPES.index(short)
    for short, names in {
        "i1": "char int8", "u1": "uchar uint8", "i2": "short int16", "u2": "ushort uint16",
        "i4": "int int32", "u4": "uint uint32", "f4": "float float32", "f8": "double float64",
    }.items()
    for name in names.split()
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_END = re.compile(rb"[\r\n][ \t]*end_header[ \t]*(\r\n|\r|\n)")
_ELEMENTS_MAX = 100
_PROPERTIES_MAX = 500
_SKIP, _CORNER, _SKIP_LIST, _FACE = 0, {"x": 1, "y": 2, "z": 3}, 4, 5
"""What is done with a property, as kernels/ply.py says it."""


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    type: int
    counted_by: int | None = None
    """The type of a list's length; None for one number."""


@dataclass(frozen=True, slots=True)
class _Element:
    name: str
    count: int
    properties: tuple[_Property, ...]

    @property
    def has_lists(self) -> bool:
        return any(each.counted_by is not None for each in self.properties)

    @property
    def kinds(self) -> npt.NDArray[np.int64]:
        return np.array([self._kind(each) for each in self.properties], dtype=np.int64)

    @property
    def types(self) -> npt.NDArray[np.int64]:
        return np.array([[each.counted_by or 0, each.type] for each in self.properties], dtype=np.int64)

    def _kind(self, each: _Property) -> int:
        if each.counted_by is not None:
            is_face = self.name == "face" and each.name in ("vertex_indices", "vertex_index")
            return _FACE if is_face else _SKIP_LIST
        return _CORNER.get(each.name, _SKIP) if self.name == "vertex" else _SKIP

    def row_bytes(self, *, in_words: bool) -> int:
        """The fewest bytes that one row can have."""
        counted = [each.type if each.counted_by is None else each.counted_by for each in self.properties]
        return sum(2 if in_words else int(TYPES[each][1]) for each in counted)


def read_ply(file: BinaryIO, size_bytes: int, limits: ReadLimits) -> Model:
    """The triangles of its faces. A polygon is a fan from its first corner, which is right for a convex one: it is noted.

    Raises MeshFault: mesh-truncated, mesh-malformed, mesh-decimal-comma, mesh-too-large, format-known-not-read, model-beyond-limits.
    """
    order, elements, body_at = _header(file.read(HEAD_BYTES_MAX), size_bytes)
    file.seek(body_at)
    _refuse(elements, size_bytes - body_at, limits, in_words=not order)
    found = _Found(limits)
    for element in elements:
        if not element.count:
            continue
        if not order:
            found.read_words(file, element)
        elif element.has_lists:
            found.read_lists(file, element, order)
        else:
            found.read_scalars(file, element, order)
        if found.is_whole(elements):
            break
    if found.counts[0]:
        from system.meshes.kernels.polygons import WORK_MAX, cut_polygons

        cut_polygons(found.corners, found.faces.taken, WORK_MAX)
    notes = (Note("polygons-split", {"facets": int(found.counts[0])}),) if found.counts[0] else ()
    return Model(gathered(found.corners, found.faces.taken), PLY, None, notes)


def _header(head: bytes, size_bytes: int) -> tuple[str, list[_Element], int]:
    """The order of bytes, empty for words; the elements; and where they begin."""
    end = _END.search(head)
    if end is None:
        if size_bytes <= len(head):
            raise MeshFault("mesh-truncated")
        raise beyond("bytes of a header", HEAD_BYTES_MAX)
    # A file whose lines end with a carriage return alone may have a line feed as its first byte.
    ends_alone = re.match(rb"ply[ \t]*\r(?!\n)", head) is not None
    body_at = end.start(1) + 1 if ends_alone else end.end()
    order: str | None = None
    elements: list[_Element] = []
    for line in re.split(r"[\r\n]+", head[: end.start()].decode("latin-1"))[1:]:
        words = line.split()
        if not words or words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "format" and len(words) == 3 and words[1] in _ORDERS and order is None:
            order = _ORDERS[words[1]]
        elif words[0] == "element" and len(words) == 3 and re.fullmatch(r"\d{1,12}", words[2], re.ASCII):
            elements.append(_Element(words[1], int(words[2]), ()))
        elif words[0] == "property" and elements:
            last = elements[-1]
            elements[-1] = _Element(last.name, last.count, (*last.properties, _property(words)))
        else:
            raise malformed()
        if len(elements) > _ELEMENTS_MAX or (elements and len(elements[-1].properties) > _PROPERTIES_MAX):
            raise beyond("properties", _PROPERTIES_MAX)
    if order is None:
        raise malformed()
    return order, elements, body_at


def _property(words: list[str]) -> _Property:
    try:
        if words[1] == "list":
            _, _, counted_by, kind, name = words
            return _Property(name, _TYPE_OF[kind], _TYPE_OF[counted_by])
        _, kind, name = words
        return _Property(name, _TYPE_OF[kind])
    except (ValueError, KeyError, IndexError) as error:
        raise malformed() from error


def _refuse(elements: list[_Element], left_bytes: int, limits: ReadLimits, *, in_words: bool) -> None:
    """Raises MeshFault for what cannot be there or is too much, before anything is read."""
    names = [element.name for element in elements]
    if "tristrips" in names:
        raise unread("PLY with strips of triangles")
    if names.count("vertex") != 1 or names.count("face") > 1:
        raise malformed()
    for element in elements:
        kinds = element.kinds.tolist()
        if element.count and not kinds:
            raise malformed()
        if element.name == "vertex" and any(kinds.count(kind) != 1 for kind in _CORNER.values()):
            raise malformed()
        if element.name == "face" and element.count and kinds.count(_FACE) != 1:
            raise malformed()
        # The last row of words may end with the file.
        if element.count * element.row_bytes(in_words=in_words) > left_bytes + 1:
            raise MeshFault("mesh-truncated")
        if element.name == "vertex":
            limits.refuse_corners(element.count)
        elif element.name == "face":
            limits.refuse_triangles(element.count)


class _Found:
    """What was read so far."""

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self._rest = b""
        self.corners: Corners = np.empty((0, 3), dtype=np.float32)
        self.faces = Rows(3, np.int32)
        self.counts = np.zeros(1, dtype=np.int64)
        self._done: set[str] = set()

    def is_whole(self, elements: list[_Element]) -> bool:
        """Whether everything that makes a surface was read; what comes after it is of no interest."""
        wanted = {each.name for each in elements if each.count and each.name in ("vertex", "face")}
        return wanted <= self._done

    def read_words(self, file: BinaryIO, element: _Element) -> None:
        """Rows of words."""
        from system.meshes.kernels.ply import ply_words

        self._start(element)
        kinds = element.kinds
        corners = self.corners
        done, text, is_ended = 0, self._rest, False
        while True:
            data = bytes_of(text)
            at, status = 0, _FULL
            while status == _FULL:
                own = corners[done:] if element.name == "vertex" else corners
                at, rows, triangles, status = ply_words(
                    data, at, len(data), element.count - done, kinds, own, self.faces.free, self.counts
                )
                done += rows
                self._took(triangles, status, room=len(text) // 2 if not rows else 0)
            self._rest = text[at:]
            if done == element.count:
                return
            self._refuse_rest(self._rest, is_ended=is_ended)
            chunk = file.read(CHUNK_BYTES)
            is_ended = not chunk
            # The end of the file ends a word too.
            text = self._rest + (chunk or b"\n")

    def read_lists(self, file: BinaryIO, element: _Element, order: str) -> None:
        """Rows of bytes with lists among them."""
        self._start(element)
        done = self._read_triangles(file, element, order) if element.name == "face" else 0
        if done == element.count:
            return
        from system.meshes.kernels.ply import ply_bytes

        kinds, types = element.kinds, element.types
        corners = self.corners
        rest = b""
        while done < element.count:
            chunk = file.read(CHUNK_BYTES)
            text = rest + chunk
            data = bytes_of(text)
            at, status = 0, _FULL
            while status == _FULL:
                own = corners[done:] if element.name == "vertex" else corners
                at, rows, triangles, status = ply_bytes(
                    data,
                    at,
                    len(data),
                    element.count - done,
                    kinds,
                    types,
                    order == ">",
                    own,
                    self.faces.free,
                    self.counts,
                )
                done += rows
                self._took(triangles, status, room=len(text) if not rows else 0)
            rest = text[at:]
            if done < element.count:
                self._refuse_rest(rest, is_ended=not chunk)
        file.seek(-len(rest), 1)

    def _read_triangles(self, file: BinaryIO, element: _Element, order: str) -> int:
        """Reads faces as long as all are triangles laid out alike, which most files are; how many. The file stands after them."""
        dtype = _triangle_dtype(element, order)
        if dtype is None:
            return 0
        done = 0
        step = max(1, CHUNK_BYTES // dtype.itemsize)
        while done < element.count:
            wanted = min(step, element.count - done)
            at = file.tell()
            body = file.read(wanted * dtype.itemsize)
            rows = np.frombuffer(body[: len(body) // dtype.itemsize * dtype.itemsize], dtype=dtype)
            if len(rows) < wanted or (rows["sides"] != 3).any():
                file.seek(at)
                return done
            numbers = rows["numbers"].astype(np.int64)
            if numbers.min() < 0 or numbers.max() >= 2**31 - 1:
                raise malformed()
            if len(self.faces.free) < wanted:
                self.faces.grow(wanted)
            self.faces.free[:wanted] = numbers
            self.faces.count += wanted
            done += wanted
        return done

    def read_scalars(self, file: BinaryIO, element: _Element, order: str) -> None:
        """Rows of bytes, all of one length."""
        self._start(element)
        fields = [(f"{place}", order + TYPES[each.type]) for place, each in enumerate(element.properties)]
        dtype = np.dtype(fields)
        if element.name != "vertex":
            file.seek(dtype.itemsize * element.count, 1)
            return
        kinds = element.kinds.tolist()
        step = max(1, CHUNK_BYTES // dtype.itemsize)
        for start in range(0, element.count, step):
            wanted = min(step, element.count - start)
            body = file.read(wanted * dtype.itemsize)
            if len(body) < wanted * dtype.itemsize:
                raise MeshFault("mesh-truncated")
            rows = np.frombuffer(body, dtype=dtype)
            with np.errstate(over="ignore"):
                for axis, kind in enumerate(_CORNER.values()):
                    self.corners[start : start + wanted, axis] = rows[f"{kinds.index(kind)}"]

    def _start(self, element: _Element) -> None:
        self._done.add(element.name)
        if element.name == "vertex":
            self.corners = np.empty((element.count, 3), dtype=np.float32)

    def _took(self, triangles: int, status: int, *, room: int) -> None:
        self.faces.count += triangles
        self._limits.refuse_triangles(self.faces.count)
        if status == _COMMA:
            raise MeshFault("mesh-decimal-comma")
        if status == _MALFORMED:
            raise malformed()
        if status == _FULL:
            self.faces.grow(room)

    def _refuse_rest(self, rest: bytes, *, is_ended: bool) -> None:
        if is_ended:
            raise MeshFault("mesh-truncated")
        if len(rest) > self._limits.line_bytes_max:
            raise beyond("bytes of one line", self._limits.line_bytes_max)


_FULL, _MALFORMED, _COMMA = 1, 2, 3
"""As kernels/words.py says them, which is not imported for a file that needs no compiler."""


def _triangle_dtype(element: _Element, order: str) -> np.dtype[np.void] | None:
    """One row, were its face a triangle and had it no other lists."""
    fields: list[tuple[str, str] | tuple[str, str, int]] = []
    for place, (each, kind) in enumerate(zip(element.properties, element.kinds.tolist(), strict=True)):
        if kind == _FACE:
            if each.type > 5 or each.counted_by is None:
                return None
            fields += [("sides", order + TYPES[each.counted_by]), ("numbers", order + TYPES[each.type], 3)]
        elif kind == _SKIP_LIST:
            return None
        else:
            fields.append((f"p{place}", order + TYPES[each.type]))
    return np.dtype(fields)
