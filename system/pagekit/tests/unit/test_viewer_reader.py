"""The viewer's own reader of STL, run by Node: what it finds is what numpy finds, and what cannot be shown has a reason."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.models3d import shapes
from fixtures.models3d.generate import FOLDER, binary_stl, text_stl

NODE = Path(sys.executable).with_name("node")
VIEWER = Path(__file__).resolve().parents[2] / "assets" / "viewer"
RUNNER = """
import { readFileSync } from "node:fs";
import { normalsOf } from "./normals.js";
import { readStl, Unreadable } from "./stl.js";

const file = readFileSync(process.argv[2]);
try {
  const { positions, low, high } = readStl(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
  console.log(JSON.stringify({ positions: [...positions], low, high, normals: [...normalsOf(positions)] }));
} catch (error) {
  if (!(error instanceof Unreadable)) throw error;
  console.log(JSON.stringify({ reason: error.reason }));
}
"""
RING = shapes.torus(17.35, 2.0, segments=32, sides=8)
Read = Callable[[bytes], dict[str, Any]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What the reader says of a file with this content."""
    for name in ("stl.js", "normals.js"):
        shutil.copyfile(VIEWER / name, tmp_path / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.js").write_text(RUNNER)

    def reading(content: bytes) -> dict[str, Any]:
        (tmp_path / "model").write_bytes(content)
        done = subprocess.run(
            [NODE, "run.js", "model"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return reading


def triangles(found: dict[str, Any]) -> shapes.Solid:
    return np.array(found["positions"]).reshape(-1, 3, 3)


@pytest.mark.parametrize("name", ["torus-ring", "signet-ring", "pendant", "half-open-shell", "inside-out-ring"])
def test_a_binary_file_is_read_as_numpy_reads_it(read: Read, name: str) -> None:
    content = (FOLDER / f"{name}.stl").read_bytes()
    facet = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    expected = np.frombuffer(content[84:], dtype=facet)["corners"]

    found = read(content)

    assert np.array_equal(triangles(found), expected)
    assert np.allclose(found["low"], expected.min(axis=(0, 1))) and np.allclose(
        found["high"], expected.max(axis=(0, 1))
    )
    assert np.allclose(np.linalg.norm(np.array(found["normals"]).reshape(-1, 3), axis=1), 1, atol=1e-5)


def test_a_text_file_is_read_like_the_same_ring_in_binary(read: Read) -> None:
    text = read((FOLDER / "ascii-ring.stl").read_bytes())
    binary = read((FOLDER / "torus-ring.stl").read_bytes())
    assert triangles(text).shape == triangles(binary).shape == (1024, 3, 3)
    assert np.allclose(text["low"], binary["low"], atol=1e-4) and np.allclose(text["high"], binary["high"], atol=1e-4)


def test_names_of_solids_may_be_any_words_in_any_case(read: Read) -> None:
    named = text_stl(RING, title="a ring with facet and vertex 1 2 3 in its name")
    both = read((named + named.upper()).replace(b"\n", b"\r\n"))
    assert len(triangles(both)) == 2 * len(RING)


def test_a_binary_file_may_begin_like_text(read: Read) -> None:
    assert len(triangles(read(binary_stl(RING, title="solid ring")))) == len(RING)


def test_what_is_round_is_drawn_round_and_an_edge_stays_an_edge(read: Read) -> None:
    ring = np.array(read(binary_stl(shapes.torus(17.35, 2.0, segments=64, sides=32), title="x"))["normals"]).reshape(
        -1, 3
    )
    assert len(np.unique(ring.round(3), axis=0)) < 64 * 32 * 1.1, "one direction where corners meet"
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    cube = np.array([corners[list(part)] for a, b, c, d in sides for part in ((a, b, c), (a, c, d))])
    directions = np.array(read(binary_stl(cube, title="x"))["normals"]).reshape(-1, 3)
    assert len(np.unique(directions.round(3), axis=0)) == 6, "one direction for each side of a cube"


def with_coordinate(value: float) -> shapes.Solid:
    broken = RING.copy()
    broken[-1, 2, 1] = value
    return broken


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (binary_stl(RING[:0], title="x"), "empty"),
        (b"solid x\nendsolid x\n", "empty"),
        ((FOLDER / "truncated-ring.stl").read_bytes(), "cut-off"),
        (text_stl(RING, title="x")[:-400], "cut-off"),
        (text_stl(RING, title="x").rpartition(b"endsolid")[0], "cut-off"),
        (text_stl(RING, title="x").replace(b"endloop", b"vertex 1 2 3\nendloop"), "malformed"),
        (binary_stl(with_coordinate(np.nan), title="x"), "not-a-number"),
        (binary_stl(with_coordinate(np.inf), title="x"), "not-a-number"),
        (text_stl(with_coordinate(np.nan), title="x"), "not-a-number"),
        ((FOLDER / "not-a-model.stl").read_bytes(), "format"),
        (b"solid gold is what I would like for my ring, dear Alexandrite, and it shall fit a finger of 17.5", "format"),
        (b"glTF\x02\x00\x00\x00" + b"\x00" * 200, "format"),
        (b"PK\x03\x04" + b"3D/3dmodel.model" * 20, "format"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_shown_has_a_reason(read: Read, content: bytes, reason: str) -> None:
    assert read(content) == {"reason": reason}
