"""How thick the metal is: from points spread over the surface straight inwards, to where the metal ends.

Where bodies overlap, the metal is that of all of them together: a ray that leaves one inside another goes on. A wall has another
surface opposite; where there is none, as beside a sharp edge, the distance says nothing and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from system.meshes.engine.cells import box_of
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


def thickness_of(solid: Triangles) -> Thickness | None:
    """The thickness of a closed surface that faces outwards, cavities inwards. The same file always gives the same answer.

    None when too little of it has a wall opposite, or when it would take too much work.
    """
    for wanted in (SAMPLES, SAMPLES // 10):
        starts, normals, own = spread(solid, wanted)
        crossings = crossings_of(solid, starts, -normals, own)
        if crossings is not None:
            break
    else:
        return None
    low, high = box_of(solid)
    depth = _depths(crossings, touching=_TOUCHING * float((high - low).max()))
    measured = np.flatnonzero(np.isfinite(depth))
    if len(measured) < SAMPLES_MIN:
        return None
    points = np.column_stack((starts[measured], depth[measured]))
    return _summed_up(points)


def spread(triangles: Triangles, count: int) -> tuple[Floats, Floats, npt.NDArray[np.int32]]:
    """`count` points, one in each equal share of the area, with the unit normal there and the triangle each lies on."""
    rng = np.random.default_rng(_SEED)
    ends = np.cumsum(_areas(triangles))
    wanted = (np.arange(count) + rng.random(count)) * (ends[-1] / count)
    own = np.minimum(np.searchsorted(ends, wanted, side="right"), len(triangles) - 1)
    a, b, c = (triangles[own, corner].astype(np.float64) for corner in range(3))
    # Evenly over each triangle (R. Osada and others, Shape Distributions, 2002).
    root, along = np.sqrt(rng.random(count))[:, None], rng.random(count)[:, None]
    points = (1 - root) * a + root * (1 - along) * b + root * along * c
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    return points, normals, own.astype(np.int32)


def _areas(triangles: Triangles) -> Floats:
    """Twice the area of each triangle."""
    result = np.empty(len(triangles))
    step = 1 << 14
    for start in range(0, len(triangles), step):
        block = np.ascontiguousarray(triangles[start : start + step].reshape(-1, 9).T, dtype=np.float64)
        ux, uy, uz = block[3] - block[0], block[4] - block[1], block[5] - block[2]
        vx, vy, vz = block[6] - block[0], block[7] - block[1], block[8] - block[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        result[start : start + block.shape[1]] = np.sqrt(nx * nx + ny * ny + nz * nz)
    return result


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
