"""Every loop run once on something tiny: compiled and kept where it can be, fetched from there otherwise."""

from __future__ import annotations

import numpy as np

from system.meshes.engine.cells import box_of, order_of
from system.meshes.engine.depth import overlap_volume
from system.meshes.engine.edges import count_edges
from system.meshes.engine.front import Front
from system.meshes.engine.front_kernels import move
from system.meshes.engine.scan import scan
from system.meshes.stl import Triangles


def tetrahedron() -> Triangles:
    """A corner of a cube, closed, facing outwards, of volume 1/6."""
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    facets: Triangles = points[np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])]
    return facets


def fetch() -> None:
    """Runs every loop. Takes half a second when all are kept, a quarter of a minute otherwise."""
    body = tetrahedron()
    scan(body)
    order_of(body, box_of(body))
    count_edges(body)
    overlap_volume(np.concatenate((body, body)))
    front, other = Front((0.0, 0.0, 0.0), 1), Front((0.0, 0.0, 0.0), 1)
    move(front.slots, np.zeros_like(front.slots))
    front.absorb(other)
