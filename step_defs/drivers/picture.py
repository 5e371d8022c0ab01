"""Pictures of pieces, as the judges see them: how many pixels there are to a side, and how many shades are seen.

A preview in a browser and the same one over HTTP are told alike; a placeholder has another size.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Error

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door

ROW_PX = 96
SHADES_MIN = 20
"""A piece of metal in the light has more; an empty picture, or one of a single colour, has one or two."""
PREVIEW = "/api/files/v1/uploads/{}/preview"


@dataclass(frozen=True, slots=True)
class Picture:
    """What is seen: pixels to a side, and different shades among those that are not transparent."""

    side_px: int
    shades: int

    @property
    def shows_a_piece(self) -> bool:
        """Whether it is a picture of something, and not a placeholder or a blank."""
        return self.side_px == ROW_PX and self.shades >= SHADES_MIN


def fetched(door: Door, file_id: str) -> Picture:
    """The preview of a model over HTTP. Raises Refusal while there is none."""
    return decoded(door.get(PREVIEW.format(file_id), size=ROW_PX).body)


def decoded(png: bytes) -> Picture:
    """A PNG in grey and alpha, whose rows are told as what differs from the row above, as ours are."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n"), f"no PNG: {png[:20]!r}"
    side_px = int.from_bytes(png[16:20])
    body, at = b"", 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            body += png[at + 8 : at + 8 + length]
        at += 12 + length
    rows = zlib.decompress(body)
    above = bytes(2 * side_px)
    shades: set[int] = set()
    for start in range(0, len(rows), 1 + 2 * side_px):
        assert rows[start] == 2, f"a row is packed in the way {rows[start]}"
        row = rows[start + 1 : start + 1 + 2 * side_px]
        above = bytes((new + old) % 256 for new, old in zip(row, above, strict=True))
        shades |= {grey for grey, alpha in zip(above[::2], above[1::2], strict=True) if alpha}
    return Picture(side_px, len(shades))


def shown(window: Window, selector: str) -> Picture | None:
    """The picture that a page shows; None while there is none at all, or its row is just being written anew."""
    picture = window.page.locator(selector)
    if not picture.count():
        return None
    try:
        picture.scroll_into_view_if_needed()
        seen: dict[str, Any] = picture.evaluate(_LOOK)
    except Error as error:
        if "not attached" in error.message:
            return None
        raise
    return Picture(seen["side"], seen["shades"])


_LOOK = """async (image) => {
  if (!image.isConnected) throw new Error("not attached");
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = image.naturalWidth;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const points = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const shades = new Set();
  for (let at = 0; at < points.length; at += 4) if (points[at + 3]) shades.add(points[at]);
  return { side: image.naturalWidth, shades: shades.size };
}"""
