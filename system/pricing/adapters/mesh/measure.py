"""Volume, area and extents of triangles as they are: one pass, no topology."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from system.meshes.stl import Triangles

_BLOCK = 1 << 14
"""Triangles measured at once: small enough that the intermediate arrays stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class RawMeasure:
    """In units of the file: signed volume, area, extents of the bounding box, and the point the volume was taken about."""

    signed_volume: float
    area: float
    extents: tuple[float, float, float]
    centroid: npt.NDArray[np.float64]


def measure(triangles: Triangles) -> RawMeasure:
    """Signed volume by the divergence theorem about the centroid of the corners, in float64, and the area.

    Taken about the centroid a model far from the origin keeps its digits, and the value of an open one does not depend on where
    it lies.
    """
    corners = triangles.reshape(-1, 3)
    low = corners.min(axis=0).astype(np.float64)
    high = corners.max(axis=0).astype(np.float64)
    centroid = corners.mean(axis=0, dtype=np.float64)
    signed_volume = 0.0
    area = 0.0
    for start in range(0, len(triangles), _BLOCK):
        six_volumes, double_areas = _products(triangles[start : start + _BLOCK], centroid)
        signed_volume += float(six_volumes.sum())
        area += float(double_areas.sum())
    x, y, z = (float(side) for side in high - low)
    return RawMeasure(signed_volume / 6.0, area / 2.0, (x, y, z), centroid)


def signed_volumes(triangles: Triangles, centroid: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The signed volume of the tetrahedron that each triangle spans with the centroid; shape (n,)."""
    result = np.empty(len(triangles), dtype=np.float64)
    for start in range(0, len(triangles), _BLOCK):
        six_volumes, _ = _products(triangles[start : start + _BLOCK], centroid)
        result[start : start + len(six_volumes)] = six_volumes
    return result / 6.0


def _products(
    block: Triangles, centroid: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Six times the signed volume, and twice the area, of each triangle."""
    # The cross product is spelt out: np.cross is several times slower.
    columns = np.ascontiguousarray(block.reshape(-1, 9).T, dtype=np.float64)
    ax, ay, az = columns[0] - centroid[0], columns[1] - centroid[1], columns[2] - centroid[2]
    ux, uy, uz = columns[3] - columns[0], columns[4] - columns[1], columns[5] - columns[2]
    vx, vy, vz = columns[6] - columns[0], columns[7] - columns[1], columns[8] - columns[2]
    nx = uy * vz - uz * vy
    ny = uz * vx - ux * vz
    nz = ux * vy - uy * vx
    six_volumes = ax * nx + ay * ny + az * nz
    double_areas = np.sqrt(nx * nx + ny * ny + nz * nz)
    return six_volumes, double_areas
