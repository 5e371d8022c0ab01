"""How the judges look at a picture: the same from the bytes and from the page."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator

import pytest

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.browser import Chromium, Window
from step_defs.drivers.picture import Picture, decoded, shown

SIDE = 96


def picture(shades: int, *, side: int = SIDE) -> bytes:
    """Stripes of so many shades over a transparent half."""
    rows = []
    above = bytes(2 * side)
    for at in range(side):
        row = b"".join(bytes((column % shades, 255 if at < side // 2 else 0)) for column in range(side))
        rows.append(b"\x02" + bytes((new - old) % 256 for new, old in zip(row, above, strict=True)))
        above = row
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 4, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(rows))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    chromium = Chromium(SystemAddress(url="https://127.0.0.1:1", ca_file="", demo_password="", carrier_secret=""))
    yield chromium.window()
    chromium.close()


def on_page(window: Window, content: bytes, media_type: str = "image/png") -> Picture | None:
    data = base64.b64encode(content).decode()
    window.page.set_content(f'<img class="thumbnail" alt="" src="data:{media_type};base64,{data}">')
    return shown(window, "img.thumbnail")


@pytest.mark.parametrize(("shades", "shows"), [(40, True), (1, False)])
def test_a_page_and_the_bytes_show_the_same(window: Window, shades: int, shows: bool) -> None:
    content = picture(shades)
    assert decoded(content) == on_page(window, content) == Picture(SIDE, shades)
    assert decoded(content).shows_a_piece is shows


def test_a_placeholder_is_no_picture_of_a_piece(window: Window) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"><circle cx="24" cy="24" r="9"/></svg>'
    seen = on_page(window, svg, "image/svg+xml")
    assert seen is not None and not seen.shows_a_piece


def test_where_no_picture_is_there_is_none(window: Window) -> None:
    window.page.set_content("<p>nothing</p>")
    assert shown(window, "img.thumbnail") is None
