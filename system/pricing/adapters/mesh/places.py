"""Some points of a broken surface, few and far from each other: enough to find every hole of a usual model by eye."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.meshes.stl import Triangles
from system.pricing.domain.mesh import PLACES_MAX, Place

LOOKED_AT_MAX = 5_000
"""Of more sides than these an even share is looked at, so that a file of nothing but holes costs no more than any other."""
APART_MIN = 0.01
"""Closer than this share of the model's longest side two places are one, to whoever looks at the whole of it."""


def places_of(triangles: Triangles, sides: npt.NDArray[np.int64]) -> list[Place]:
    """The middles of at most PLACES_MAX of these sides (3 * triangle + corner), the first of the file first.

    Each next one is the farthest from those before it (T. F. Gonzalez, Clustering to Minimize the Maximum Intercluster Distance,
    1985), until all the others are close to one. The same file and the same sides always give the same places.
    """
    step = -(-len(sides) // LOOKED_AT_MAX)
    chosen = sides[::step] if step else sides
    triangle, corner = chosen // 3, chosen % 3
    starts = triangles[triangle, corner].astype(np.float64)
    middles = (starts + triangles[triangle, (corner + 1) % 3]) / 2
    if len(middles) == 0:
        return []
    corners = triangles.reshape(-1, 3)
    apart = APART_MIN * float((corners.max(axis=0).astype(np.float64) - corners.min(axis=0)).max())
    places = [middles[0]]
    nearest = np.linalg.norm(middles - middles[0], axis=1)
    while len(places) < PLACES_MAX and nearest.max() > apart:
        places.append(middles[int(nearest.argmax())])
        nearest = np.minimum(nearest, np.linalg.norm(middles - places[-1], axis=1))
    return [_point(place) for place in places]


def _point(place: npt.NDArray[np.float64]) -> Place:
    """Seven significant digits, as float32 coordinates have; minus zero is zero."""
    x, y, z = (float(f"{value:.7g}") + 0.0 for value in place)
    return x, y, z
