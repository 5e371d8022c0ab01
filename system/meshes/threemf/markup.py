"""The XML of one part of a 3MF. What there are few of goes through expat; vertices and triangles, by the million, go past it.

Expat is fed up to the tag that opens them, and says whether that really is one; then kernels/xml.py reads up to whatever is no vertex
any more, which is the closing tag, and expat goes on there.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from system.meshes.faults import MeshFault
from system.meshes.kernels.words import COMMA, FULL, MALFORMED, STOPPED
from system.meshes.kernels.xml import xml_rows
from system.meshes.reading import Corners, Numbers, ReadLimits, Rows, beyond, bytes_of, malformed, unread
from system.meshes.threemf.package import feed, hardened

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
_HARMLESS = frozenset(
    {
        CORE,
        PRODUCTION,
        "http://schemas.microsoft.com/3dmanufacturing/material/2015/02",
        "http://schemas.microsoft.com/3dmanufacturing/trianglesets/2021/07",
    }
)
"""Extensions that leave the geometry as the core says it."""
_SHAPES = frozenset({"beamlattice", "booleanshape", "levelset", "volumetricstack", "displacementmesh", "slicestack"})
"""Elements of other extensions that are geometry: without them the model would be another one."""
_OPENS = re.compile(rb"<((?:[A-Za-z_][\w.-]{0,100}:)?)(vertices|triangles)(?=[\s>/])[^<>]*>")
_TAG_BYTES_MAX = 1 << 16
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Placed:
    """An object put somewhere: its id, the part it is described in (none for the same one), and a matrix of 4 x 4."""

    object_id: str
    path: str | None
    matrix: npt.NDArray[np.float64] | None
    is_left_out: bool = False


@dataclass(slots=True)
class Object:
    """A mesh, or other objects put together."""

    kind: str
    corners: Corners = field(default_factory=lambda: np.empty((0, 3), dtype=np.float32))
    numbers: Numbers = field(default_factory=lambda: np.empty((0, 3), dtype=np.int32))
    components: list[Placed] = field(default_factory=list)


@dataclass(slots=True)
class Part:
    """What one part of the package describes."""

    unit: str = "millimeter"
    objects: dict[str, Object] = field(default_factory=dict)
    items: list[Placed] = field(default_factory=list)


@dataclass(slots=True)
class Spent:
    """What all parts of a package took together."""

    elements: int = 0
    corners: int = 0
    triangles: int = 0


class Markup:
    """Reads one part."""

    def __init__(self, limits: ReadLimits, spent: Spent) -> None:
        self._limits = limits
        self._spent = spent
        self._parser = hardened(" ")
        self._parser.StartElementHandler = self._started
        self._parser.EndElementHandler = self._ended
        self._parser.StartNamespaceDeclHandler = self._declared
        self._spaces: dict[str, str] = {}
        self._path: list[str] = []
        self._object: Object | None = None
        self._opened: str | None = None
        self.part = Part()

    def read(self, pieces: Iterable[bytes]) -> Part:
        """The part of this text. Raises MeshFault: mesh-malformed, package-unsafe, format-known-not-read, model-beyond-limits, ..."""
        text, rows = b"", None
        name = b""
        for piece in _in_utf8(pieces):
            text += piece
            while True:
                if rows is None:
                    text, name = self._describe(text)
                    if not name:
                        break
                    rows = Rows(3, np.float64, first=1 << 12)
                text, is_over = self._fill(text, name, rows)
                if not is_over:
                    break
                self._keep(rows.taken, are_numbers=name.endswith(b"triangle"))
                rows = None
        if rows is not None:
            raise MeshFault("mesh-truncated")
        feed(self._parser, text, is_last=True)
        return self.part

    def _describe(self, text: bytes) -> tuple[bytes, bytes]:
        """Gives expat all up to a tag that opens vertices or triangles, and says the name of one; or all that is whole."""
        at = 0
        for found in _OPENS.finditer(text):
            self._opened = None
            self._spend_element()
            feed(self._parser, text[at : found.end()])
            at = found.end()
            if self._opened == found[2].decode():
                self._opened = None
                return text[at:], found[1] + (b"vertex" if found[2] == b"vertices" else b"triangle")
        # A tag may go on in the next piece.
        cut = text.rfind(b"<", at)
        if cut < 0 or text.find(b">", cut) >= 0:
            cut = len(text)
        if len(text) - cut > _TAG_BYTES_MAX:
            raise beyond("bytes of one tag", _TAG_BYTES_MAX)
        feed(self._parser, text[at:cut])
        return text[cut:], b""

    def _fill(self, text: bytes, name: bytes, rows: Rows) -> tuple[bytes, bool]:
        """Reads vertices or triangles; what is left of the text, and whether something else comes now."""
        are_numbers = name.endswith(b"triangle")
        data, word = bytes_of(text), bytes_of(name)
        at = 0
        while True:
            at, count, status = xml_rows(data, at, len(data), word, are_numbers, rows.free)
            rows.count += count
            if are_numbers:
                self._limits.refuse_triangles(self._spent.triangles + rows.count)
            else:
                self._limits.refuse_corners(self._spent.corners + rows.count)
            if status == FULL:
                rows.grow()
            elif status == STOPPED and text.startswith(b"<!--", at) and (end := text.find(b"-->", at + 4)) >= 0:
                self._spend_element()
                at = end + 3
            else:
                break
        if status == COMMA:
            raise MeshFault("mesh-decimal-comma")
        if status == MALFORMED:
            raise malformed()
        is_over = status == STOPPED and not text.startswith(b"<!--", at)
        if text.startswith(b"</", at) and text.find(b">", at) >= 0:
            # A closing tag may be shorter than a vertex.
            is_over = True
        if not is_over and len(text) - at > _TAG_BYTES_MAX:
            raise beyond("bytes of one tag", _TAG_BYTES_MAX)
        return text[at:], is_over

    def _keep(self, rows: npt.NDArray[np.float64], *, are_numbers: bool) -> None:
        assert self._object is not None
        if are_numbers:
            self._object.numbers = rows.astype(np.int32)
            self._spent.triangles += len(rows)
        else:
            with np.errstate(over="ignore"):
                self._object.corners = rows.astype(np.float32)
            self._spent.corners += len(rows)

    def _declared(self, prefix: str | None, space: str | None) -> None:
        self._spaces[prefix or ""] = space or ""
        if len(self._spaces) > self._limits.entries_max:
            raise beyond("namespaces", self._limits.entries_max)

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        self._spend_element()
        if len(self._path) >= self._limits.depth_max:
            raise beyond("elements within elements", self._limits.depth_max)
        space, _, local = name.rpartition(" ")
        self._path.append(local)
        if space != CORE:
            if local in _SHAPES:
                raise unread(f"3MF with {local}")
            return
        match self._path:
            case ["model"]:
                self._model(attributes)
            case ["model", "resources", "object"]:
                self._object = Object(attributes.get("type", "model"))
                if self.part.objects.setdefault(attributes.get("id", ""), self._object) is not self._object:
                    raise malformed()
            case ["model", "resources", "object", "components", "component"]:
                assert self._object is not None
                self._object.components.append(_placed(attributes))
            case ["model", "resources", "object", "mesh", ("vertices" | "triangles") as opened]:
                assert self._object is not None
                if len(self._object.corners if opened == "vertices" else self._object.numbers):
                    raise malformed()
                self._opened = opened
            case ["model", "build", "item"]:
                self.part.items.append(_placed(attributes))
            case [*_, "vertex" | "triangle"]:
                # One that was not where such things are.
                raise malformed()

    def _ended(self, name: str) -> None:
        self._path.pop()
        if self._opened is not None and name.endswith(self._opened):
            # It was empty: nothing is read past expat.
            self._opened = None

    def _spend_element(self) -> None:
        self._spent.elements += 1
        if self._spent.elements > self._limits.elements_max:
            raise beyond("elements", self._limits.elements_max)

    def _model(self, attributes: dict[str, str]) -> None:
        self.part.unit = attributes.get("unit", "millimeter").strip()
        for prefix in attributes.get("requiredextensions", "").split():
            space = self._spaces.get(prefix, prefix)
            if space not in _HARMLESS:
                raise unread(f"3MF with {space[:200].rstrip('/').split('3dmanufacturing/')[-1][:60]}")


def _placed(attributes: dict[str, str]) -> Placed:
    path = attributes.get(f"{PRODUCTION} path")
    return Placed(
        attributes.get("objectid", ""),
        path,
        _matrix(attributes["transform"]) if "transform" in attributes else None,
        is_left_out=attributes.get("printable") in ("0", "false"),
    )


def _matrix(text: str) -> npt.NDArray[np.float64]:
    """Twelve numbers, of four rows that a row vector is multiplied with, as a matrix for column vectors."""
    words = text.split(None, 12)
    try:
        numbers = np.array([float(word) for word in words], dtype=np.float64)
    except ValueError as error:
        raise malformed() from error
    if numbers.shape != (12,) or not np.isfinite(numbers).all():
        raise malformed()
    matrix = np.eye(4)
    matrix[:3] = numbers.reshape(4, 3).T
    return matrix


def _in_utf8(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in UTF-8, whatever its mark at the beginning says; without a mark it is in UTF-8."""
    decoder = None
    for number, piece in enumerate(pieces):
        if number == 0:
            for mark, encoding in _MARKS:
                if piece.startswith(mark):
                    piece = piece[len(mark) :]
                    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
                    break
        try:
            yield decoder.decode(piece).encode() if decoder else piece
        except UnicodeError as error:
            raise malformed() from error
