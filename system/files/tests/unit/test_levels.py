"""Levels of detail: as large as the model and of its shape, light enough, whatever the mesh is; and the file that is kept of each."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np
import pytest
import trimesh

from fixtures.models3d import shapes
from system.files.adapters.levels.glb import STEPS, Quantized, glb_of
from system.files.adapters.levels.lighter import Budget, Mesh, gathered, joined, lighter
from system.files.domain.level import BYTES_MAX, EXTENT_TOLERANCE, LevelName

RADIUS, INNER, WIRE = 7.5, 17.0, 2.5
LIGHT = Budget(3_000, 100_000)


def ball() -> shapes.Solid:
    return shapes.ball(RADIUS, (3.0, -40.0, 1000.0), rows=160)


def ring() -> shapes.Solid:
    return shapes.torus(INNER, WIRE, segments=500, sides=60)


def mesh_of(solid: shapes.Solid) -> Mesh:
    return joined(solid.astype(np.float32))


def solid_of(mesh: Mesh) -> shapes.Solid:
    return mesh.corners.astype(np.float64)[mesh.triangles]


def extents_of(mesh: Mesh) -> np.ndarray:
    used = mesh.corners[mesh.triangles.ravel()].astype(np.float64)
    extents: np.ndarray = used.max(axis=0) - used.min(axis=0)
    return extents


def soup(triangles: int, *, spread: float = 30.0) -> shapes.Solid:
    """Triangles that share no corner."""
    rng = np.random.default_rng(7)
    return rng.uniform(0, spread, (triangles, 1, 3)) + rng.uniform(0, 0.2, (triangles, 3, 3))


# -- shape ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "extents", "volume"),
    [
        (ball, (2 * RADIUS,) * 3, 4 / 3 * pi * RADIUS**3),
        (ring, (INNER + 2 * WIRE, INNER + 2 * WIRE, WIRE), 2 * pi**2 * (INNER + WIRE) / 2 * (WIRE / 2) ** 2),
    ],
)
def test_a_level_has_the_extents_and_the_volume_of_the_formula(
    make: Callable[[], shapes.Solid], extents: tuple[float, ...], volume: float
) -> None:
    light = lighter(mesh_of(make()), LIGHT)
    assert LIGHT.triangles_max / 2 < len(light.triangles) <= 1.15 * LIGHT.triangles_max
    assert extents_of(light) == pytest.approx(np.array(extents), rel=EXTENT_TOLERANCE)
    centred = solid_of(light) - solid_of(light).mean(axis=(0, 1))
    assert abs(shapes.volume_of(centred)) == pytest.approx(volume, rel=0.02), "and it is still of that shape"


@pytest.mark.parametrize("make", [ball, ring, lambda: soup(20_000), lambda: soup(20_000, spread=0.0)])
def test_whatever_it_is_made_of_its_box_is_exactly_the_models(make: Callable[[], shapes.Solid]) -> None:
    model = mesh_of(make())
    light = lighter(model, LIGHT)
    assert LIGHT.allows(light)
    for end in (np.min, np.max):
        assert np.array_equal(end(light.corners, axis=0), end(model.corners, axis=0))


def test_a_speck_far_away_still_counts_for_the_size() -> None:
    speck = shapes.ball(0.01, (60.0, 0.0, 0.0), rows=4)
    light = lighter(mesh_of(np.concatenate((ring(), speck))), LIGHT)
    assert extents_of(light)[0] == pytest.approx(60.01 + INNER / 2 + WIRE, rel=EXTENT_TOLERANCE)


def test_a_light_model_stays_as_it_is() -> None:
    small = mesh_of(shapes.torus(INNER, WIRE, segments=32, sides=8))
    assert lighter(small, LIGHT) is small


@pytest.mark.parametrize("make", [ring, lambda: soup(20_000)])
def test_gathering_in_cells_is_within_the_budget(make: Callable[[], shapes.Solid]) -> None:
    light = gathered(mesh_of(make()), LIGHT)
    assert LIGHT.allows(light) and len(light.triangles) > LIGHT.triangles_max / 4
    assert (light.triangles[:, 0] != light.triangles[:, 1]).all() and len(np.unique(light.triangles)) == len(
        light.corners
    )


def test_few_triangles_that_share_nothing_may_still_be_too_many_bytes() -> None:
    model = mesh_of(soup(2_900))
    assert len(model.triangles) <= LIGHT.triangles_max
    light = lighter(model, Budget(LIGHT.triangles_max, 50_000))
    assert 8 * len(light.corners) + 12 * len(light.triangles) <= 50_000 + 6 * (12 + 3 * 8)


def test_corners_at_one_place_are_one_and_triangles_without_area_go() -> None:
    flat = np.zeros((1, 3, 3), dtype=np.float32)
    whole = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[1, 0, 0], [1, 1, 0], [0, 1, -0.0]]], dtype=np.float32)
    mesh = joined(np.concatenate((flat, whole)))
    assert (len(mesh.corners), len(mesh.triangles)) == (4, 2)


# -- the file ------------------------------------------------------------------------------------------------------------


def quantized(mesh: Mesh) -> Quantized:
    low, high = mesh.corners.min(axis=0).astype(float), mesh.corners.max(axis=0).astype(float)
    steps = np.rint((mesh.corners - low) / (high - low) * STEPS).astype(np.uint16)
    (a, b, c), (d, e, f) = low.tolist(), high.tolist()
    return Quantized((a, b, c), (d, e, f), steps, mesh.triangles.astype(np.uint32))


def told_in(content: bytes) -> dict[str, Any]:
    (length,) = struct.unpack_from("<I", content, 12)
    told: dict[str, Any] = json.loads(content[20 : 20 + length])
    return told


def test_it_is_read_back_as_the_model_it_was() -> None:
    mesh = mesh_of(ball())
    content = glb_of(quantized(mesh))
    scene: Any = trimesh.load(io.BytesIO(content), file_type="glb")
    [(name, shown)] = scene.geometry.items()
    placed, _ = scene.graph[scene.graph.nodes_geometry[0]]
    corners = trimesh.transform_points(np.asarray(shown.vertices) / _grid(shown), placed)
    assert name and len(shown.faces) == len(mesh.triangles)
    assert np.allclose(corners.min(axis=0), mesh.corners.min(axis=0), atol=1e-3)
    assert np.allclose(corners.max(axis=0), mesh.corners.max(axis=0), atol=1e-3)
    assert shown.is_watertight


def _grid(shown: Any) -> float:
    """trimesh gives the steps as they are stored; a reader that knows the extension gives their share of the grid."""
    return float(STEPS) if np.asarray(shown.vertices).max() > 1 else 1.0


def test_it_says_its_unit_and_only_what_is_meant() -> None:
    content = glb_of(quantized(mesh_of(ring())))
    told = told_in(content)
    assert content[:4] == b"glTF" and struct.unpack_from("<I", content, 8) == (len(content),) and len(content) % 4 == 0
    assert told["asset"]["extras"] == {"unit": "mm"}
    assert told["extensionsRequired"] == ["KHR_mesh_quantization"]
    assert [one["count"] for one in told["accessors"]] == [500 * 60, 3 * 60_000]
    assert told["accessors"][1]["componentType"] == 5123, "few corners have short numbers"


def test_many_corners_have_long_numbers() -> None:
    many = mesh_of(shapes.torus(INNER, WIRE, segments=1_400, sides=50))
    assert told_in(glb_of(quantized(many)))["accessors"][1]["componentType"] == 5125


def test_a_level_as_full_as_it_may_be_is_below_its_limit() -> None:
    for name, triangles in ((LevelName.COARSE, 20_000), (LevelName.FINE, 200_000)):
        corners = triangles // 2
        steps = np.zeros((corners, 3), dtype=np.uint16)
        numbers = np.zeros((int(triangles * 1.15), 3), dtype=np.uint32)
        content = glb_of(Quantized((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), steps, numbers))
        assert len(content) < BYTES_MAX[name]


TRIANGLE = np.array([[0, 1, 2]], dtype=np.uint32)
CORNERS = np.zeros((3, 3), dtype=np.uint16)


@pytest.mark.parametrize(
    ("low", "high", "steps", "triangles"),
    [
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), CORNERS, TRIANGLE + 1),
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), CORNERS, TRIANGLE[:0]),
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), CORNERS[:, :2], TRIANGLE),
        ((0.0, 0.0, 0.0), (1.0, float("inf"), 1.0), CORNERS, TRIANGLE),
        ((0.0, 0.0, float("nan")), (1.0, 1.0, 1.0), CORNERS, TRIANGLE),
        ((0.0, 2.0, 0.0), (1.0, 1.0, 1.0), CORNERS, TRIANGLE),
    ],
)
def test_what_is_no_mesh_is_not_written(low: Any, high: Any, steps: Any, triangles: Any) -> None:
    with pytest.raises(ValueError, match=r"corner|box"):
        glb_of(Quantized(low, high, steps, triangles))


def test_a_flat_model_keeps_its_three_axes() -> None:
    content = glb_of(Quantized((0.0, 0.0, 5.0), (1.0, 1.0, 5.0), CORNERS, TRIANGLE))
    assert told_in(content)["nodes"][0]["scale"] == [1.0, 1.0, 1.0]
