"""The archive around a 3MF: its parts by name, unpacked piece by piece within limits. Nothing outside of it is ever opened."""

from __future__ import annotations

import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import unquote
from xml.parsers import expat

from system.meshes.beside import side_by_side
from system.meshes.faults import MeshFault
from system.meshes.reading import ReadLimits, beyond, external, malformed, unread

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _COMMENT_BYTES_MAX = 22, 20, 65_535
_ENTRY_BYTES_MAX = 1_000
"""A generous line of the archive's directory."""
_ENCRYPTED = 1
_PIECE_BYTES = 1 << 20
_AHEAD_FROM_BYTES = 4 << 20
"""A part that says it is as long is unpacked by a thread of its own, which takes as long to begin as some kilobytes to read."""
_FREE_BYTES = 8 << 20
"""So much may be unpacked from however little: a small description packs well."""
_RELATIONSHIPS = "_rels/.rels"
_MODEL = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
_USUAL = "3d/3dmodel.model"


class Package:
    """An archive that was found to be within limits. What is unpacked of all its parts is counted together."""

    def __init__(self, file: BinaryIO, size_bytes: int, limits: ReadLimits) -> None:
        """Raises MeshFault: mesh-truncated, mesh-malformed, package-unsafe, model-beyond-limits."""
        self._limits = limits
        self._unpacked_bytes = 0
        most = limits.entries_max * _ENTRY_BYTES_MAX
        if _directory_bytes(file, size_bytes) > most:
            raise beyond("entries of the archive", limits.entries_max)
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, OSError, EOFError) as error:
            raise malformed() from error
        entries = self._archive.infolist()
        if len(entries) > limits.entries_max:
            raise beyond("entries of the archive", limits.entries_max)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            if _is_unsafe(entry.filename):
                raise MeshFault("package-unsafe", reason="names outside of the archive")
            if self._entries.setdefault(entry.filename.lower(), entry) is not entry:
                raise MeshFault("package-unsafe", reason="two entries of one name")

    def root(self) -> str:
        """The name of the part that the archive says is its model."""
        if _RELATIONSHIPS not in self._entries:
            return self._known(_USUAL)
        found: list[str] = []

        def started(name: str, attributes: dict[str, str]) -> None:
            if name.endswith("Relationship") and attributes.get("Type") == _MODEL:
                if attributes.get("TargetMode", "").lower() == "external":
                    raise external(attributes.get("Target", ""))
                found.append(attributes.get("Target", ""))

        parser = hardened()
        parser.StartElementHandler = started
        content = b"".join(self.pieces(_RELATIONSHIPS, most=self._limits.line_bytes_max))
        feed(parser, content, is_last=True)
        return self.named(found[0], beside="") if found else self._known(_USUAL)

    def named(self, target: str, *, beside: str) -> str:
        """The part that a part `beside` it calls by this name. Raises external-reference for what is not in the archive."""
        if re.match(r"[a-z][a-z0-9+.-]*:|//|\\", target, re.IGNORECASE):
            raise external(target)
        joined = target if target.startswith("/") else posixpath.join("/", posixpath.dirname(beside), target)
        return self._known(unquote(posixpath.normpath(joined)).lstrip("/"))

    def _known(self, name: str) -> str:
        if name.lower() not in self._entries:
            raise external(name)
        return name.lower()

    def pieces(self, name: str, *, most: int | None = None) -> Iterator[bytes]:
        """The part's bytes, at most `most`. Raises mesh-malformed, package-unsafe, format-known-not-read, model-beyond-limits."""
        entry = self._entries[name]
        if entry.flag_bits & _ENCRYPTED:
            raise unread("3MF, encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise unread("3MF, packed in an unusual way")
        part_bytes = 0
        try:
            with self._archive.open(entry) as part:
                while piece := part.read(_PIECE_BYTES):
                    part_bytes += len(piece)
                    self._count(len(piece), part_bytes, entry.compress_size)
                    if most is not None and part_bytes > most:
                        raise beyond("bytes of a description", most)
                    yield piece
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            RuntimeError,
            EOFError,
            OSError,
            struct.error,
        ) as error:
            raise malformed() from error

    def pieces_ahead(self, name: str) -> Iterator[bytes]:
        """The same, each unpacked while whoever asks for them reads the one before it."""
        pieces = self.pieces(name)
        if self._entries[name].file_size < _AHEAD_FROM_BYTES:
            yield from pieces
            return
        with side_by_side(1) as beside:
            coming = beside.submit(next, pieces, b"")
            while piece := coming.result():
                coming = beside.submit(next, pieces, b"")
                yield piece

    def _count(self, piece_bytes: int, part_bytes: int, packed_bytes: int) -> None:
        self._unpacked_bytes += piece_bytes
        if self._unpacked_bytes > self._limits.unpacked_bytes_max:
            raise beyond("bytes unpacked", self._limits.unpacked_bytes_max)
        if part_bytes > _FREE_BYTES and part_bytes > packed_bytes * self._limits.unpacked_ratio_max:
            raise MeshFault("package-unsafe", reason="packed suspiciously well")


def hardened(between: str | None = None) -> expat.XMLParserType:
    """A parser of XML in UTF-8 that knows no entities but XML's own: whoever declares any, or a document type at all, is refused.

    With `between`, names are those of their namespace, it, and their own.
    """
    parser = expat.ParserCreate("utf-8", between)
    parser.StartDoctypeDeclHandler = _refuse_doctype
    if hasattr(parser, "SetReparseDeferralEnabled"):
        # What it was given whole it shall tell at once; pieces of one tag are short here.
        parser.SetReparseDeferralEnabled(False)
    return parser


def feed(parser: expat.XMLParserType, content: bytes, *, is_last: bool = False) -> None:
    """Gives it more. Raises MeshFault: mesh-malformed, and what its handlers raise."""
    try:
        parser.Parse(content, is_last)
    except (expat.ExpatError, ValueError) as error:
        raise malformed() from error


def _refuse_doctype(*_: object) -> None:
    raise MeshFault("package-unsafe", reason="a document type")


def _is_unsafe(name: str) -> bool:
    return name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or "\0" in name


def _directory_bytes(file: BinaryIO, size_bytes: int) -> int:
    """How long the archive's directory says it is: looked at before it is read, for each of its lines becomes an object."""
    start = max(0, size_bytes - _END_BYTES - _COMMENT_BYTES_MAX - _LOCATOR_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or at + _END_BYTES > len(tail):
        raise MeshFault("mesh-truncated")
    (length,) = struct.unpack_from("<I", tail, at + 12)
    if at >= _LOCATOR_BYTES and tail[at - _LOCATOR_BYTES : at - _LOCATOR_BYTES + 4] == _LOCATOR_64:
        (there,) = struct.unpack_from("<Q", tail, at - _LOCATOR_BYTES + 8)
        if there > size_bytes:
            raise malformed()
        file.seek(there)
        record = file.read(56)
        if len(record) < 56 or record[:4] != _END_64:
            raise malformed()
        (length,) = struct.unpack_from("<Q", record, 40)
    return int(length)
