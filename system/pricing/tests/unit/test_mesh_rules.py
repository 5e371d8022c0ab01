"""Each rule about surfaces, with a surface that breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.models3d import shapes, writers
from fixtures.models3d.generate import binary_stl, text_stl
from system.meshes import stl, welding
from system.pricing.adapters.mesh import surface as surfaces
from system.pricing.domain import quote
from system.pricing.domain.mesh import disclosure_codes, problem_codes

Find = Callable[..., dict[str, dict[str, Any]]]
RING = shapes.torus(17.0, 2.0, segments=40, sides=10)
BALL = shapes.ball(5.0, (0.0, 0.0, 0.0), rows=16)


def volume(found: dict[str, dict[str, Any]]) -> float:
    return float(found["checked"]["volume"])


def codes(found: dict[str, dict[str, Any]]) -> list[str]:
    return [disclosed["code"] for disclosed in found["checked"]["disclosures"]]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    turn=st.floats(0, 2 * pi),
    shift=st.tuples(*[st.floats(-2000, 2000)] * 3),
    shuffle=st.integers(0, 2**32 - 1),
)
def test_volume_does_not_depend_on_where_it_lies_or_in_which_order(
    find: Find, turn: float, shift: tuple[float, float, float], shuffle: int
) -> None:
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    moved = RING @ rotation.T + np.array(shift)
    rng = np.random.default_rng(shuffle)
    moved = moved[rng.permutation(len(moved))]
    # A corner may come first, second or third; the facet is the same.
    moved = np.stack(
        [np.roll(facet, int(by), axis=0) for facet, by in zip(moved, rng.integers(0, 3, len(moved)), strict=True)]
    )
    assert volume(find(moved)) == pytest.approx(shapes.volume_of(RING), rel=2e-3)
    assert codes(find(moved)) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.integers(0, len(RING) - 1), min_size=1, max_size=len(RING) // 2 - 1))
def test_any_facets_turned_are_turned_back(find: Find, chosen: set[int]) -> None:
    broken = RING.copy()
    broken[sorted(chosen)] = broken[sorted(chosen)][:, ::-1]
    found = find(broken)
    assert volume(found) == pytest.approx(shapes.volume_of(RING), rel=1e-5)
    assert found["checked"]["disclosures"][0] == {"code": "facets-turned", "facts": {"facets": len(chosen)}}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(missing=st.integers(0, len(RING) - 1))
def test_one_missing_facet_is_enough_to_refuse(find: Find, missing: int) -> None:
    found = find(np.delete(RING, missing, axis=0))
    assert found["refused"]["code"] == "mesh-not-closed"
    assert found["refused"]["facts"] == {"open_edge_count": 3}
    assert "measured" in found


def test_one_sided_surface_is_refused(find: Find) -> None:
    assert find(_klein_bottle())["refused"]["code"] == "mesh-not-closed"


def test_seam_a_hair_apart_is_not_closed(find: Find) -> None:
    torn = RING.copy()
    torn[0, 0, 0] += 1e-4
    assert find(torn)["refused"]["code"] == "mesh-not-closed"


def test_minus_zero_is_zero() -> None:
    triangles = np.zeros((2, 3, 3), dtype=np.float32)
    triangles[1] = -0.0
    assert len(np.unique(welding.weld(triangles))) == 1


def test_colliding_hash_is_welded_exactly(monkeypatch: pytest.MonkeyPatch, find: Find) -> None:
    monkeypatch.setattr(welding, "_mixed", lambda words: np.zeros(len(words), dtype=np.uint64))
    assert volume(find(RING)) == pytest.approx(shapes.volume_of(RING), rel=1e-5)


@settings(max_examples=200, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=60))
def test_parts_of_a_surface_are_those_that_can_be_reached(pairs: list[tuple[int, int]]) -> None:
    left, right = (
        (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True)) if pairs else (np.zeros(0, int),) * 2
    )
    count, part_of = surfaces._components(left, right, 40)
    reached = {node: {node} for node in range(40)}
    for one, other in pairs:
        joined = reached[one] | reached[other]
        for node in joined:
            reached[node] = joined
    assert count == len({min(nodes) for nodes in reached.values()})
    assert all(len({int(part_of[node]) for node in nodes}) == 1 for nodes in reached.values())
    assert sorted(set(part_of.tolist())) == list(range(count))


def test_facets_without_area_are_ignored(find: Find) -> None:
    sliver = np.stack((RING[0, 0], RING[0, 0], RING[0, 1]))
    found = find(np.concatenate((RING, sliver[None])))
    assert volume(found) == pytest.approx(shapes.volume_of(RING), rel=1e-5)
    assert codes(found) == ["degenerate-facets-ignored"]


def test_only_degenerate_facets_enclose_nothing(find: Find) -> None:
    assert find(np.ones((4, 3, 3)))["refused"]["code"] == "mesh-no-volume"


def test_flat_double_sheet_encloses_nothing(find: Find) -> None:
    sheet = np.array([[[0, 0, 0], [9, 0, 0], [0, 9, 0]], [[0, 0, 0], [0, 9, 0], [9, 0, 0]]], dtype=float)
    assert find(sheet)["refused"]["code"] == "mesh-no-volume"


def test_cavity_is_not_charged(find: Find) -> None:
    inner = shapes.ball(3.0, (0.5, 0.0, 0.0), rows=12)
    found = find(np.concatenate((BALL, inner[:, ::-1])))
    assert volume(found) == pytest.approx(shapes.volume_of(BALL) - shapes.volume_of(inner), rel=1e-5)
    assert codes(found) == ["cavity-found"]


def test_hollow_body_wholly_inside_out_keeps_its_cavity(find: Find) -> None:
    inner = shapes.ball(3.0, (0.0, 0.0, 0.0), rows=12)
    found = find(np.concatenate((BALL[:, ::-1], inner)))
    assert volume(found) == pytest.approx(shapes.volume_of(BALL) - shapes.volume_of(inner), rel=1e-5)
    assert codes(found) == ["turned-inside-out", "cavity-found"]


def test_body_inside_out_beside_another_is_turned(find: Find) -> None:
    beside = shapes.ball(3.0, (12.0, 0.0, 0.0), rows=12)
    found = find(np.concatenate((BALL, beside[:, ::-1])))
    assert volume(found) == pytest.approx(shapes.volume_of(BALL) + shapes.volume_of(beside), rel=1e-5)
    assert codes(found) == ["bodies-turned"]


def test_nested_body_of_the_same_orientation_is_metal_already_counted(find: Find) -> None:
    inner = shapes.ball(3.0, (0.0, 0.0, 0.0), rows=12)
    found = find(np.concatenate((BALL, inner)))
    assert volume(found) == pytest.approx(shapes.volume_of(BALL), rel=1e-3)
    assert codes(found) == ["overlap-counted-once"]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_overlap_of_two_balls_is_the_lens_between_them(find: Find, axis: int) -> None:
    fine = shapes.ball(5.0, (0.0, 0.0, 0.0), rows=80)
    shift = np.zeros(3)
    shift[axis] = 6.0
    found = find(np.concatenate((fine, fine + shift)))
    lens = pi * (4 * 5 + 6) * (2 * 5 - 6) ** 2 / 12
    assert volume(found) == pytest.approx(2 * 4 / 3 * pi * 125 - lens, rel=2e-3)


@pytest.mark.parametrize("squeezed", [0, 1, 2])
def test_overlap_is_the_same_from_every_side(find: Find, squeezed: int) -> None:
    scale = np.ones(3)
    scale[squeezed] = 0.4
    fine = shapes.ball(5.0, (0.0, 0.0, 0.0), rows=60) * scale
    other = fine + np.array([2.0, 2.0, 2.0]) * scale
    found = find(np.concatenate((fine, other)))
    apart = np.sqrt(12.0)
    lens = pi * (4 * 5 + apart) * (2 * 5 - apart) ** 2 / 12 * 0.4
    assert volume(found) == pytest.approx(2 * 4 / 3 * pi * 125 * 0.4 - lens, rel=3e-3)


def test_bodies_that_touch_at_an_edge_are_two(find: Find) -> None:
    cube = _cube()
    found = find(np.concatenate((cube, cube + np.array([10.0, 10.0, 0.0]))))
    assert found["checked"]["shell_count"] == 2
    assert volume(found) == pytest.approx(2000.0)


# -- files -----------------------------------------------------------------------------------------------------------


def test_text_and_binary_read_alike(find: Find) -> None:
    assert find(text_stl(RING, title="a ring with facet and vertex in its name"))["checked"] == find(RING)["checked"]


def test_upper_case_text_with_two_solids_reads(find: Find) -> None:
    both = text_stl(BALL, title="one") + text_stl(BALL + np.array([20.0, 0, 0]), title="two")
    assert volume(find(both.upper())) == pytest.approx(2 * shapes.volume_of(BALL), rel=1e-5)


def test_binary_that_begins_with_solid_is_binary(find: Find) -> None:
    assert volume(find(b"solid" + binary_stl(RING, title="x")[5:])) == pytest.approx(shapes.volume_of(RING), rel=1e-5)


def test_bytes_after_the_last_facet_are_ignored(find: Find) -> None:
    assert find(binary_stl(RING, title="x") + b"colour table")["checked"] == find(RING)["checked"]


FIRST_FACETS = RING[:3]
TEXT = text_stl(FIRST_FACETS, title="x")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-a-model"),
        (b"hello", "not-a-model"),
        (b"a letter to you" * 20, "not-a-model"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 400, "not-a-model"),
        (b"solid words and nothing else, however long " * 50, "not-a-model"),
        (b"solid x\nendsolid x\n", "mesh-empty"),
        (b"\0" * 84, "mesh-empty"),
        (binary_stl(RING, title="x")[:-1], "mesh-truncated"),
        (binary_stl(RING, title="x")[:84], "mesh-truncated"),
        (TEXT[: len(TEXT) // 2], "mesh-truncated"),
        (TEXT.replace(b"endsolid x", b""), "mesh-truncated"),
        (TEXT.replace(b"    endloop", b"      vertex 1 2 3\n    endloop", 1), "mesh-malformed"),
        (TEXT.replace(b"vertex ", b"vertex one ", 1), "mesh-malformed"),
        (TEXT.replace(b"vertex ", b"vertex 7 ", 1), "mesh-malformed"),
        (b"x" * 80 + (6_000_001).to_bytes(4, "little") + b"\0" * 500, "mesh-too-large"),
    ],
)
def test_broken_file_is_refused_with_its_own_code(find: Find, body: bytes, code: str) -> None:
    found = find(body)
    assert found["refused"]["code"] == code
    assert "measured" not in found


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("text", [False, True])
def test_impossible_coordinates_are_refused(find: Find, value: float, text: bool) -> None:
    broken = RING.copy()
    broken[5, 1, 2] = value
    body = text_stl(broken, title="x") if text else binary_stl(broken, title="x")
    assert find(body)["refused"]["code"] == "mesh-not-finite"


def test_text_beyond_float32_is_not_finite(find: Find) -> None:
    assert find(TEXT.replace(b"vertex ", b"vertex 1e300 ", 1).replace(b" 0\n", b"\n", 1))["refused"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=600),
    start=st.sampled_from([b"", b"solid ", TEXT[:200], binary_stl(FIRST_FACETS, title="x")[:150]]),
)
def test_no_bytes_crash_the_reader(find: Find, body: bytes, start: bytes) -> None:
    found = find(start + body)
    assert found.keys() & {"refused", "checked"}


def test_what_a_file_says_of_itself_is_told(find: Find) -> None:
    found = find(writers.write_3mf(RING, unit="inch", components=1))
    assert (found["measured"]["unit"], found["checked"]["unit"], found["checked"]["disclosures"]) == ("in", "in", [])
    found = find(writers.write_obj(RING) + b"p 1\n")
    assert "unit" not in found["checked"]
    assert found["checked"]["disclosures"] == [{"code": "lines-left-out", "facts": {"lines": 1}}]


@pytest.mark.parametrize("write", [writers.write_3mf, writers.write_glb, writers.write_ply, writers.write_obj])
def test_a_model_measures_the_same_in_every_format(find: Find, write: Callable[..., bytes]) -> None:
    figures = ("volume", "area", "extents", "triangle_count", "shell_count")
    expected, found = find(RING)["checked"], find(write(RING))["checked"]
    assert [found[name] for name in figures] == [expected[name] for name in figures]


def test_every_code_of_the_analyser_has_words() -> None:
    """A code without a sentence would fail only when a customer meets it."""
    rooms = [Path(name).parent for name in (stl.__file__, surfaces.__file__, quote.__file__)]
    source = "".join(
        path.read_text() for room in rooms for path in sorted(room.rglob("*.py")) if "tests" not in path.parts
    )
    assert set(re.findall(r'MeshFault\(\s*"([a-z-]+)"', source)) <= problem_codes()
    assert set(re.findall(r'(?:_found|Note|disclosing)\(\s*"([a-z-]+)"', source)) == disclosure_codes()


@pytest.mark.parametrize("code", sorted(disclosure_codes()))
def test_pages_have_words_in_both_languages_for_all_that_is_disclosed(code: str) -> None:
    from system.pagekit.words import NAMES
    from system.pricing.tests.unit.test_problem_words import russian

    assert NAMES["noticed"][code] != russian(NAMES["noticed"][code])


def _cube() -> np.ndarray:
    corners = np.array([[x, y, z] for x in (0.0, 10.0) for y in (0.0, 10.0) for z in (0.0, 10.0)])
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    facets = [(a, b, c) for a, b, c, _ in sides] + [(a, c, d) for a, _, c, d in sides]
    return shapes.outwards(corners[np.array(facets)])


def _klein_bottle() -> np.ndarray:
    """A figure-eight immersion on a grid whose seam joins the tube to its mirror image: every edge has two sides, no outside."""
    rows, columns = 24, 12
    points = np.empty((rows, columns, 3))
    for row in range(rows):
        u = 2 * pi * row / rows
        for column in range(columns):
            v = 2 * pi * column / columns
            radius = 6 + np.cos(u / 2) * np.sin(v) - np.sin(u / 2) * np.sin(2 * v)
            height = np.sin(u / 2) * np.sin(v) + np.cos(u / 2) * np.sin(2 * v)
            points[row, column] = (radius * np.cos(u), radius * np.sin(u), height)
    facets = []
    for row in range(rows):
        for column in range(columns):

            def at(r: int, c: int) -> np.ndarray:
                # Once around, the tube comes back mirrored.
                corner: np.ndarray = points[r % rows, (-c if r >= rows else c) % columns]
                return corner

            a, b = at(row, column), at(row, column + 1)
            c, d = at(row + 1, column + 1), at(row + 1, column)
            facets += [(a, b, c), (a, c, d)]
    return np.array(facets)
