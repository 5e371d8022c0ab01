"""How a piece is turned for its picture: by its principal axes, as a jeweller lays it down to be looked at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from system.meshes.stl import Triangles

Floats = npt.NDArray[np.float64]

_SAMPLES_MAX = 50_000
"""Facets looked at: enough to know how a piece lies."""
_ASIDE = np.radians(28.0)
_DOWN = np.radians(26.0)
"""Three quarters: the broad side of a piece is seen, and how thick it is."""
_HOLE_SHARE = 0.4
_LEANS_SHARE = 0.03
_LYING = 0.9


def pose(triangles: Triangles) -> Floats | None:
    """The picture's right, its up and the way to the viewer, as rows; None for what has no surface.

    The flat axis, along which the surface reaches least, leads to the viewer: one looks through a ring and upon a pendant. Up is
    the heavy side of a ring, where its head is; else it is as the model was drawn, which for what was drawn lying is y.
    """
    corners = triangles[:: len(triangles) // _SAMPLES_MAX + 1].astype(np.float64)
    area, centre, axes = _principal(corners)
    if area <= 0:
        return None
    flat = axes[:, 0]
    lies = abs(flat[2]) > _LYING
    up = np.array([0.0, 1.0, 0.0]) if lies else np.array([0.0, 0.0, 1.0])
    if (head := _head_of_ring(corners, flat, centre)) is not None:
        up = head
    # Drawn lying it is seen from above, drawn standing from the front, which is where y begins.
    front = np.array([0.3, 0.1, 1.0]) if lies else np.array([0.3, -1.0, 0.1])
    if flat @ front < 0:
        flat = -flat
    up = up - (up @ flat) * flat
    up /= np.linalg.norm(up)
    right = np.cross(up, flat)
    # The viewer steps aside and looks down a little.
    aside = np.cos(_ASIDE) * flat - np.sin(_ASIDE) * right
    right = np.cross(up, aside)
    viewer = np.cos(_DOWN) * aside + np.sin(_DOWN) * up
    return np.stack((right, np.cross(viewer, right), viewer))


def _principal(corners: Floats) -> tuple[float, Floats, Floats]:
    """Area, its centre, and the principal axes of the surface as columns, the one along which it reaches least first."""
    a, b, c = corners.transpose(1, 2, 0)
    u, v = b - a, c - a
    areas = np.sqrt(
        (u[1] * v[2] - u[2] * v[1]) ** 2 + (u[2] * v[0] - u[0] * v[2]) ** 2 + (u[0] * v[1] - u[1] * v[0]) ** 2
    )
    total = float(areas.sum())
    if not total > 0:
        return 0.0, np.zeros(3), np.eye(3)
    middles = (a + b + c) / 3
    centre = middles @ areas / total
    away = middles - centre[:, None]
    _, axes = np.linalg.eigh((away * areas) @ away.T / total)
    return total / 2, centre, axes


def _head_of_ring(corners: Floats, flat: Floats, centre: Floats) -> Floats | None:
    """Towards the heavy side of what has a hole around its flat axis; None for anything else, and for a ring that is even."""
    side = np.linalg.svd(flat[None, :])[2][1:]
    plane = corners.reshape(-1, 3) @ side.T
    middle = (plane.min(axis=0) + plane.max(axis=0)) / 2
    reach = np.sqrt(((plane - middle) ** 2).sum(axis=1))
    lean = side @ centre - middle
    if reach.min() < _HOLE_SHARE * reach.max() or np.linalg.norm(lean) < _LEANS_SHARE * reach.max():
        return None
    towards: Floats = lean @ side
    return towards
