"""Previews: small pictures of meshes, made elsewhere and kept here by the content of the mesh."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from system.files.domain.errors import PreviewRefused


class Size(IntEnum):
    """Pixels to a side: in a row of a list, on a dense screen too, and on a card."""

    ROW = 96
    CARD = 320


SIZES = tuple(Size)
CONTENT_TYPE = "image/png"
BYTES_MAX = 256 * 1024
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">IIBBBBB")
_GREY_AND_ALPHA = (8, 4, 0, 0, 0)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Preview:
    """What is kept of a mesh at one size. `etag` is the SHA-256 of the picture."""

    mesh_sha256: str
    size_px: int
    etag: str
    size_bytes: int
    made_at: datetime

    @property
    def key(self) -> str:
        """Where the picture lies."""
        return preview_key_of(self.mesh_sha256, self.size_px)


def preview_key_of(mesh_sha256: str, size_px: int) -> str:
    """The key of a mesh's picture of this size."""
    return f"previews/{mesh_sha256}/{size_px}.png"


def is_a_preview(content: bytes, *, mesh_sha256: str, size_px: int, content_type: str) -> None:
    """Raises PreviewRefused for anything but a whole PNG of that size in grey and alpha, with nothing else in it.

    It was made by the process that reads what strangers upload: whatever becomes of that process, browsers get a picture.
    """
    if not _SHA256.fullmatch(mesh_sha256) or size_px not in SIZES:
        raise PreviewRefused(f"a preview is of a SHA-256 and has {' or '.join(map(str, SIZES))} pixels")
    if content_type != CONTENT_TYPE or len(content) > BYTES_MAX:
        raise PreviewRefused(f"a preview is {CONTENT_TYPE} of at most {BYTES_MAX} bytes")
    chunks = _chunks(content)
    names = [name for name, _ in chunks]
    if names != [b"IHDR", *[b"IDAT"] * (len(names) - 2), b"IEND"] or len(names) < 3 or chunks[-1][1]:
        raise PreviewRefused("a preview has a head, a picture and nothing else")
    if chunks[0][1] != _HEAD.pack(size_px, size_px, *_GREY_AND_ALPHA):
        raise PreviewRefused(f"a preview of this size has {size_px} x {size_px} pixels in grey and alpha")
    expected = size_px * (1 + 2 * size_px)
    inflating = zlib.decompressobj()
    try:
        body = inflating.decompress(b"".join(data for _, data in chunks[1:-1]), expected + 1)
    except zlib.error as error:
        raise PreviewRefused("the picture cannot be unpacked") from error
    if len(body) != expected or not inflating.eof or inflating.unused_data:
        raise PreviewRefused("the picture has another number of pixels")
    if any(body[row] > 4 for row in range(0, expected, 1 + 2 * size_px)):
        raise PreviewRefused("a row of the picture is packed in a way that does not exist")


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    if not content.startswith(_SIGNATURE):
        raise PreviewRefused("this is not a PNG")
    chunks = []
    at = len(_SIGNATURE)
    while at < len(content):
        length = int.from_bytes(content[at : at + 4])
        name, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        sum_told = content[at + 8 + length : at + 12 + length]
        if len(sum_told) < 4 or int.from_bytes(sum_told) != zlib.crc32(name + data):
            raise PreviewRefused("the PNG is damaged")
        chunks.append((name, data))
        at += 12 + length
    return chunks
