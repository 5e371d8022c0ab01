"""How thick the metal is: from points spread over the surface straight inwards, to where the metal ends.

Where bodies overlap, the metal is that of all of them together: a ray that leaves one inside another goes on. A wall has another
surface opposite; where there is none, as beside a sharp edge, the distance says nothing and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled, inlined
from system.meshes.engine.cells import Box, box_of
from system.meshes.stl import Triangles
from system.pricing.adapters.mesh.rays import CROSSINGS_MAX, Crossings, crossings_of

Floats = npt.NDArray[np.float64]

SAMPLES = 4_000
SAMPLES_MIN = 100
"""Fewer measured points than these tell nothing of the whole."""
POINTS_MAX = 2_000
OPPOSITE = -0.5
"""The cosine of two outward normals that look away from each other enough to bound one wall: beyond 120 degrees."""
BINS_PER_DECADE = 100
_SEED = 20_250_207
_BLOCK = 1 << 10
"""Triangles whose areas are summed up before it is asked in which of them a point lies."""
_1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(place) for place in range(1, 9))
_TOUCHING = 1e-5
"""Share of the longest side within which two surfaces are one."""
_PLACE_SHARE = 0.0025
"""The thinnest place is the one that so much of the area is thinner than: what is thinner still is the tip of something."""


@dataclass(frozen=True, slots=True)
class Thickness:
    """In units of the file. `points` are (x, y, z, thickness) of measured points of the surface, shape (n, 4), spread over it.

    `histogram` has (up to, share of the measured area), thinnest first. Bins are a hundredth of a decade wide: each bound is that of
    the one before it times 10^(1/100). Empty ones are left out.
    """

    p1: float
    p5: float
    median: float
    place: tuple[float, float, float]
    samples: int
    histogram: list[tuple[float, float]]
    points: Floats


def thickness_of(solid: Triangles, box: Box | None = None) -> Thickness | None:
    """The thickness of a closed surface that faces outwards, cavities inwards. The same file always gives the same answer.

    Its box is found when it is not told. None when too little of it has a wall opposite, or when it would take too much work.
    """
    box = box or box_of(solid)
    for wanted in (SAMPLES, SAMPLES // 10):
        starts, normals, own = spread(solid, wanted)
        crossings = crossings_of(solid, starts, -normals, own, box)
        if crossings is not None:
            break
    else:
        return None
    depth = _depths(crossings, touching=_TOUCHING * float((box[1] - box[0]).max()))
    measured = np.flatnonzero(np.isfinite(depth))
    if len(measured) < SAMPLES_MIN:
        return None
    points = np.column_stack((starts[measured], depth[measured]))
    return _summed_up(points)


def spread(triangles: Triangles, count: int) -> tuple[Floats, Floats, npt.NDArray[np.int32]]:
    """`count` points, one in each equal share of the area, with the unit normal there and the triangle each lies on."""
    rng = np.random.default_rng(_SEED)
    corners = np.ascontiguousarray(triangles).reshape(-1)
    blocks = np.zeros(-(-len(triangles) // _BLOCK) + 1)
    _sum_blocks(corners, blocks[1:])
    np.cumsum(blocks, out=blocks)
    wanted = (np.arange(count) + rng.random(count)) * (blocks[-1] / count)
    own = np.empty(count, dtype=np.int64)
    _pick(corners, blocks, wanted, own)
    a, b, c = (triangles[own, corner].astype(np.float64) for corner in range(3))
    # Evenly over each triangle (R. Osada and others, Shape Distributions, 2002).
    root, along = np.sqrt(rng.random(count))[:, None], rng.random(count)[:, None]
    points = (1 - root) * a + root * (1 - along) * b + root * along * c
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    return points, normals, own.astype(np.int32)


@inlined
def _double_area(corners: Any, triangle: Any) -> Any:
    """Twice the area of a triangle."""
    at = np.uint64(9 * triangle)
    ax, ay, az = np.float64(corners[at]), np.float64(corners[at + _1]), np.float64(corners[at + _2])
    ux, uy, uz = corners[at + _3] - ax, corners[at + _4] - ay, corners[at + _5] - az
    vx, vy, vz = corners[at + _6] - ax, corners[at + _7] - ay, corners[at + _8] - az
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    return np.sqrt(nx * nx + ny * ny + nz * nz)


@compiled
def _sum_blocks(corners: Any, blocks: Any) -> None:
    """Twice the area of each block of triangles."""
    count = len(corners) // 9
    for block in range(len(blocks)):
        total = 0.0
        for triangle in range(block * _BLOCK, min((block + 1) * _BLOCK, count)):
            total += _double_area(corners, triangle)
        blocks[block] = total


@compiled
def _pick(corners: Any, ends: Any, wanted: Any, own: Any) -> None:
    """The triangle in which each share of the area ends, of which there are more from one to the next; `ends` are those of blocks."""
    count = len(corners) // 9
    block, triangle = 0, -1
    reached = 0.0
    for number in range(len(wanted)):
        while block + 2 < len(ends) and ends[block + 1] <= wanted[number]:
            block += 1
            triangle = -1
        if triangle < 0:
            triangle = block * _BLOCK
            reached = ends[block] + _double_area(corners, triangle)
        while reached <= wanted[number] and triangle + 1 < min((block + 1) * _BLOCK, count):
            triangle += 1
            reached += _double_area(corners, triangle)
        own[number] = triangle


def _depths(crossings: Crossings, *, touching: float) -> Floats:
    """How far each ray goes through metal; not a number where its start is inside, or no surface stands opposite."""
    count = crossings.count
    told = np.arange(CROSSINGS_MAX) < np.minimum(count, CROSSINGS_MAX)[:, None]
    enters = np.where(crossings.cosine < 0, 1, -1)
    behind = told & (crossings.distance < -touching)
    here = told & ~behind & (crossings.distance <= touching)
    ahead = told & ~behind & ~here
    # Beyond everything there is no metal: what is left on the way is what one was in. A start in no metal outside is on the skin.
    inside = -(enters * ahead).sum(axis=1)
    outside = inside - 1 - (enters * here).sum(axis=1)
    on_skin = (count <= CROSSINGS_MAX) & (outside == 0) & (inside >= 1)
    distance = np.where(ahead, crossings.distance, np.inf)
    # Where one body touches the next, one leaves and enters at one place: entering counts first.
    order = np.argsort(np.where((enters > 0) & ahead, distance - touching, distance), axis=1, kind="stable")
    level = inside[:, None] + np.cumsum(np.take_along_axis(enters * ahead, order, axis=1), axis=1)
    out = (level <= 0) & np.take_along_axis(ahead, order, axis=1)
    ends = np.take_along_axis(order, out.argmax(axis=1)[:, None], axis=1)
    depth = np.take_along_axis(distance, ends, axis=1)[:, 0]
    # The cosine of the ray is that of the reversed normal here: opposite normals meet it head-on from inside.
    opposite = -np.take_along_axis(crossings.cosine, ends, axis=1)[:, 0] < OPPOSITE
    return np.where(on_skin & out.any(axis=1) & opposite, depth, np.nan)


def _summed_up(points: Floats) -> Thickness:
    ordered = points[np.argsort(points[:, 3], kind="stable")]
    depth = ordered[:, 3]
    p1, p5, median = (float(value) for value in np.quantile(depth, (0.01, 0.05, 0.5)))
    bins, counts = np.unique(np.floor(np.log10(depth) * BINS_PER_DECADE).astype(np.int64) + 1, return_counts=True)
    x, y, z = (float(value) for value in ordered[int(_PLACE_SHARE * len(ordered)), :3])
    step = -(-len(points) // POINTS_MAX)
    return Thickness(
        p1=p1,
        p5=p5,
        median=median,
        place=(x, y, z),
        samples=len(points),
        histogram=[
            (10 ** (int(number) / BINS_PER_DECADE), int(found) / len(points))
            for number, found in zip(bins, counts, strict=True)
        ],
        points=points[::step],
    )
