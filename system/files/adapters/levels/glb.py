"""Writes one mesh as glTF 2.0 in one binary file, small: corners shared, coordinates of 16 bits (KHR_mesh_quantization).

Ours and not a library's: it is fifty lines for the one thing that is kept, and what it writes is all that our viewer reads. There are
no normals in it: whoever draws finds them, finer than eight bits could say them, as it does for an STL.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

STEPS = 65535
"""The box around the mesh is this many steps long, wide and high."""
_MAGIC, _VERSION, _JSON, _BINARY = b"glTF", 2, b"JSON", b"BIN\0"
_UNSIGNED_SHORT, _UNSIGNED_INT = 5123, 5125
_VERTICES, _INDICES = 34962, 34963
_STRIDE = 8
"""Three coordinates of two bytes, and two bytes more: a corner begins at a multiple of four."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """A mesh on a grid: `steps` (corner, axis) from 0 to STEPS between `low` and `high`, in mm, and corners' numbers by triangle."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    steps: npt.NDArray[np.uint16]
    triangles: npt.NDArray[np.uint32]
    scale: float = 1.0
    """How many mm one unit of the model's own file is: places in it are found in the level by that."""


def glb_of(mesh: Quantized) -> bytes:
    """The file: one mesh of one primitive, with indices. Raises ValueError for what is no such mesh."""
    _is_whole(mesh)
    short = len(mesh.steps) <= STEPS
    corners = np.zeros((len(mesh.steps), _STRIDE // 2), dtype="<u2")
    corners[:, :3] = mesh.steps
    indices = mesh.triangles.astype("<u2" if short else "<u4").tobytes()
    body = _padded(corners.tobytes(), b"\0") + _padded(indices, b"\0")
    told = json.dumps(_told(mesh, len(indices), short=short), separators=(",", ":")).encode()
    head = _padded(told, b" ")
    whole = 12 + 8 + len(head) + 8 + len(body)
    return (
        struct.pack("<4sII", _MAGIC, _VERSION, whole)
        + struct.pack("<I4s", len(head), _JSON)
        + head
        + struct.pack("<I4s", len(body), _BINARY)
        + body
    )


def _is_whole(mesh: Quantized) -> None:
    if mesh.steps.ndim != 2 or mesh.steps.shape[1] != 3 or mesh.triangles.ndim != 2 or mesh.triangles.shape[1] != 3:
        raise ValueError("corners and triangles have three numbers each")
    if len(mesh.triangles) == 0 or len(mesh.steps) == 0 or int(mesh.triangles.max()) >= len(mesh.steps):
        raise ValueError("every triangle has three corners that are there")
    if not 0.0 < mesh.scale < np.inf:
        raise ValueError("a scale is finite and above nothing")
    if not np.isfinite([*mesh.low, *mesh.high]).all() or any(
        high < low for low, high in zip(mesh.low, mesh.high, strict=True)
    ):
        raise ValueError("the box is finite and has a low and a high corner")


def _told(mesh: Quantized, index_bytes: int, *, short: bool) -> dict[str, Any]:
    corner_bytes = _STRIDE * len(mesh.steps)
    return {
        "asset": {"version": "2.0", "generator": "Alexandrite", "extras": _extras(mesh)},
        "extensionsUsed": ["KHR_mesh_quantization"],
        "extensionsRequired": ["KHR_mesh_quantization"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        # The grid's own box is from 0 to 1; the node puts it where the model is.
        "nodes": [
            {
                "mesh": 0,
                "translation": list(mesh.low),
                # A flat model has no height, and a node must not lose an axis.
                "scale": [(high - low) or 1.0 for low, high in zip(mesh.low, mesh.high, strict=True)],
            }
        ],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "mode": 4}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _UNSIGNED_SHORT,
                "normalized": True,
                "count": len(mesh.steps),
                "type": "VEC3",
                "min": mesh.steps.min(axis=0).tolist(),
                "max": mesh.steps.max(axis=0).tolist(),
            },
            {
                "bufferView": 1,
                "componentType": _UNSIGNED_SHORT if short else _UNSIGNED_INT,
                "count": 3 * len(mesh.triangles),
                "type": "SCALAR",
            },
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": corner_bytes, "byteStride": _STRIDE, "target": _VERTICES},
            {"buffer": 0, "byteOffset": corner_bytes, "byteLength": index_bytes, "target": _INDICES},
        ],
        "buffers": [{"byteLength": corner_bytes + index_bytes + -index_bytes % 4}],
    }


def _extras(mesh: Quantized) -> dict[str, Any]:
    return {"unit": "mm"} | ({} if mesh.scale == 1.0 else {"scale": mesh.scale})


def _padded(part: bytes, by: bytes) -> bytes:
    return part + by * (-len(part) % 4)
