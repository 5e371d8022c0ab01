"""A model followed in parts at a time is found to be what it is found to be in one."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.models3d import shapes
from fixtures.models3d.writers import write_stl_binary
from system.meshes.engine import Scan, scan
from system.meshes.faults import MeshFault
from system.meshes.stl import Triangles

SCAN = sys.modules["system.meshes.engine.scan"]
"""The module: its function has the same name."""
RING = shapes.torus(17.0, 2.0, segments=60, sides=12).astype(np.float32)
BEADS = np.concatenate(
    [
        shapes.ball(1.0, (3.0 * number, 0.0, 0.0), rows=6).astype(np.float32)[:, :: 1 if number % 3 else -1]
        for number in range(12)
    ]
)
OPEN = np.delete(RING, (5, 700, 1300), axis=0)
TURNED = RING.copy()
TURNED[100:900] = TURNED[100:900, ::-1]
FLAT = np.concatenate((RING[:700], RING[:1, (0, 0, 1)], RING[700:]))
DOUBLE = np.concatenate((RING, RING[3:4], RING))
MODELS = {"ring": RING, "beads": BEADS, "open": OPEN, "turned": TURNED, "flat": FLAT}
InParts = Callable[[int], None]


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> InParts:
    """From now on every model is followed in so many parts."""

    def chosen(count: int) -> None:
        monkeypatch.setattr(SCAN, "_parts_of", lambda triangle_count: count)

    return chosen


def alike(one: Scan, other: Scan) -> None:
    assert (one.closed, one.oriented, one.degenerate, one.body_count, one.inward_count) == (
        other.closed, other.oriented, other.degenerate, other.body_count, other.inward_count,
    )  # fmt: skip
    assert (one.low, one.high, one.triangle_count) == (other.low, other.high, other.triangle_count)
    assert one.volume == pytest.approx(other.volume, rel=1e-12, abs=1e-9)
    assert one.area == pytest.approx(other.area, rel=1e-12)
    assert one.centroid == pytest.approx(other.centroid, abs=1e-9)
    assert one.bodies is not None and other.bodies is not None
    told = [sorted((body.facets, body.low, body.high) for body in each.bodies or ()) for each in (one, other)]
    assert told[0] == told[1]
    volumes = [sorted(body.volume for body in each.bodies or ()) for each in (one, other)]
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-9)


@pytest.mark.parametrize("parts", [2, 3, 7])
@pytest.mark.parametrize("name", MODELS)
def test_it_is_the_same_in_parts(name: str, parts: int, in_parts: InParts) -> None:
    in_parts(1)
    whole = scan(MODELS[name])
    in_parts(parts)
    alike(scan(MODELS[name]), whole)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_edges_of_many_sides_are_never_taken_for_sound(parts: int, in_parts: InParts) -> None:
    """Which body such an edge belongs to depends on the order; that the surface needs a second look does not."""
    in_parts(parts)
    found = scan(DOUBLE)
    assert (found.closed, found.oriented, found.simple) == (False, False, False)
    assert found.area == pytest.approx(scan(RING).area * 2 + shapes.area_of(RING[3:4].astype(np.float64)), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), parts=st.integers(2, 6), name=st.sampled_from(["ring", "beads", "open", "turned"])
)
def test_it_is_the_same_in_parts_of_any_order(seed: int, parts: int, name: str) -> None:
    triangles = np.random.default_rng(seed).permutation(MODELS[name])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SCAN, "_parts_of", lambda triangle_count: 1)
        whole = scan(triangles)
        patch.setattr(SCAN, "_parts_of", lambda triangle_count: parts)
        alike(scan(triangles), whole)


def test_files_are_read_in_parts_each_at_its_place(tmp_path: Path, in_parts: InParts) -> None:
    body = write_stl_binary(BEADS)
    path = tmp_path / "beads.stl"
    path.write_bytes(body)
    in_parts(1)
    whole = scan(io.BytesIO(body))
    in_parts(3)
    alike(scan(io.BytesIO(body)), whole)
    with path.open("rb") as file:
        alike(scan(file), whole)
        file.seek(7)
        alike(scan(file), whole)


def test_what_is_sorted_is_sorted_in_parts_too(monkeypatch: pytest.MonkeyPatch, in_parts: InParts) -> None:
    monkeypatch.setattr(SCAN, "IN_ORDER_MAX", 50)
    triangles = np.random.default_rng(3).permutation(BEADS)
    in_parts(1)
    whole = scan(triangles)
    in_parts(3)
    alike(scan(triangles), whole)


def test_with_more_edges_than_its_share_a_part_ends_to_follow_them(
    monkeypatch: pytest.MonkeyPatch, in_parts: InParts
) -> None:
    soup = np.random.default_rng(7).normal(size=(20_000, 3, 3)).astype(np.float32)
    monkeypatch.setattr(SCAN, "LIVE_MAX", 1 << 13)
    in_parts(2)
    found = scan(soup)
    assert (found.closed, found.bodies, found.body_count) == (False, None, None)


@pytest.mark.parametrize("where", [3, 1000], ids=["first", "second"])
def test_a_corner_that_is_nowhere_is_refused_in_whichever_part(where: int, in_parts: InParts) -> None:
    triangles: Triangles = RING.copy()
    triangles[where, 1, 2] = np.nan
    in_parts(2)
    with pytest.raises(MeshFault, match="mesh-not-finite"):
        scan(triangles)


def test_a_file_that_is_shortened_while_it_is_read_ends_with_a_word(tmp_path: Path, in_parts: InParts) -> None:
    path = tmp_path / "ring.stl"
    path.write_bytes(write_stl_binary(RING))
    in_parts(2)
    with path.open("r+b") as file:
        source = sys.modules["system.meshes.engine.sources"].source_of(file)
        file.truncate(path.stat().st_size - 500)
        assert source.count == len(RING)
        with pytest.raises(MeshFault, match="mesh-truncated"):
            SCAN._in_order(source, (0.0, 0.0, 0.0))


def test_small_models_start_no_thread() -> None:
    assert SCAN._parts_of(SCAN.PARTS_FROM - 1) == 1
    assert 1 <= SCAN._parts_of(SCAN.PARTS_FROM) <= SCAN.PARTS_MAX
