"""What is kept as a preview, and what is not; and how the ones asked for last are remembered."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime

import pytest

from system.files.adapters.pictures import Pictures
from system.files.domain.errors import NotUploadedYet, PreviewMissing, PreviewRefused
from system.files.domain.preview import BYTES_MAX, SIZES, Preview, is_a_preview
from system.files.tests.models import chunk, preview_png

MESH = "0f" * 32
WHOLE = preview_png(96)
COLOURED = struct.pack(">IIBBBBB", 96, 96, 8, 6, 0, 0, 0)
ROWS = (b"\x00" + bytes(2 * 96)) * 96


def check(content: bytes, *, size_px: int = 96, mesh_sha256: str = MESH, content_type: str = "image/png") -> None:
    is_a_preview(content, mesh_sha256=mesh_sha256, size_px=size_px, content_type=content_type)


@pytest.mark.parametrize("size_px", SIZES)
def test_a_picture_of_its_size_is_kept(size_px: int) -> None:
    check(preview_png(size_px), size_px=size_px)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<script>alert(1)</script>",
        WHOLE[:-1],
        WHOLE[:40],
        WHOLE + b"<script>",
        WHOLE[:60] + bytes([WHOLE[60] ^ 1]) + WHOLE[61:],
        preview_png(320),
        preview_png(96, head=COLOURED),
        preview_png(96, more=chunk(b"tEXt", b"Comment\x00<script>")),
        preview_png(96, body=b"not packed"),
        preview_png(96, body=zlib.compress(ROWS[:-1])),
        preview_png(96, body=zlib.compress(ROWS + b"\x00")),
        preview_png(96, body=zlib.compress(ROWS) + b"<script>"),
        preview_png(96, body=zlib.compress(bytes(100_000_000))),
        preview_png(96, body=zlib.compress(b"\x05" + ROWS[1:])),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", COLOURED) + chunk(b"IEND", b""),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""),
        b"\x89PNG\r\n\x1a\n",
        WHOLE + bytes(BYTES_MAX),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(PreviewRefused):
        check(content)


@pytest.mark.parametrize(
    "told",
    [
        {"size_px": 97},
        {"mesh_sha256": "../verified/x"},
        {"mesh_sha256": MESH.upper()},
        {"content_type": "image/svg+xml"},
        {"content_type": ""},
    ],
)
def test_a_picture_of_nothing_known_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(PreviewRefused):
        check(WHOLE, **told)  # type: ignore[arg-type]


class Shelf:
    """A storage that counts how often it is asked."""

    def __init__(self, *mesh_sha256: str) -> None:
        self.has = set(mesh_sha256)
        self.asked: list[str] = []

    async def content(self, key: str) -> bytes:
        self.asked.append(key)
        if key.split("/")[1] not in self.has:
            raise NotUploadedYet()
        return b"1234"


def preview(mesh_sha256: str, etag: str | None = None) -> Preview:
    return Preview(mesh_sha256, 96, etag or mesh_sha256, 4, datetime(2026, 1, 1, tzinfo=UTC))


async def test_the_storage_is_asked_once_while_memory_lasts() -> None:
    shelf = Shelf("a", "b", "c")
    pictures = Pictures(shelf, bytes_max=8)  # type: ignore[arg-type]
    for mesh in ("a", "b", "a", "a", "c", "a", "b"):
        assert await pictures.content(preview(mesh)) == b"1234"
    assert [key.split("/")[1] for key in shelf.asked] == ["a", "b", "c", "b"], (
        "the one longest not asked for went first"
    )


async def test_a_new_drawing_is_read_anew() -> None:
    shelf = Shelf("a")
    pictures = Pictures(shelf, bytes_max=100)  # type: ignore[arg-type]
    await pictures.content(preview("a", "first"))
    await pictures.content(preview("a", "second"))
    assert shelf.asked == ["previews/a/96.png"] * 2


async def test_nothing_is_remembered_without_memory_for_it() -> None:
    shelf = Shelf("a")
    pictures = Pictures(shelf, bytes_max=0)  # type: ignore[arg-type]
    assert [await pictures.content(preview("a")) for _ in range(2)] == [b"1234"] * 2
    assert len(shelf.asked) == 2


async def test_what_the_storage_lost_is_missing() -> None:
    with pytest.raises(PreviewMissing):
        await Pictures(Shelf(), bytes_max=8).content(preview("a"))  # type: ignore[arg-type]
