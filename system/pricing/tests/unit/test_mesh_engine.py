"""The scan: what formulas say, what the numpy code says, the same in any order, and each fault seen for what it is."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.models3d import manifest, model, shapes
from system.meshes.engine import EdgeCounts, count_edges, overlap_volume, scan, source_of
from system.meshes.engine.cells import order_of
from system.meshes.engine.front import Front
from system.meshes.engine.warming import tetrahedron
from system.meshes.faults import MeshFault
from system.meshes.stl import Triangles, read_stl
from system.meshes.welding import weld
from system.pricing.adapters.mesh import analyse as analysing
from system.pricing.adapters.mesh.measure import measure
from system.pricing.adapters.mesh.surface import close_surface

MANIFOLD: Any = importlib.import_module("manifold3d")
SCAN = sys.modules["system.meshes.engine.scan"]
"""The module: its function has the same name."""
RING = shapes.torus(17.0, 2.0, segments=40, sides=10).astype(np.float32)
BALL = shapes.ball(5.0, (0.0, 0.0, 0.0), rows=12).astype(np.float32)
BOTH = np.concatenate((RING, BALL))
READABLE = sorted(
    name for name, entry in manifest().items() if entry["verdict"] in ("ready", "size-implausible", "mesh-not-closed")
)


def cube(side: float = 10.0, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Triangles:
    corners = np.array([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    facets = [(a, b, c) for a, b, c, _ in faces] + [(a, c, d) for a, _, c, d in faces]
    solid: Triangles = (corners[np.array(facets)] * side + np.array(at)).astype(np.float32)
    return solid


def shuffled(triangles: Triangles, seed: int) -> Triangles:
    """The same facets in another order, each beginning at any of its corners."""
    rng = np.random.default_rng(seed)
    facets = triangles[rng.permutation(len(triangles))]
    turns = (np.arange(3) + rng.integers(0, 3, len(facets))[:, None]) % 3
    turned: Triangles = facets[np.arange(len(facets))[:, None], turns]
    return turned


# -- how much ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at", [(0.0, 0.0, 0.0), (-5.0, 3.0, 1.0), (4096.0, -2048.0, 1024.0)], ids=["here", "near", "far"]
)
def test_a_cube_is_its_side_cubed(at: tuple[float, float, float]) -> None:
    found = scan(cube(10.0, at))
    assert found.volume == pytest.approx(1000.0, rel=1e-9)
    assert found.area == pytest.approx(600.0, rel=1e-9)
    assert (found.low, found.extents) == (at, (10.0, 10.0, 10.0))
    assert (found.triangle_count, found.body_count, found.simple) == (12, 1, True)


def test_a_tetrahedron_is_a_sixth() -> None:
    found = scan(tetrahedron())
    assert found.volume == pytest.approx(1 / 6, rel=1e-9)
    assert found.area == pytest.approx(1.5 + 3**0.5 / 2, rel=1e-9)


@pytest.mark.parametrize("name", READABLE)
def test_every_fixture_is_as_the_numpy_code_finds_it(name: str) -> None:
    body = model(name).read_bytes()
    triangles = read_stl(io.BytesIO(body))
    found, told = scan(io.BytesIO(body)), measure(triangles)
    assert found.volume == pytest.approx(told.signed_volume, rel=1e-9)
    assert found.area == pytest.approx(told.area, rel=1e-9)
    assert found.extents == pytest.approx(told.extents, rel=1e-12)
    assert found.centroid == pytest.approx(tuple(told.centroid), abs=1e-6)
    assert np.array_equal(source_of(io.BytesIO(body)).triangles(), triangles)
    if not found.closed:
        with pytest.raises(MeshFault) as refused:
            close_surface(weld(triangles))
        assert refused.value.facts == {"open_edge_count": count_edges(triangles).odd}
        return
    surface = close_surface(weld(triangles))
    assert found.oriented == (not surface.flipped.any())
    assert found.degenerate == surface.degenerate_count
    if found.oriented:
        assert found.body_count == surface.shell_count


def test_each_body_is_told_by_itself() -> None:
    apart = np.concatenate((cube(), cube(2.0, (20.0, 0.0, 0.0))[:, ::-1]))
    found = scan(apart)
    assert found.bodies is not None
    assert sorted((body.facets, round(body.volume, 6), body.low) for body in found.bodies) == [
        (12, -8.0, (20.0, 0.0, 0.0)),
        (12, 1000.0, (0.0, 0.0, 0.0)),
    ]
    assert (found.oriented, found.inward_count, found.simple) == (True, 1, False)


def test_more_bodies_than_there_is_room_for_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("system.meshes.engine.front.BODIES_MAX", 4)
    monkeypatch.setattr(SCAN, "BODIES_MAX", 4)
    found = scan(np.concatenate([cube(1.0, (3.0 * step, 0.0, 0.0)) for step in range(9)]))
    assert found.bodies is not None
    assert (found.body_count, len(found.bodies), found.simple) == (9, 4, False)
    assert found.volume == pytest.approx(9.0, rel=1e-9)


# -- in any order ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sorts=st.booleans())
def test_any_order_of_facets_and_corners_is_the_same_model(seed: int, sorts: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if sorts:
            patch.setattr(SCAN, "IN_ORDER_MAX", -1)
        found = scan(shuffled(BOTH, seed))
    told = scan(BOTH)
    assert (found.volume, found.area) == pytest.approx((told.volume, told.area), rel=1e-12)
    assert (found.low, found.high, found.closed, found.oriented) == (told.low, told.high, True, True)
    assert found.bodies is not None and told.bodies is not None
    assert sorted(body.facets for body in found.bodies) == sorted(body.facets for body in told.bodies)
    assert sorted(body.volume for body in found.bodies) == pytest.approx(sorted(body.volume for body in told.bodies))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), turned=st.sets(st.integers(0, len(BOTH) - 1), max_size=5), gone=st.integers(0, 3)
)
def test_closed_and_oriented_are_what_sorting_all_edges_says(seed: int, turned: set[int], gone: int) -> None:
    facets = BOTH.copy()
    facets[sorted(turned)] = facets[sorted(turned)][:, ::-1]
    facets = shuffled(facets, seed)[gone:]
    found, counts = scan(facets), count_edges(facets)
    assert found.closed == (counts.odd == 0)
    assert found.oriented == (counts.unbalanced == 0)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), slots=st.sampled_from([1 << 5, 1 << 6, 1 << 8]), nodes=st.sampled_from([2, 4, 64])
)
def test_a_full_table_and_few_nodes_change_nothing(seed: int, slots: int, nodes: int) -> None:
    """Edges lie beside each other then: what is met leaves its mark until nothing lies behind it, and tables are made anew."""
    cubes = np.concatenate([cube(1.0, (3.0 * step, 0.0, 0.0)) for step in range(40)])
    facets = shuffled(np.concatenate((BOTH, cubes)), seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("system.meshes.engine.front._SLOTS", slots)
        patch.setattr("system.meshes.engine.front._NODES", nodes)
        found = scan(facets)
    told = scan(np.concatenate((BOTH, cubes)))
    assert found.bodies is not None and told.bodies is not None
    assert (found.oriented, found.simple, found.body_count) == (True, True, 42)
    assert sorted((body.facets, body.low, body.high) for body in found.bodies) == sorted(
        (body.facets, body.low, body.high) for body in told.bodies
    )


# -- what is wrong -----------------------------------------------------------------------------------------------------------

FIN = np.array([[RING[0, 0], RING[0, 1], [0.0, 0.0, 30.0]]], dtype=np.float32)
BROKEN: dict[str, tuple[Triangles, bool, bool, dict[str, int]]] = {
    "hole": (RING[1:], False, False, {"odd": 3, "boundary": 3}),
    "flipped facet": (np.concatenate((RING[:1, ::-1], RING[1:])), True, False, {"flipped": 3, "odd": 0}),
    "duplicated facet": (np.concatenate((RING, RING[5:6])), False, False, {"many_sided": 3, "odd": 3}),
    "fin on an edge": (np.concatenate((RING, FIN)), False, False, {"many_sided": 1, "boundary": 2}),
    "all one-sided": (BALL[:1], False, False, {"all": 3, "boundary": 3}),
    "nothing": (RING, True, True, {"odd": 0, "many_sided": 0, "flipped": 0, "unbalanced": 0, "all": 1200}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_seen(name: str) -> None:
    facets, closed, oriented, told = BROKEN[name]
    found, counts = scan(facets), count_edges(facets)
    assert (found.closed, found.oriented, found.simple) == (closed, oriented, name == "nothing")
    assert {key: getattr(counts, key) for key in told} == told
    assert isinstance(counts, EdgeCounts)


def test_an_edge_of_four_sides_is_noticed() -> None:
    found = scan(np.concatenate((cube(), cube(10.0, (10.0, 10.0, 0.0)))))
    assert (found.oriented, found.body_count, found.simple) == (True, 2, False)
    assert found.many_sided > 0


def test_facets_with_a_corner_twice_are_counted_and_open_nothing() -> None:
    slivers = np.stack([RING[index, [0, 0, 1]] for index in range(7)])
    found = scan(np.concatenate((slivers, RING)))
    assert (found.degenerate, found.oriented, found.body_count) == (7, True, 1)


def test_minus_zero_is_zero_to_the_scan() -> None:
    facets = cube()
    facets[::2][facets[::2] == 0.0] = -0.0
    assert scan(facets).simple


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=["nan", "inf", "minus inf"])
@pytest.mark.parametrize("sorts", [False, True], ids=["in order", "sorted"])
def test_what_is_not_finite_is_refused(value: float, sorts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if sorts:
        monkeypatch.setattr(SCAN, "IN_ORDER_MAX", -1)
    facets = RING.copy()
    facets[700, 1, 2] = value
    with pytest.raises(MeshFault, match="mesh-not-finite"):
        scan(facets)


def test_a_file_without_an_order_is_sorted_after_a_short_look_and_one_with_an_order_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sorts: list[int] = []

    def noted(facets: Triangles, box: Any) -> Any:
        sorts.append(len(facets))
        return order_of(facets, box)

    monkeypatch.setattr(SCAN, "order_of", noted)
    ring = shapes.torus(17.0, 2.0, segments=200, sides=40).astype(np.float32)
    apart = scan(shuffled(ring, 3))
    assert (sorts, apart.oriented, apart.body_count) == ([len(ring)], True, 1)
    assert apart.live_peak < 2_000, "of 24,000 edges"
    sorts.clear()
    for facets in (ring, ring[::-1], RING, shuffled(RING, 3)):
        assert scan(facets).oriented
    assert sorts == [], "small enough not to matter, or well ordered"


def test_a_soup_stays_in_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """All its edges wait for ever: they are not followed beyond the budget, and the totals are told all the same."""
    fronts: list[Front] = []
    made = Front.__post_init__

    def noted(front: Front) -> None:
        made(front)
        fronts.append(front)

    monkeypatch.setattr(Front, "__post_init__", noted)
    monkeypatch.setattr(SCAN, "LIVE_MAX", 1 << 14)
    monkeypatch.setattr(SCAN, "IN_ORDER_MAX", 1 << 13)
    soup = np.random.default_rng(7).normal(size=(60_000, 3, 3)).astype(np.float32)
    found = scan(soup)
    assert (found.closed, found.oriented, found.bodies, found.body_count) == (False, False, None, None)
    assert found.area == pytest.approx(measure(soup).area, rel=1e-9)
    parts = len(fronts) // 2
    assert len(fronts) == 2 * parts
    assert found.live_peak < 1 << 16
    assert sum(front.slots.nbytes + front.sums.nbytes for front in fronts[parts:]) < 12 << 20


# -- shared metal ----------------------------------------------------------------------------------------------------------------


def solid_of(triangles: Triangles) -> Any:
    points, corners = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    return MANIFOLD.Manifold(MANIFOLD.Mesh(points, corners.reshape(-1, 3).astype(np.uint32)))


def union_excess(*parts: Triangles) -> tuple[float, float]:
    """What an exact boolean union says is shared, and the volume of all of it."""
    solids = [solid_of(part) for part in parts]
    union = MANIFOLD.Manifold.batch_boolean(solids, MANIFOLD.OpType.Add).volume()
    return sum(solid.volume() for solid in solids) - union, union


@pytest.mark.parametrize("shift", [(6.0, 0.0, 0.0), (0.5, 6.0, 1.0), (2.0, 2.0, 5.0)], ids=["x", "y", "z"])
def test_shared_metal_is_what_an_exact_union_says(shift: tuple[float, float, float]) -> None:
    one = shapes.ball(5.0, (0.0, 0.0, 0.0), rows=24).astype(np.float32)
    other = shapes.ball(4.0, shift, rows=30).astype(np.float32)
    excess, volume = union_excess(one, other)
    assert overlap_volume(np.concatenate((one, other))) == pytest.approx(excess, abs=1e-4 * volume)


def test_three_deep_is_counted_twice_too_often() -> None:
    deep = np.concatenate((cube(), cube(6.0, (2.0, 2.0, 2.0)), cube(2.0, (4.0, 4.0, 4.0))))
    assert overlap_volume(deep) == pytest.approx(216.0 + 8.0, rel=1e-2)


def test_what_is_too_thin_to_sample_is_not_sampled() -> None:
    sheet = cube() * np.array([1.0, 1e-25, 1e-25], dtype=np.float32)
    assert overlap_volume(np.concatenate((sheet, sheet)).astype(np.float32)) is None


# -- too large to repair -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facets", "code", "facts"),
    [
        (RING[1:], "mesh-not-closed", {"open_edge_count": 3}),
        (
            np.concatenate((RING[:1, ::-1], RING[1:])),
            "mesh-too-large",
            {"triangle_count": 800, "triangle_count_max": 700},
        ),
    ],
    ids=["open", "facet turned"],
)
def test_a_large_model_is_repaired_by_nobody(
    facets: Triangles, code: str, facts: dict[str, int], find: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysing, "CHECKED_COUNT_MAX", 700)
    assert find(facets)["refused"] == {"stage": "refused", "code": code, "facts": facts}
    assert "checked" in find(RING)


def test_a_sound_model_is_checked_without_the_old_steps(
    find: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysing, "weld", None)
    assert find(BOTH)["checked"]["shell_count"] == 2
    with pytest.raises(TypeError):
        find(RING[:, ::-1])


# -- compiled loops ----------------------------------------------------------------------------------------------------------------

UNKEPT = """
import sys
from pathlib import Path
from system.meshes.sandbox import limit
from system.meshes.compiling import compiled
sys.path.insert(0, sys.argv[1])
limit(memory_bytes=1 << 31, cpu_s=30)
import loops
assert compiled(loops.twice)(21) == 42
"""


def test_where_nothing_can_be_written_loops_work_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text("def twice(number):\n    return 2 * number\n")
    kept = tmp_path / "kept"
    root = Path(__file__).parents[4]
    ended = subprocess.run(
        [sys.executable, "-c", UNKEPT, str(tmp_path)],
        cwd=root,
        env={"NUMBA_CACHE_DIR": str(kept), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not list(kept.rglob("*.nbc"))
