"""Small models for tests, made here byte by byte."""

from __future__ import annotations

import struct
import zlib

FACET = """  facet normal 0 0 1
    outer loop
      vertex 0 0 0
      vertex 1.5e+00 0 0
      vertex 0 1 0
    endloop
  endfacet
"""


def binary_stl(triangles: int, *, header: bytes = b"exported by a test") -> bytes:
    """A binary STL of this many triangles."""
    triangle = struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    return header.ljust(80, b"\x00")[:80] + struct.pack("<I", triangles) + triangle * triangles


def text_stl(triangles: int, *, name: str = "ring") -> bytes:
    """A text STL of this many triangles."""
    return f"solid {name}\n{FACET * triangles}endsolid {name}\n".encode()


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG with its sum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def preview_png(
    side: int, *, body: bytes | None = None, head: bytes | None = None, more: bytes = b"", grey: int = 120
) -> bytes:
    """A picture in grey and alpha, as pricing draws them; or one with another body or head, or with more in it."""
    head = struct.pack(">IIBBBBB", side, side, 8, 4, 0, 0, 0) if head is None else head
    body = zlib.compress((b"\x00" + bytes((grey, 255)) * side) * side) if body is None else body
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", body) + chunk(b"IEND", b"")
