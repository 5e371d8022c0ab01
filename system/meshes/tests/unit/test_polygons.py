"""Polygons with dents are cut so that they cover what they bound, and nothing else."""

from __future__ import annotations

import io
from collections import Counter
from math import cos, pi, sin

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from system.meshes.kernels import polygons
from system.meshes.model import read_model
from system.meshes.stl import Triangles

Point = tuple[float, float]

ARROW = [(0.0, 0.0), (4.0, 0.0), (1.0, 1.0), (0.0, 4.0)]
ELL = [(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 2.0)]
COMB = [(0.0, 0.0), (7.0, 0.0), *((x, 1.0 + 4.0 * (number % 2)) for number, x in enumerate(np.arange(7.0, -1.0, -1.0)))]
ON_A_LINE = [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.5, 2.0), (0.0, 2.0), (0.0, 1.0)]
KEYHOLE = [
    (0.0, 0.0),
    (6.0, 0.0),
    (6.0, 6.0),
    (0.0, 6.0),
    (0.0, 0.0),
    (2.0, 2.0),
    (2.0, 4.0),
    (4.0, 4.0),
    (4.0, 2.0),
    (2.0, 2.0),
]
SPIRAL = [
    (0.0, 0.0), (5.0, 0.0), (5.0, 5.0), (1.0, 5.0), (1.0, 2.0), (3.0, 2.0), (3.0, 3.0), (2.0, 3.0), (2.0, 4.0), (4.0, 4.0),
    (4.0, 1.0), (0.0, 1.0),
]  # fmt: skip
SHAPES = {"arrow": ARROW, "ell": ELL, "comb": COMB, "on a line": ON_A_LINE, "keyhole": KEYHOLE, "spiral": SPIRAL}


def obj_of(points: list[tuple[float, float, float]]) -> bytes:
    lines = ["v {} {} {}".format(*point) for point in points]
    return "\n".join([*lines, "f " + " ".join(str(number + 1) for number in range(len(points))), ""]).encode()


def ply_of(points: list[tuple[float, float, float]], *, is_binary: bool = False) -> bytes:
    kind = "binary_little_endian" if is_binary else "ascii"
    head = (
        f"ply\nformat {kind} 1.0\nelement vertex {len(points)}\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 1\nproperty list ushort int vertex_indices\nend_header\n"
    )
    if not is_binary:
        rows = ["{} {} {}".format(*point) for point in points]
        face = " ".join(str(number) for number in range(len(points)))
        return (head + "\n".join([*rows, f"{len(points)} {face}", ""])).encode()
    body = np.array(points, "<f4").tobytes() + len(points).to_bytes(2, "little")
    return head.encode() + body + np.arange(len(points), dtype="<i4").tobytes()


def flat(points: list[Point]) -> list[tuple[float, float, float]]:
    return [(x, y, 0.0) for x, y in points]


def shoelace(points: list[Point]) -> float:
    """The area of a polygon that runs counter-clockwise (A. L. F. Meister 1769)."""
    following = points[1:] + points[:1]
    return sum(x * v - u * y for (x, y), (u, v) in zip(points, following, strict=True)) / 2


def areas(triangles: Triangles) -> np.ndarray:
    """Of each triangle in the plane z = 0, below zero where it runs clockwise."""
    one, other = (triangles[:, place].astype(np.float64) - triangles[:, 0] for place in (1, 2))
    result: np.ndarray = (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
    return result


def rims(sides: Triangles) -> Counter[tuple[bytes, bytes]]:
    """Of sides of shape (n, 2, 3) those that no other runs against."""
    counts = Counter((one.tobytes(), other.tobytes()) for one, other in sides)
    for one, other in list(counts):
        both = min(counts[one, other], counts[other, one])
        counts[one, other] -= both
        counts[other, one] -= both
    return +counts


def cut_right(points: list[Point], triangles: Triangles) -> None:
    assert len(triangles) == len(points) - 2
    assert (areas(triangles) >= 0).all(), "nothing faces the other way"
    assert areas(triangles).sum() == pytest.approx(shoelace(points), rel=1e-5)
    corners = np.array(flat(points), dtype=np.float32)
    around = np.stack((corners, np.roll(corners, -1, axis=0)), axis=1)
    sides = np.stack((triangles, np.roll(triangles, -1, axis=1)), axis=2).reshape(-1, 2, 3)
    assert rims(sides) == rims(around), "the same edges, so that neighbours meet"


@pytest.mark.parametrize("start", [0, 1, 3])
@pytest.mark.parametrize("name", SHAPES)
def test_dents_are_left_out(name: str, start: int) -> None:
    points = SHAPES[name][start:] + SHAPES[name][:start]
    for body in (obj_of(flat(points)), ply_of(flat(points)), ply_of(flat(points), is_binary=True)):
        model = read_model(io.BytesIO(body))
        assert [note.code for note in model.notes] == ["polygons-split"]
        cut_right(points, model.triangles)


@settings(max_examples=150, deadline=None)
@given(
    radii=st.lists(st.floats(0.25, 5.0, width=16), min_size=4, max_size=40),
    turn=st.integers(0, 39),
    tilt=st.tuples(*[st.floats(-3.0, 3.0, width=16)] * 2),
)
def test_any_star_in_any_plane_keeps_its_area(radii: list[float], turn: int, tilt: tuple[float, float]) -> None:
    count = len(radii)
    points = [
        (radius * cos(2 * pi * step / count), radius * sin(2 * pi * step / count)) for step, radius in enumerate(radii)
    ]
    points = points[turn % count :] + points[: turn % count]
    assume(shoelace(points) > 0.1)
    steep = [(x, y, tilt[0] * x + tilt[1] * y) for x, y in points]
    triangles = read_model(io.BytesIO(obj_of(steep))).triangles
    assert np.abs(areas(triangles)).sum() == pytest.approx(shoelace(points), rel=1e-4)
    backwards = read_model(io.BytesIO(obj_of(steep[::-1]))).triangles
    assert np.abs(areas(backwards)).sum() == pytest.approx(shoelace(points), rel=1e-4)


def test_what_has_no_dents_stays_a_fan() -> None:
    around = [(cos(2 * pi * step / 9), sin(2 * pi * step / 9)) for step in range(9)]
    triangles = read_model(io.BytesIO(obj_of(flat(around)))).triangles
    assert (triangles[:, 0] == triangles[0, 0]).all()


def test_what_crosses_itself_is_a_fan_and_no_failure() -> None:
    crossed = [(0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 3.0), (-1.0, 1.0)]
    assert len(read_model(io.BytesIO(obj_of(flat(crossed)))).triangles) == 3


def test_beyond_what_is_looked_at_polygons_are_fans() -> None:
    corners = np.array(flat(SPIRAL), dtype=np.float32)
    fan = np.array([(0, number, number + 1) for number in range(1, 11)], dtype=np.int32)
    written = fan.copy()
    written[1:, 0] = -1
    for work_max, cut in ((0, 0), (10, 0), (polygons.WORK_MAX, 1)):
        faces = written.copy()
        assert polygons.cut_polygons(corners, faces, work_max) == cut
        assert np.array_equal(faces, fan) == (not cut)


def test_a_corner_that_there_is_not_is_refused_as_ever() -> None:
    with pytest.raises(Exception, match="mesh-malformed"):
        read_model(io.BytesIO(obj_of(flat(ARROW)).replace(b" 4\n", b" 9\n")))
