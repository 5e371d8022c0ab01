"""Where a surface is broken: the places lie at the hole, are few, far from each other, and the same each time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.models3d import model, shapes
from system.pricing.adapters.mesh.places import APART_MIN, LOOKED_AT_MAX, places_of
from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.adapters.rows import problem_from_json, problem_to_json
from system.pricing.application.views import problem_view
from system.pricing.domain.mesh import PLACES_MAX, LengthUnit, MeshMeasure, Problem
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import size_problem

Find = Callable[..., dict[str, dict[str, Any]]]
RADIUS = 9.5
RING = shapes.torus(17.0, 2.0, segments=60, sides=12)
"""The middle of its wire runs RADIUS from the axis, and its skin 1 mm from that."""
LONGEST = 21.0


def places(found: dict[str, dict[str, Any]]) -> np.ndarray:
    assert found["refused"]["code"] == "mesh-not-closed"
    return np.array(found["refused"]["places"])


def from_skin(points: np.ndarray) -> np.ndarray:
    """How far points are from the torus' skin: sqrt((sqrt(x^2 + y^2) - R)^2 + z^2) = r."""
    apart: np.ndarray = np.abs(np.hypot(np.hypot(points[:, 0], points[:, 1]) - RADIUS, points[:, 2]) - 1.0)
    return apart


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(missing=st.integers(0, len(RING) - 1))
def test_places_of_a_hole_are_middles_of_its_edges(find: Find, missing: int) -> None:
    hole = RING[missing].astype(np.float32).astype(np.float64)
    middles = (hole + np.roll(hole, -1, axis=0)) / 2
    found = places(find(np.delete(RING, missing, axis=0)))
    assert 1 <= len(found) <= 3
    for place in found:
        assert np.linalg.norm(middles - place, axis=1).min() < 1e-4


def test_a_cut_ring_is_marked_at_both_cuts_and_nowhere_else(find: Find) -> None:
    """Taken out is a tenth of the ring, from angle 0: what bounds nothing lies there, on the skin."""
    middles = RING.mean(axis=1)
    angle = np.arctan2(middles[:, 1], middles[:, 0]) % (2 * np.pi)
    found = places(find(RING[angle > 0.2 * np.pi]))
    assert len(found) <= PLACES_MAX
    at = np.arctan2(found[:, 1], found[:, 0]) % (2 * np.pi)
    step = 2 * np.pi / 60
    cuts = np.minimum(np.minimum(at, 2 * np.pi - at), np.abs(at - 0.2 * np.pi))
    assert cuts.max() < 2 * step
    assert {bool(each) for each in np.minimum(at, 2 * np.pi - at) < 2 * step} == {True, False}, "both cuts are marked"
    assert from_skin(found).max() < 0.1


def test_one_hole_of_many_small_edges_and_a_second_are_both_marked(find: Find) -> None:
    found = places(find(np.delete(RING, [100, 900], axis=0)))
    for missing in (100, 900):
        assert np.linalg.norm(found - RING[missing].mean(axis=0), axis=1).min() < 1.0


def test_places_are_few_far_from_each_other_and_the_same_each_time(find: Find) -> None:
    torn = np.delete(RING, np.arange(0, len(RING), 3), axis=0)
    found = places(find(torn))
    assert len(found) == PLACES_MAX
    apart = [np.linalg.norm(one - other) for one, other in combinations(found, 2)]
    assert min(apart) > APART_MIN * LONGEST
    assert find(torn)["refused"] == find(torn)["refused"], "corners are numbered by another secret each time"


def test_an_edge_of_three_sides_is_marked(find: Find) -> None:
    fin = np.stack((RING[0, 0], RING[0, 1], RING[0, 1] + np.array([0.0, 0.0, 5.0])))
    found = places(find(np.concatenate((RING, fin[None]))))
    middle = (RING[0, 0] + RING[0, 1]) / 2
    assert np.linalg.norm(found - middle, axis=1).min() < 1e-4


def test_a_seam_of_a_one_sided_surface_is_marked(find: Find) -> None:
    from system.pricing.tests.unit.test_mesh_rules import _klein_bottle

    assert 1 <= len(places(find(_klein_bottle()))) <= PLACES_MAX


def test_facets_without_area_say_where_they_are(find: Find) -> None:
    found = find(np.full((4, 3, 3), 7.0))["refused"]
    assert (found["code"], found["places"]) == ("mesh-no-volume", [(7.0, 7.0, 7.0)])


def test_what_has_no_place_has_none(find: Find) -> None:
    assert "places" not in find(b"hello")["refused"]


def test_a_file_of_nothing_but_holes_costs_no_more(find: Find) -> None:
    rng = np.random.default_rng(3)
    soup = rng.uniform(-50, 50, (LOOKED_AT_MAX, 3, 3)).astype(np.float32)
    sides = np.arange(3 * len(soup), dtype=np.int64)
    assert places_of(soup, sides) == places_of(soup, sides)
    assert len(places_of(soup, sides)) == PLACES_MAX


# -- on their way --------------------------------------------------------------------------------------------------------


async def test_places_come_out_of_the_measuring_process() -> None:
    supervisor = MeshSupervisor(timeout_s=30.0, memory_bytes=1_150 * 1024 * 1024)
    with model("half-open-shell").open("rb") as file:
        *_, problem = [finding async for finding in supervisor.measure(file)]
    assert isinstance(problem, Problem)
    assert 1 <= len(problem.places) <= PLACES_MAX
    assert problem.facts == {"open_edge_count": "19"}


@pytest.mark.parametrize(
    "told",
    [[[0.0, 0.0, 0.0]] * (PLACES_MAX + 1), [[0.0, 0.0]], [["x", 0, 0]], [[float("nan"), 0, 0]], [[1e999, 0, 0]]],
)
async def test_places_that_are_none_are_nonsense(told: list[Any]) -> None:
    finding = {"stage": "refused", "code": "mesh-not-closed", "facts": {"open_edge_count": 3}, "places": told}
    command = (sys.executable, "-c", f"print({json.dumps(finding)!r})")
    supervisor = MeshSupervisor(timeout_s=30.0, memory_bytes=1 << 30, command=command)
    with model("torus-ring").open("rb") as file:
        *_, problem = [each async for each in supervisor.measure(file)]
    assert isinstance(problem, Problem)
    assert problem.code == "analysis-crashed"


def test_a_problem_is_kept_with_all_that_is_known() -> None:
    problem = Problem.of("mesh-not-closed", open_edge_count=3).at([(1.5, 0.0, -2.0)])
    kept = json.loads(json.dumps(problem_to_json(problem)))
    assert problem_from_json(kept) == problem
    assert problem_view(problem)["places"] == [[1.5, 0.0, -2.0]]
    assert problem_view(problem)["facts"] == {"open_edge_count": "3"}


def test_a_problem_that_an_older_release_kept_has_its_words_alone() -> None:
    words = {"code": "mesh-not-closed", "title": "The surface is not closed", "detail": "3 edges bound no solid."}
    problem = problem_from_json(words)
    assert problem is not None and problem.places == ()
    assert problem_view(problem) == words
    assert problem_to_json(problem) == words


# -- a size that is asked about ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "extents_mm"),
    [(LengthUnit.MM, ("0.84", "0.84", "0.08")), (LengthUnit.M, ("840", "840", "80"))],
)
def test_a_size_that_is_asked_about_is_told_in_every_unit(
    torus: MeshMeasure, book: PriceBook, unit: LengthUnit, extents_mm: tuple[str, str, str]
) -> None:
    x, y, z = (Decimal(extent) for extent in extents_mm)
    measure = MeshMeasure(torus.volume_mm3, torus.area_mm2, (x, y, z), 1024, checked=True)
    problem = size_problem(measure, book, unit=unit)
    assert problem is not None
    assert set(problem.sizes_mm) == {"mm", "cm", "m", "in"}
    assert problem.sizes_mm["mm"] == ("0.84", "0.84", "0.08")
    assert problem.sizes_mm["in"] == ("21.3", "21.3", "2.0")
    assert problem_view(problem)["extents_mm"]["cm"] == ["8.4", "8.4", "0.8"]
