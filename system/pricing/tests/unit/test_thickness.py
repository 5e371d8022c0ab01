"""Walls are as thick as they were drawn, whatever the unit, the turn and the tessellation; what is no wall is left out."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.models3d import shapes
from system.meshes.stl import Triangles
from system.pricing.adapters.mesh import rays
from system.pricing.adapters.mesh.thickness import BINS_PER_DECADE, POINTS_MAX, SAMPLES, Thickness, spread, thickness_of
from system.pricing.domain.mesh import THICKNESS_STEP

ACCURACY = 0.05


def box(low: float, high: float) -> shapes.Solid:
    """A cube from one corner to the other, of twelve facets."""
    corners = np.array([(x, y, z) for x in (low, high) for y in (low, high) for z in (low, high)])
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    facets = [
        corners[[a, b, c]] for side in sides for a, b, c in ((side[0], side[1], side[2]), (side[0], side[2], side[3]))
    ]
    return shapes.outwards(np.stack(facets))


def tube(inner: float, wall: float, height: float) -> shapes.Solid:
    outline = np.array([(inner, 0.0), (inner + wall, 0.0), (inner + wall, height), (inner, height)])
    return shapes.ring_of(lambda _: outline, 120)


def wedge(angle: float) -> shapes.Solid:
    """A bar 10 wide and 10 long that thickens from an edge of this angle."""
    high = 10 * np.tan(angle)
    front = np.array([(0.0, 0.0, 0.0), (10.0, 0.0, 0.0), (10.0, 0.0, high)])
    back = front + np.array((0.0, 10.0, 0.0))
    sides = [(front[i], back[i], back[j], front[j]) for i, j in ((0, 1), (1, 2), (2, 0))]
    facets = [front, back[::-1], *(np.stack(part) for a, b, c, d in sides for part in ((a, b, c), (a, c, d)))]
    return shapes.outwards(np.stack(facets))


def measured(solid: shapes.Solid) -> Thickness:
    found = thickness_of(solid.astype(np.float32))
    assert found is not None
    return found


def turned(seed: int) -> np.ndarray:
    """Any rotation."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(matrix * np.sign(np.linalg.det(matrix)))


HOLLOW = shapes.hollow(12.0, 0.9, rows=24)
SHELLS: dict[str, tuple[Callable[[], shapes.Solid], float]] = {
    "hollow-ball": (lambda: HOLLOW, 0.9),
    "thin-hollow-ball": (lambda: shapes.hollow(20.0, 0.4, rows=40), 0.4),
    "tube": (lambda: tube(8.0, 0.8, 6.0), 0.8),
    "box-shell": (lambda: np.concatenate((box(0.0, 20.0), box(0.6, 19.4)[:, ::-1])), 0.6),
    "wire": (lambda: shapes.torus(17.35, 1.2, segments=100, sides=16), 1.2),
    "solid-ball": (lambda: shapes.ball(3.0, (0.0, 0.0, 0.0), rows=24), 6.0),
}


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_is_as_thick_as_it_was_drawn(name: str) -> None:
    drawn, wall = SHELLS[name]
    found = measured(drawn())
    for value in (found.p1, found.p5, found.median):
        assert value == pytest.approx(wall, rel=ACCURACY)
    assert sum(share for _, share in found.histogram) == pytest.approx(1.0, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e-3, 1e3))
def test_what_is_drawn_larger_is_thicker_by_as_much(scale: float) -> None:
    found, other = measured(HOLLOW), measured(HOLLOW * scale)
    assert other.p1 == pytest.approx(found.p1 * scale, rel=1e-3)
    assert other.median == pytest.approx(found.median * scale, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(sorted(SHELLS)))
def test_turned_and_moved_it_is_as_thick(seed: int, name: str) -> None:
    drawn, wall = SHELLS[name]
    found = measured(drawn() @ turned(seed).T + np.array([100.0, -40.0, 7.0]))
    assert found.p1 == pytest.approx(wall, rel=ACCURACY)
    assert found.p5 == pytest.approx(wall, rel=ACCURACY)


def test_the_thinnest_place_is_where_it_is_thin() -> None:
    inner = shapes.ball(5.0, (0.0, 0.0, 0.0), rows=32)
    found = measured(
        np.concatenate((shapes.ball(6.0, (0.0, 0.0, 0.0), rows=32), (inner + np.array((0.6, 0.0, 0.0)))[:, ::-1]))
    )
    assert found.p1 == pytest.approx(0.4, rel=0.1)
    assert found.median == pytest.approx(1.0, rel=0.1)
    x, y, z = found.place
    assert x > 0.8 * np.linalg.norm((x, y, z))


def test_beside_a_right_edge_there_is_no_wall() -> None:
    assert measured(box(0.0, 20.0)).p1 == pytest.approx(20.0, rel=1e-4)


def test_an_edge_is_thin_only_where_it_is_acute() -> None:
    assert measured(wedge(pi / 8)).p1 < 0.5, "22 degrees"
    assert thickness_of(wedge(0.49 * pi).astype(np.float32)) is not None


def test_what_stands_beside_and_not_opposite_bounds_no_wall() -> None:
    points = measured(wedge(75 / 180 * pi)).points
    assert not ((points[:, 2] < 1e-4) & (points[:, 0] < 5.0)).any(), "above the floor is a slope of 75 degrees"


def test_bodies_that_overlap_are_as_thick_as_together() -> None:
    apart = box(0.0, 4.0)
    found = measured(np.concatenate((apart, apart + np.array((3.0, 0.0, 0.0)))))
    assert {round(upto, 2) for upto, _ in found.histogram} <= {4.07, 7.08}, (
        "4 across, 7 along, and never the 1 they share"
    )


def test_bodies_that_touch_are_as_thick_as_together() -> None:
    found = measured(np.concatenate((box(0.0, 4.0), box(0.0, 4.0) + np.array((4.0, 0.0, 0.0)))))
    along = [share for upto, share in found.histogram if upto > 7.9]
    assert sum(along) == pytest.approx(0.2, abs=0.01)


def test_a_model_that_stands_twice_at_one_place_is_as_thick_as_once() -> None:
    assert measured(np.concatenate((HOLLOW, HOLLOW))).p1 == pytest.approx(0.9, rel=ACCURACY)


def test_the_same_model_gives_the_same_answer() -> None:
    first, second = measured(HOLLOW), measured(HOLLOW)
    assert first.histogram == second.histogram and first.place == second.place
    assert np.array_equal(first.points, second.points)


def test_points_of_a_picture_are_few_and_lie_on_the_skin() -> None:
    points = measured(HOLLOW).points
    assert SAMPLES // 4 < len(points) <= POINTS_MAX
    radius = np.linalg.norm(points[:, :3], axis=1)
    assert np.minimum(np.abs(radius - 6.0), np.abs(radius - 5.1)).max() < 0.06
    inside, across = (int((radius < 5.5).sum()), len(points))
    assert inside / across == pytest.approx(5.1**2 / (5.1**2 + 6.0**2), abs=0.03), "spread over the area"


def test_what_takes_too_much_work_is_looked_at_with_fewer_rays_and_then_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rays, "TESTS_MAX", 150_000)
    fewer = measured(HOLLOW)
    assert fewer.samples <= SAMPLES // 10
    assert fewer.p1 == pytest.approx(0.9, rel=ACCURACY)
    monkeypatch.setattr(rays, "TESTS_MAX", 100)
    assert thickness_of(HOLLOW.astype(np.float32)) is None


def test_flat_facets_and_far_bodies_do_no_harm() -> None:
    sliver = np.stack((HOLLOW[0, 0], HOLLOW[0, 0], HOLLOW[0, 1]))[None]
    far = shapes.ball(0.5, (9000.0, 0.0, 0.0), rows=8)
    found = measured(np.concatenate((HOLLOW, sliver, far)))
    assert found.median == pytest.approx(0.9, rel=ACCURACY)


def test_bins_are_as_wide_as_whoever_reads_them_takes_them_to_be() -> None:
    assert pytest.approx(float(THICKNESS_STEP), rel=1e-6) == 10 ** (1 / BINS_PER_DECADE)


# -- against looking at every triangle -----------------------------------------------------------------------------------


def every_crossing(triangles: Triangles, start: np.ndarray, direction: np.ndarray, own: int) -> list[float]:
    """The distances ahead at which a ray meets triangles, all looked at, nearest first."""
    a, b, c = (triangles[:, corner].astype(np.float64) for corner in range(3))
    across = np.cross(direction, c - a)
    scale = ((b - a) * across).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = ((start - a) * across).sum(axis=1) / scale
        other = np.cross(start - a, b - a)
        second = other @ direction / scale
        along = ((c - a) * other).sum(axis=1) / scale
    met = (first >= 0) & (second >= 0) & (first + second <= 1) & (along > 1e-6)
    met[own] = False
    return sorted(along[met].tolist())


@settings(max_examples=14, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), boxed=st.booleans())
def test_rays_in_a_grid_meet_what_they_meet_without_one(seed: int, boxed: bool) -> None:
    """Also from the sides of the box that the grid lies in."""
    beaded = shapes.pave(17.0, 2.0, stones=12, stone=1.4, segments=40, sides=8, rows=6) @ turned(seed).T
    solid = (np.concatenate((box(0.0, 4.0), 0.4 * HOLLOW + 2.0)) if boxed else beaded).astype(np.float32)
    starts, normals, own = spread(solid, 60)
    directions = np.random.default_rng(seed).normal(size=normals.shape)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = rays.crossings_of(solid, starts, directions, own)
    assert found is not None
    for ray, count in enumerate(found.count):
        ahead = sorted(distance for distance in found.distance[ray, :count] if distance > 1e-6)
        assert ahead == pytest.approx(every_crossing(solid, starts[ray], directions[ray], int(own[ray])), rel=1e-6)
