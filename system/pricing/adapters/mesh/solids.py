"""Which way each shell faces: a body adds its volume, a cavity takes it away, and a shell turned inside out is turned back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from system.meshes.faults import MeshFault
from system.meshes.stl import Triangles
from system.meshes.welding import Ints
from system.pricing.adapters.mesh.measure import signed_volumes
from system.pricing.adapters.mesh.surface import Bools

Floats = npt.NDArray[np.float64]

_SAMPLES = 5
_WORK_MAX = 400_000_000
"""Solid angles worth computing for nesting: a few seconds. Real models have a handful of inner shells."""
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Solids:
    """Volume of all shells as they now face; which shells were turned; how many are cavities and how large they are together."""

    volume: float
    turned: Bools
    all_turned: bool
    cavity_count: int
    cavity_volume: float
    low: Floats
    high: Floats


def face_outwards(triangles: Triangles, shell_of: Ints, shell_count: int, centroid: Floats) -> Solids:
    """Decides the orientation of closed, consistent shells.

    A model whose volume is negative as a whole is turned as a whole. A shell still facing inwards is a cavity when it lies wholly
    inside a body, and is turned when it does not. Raises MeshFault `mesh-too-tangled` when there are too many such shells to decide.
    """
    volumes = np.bincount(shell_of, weights=signed_volumes(triangles, centroid), minlength=shell_count)
    all_turned = bool(volumes.sum() < 0)
    if all_turned:
        volumes = -volumes
    low, high = _boxes(triangles, shell_of, shell_count)
    inwards = np.flatnonzero(volumes < 0)
    bodies = np.flatnonzero(volumes > 0)
    turned = np.full(shell_count, all_turned)
    cavity_volume = 0.0
    cavity_count = 0
    work = 0
    for shell in inwards:
        around = bodies[(low[bodies] <= low[shell]).all(axis=1) & (high[bodies] >= high[shell]).all(axis=1)]
        nested = False
        if len(around):
            hull = triangles[np.isin(shell_of, around)]
            work += len(hull) * _SAMPLES
            if work > _WORK_MAX:
                raise MeshFault("mesh-too-tangled")
            points = _samples(triangles[shell_of == shell])
            # A hull that is still turned (the whole model was inside out) winds the other way round.
            nested = bool((np.abs(winding_numbers(points, hull)) > 0.5).all())
        if nested:
            cavity_count += 1
            cavity_volume -= float(volumes[shell])
        else:
            turned[shell] = not turned[shell]
            volumes[shell] = -volumes[shell]
    return Solids(float(volumes.sum()), turned, all_turned, cavity_count, cavity_volume, low, high)


def boxes_meet(low: Floats, high: Floats) -> bool:
    """Two shells whose boxes (corners of shape (shell, 3)) do not meet cannot share metal. Of very many it is taken for granted."""
    count = len(low)
    if count > 2000:
        return True
    for shell in range(count - 1):
        others = slice(shell + 1, count)
        meets = (low[others] <= high[shell]) & (high[others] >= low[shell])
        if meets.all(axis=1).any():
            return True
    return False


def _boxes(triangles: Triangles, shell_of: Ints, shell_count: int) -> tuple[Floats, Floats]:
    """The bounding box of each shell: its low and high corner, each of shape (shell, 3)."""
    low = np.full((shell_count, 3), np.inf)
    high = np.full((shell_count, 3), -np.inf)
    if shell_count == 1:
        low[0], high[0] = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
        return low, high
    order = np.argsort(shell_of, kind="stable")
    starts = np.searchsorted(shell_of[order], np.arange(shell_count))
    for axis in range(3):
        column = triangles[order, :, axis]
        low[:, axis] = np.minimum.reduceat(column.min(axis=1), starts)
        high[:, axis] = np.maximum.reduceat(column.max(axis=1), starts)
    return low, high


def _samples(shell: Triangles) -> Floats:
    """Centres of a few triangles spread over a shell; shape (up to 5, 3)."""
    chosen = np.unique(np.linspace(0, len(shell) - 1, _SAMPLES).astype(np.int64))
    centres: Floats = shell[chosen].astype(np.float64).mean(axis=1)
    return centres


def winding_numbers(points: Floats, triangles: Triangles) -> Floats:
    """How often closed triangles wind around each point: the sum of solid angles over 4 pi (van Oosterom and Strackee 1983)."""
    result = np.zeros(len(points))
    for start in range(0, len(triangles), _BLOCK):
        block = triangles[start : start + _BLOCK].astype(np.float64)
        for index, point in enumerate(points):
            a, b, c = (block[:, corner] - point for corner in range(3))
            la, lb, lc = (np.sqrt((side * side).sum(axis=1)) for side in (a, b, c))
            triple = (a * np.cross(b, c)).sum(axis=1)
            below = la * lb * lc + (a * b).sum(axis=1) * lc + (b * c).sum(axis=1) * la + (c * a).sum(axis=1) * lb
            result[index] += 2.0 * np.arctan2(triple, below).sum()
    return result / (4.0 * np.pi)
