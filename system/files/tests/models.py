"""Small models for tests, made here byte by byte."""

from __future__ import annotations

import struct

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
