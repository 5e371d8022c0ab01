"""Meshes packed by Draco, in a glTF (KHR_draco_mesh_compression). How large one is, is read before the library unpacks it."""

from __future__ import annotations

import DracoPy
import numpy as np
import numpy.typing as npt

from system.meshes.reading import ReadLimits, malformed, unread

_MAGIC = b"DRACO"
_HEADER_BYTES = 11
_MESH, _SEQUENTIAL, _EDGEBREAKER = 1, 0, 1
_METADATA = 0x8000
_BYTES_PER_VARINT_MAX = 5


def unpacked(
    content: bytes, *, triangle_count: int, corner_count: int, limits: ReadLimits
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Corners and their numbers by triangle. Raises MeshFault: mesh-malformed, format-known-not-read, mesh-too-large.

    The counts are those that the glTF announces; a Draco that says more is refused as it stands.
    """
    faces, points = _announced(content)
    limits.refuse_triangles(faces)
    limits.refuse_corners(points)
    # Strips of triangles lose those without an area; corners are repeated at seams, as often as there are corners of triangles.
    if faces > max(triangle_count, 1) or points > max(corner_count, 3 * triangle_count):
        raise malformed()
    try:
        mesh = DracoPy.decode(content)
        found = np.asarray(mesh.points, dtype=np.float32).reshape(-1, 3)
        numbers = np.asarray(mesh.faces, dtype=np.int64).reshape(-1, 3)
    except MemoryError:
        raise
    except Exception as error:
        # The library has errors of its own, and passes on those of others.
        raise malformed() from error
    return found, numbers


def _announced(content: bytes) -> tuple[int, int]:
    """How many faces and points its header says (bitstream 2.2, as glTF demands)."""
    if len(content) < _HEADER_BYTES + 3 or content[:5] != _MAGIC or content[7] != _MESH:
        raise malformed()
    major, minor, method = content[5], content[6], content[8]
    if (major, minor) < (2, 2):
        raise unread(f"Draco of version {major}.{minor}")
    if int.from_bytes(content[9:11], "little") & _METADATA:
        raise unread("Draco with metadata")
    if method == _SEQUENTIAL:
        faces, at = _varint(content, _HEADER_BYTES)
        points, _ = _varint(content, at)
        return faces, points
    if method != _EDGEBREAKER:
        raise malformed()
    points, at = _varint(content, _HEADER_BYTES + 1)
    faces, _ = _varint(content, at)
    return faces, points


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_BYTES_PER_VARINT_MAX):
        if at + place >= len(content):
            break
        value |= (content[at + place] & 0x7F) << (7 * place)
        if content[at + place] < 0x80:
            return value, at + place + 1
    raise malformed()
