"""The description of a glTF and its buffers, which must be in the same file: nothing else is ever opened."""

from __future__ import annotations

import binascii
import json
import re
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

from system.meshes.faults import MeshFault
from system.meshes.reading import ReadLimits, beyond, external, malformed, unread

_HEADER_BYTES, _CHUNK_HEADER_BYTES = 12, 8
_JSON, _BINARY = b"JSON", b"BIN\0"
# A shorter buffer stays where it is.
_DATA = re.compile(rb'"data:[a-zA-Z0-9.+/-]{0,80}(?:;[a-zA-Z0-9=-]{0,40}){0,4},([^"\\]{1000,})"')
_STANDS_FOR = "data:,"


@dataclass(frozen=True, slots=True)
class Container:
    """The description, the bytes beside it, and those in it: `data:,7` there stands for the seventh."""

    described: dict[str, Any]
    body: bytes | None
    embedded: tuple[memoryview, ...] = ()

    def buffer(self, number: int) -> bytes:
        """The bytes of a buffer. Raises MeshFault: external-reference, mesh-malformed, mesh-truncated."""
        told = one_of(self.described, "buffers", number)
        length = whole(told.get("byteLength"))
        uri = told.get("uri")
        if uri is None:
            content = self.body if number == 0 else None
            if content is None:
                raise malformed()
        elif not isinstance(uri, str):
            raise malformed()
        elif uri.startswith(_STANDS_FOR) and uri[len(_STANDS_FOR) :].isdecimal():
            content = _decoded(self.embedded[int(uri[len(_STANDS_FOR) :])])
        elif uri.startswith("data:"):
            content = _decoded(uri.partition(",")[2].encode())
        else:
            raise external(uri)
        if len(content) < length:
            raise MeshFault("mesh-truncated")
        return content


def open_glb(file: BinaryIO, size_bytes: int, limits: ReadLimits) -> Container:
    """A GLB. Raises MeshFault: mesh-truncated, mesh-malformed, format-known-not-read, model-beyond-limits."""
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        raise MeshFault("mesh-truncated")
    _, version, length = struct.unpack("<4sII", header)
    if version != 2:
        raise unread(f"glTF of version {version}")
    if length > size_bytes:
        raise MeshFault("mesh-truncated")
    kind, json_bytes = _chunk(file)
    if kind != _JSON or json_bytes > length:
        raise malformed()
    if json_bytes > limits.described_bytes_max:
        raise beyond("bytes of a description", limits.described_bytes_max)
    described = _described(file.read(json_bytes))
    body = None
    if file.tell() + _CHUNK_HEADER_BYTES <= length:
        kind, body_bytes = _chunk(file)
        if kind == _BINARY:
            if body_bytes > size_bytes - file.tell():
                raise MeshFault("mesh-truncated")
            body = file.read(body_bytes)
    return Container(described, body)


def open_gltf(file: BinaryIO, limits: ReadLimits) -> Container:
    """A glTF in JSON. What is embedded in it is set aside, so that the rest may be small. Raises as `open_glb` does."""
    text = file.read()
    kept: list[bytes] = []
    embedded: list[memoryview] = []
    at = 0
    for found in _DATA.finditer(text):
        kept += [text[at : found.start()], f'"{_STANDS_FOR}{len(embedded)}"'.encode()]
        embedded.append(memoryview(text)[found.start(1) : found.end(1)])
        at = found.end()
    left_bytes = sum(len(part) for part in kept) + len(text) - at
    if left_bytes > limits.described_bytes_max:
        raise beyond("bytes of a description", limits.described_bytes_max)
    described = _described(b"".join([*kept, text[at:]]))
    return Container(described, None, tuple(embedded))


def _chunk(file: BinaryIO) -> tuple[bytes, int]:
    header = file.read(_CHUNK_HEADER_BYTES)
    if len(header) < _CHUNK_HEADER_BYTES:
        raise MeshFault("mesh-truncated")
    length, kind = struct.unpack("<I4s", header)
    return kind, length


def _described(text: bytes) -> dict[str, Any]:
    try:
        described = json.loads(text.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise malformed() from error
    if not isinstance(described, dict):
        raise malformed()
    asset = described.get("asset")
    version = asset.get("version") if isinstance(asset, dict) else None
    if not isinstance(version, str):
        raise malformed()
    if version.split(".")[0] != "2":
        raise unread(f"glTF of version {version[:10]}")
    return described


def _no_number(_: str) -> None:
    raise ValueError("JSON has no such number")


def _decoded(text: bytes | memoryview) -> bytes:
    try:
        return binascii.a2b_base64(text)
    except binascii.Error as error:
        raise malformed() from error


def whole(value: Any, default: int | None = None) -> int:
    """A number that counts something. Raises mesh-malformed for anything else."""
    if value is None and default is not None:
        return default
    if type(value) is not int or value < 0:
        raise malformed()
    return value


def one_of(described: dict[str, Any], name: str, number: Any) -> dict[str, Any]:
    """The object of this number in an array of this name. Raises mesh-malformed when there is none."""
    found = described.get(name)
    if not isinstance(found, list) or whole(number) >= len(found) or not isinstance(found[number], dict):
        raise malformed()
    one: dict[str, Any] = found[number]
    return one


def listed(told: dict[str, Any], name: str) -> list[Any]:
    """An array of this name; empty when there is none. Raises mesh-malformed for what is no array."""
    found = told.get(name, [])
    if not isinstance(found, list):
        raise malformed()
    return found
