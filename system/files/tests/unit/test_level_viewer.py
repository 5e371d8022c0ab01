"""Levels as the viewer's own reader finds them, run by Node: what is written here is what pages draw, and nothing else is."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.models3d import shapes
from system.files.adapters.levels.glb import STEPS, Quantized, glb_of
from system.files.adapters.levels.lighter import joined

NODE = Path(sys.executable).with_name("node")
VIEWER = Path(__file__).resolve().parents[3] / "pagekit" / "assets" / "viewer"
RUNNER = """
import { readFileSync } from "node:fs";
import { isGlb, readGlb } from "./glb.js";
import { Unreadable } from "./stl.js";

const file = readFileSync("level");
const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
try {
  const { positions, low, high } = readGlb(buffer);
  console.log(JSON.stringify({ isGlb: isGlb(buffer), positions: [...positions], low, high }));
} catch (error) {
  if (!(error instanceof Unreadable)) throw error;
  console.log(JSON.stringify({ reason: error.reason }));
}
"""
Read = Callable[[bytes], dict[str, Any]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What the viewer's reader says of a level with this content."""
    for name in ("glb.js", "stl.js"):
        shutil.copyfile(VIEWER / name, tmp_path / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.js").write_text(RUNNER)

    def reading(content: bytes) -> dict[str, Any]:
        (tmp_path / "level").write_bytes(content)
        done = subprocess.run([NODE, "run.js"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return reading


def ring(segments: int = 40, sides: int = 12) -> shapes.Solid:
    moved: shapes.Solid = shapes.torus(17.35, 2.0, segments=segments, sides=sides) + np.array([100.0, -3.0, 7.5])
    return moved


def level_of(solid: shapes.Solid) -> bytes:
    mesh = joined(solid.astype(np.float32))
    low, high = mesh.corners.min(axis=0).astype(float), mesh.corners.max(axis=0).astype(float)
    steps = np.rint((mesh.corners - low) / (high - low) * STEPS).astype(np.uint16)
    (a, b, c), (d, e, f) = low.tolist(), high.tolist()
    return glb_of(Quantized((a, b, c), (d, e, f), steps, mesh.triangles.astype(np.uint32)))


@pytest.mark.parametrize(("segments", "sides"), [(40, 12), (800, 90)], ids=["short numbers", "long numbers"])
def test_the_viewer_reads_the_triangles_that_were_written(read: Read, segments: int, sides: int) -> None:
    solid = ring(segments, sides)
    found = read(level_of(solid))
    step = np.ptp(solid.reshape(-1, 3), axis=0).max() / STEPS
    assert found["isGlb"] is True
    assert np.allclose(np.array(found["positions"]).reshape(-1, 3, 3), solid, atol=step + 1e-5)
    assert np.allclose(found["low"], solid.min(axis=(0, 1)), atol=1e-4)
    assert np.allclose(found["high"], solid.max(axis=(0, 1)), atol=1e-4)


def changed(**changes: Any) -> bytes:
    """A level that says something else of itself than is so."""
    content = level_of(ring())
    (length,) = struct.unpack_from("<I", content, 12)
    told = json.loads(content[20 : 20 + length])
    for path, value in changes.items():
        at: Any = told
        *way, last = (int(part) if part.isdigit() else part for part in path.split("__"))
        for part in way:
            at = at[part]
        at[last] = value
    head = json.dumps(told).encode()
    head += b" " * (-len(head) % 4)
    body = content[20 + length :]
    whole = 20 + len(head) + len(body)
    return b"glTF" + struct.pack("<III", 2, whole, len(head)) + b"JSON" + head + body


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (level_of(ring())[:-8], "cut-off"),
        (level_of(ring())[:40], "cut-off"),
        (changed(accessors__0__componentType=5126), "format"),
        (changed(accessors__0__normalized=False), "format"),
        (changed(accessors__1__componentType=5121), "format"),
        (changed(accessors__1__count=4), "format"),
        (changed(accessors__1__count=0), "empty"),
        (changed(accessors__1__count=300_000), "cut-off"),
        (changed(accessors__0__count=300_000), "cut-off"),
        (changed(accessors__0__count=3), "malformed"),
        (changed(bufferViews__1__byteOffset=-4), "format"),
        (changed(nodes__0__scale=[1, 2]), "format"),
        (changed(meshes=[]), "format"),
        (level_of(ring()).replace(b'{"asset"', b'{"asset ', 1), "malformed"),
        (b"glTF" + struct.pack("<II", 2, 220) + bytes(208), "format"),
    ],
    # Their bytes are no names: what the writer packs differs from one process to the next.
    ids=range(15),
)
def test_what_is_no_level_of_ours_has_a_reason(read: Read, content: bytes, reason: str) -> None:
    assert read(content) == {"reason": reason}
