"""What a closed model is like: how much it bends, what stands twice, the hull around it, and what hangs together."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifold3d import Manifold

from fixtures.models3d import model, shapes
from system.meshes import beside
from system.meshes.engine.cells import box_of
from system.meshes.stl import read_stl
from system.pricing.adapters.mesh import analyse as analysing
from system.pricing.adapters.mesh import character, contact, hull, roughness
from system.pricing.adapters.mesh.character import Character
from system.pricing.adapters.mesh.contact import separate_groups
from system.pricing.adapters.mesh.hull import hull_volume_of
from system.pricing.adapters.mesh.points import duplicates_in
from system.pricing.adapters.mesh.roughness import roughness_of

Find = Callable[..., dict[str, dict[str, Any]]]
BALL = shapes.ball(5.0, (0.0, 0.0, 0.0), rows=16)
RING = shapes.torus(17.0, 2.0, segments=60, sides=12)


def small(solid: shapes.Solid) -> Any:
    return np.ascontiguousarray(solid, dtype=np.float32)


def moved(solid: shapes.Solid, x: float, y: float, z: float) -> shapes.Solid:
    there: shapes.Solid = solid + np.array((x, y, z))
    return there


def rough(solid: shapes.Solid) -> float:
    return roughness_of(small(solid), shapes.area_of(solid))


# -- how much it bends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [12, 24, 48])
def test_a_ball_bends_like_a_ball_however_fine_its_facets_are(rows: int) -> None:
    assert rough(shapes.ball(7.0, (1.0, 2.0, 3.0), rows=rows)) == pytest.approx(1.0, abs=0.01)


def test_a_ring_bends_as_its_formula_says_in_every_unit() -> None:
    """Mean curvature over the skin of a thin wire is 2 pi^2 R; over a sphere of the same area S it is (4 pi S)^(1/2)."""
    fine = shapes.torus(17.35, 2.0, segments=200, sides=32)
    middle, radius = 9.675, 1.0
    expected = 2 * pi**2 * middle / np.sqrt(4 * pi * 4 * pi**2 * middle * radius)
    assert rough(fine) == pytest.approx(expected, rel=0.1)
    assert rough(fine / 25.4) == pytest.approx(rough(fine), rel=1e-4)


def test_beads_make_a_ring_rougher() -> None:
    beaded = shapes.pave(17.35, 2.0, stones=16, stone=1.4, segments=64, sides=8, rows=6)
    assert rough(beaded) > 1.3 * rough(RING)


def test_neighbours_meet_at_minus_zero_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the edges between them would not bend. Of a third of them the others are only looked for."""
    monkeypatch.setattr(roughness, "LOOKED_AT_MAX", len(BALL) // 3)
    half = small(BALL)
    half[::2][half[::2] == 0.0] = -0.0
    assert np.signbit(half[half == 0.0]).any()
    assert roughness_of(half, shapes.area_of(BALL)) == rough(BALL)


def test_of_many_facets_some_tell_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    every = rough(RING)
    monkeypatch.setattr(roughness, "LOOKED_AT_MAX", len(RING) // 3)
    assert rough(RING) == pytest.approx(every, rel=0.06)


def test_facets_without_area_bend_nothing() -> None:
    sliver = np.stack((BALL[0, 0], BALL[0, 0], BALL[0, 1]))[None]
    assert rough(np.concatenate((BALL, sliver))) == pytest.approx(rough(BALL), rel=0.02)


# -- what stands twice, and the hull -------------------------------------------------------------------------------------


def test_facets_that_stand_twice_are_counted_whichever_way_they_face() -> None:
    assert duplicates_in(small(BALL)) == 0
    assert duplicates_in(small(np.concatenate((BALL, BALL[3:5], BALL[7:8, [1, 0, 2]], BALL[9:10, [1, 2, 0]])))) == 4


def test_the_hull_of_a_ball_is_the_ball_and_that_of_a_ring_has_no_hole() -> None:
    assert hull_volume_of(small(BALL)) == pytest.approx(shapes.volume_of(BALL), rel=1e-5)
    assert hull_volume_of(small(RING)) > 3 * shapes.volume_of(RING)


@pytest.mark.parametrize("name", ["signet-ring", "pave-ring", "pendant", "torus-ring"])
def test_the_hull_is_that_of_every_corner(name: str) -> None:
    with model(name).open("rb") as file:
        triangles = read_stl(file)
    every = np.unique(triangles.reshape(-1, 3), axis=0)
    assert hull_volume_of(triangles) == pytest.approx(Manifold.hull_points(every).volume(), rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), stretch=st.sampled_from([(1, 1, 1), (100, 1, 1), (1, 50, 0.1)]))
def test_the_hull_of_any_cloud_of_facets_is_that_of_every_corner(
    seed: int, stretch: tuple[float, float, float]
) -> None:
    cloud = small(np.random.default_rng(seed).normal(size=(3000, 3, 3)) * np.array(stretch) + 30.0)
    assert hull_volume_of(cloud) == pytest.approx(Manifold.hull_points(cloud.reshape(-1, 3)).volume(), rel=1e-5)


def test_most_corners_are_left_out_before_the_hull_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    given_to: list[int] = []

    class Counting:
        @staticmethod
        def hull_points(points: Any) -> Any:
            given_to.append(len(points))
            return Manifold.hull_points(points)

    monkeypatch.setattr(hull, "Manifold", Counting)
    hull_volume_of(small(np.random.default_rng(1).normal(size=(20_000, 3, 3))))
    assert max(given_to) < 10_000, "of 60,000"


@pytest.mark.parametrize("looked_at_max", [50, 700, 2999])
def test_the_hull_is_the_same_however_few_are_looked_at_first(
    monkeypatch: pytest.MonkeyPatch, looked_at_max: int
) -> None:
    monkeypatch.setattr(hull, "LOOKED_AT_MAX", looked_at_max)
    cloud = small(np.random.default_rng(7).normal(size=(3000, 3, 3)) + 30.0)
    assert hull_volume_of(cloud) == pytest.approx(Manifold.hull_points(cloud.reshape(-1, 3)).volume(), rel=1e-5)


def test_a_choice_that_is_flat_hides_no_hull(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hull, "LOOKED_AT_MAX", 500)
    cloud = np.random.default_rng(7).normal(size=(1000, 3, 3))
    cloud[::2, :, 2] = 0.0
    assert hull_volume_of(small(cloud)) == pytest.approx(Manifold.hull_points(cloud.reshape(-1, 3)).volume(), rel=1e-5)


# -- side by side --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beside_from", [0, 1_000_000], ids=["side by side", "one after another"])
def test_findings_are_the_same_side_by_side(monkeypatch: pytest.MonkeyPatch, find: Find, beside_from: int) -> None:
    monkeypatch.setattr(analysing, "BESIDE_FROM", beside_from)
    found = find(small(RING))["checked"]
    monkeypatch.undo()
    assert found == find(small(RING))["checked"]


def test_what_there_is_no_memory_for_is_left_out_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any) -> float:
        raise MemoryError

    monkeypatch.setattr(character, "hull_volume_of", full)
    with beside.side_by_side(2) as threads:
        told = Character(small(RING), box_of(small(RING)), threads, area=1.0, shell_count=1).told()
    assert "hull_volume" not in told and told["apart"] == 1


def test_a_fault_among_the_findings_is_raised_where_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*args: Any) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(character, "roughness_of", wrong)
    for count in (0, 2):
        with beside.side_by_side(count) as threads, pytest.raises(ZeroDivisionError):
            Character(small(RING), box_of(small(RING)), threads, area=1.0, shell_count=1).told()


def test_where_there_is_no_room_for_a_thread_findings_are_made_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(thread: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", none)
    with beside.side_by_side(2) as inline:
        told = Character(small(RING), box_of(small(RING)), inline, area=1.0, shell_count=1).told()
    assert isinstance(inline, beside.Inline) and told["apart"] == 1


def test_what_is_flat_has_a_hull_of_nothing() -> None:
    assert hull_volume_of(small(np.random.default_rng(1).normal(size=(50, 3, 3)) * np.array((1.0, 1.0, 0.0)))) == 0.0


# -- what hangs together -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solid", "groups"),
    [
        pytest.param(BALL, 1, id="one-body"),
        pytest.param(np.concatenate((BALL, moved(BALL, 10.6, 0.0, 0.0))), 2, id="side-by-side"),
        pytest.param(np.concatenate((BALL, moved(BALL, 9.0, 0.0, 0.0))), 1, id="overlapping"),
        pytest.param(np.concatenate((BALL, moved(BALL, 10.0, 0.0, 0.0))), 1, id="touching"),
        pytest.param(np.concatenate((BALL, 0.5 * BALL)), 1, id="inside-the-metal"),
        pytest.param(shapes.hollow(12.0, 2.0, rows=16), 1, id="a-hollow-is-no-body"),
        pytest.param(np.concatenate((shapes.hollow(12.0, 2.0, rows=16), 0.4 * BALL)), 2, id="loose-in-a-hollow"),
        pytest.param(np.concatenate((RING, moved(RING[:, :, [2, 0, 1]], 0.0, 9.5, 0.0))), 2, id="links-of-a-chain"),
        pytest.param(np.concatenate([moved(BALL, 20.0 * step, 0.0, 0.0) for step in range(60)]), 60, id="sixty-balls"),
    ],
)
def test_what_does_not_touch_falls_apart(solid: shapes.Solid, groups: int) -> None:
    assert separate_groups(small(solid)) == groups


def test_too_many_pieces_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact, "_PIECES_MAX", 100)
    assert separate_groups(small(BALL)) is None


# -- what is told --------------------------------------------------------------------------------------------------------


def test_a_checked_model_tells_what_it_is_like(find: Find) -> None:
    checked = find(shapes.hollow(12.0, 0.9, rows=16))["checked"]
    assert (checked["bodies"], checked["cavities"], checked["apart"]) == (1, 1, 1)
    assert checked["closed"] is True and checked["oriented"] is True
    assert (checked["degenerate_facets"], checked["duplicate_facets"]) == (0, 0)
    assert checked["thickness"]["p1"] == pytest.approx(0.9, rel=0.05)
    assert len(checked["thickness"]["min_place"]) == 3


def test_a_model_that_had_to_be_turned_was_not_oriented(find: Find) -> None:
    assert find(RING[:, ::-1])["checked"]["oriented"] is False
    assert find(shapes.facets_turned(RING, 0.3))["checked"]["oriented"] is False


def test_what_memory_does_not_suffice_for_is_left_out(monkeypatch: pytest.MonkeyPatch, find: Find) -> None:
    def short_of_memory(*_: Any) -> None:
        raise MemoryError

    for name in ("thickness_of", "roughness_of", "hull_volume_of", "duplicates_in", "separate_groups"):
        monkeypatch.setattr(character, name, short_of_memory)
    checked = find(np.concatenate((BALL, moved(BALL, 20.0, 0.0, 0.0))))["checked"]
    assert float(checked["volume"]) == pytest.approx(2 * shapes.volume_of(BALL), rel=1e-5)
    assert not {"thickness", "roughness", "hull_volume", "duplicate_facets", "apart"} & set(checked)
