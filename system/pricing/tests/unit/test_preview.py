"""The picture of a model: what is seen is what is there, and whatever a file holds, drawing it ends."""

from __future__ import annotations

import time
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fixtures.models3d import model
from fixtures.models3d.shapes import circle, ring_of
from system.meshes.stl import Triangles, read_stl
from system.pricing.adapters.mesh.pose import pose
from system.pricing.adapters.mesh.preview import SIZES, draw, png
from system.pricing.adapters.mesh.raster import View, seen

SIDE = 64
FROM_ABOVE = View(
    origin=np.zeros(3, dtype=np.float32),
    turn=np.eye(3, dtype=np.float32),
    scale=np.float32(1),
    shift=np.zeros(3, dtype=np.float32),
    side=SIDE,
    depth=10.0,
)


def triangles_of(points: Any) -> Triangles:
    return np.asarray(points, dtype=np.float32).reshape(-1, 3, 3)


def square(low: float, high: float, z: float) -> Triangles:
    """Two triangles that face the viewer above."""
    a, b, c, d = (low, low, z), (high, low, z), (high, high, z), (low, high, z)
    return triangles_of([[a, b, c], [a, c, d]])


def sphere(rows: int = 60) -> Triangles:
    """A ring whose hole has closed: a sphere of radius 1, but for a needle's hole at the poles."""

    def outline(_: float) -> npt.NDArray[np.float64]:
        angle = np.linspace(-np.pi / 2, np.pi / 2, rows)
        outer = np.stack((np.maximum(np.cos(angle), 1e-5), np.sin(angle)), axis=1)
        return np.concatenate((outer, [[1e-5, 0.0]]))

    return triangles_of(ring_of(outline, 2 * rows))


def of_fixture(name: str) -> Triangles:
    with model(name).open("rb") as file:
        return read_stl(file)


def pixels_of(picture: bytes) -> npt.NDArray[np.uint8]:
    """Grey and alpha of a picture of ours; shape (row from the top, column, 2)."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    side = int.from_bytes(picture[16:20])
    length = int.from_bytes(picture[33:37])
    rows = np.frombuffer(zlib.decompress(picture[41 : 41 + length]), dtype=np.uint8).reshape(side, 1 + 2 * side)
    assert (rows[:, 0] == 2).all(), "each row is told by the one above it"
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(side, side, 2)


def test_a_picture_tells_its_pixels_back() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (7, 7, 2), dtype=np.uint8)
    assert (pixels_of(png(pixels)) == pixels).all()


# -- what is seen --------------------------------------------------------------------------------------------------------


def test_the_outline_of_a_sphere_is_a_disk() -> None:
    for size, picture in draw(sphere()).items():
        covered = pixels_of(picture)[..., 1].sum() / 255
        radius = 0.94 * size / 2
        assert covered == pytest.approx(np.pi * radius**2, rel=0.01)


@pytest.mark.parametrize("nearer_first", [True, False])
def test_what_is_nearer_hides_what_is_behind(*, nearer_first: bool) -> None:
    near, far = square(20, 40, 5), square(5, 60, 1)
    found = seen(np.concatenate((near, far) if nearer_first else (far, near)), FROM_ABOVE)
    assert found is not None
    of_near = {0, 1} if nearer_first else {2, 3}
    assert set(np.unique(found[21:40, 21:40])) == of_near
    assert set(np.unique(found[45:58, 45:58])) == {0, 1, 2, 3} - of_near
    assert (found[:4] == -1).all() and (found[61:] == -1).all()


def test_bodies_that_cross_are_seen_each_where_it_is_nearer() -> None:
    rising = triangles_of([[(0, 0, 0), (63, 0, 6), (63, 63, 6)], [(0, 0, 0), (63, 63, 6), (0, 63, 0)]])
    found = seen(np.concatenate((rising, square(0, 63, 3))), FROM_ABOVE)
    assert found is not None
    assert set(np.unique(found[5:60, 3:28])) == {2, 3}
    assert set(np.unique(found[5:60, 36:60])) <= {0, 1}


def test_what_faces_away_is_not_seen() -> None:
    found = seen(square(5, 60, 1)[:, ::-1], FROM_ABOVE)
    assert found is not None and (found == -1).all()


def test_between_neighbours_nothing_shows_through() -> None:
    steps = np.linspace(2.0, 61.0, 31)
    random = np.random.default_rng(7)
    points = np.stack((*np.meshgrid(steps, steps, indexing="ij"), np.ones((31, 31))), axis=2)
    points[1:-1, 1:-1, :2] += random.uniform(-0.6, 0.6, (29, 29, 2))
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    found = seen(triangles_of(np.stack((a, b, c, a, c, d), axis=2)), FROM_ABOVE)
    assert found is not None and (found[3:61, 3:61] >= 0).all()


def test_half_a_pixel_is_half_seen_through_and_outside_is_nothing() -> None:
    alpha = pixels_of(draw(of_fixture("torus-ring"))[96])[..., 1]
    assert (alpha[0] == 0).all() and (alpha[:, 0] == 0).all()
    assert alpha[48, 48] == 0, "one sees through the ring"
    assert ((alpha > 0) & (alpha < 255)).any(), "its edge is smooth"


@pytest.mark.parametrize("name", ["torus-ring", "band-ring", "pave-ring", "signet-ring", "pendant", "hollow-pendant"])
def test_a_piece_is_seen_in_the_light(name: str) -> None:
    pictures = draw(of_fixture(name))
    assert tuple(pictures) == SIZES
    for size, picture in pictures.items():
        pixels = pixels_of(picture)
        assert pixels.shape == (size, size, 2)
        greys = pixels[..., 0][pixels[..., 1] == 255]
        assert len(np.unique(greys)) > 30 and 90 < greys.mean() < 210, "neither black nor burnt out"
        assert len(picture) < (8_000, 40_000)[size == SIZES[1]]


def test_a_fine_mesh_looks_as_the_coarse_one() -> None:
    fine, coarse = (pixels_of(draw(of_fixture(name))[96]).astype(int) for name in ("signet-ring-100k", "signet-ring"))
    assert np.abs(fine - coarse).mean() < 4


# -- how it lies ---------------------------------------------------------------------------------------------------------


def turned(triangles: Triangles, axis: int) -> Triangles:
    """Another of the three axes becomes the vertical one."""
    return np.ascontiguousarray(np.roll(triangles, axis, axis=2))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_head_of_a_ring_is_on_top_however_it_was_drawn(axis: int) -> None:
    alpha = pixels_of(draw(turned(of_fixture("signet-ring"), axis))[96])[..., 1].astype(float)
    assert alpha[:32].sum() > 1.3 * alpha[64:].sum()


def test_a_pendant_hangs_as_it_was_drawn() -> None:
    alpha = pixels_of(draw(of_fixture("pendant"))[96])[..., 1].astype(float)
    assert alpha[64:].sum() > 2 * alpha[:32].sum(), "the bail is on top, the drop below"


def test_the_view_is_a_turn_and_no_mirror() -> None:
    turn = pose(of_fixture("band-ring"))
    assert turn is not None
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_one_looks_through_a_ring() -> None:
    upright = ring_of(lambda _: circle(12, 1.0, (9.0, 0.0)), 48)[:, :, [0, 2, 1]][:, ::-1]
    turn = pose(triangles_of(upright))
    assert turn is not None and abs(turn[2, 1]) > 0.7


# -- whatever a file holds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "triangles",
    [
        np.zeros((5, 3, 3)),
        np.full((5, 3, 3), 7.0),
        [[(0, 0, 0), (1, 1, 1), (2, 2, 2)]] * 3,
        [[(0, 0, 0), (np.nan, 0, 0), (0, 1, 0)]] * 3,
        [[(0, 0, 0), (np.inf, 0, 0), (0, 1, 0)]] * 3,
        square(0, 1, 0)[:, ::-1] * 1e-42,
    ],
    ids=["at the origin", "one point", "a line", "not a number", "endless", "too small to count"],
)
def test_what_has_no_surface_is_not_drawn(triangles: Any) -> None:
    assert draw(triangles_of(triangles)) == {}


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6, 1e30])
def test_size_is_no_matter(scale: float) -> None:
    assert tuple(draw((of_fixture("torus-ring") * np.float32(scale)).astype(np.float32))) == SIZES


def test_the_largest_numbers_do_no_harm() -> None:
    draw(np.random.default_rng(3).uniform(-3e38, 3e38, (200, 3, 3)).astype(np.float32))


def test_far_from_the_origin_it_is_the_same() -> None:
    near = of_fixture("signet-ring")
    far = (near + np.float32(4096)).astype(np.float32)
    assert np.abs(pixels_of(draw(far)[96]).astype(int) - pixels_of(draw(near)[96])).mean() < 1


def test_slivers_and_needles_are_drawn() -> None:
    random = np.random.default_rng(5)
    ends = random.uniform(-10, 10, (4000, 1, 3))
    needles = ends + np.array([[0, 0, 0], [1e-6, 0, 0], [8, 8, 8]]) * random.uniform(-1, 1, (4000, 1, 1))
    assert tuple(draw(triangles_of(needles))) == SIZES


def test_what_would_take_for_ever_is_left_undrawn_soon() -> None:
    layers = np.concatenate([square(0, 50, z) for z in np.linspace(0, 5, 20_000)])
    started = time.monotonic()
    assert draw(layers) == {}
    assert time.monotonic() - started < 10, "counted before it is done"
