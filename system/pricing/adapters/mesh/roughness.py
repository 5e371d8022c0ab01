"""How intricate a surface is for whoever polishes it: how much it bends, whatever it was tessellated with.

The angle between neighbours alone halves when every facet is split; weighted by the length of their edge it does not: half the sum of
length x angle over all edges is the integral of mean curvature (J. Steiner 1840). Over that of a sphere of the same area it
is 1 for a sphere, the same in every unit, and grows with every bead, groove and letter.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from system.meshes.compiling import compiled, inlined
from system.meshes.stl import Triangles
from system.pricing.adapters.mesh.points import mixed

LOOKED_AT_MAX = 40_000
"""Of more facets so many are looked at with their neighbours: the answer moves by about a percent."""
_SEED = 20_250_207
_MARKS = 1 << 21
"""Bits that stay in the processor's cache: twenty for each corner of those facets."""
_MARK_SHIFT, _WORD_SHIFT, _WORD_MASK = np.uint64(64 - 21), np.uint64(6), np.uint64(63)
_FACTOR_X, _FACTOR_Y, _FACTOR_Z = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_1, _2, _3, _6 = (np.uint64(place) for place in (1, 2, 3, 6))
_NO_SIGN = np.uint32(0x7FFFFFFF)


def roughness_of(solid: Triangles, area: float) -> float:
    """The bending of a closed surface of this area, over that of a sphere of the same area. 1 for a sphere, 2.8 for a plain ring."""
    chosen = np.zeros(len(solid), dtype=np.bool_)
    if len(solid) <= LOOKED_AT_MAX:
        chosen[:] = True
    else:
        # By chance and not each so-manieth: facets come in patterns.
        chosen[np.random.default_rng(_SEED).integers(0, len(solid), LOOKED_AT_MAX)] = True
    slots = 1 << int(np.ceil(np.log2(6 * int(chosen.sum()) + 2)))
    solid = np.ascontiguousarray(solid)
    words, marks = solid.reshape(-1).view(np.uint32), np.zeros(_MARKS // 64, dtype=np.uint64)
    bending, looked_at = _bending(solid, words, marks, chosen, np.zeros(slots, dtype=np.uint64), np.zeros((slots, 6)))
    if looked_at <= 0 or area <= 0:
        return 0.0
    return float(bending / looked_at * area / np.sqrt(4 * pi * area))


@compiled
def _normal(triangles: Any, facet: Any, into: Any) -> Any:
    """The unit normal of a facet, and twice its area."""
    ax = np.float64(triangles[facet, 0, 0])
    ay = np.float64(triangles[facet, 0, 1])
    az = np.float64(triangles[facet, 0, 2])
    ux, uy, uz = triangles[facet, 1, 0] - ax, triangles[facet, 1, 1] - ay, triangles[facet, 1, 2] - az
    vx, vy, vz = triangles[facet, 2, 0] - ax, triangles[facet, 2, 1] - ay, triangles[facet, 2, 2] - az
    into[0], into[1], into[2] = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    length = np.sqrt(into[0] ** 2 + into[1] ** 2 + into[2] ** 2)
    if length > 0:
        into /= length
    return length


@compiled
def _slot_of(slots: Any, key: Any) -> Any:
    """Where a key stands, or where it would."""
    mask = np.uint64(len(slots) - 1)
    slot = key & mask
    while slots[slot] != key and slots[slot] != np.uint64(0):
        slot = (slot + np.uint64(1)) & mask
    return slot


@compiled
def _edges(triangles: Any, facet: Any, into: Any) -> None:
    """Of each side of a facet a number, the same for both facets of an edge, never 0."""
    first = mixed(triangles[facet, 0])
    second = mixed(triangles[facet, 1])
    third = mixed(triangles[facet, 2])
    into[0] = (first + second) | np.uint64(1)
    into[1] = (second + third) | np.uint64(1)
    into[2] = (third + first) | np.uint64(1)


@inlined
def _mark_of(words: Any, at: Any) -> Any:
    """A number below `_MARKS` for the corner at this place, the same for the same corner: quickly found, and often that of another."""
    # Without the signs: minus zero is zero.
    x, y, z = words[at] & _NO_SIGN, words[at + _1] & _NO_SIGN, words[at + _2] & _NO_SIGN
    mixed_up = np.uint64(x) * _FACTOR_X + np.uint64(y) * _FACTOR_Y + np.uint64(z) * _FACTOR_Z
    return mixed_up >> _MARK_SHIFT


@inlined
def _is_marked(marks: Any, mark: Any) -> Any:
    """1 when it is, 0 when not."""
    return (marks[mark >> _WORD_SHIFT] >> (mark & _WORD_MASK)) & _1


@compiled
def _bending(triangles: Any, words: Any, marks: Any, chosen: Any, slots: Any, edges: Any) -> Any:
    """Half the sum of length x angle around the chosen facets, each edge shared between its two, and the area of these facets.

    `words` are the bits of all coordinates; `marks` begin as zeros. Of each edge of theirs `edges` holds the normals of both its
    facets; only those are looked for in the rest.
    """
    normal = np.empty(3)
    keys = np.empty(3, dtype=np.uint64)
    area = 0.0
    for facet in range(len(triangles)):
        if not chosen[facet]:
            continue
        double_area = _normal(triangles, facet, normal)
        if double_area <= 0:
            continue
        area += double_area / 2
        _edges(triangles, facet, keys)
        for key in keys:
            slots[_slot_of(slots, key)] = key
        for corner in range(3):
            mark = _mark_of(words, np.uint64(9 * facet + 3 * corner))
            marks[mark >> _WORD_SHIFT] |= _1 << (mark & _WORD_MASK)
    for facet in range(len(triangles)):
        # Most facets have no edge that is looked for: without two marked corners there is none.
        at = np.uint64(9 * facet)
        if (
            _is_marked(marks, _mark_of(words, at))
            + _is_marked(marks, _mark_of(words, at + _3))
            + _is_marked(marks, _mark_of(words, at + _6))
            < _2
        ):
            continue
        told = False
        _edges(triangles, facet, keys)
        for key in keys:
            slot = _slot_of(slots, key)
            if slots[slot] != key:
                continue
            if not told:
                double_area = _normal(triangles, facet, normal)
                told = True
            if double_area <= 0:
                break
            side = 0 if edges[slot, 0] == 0 and edges[slot, 1] == 0 and edges[slot, 2] == 0 else 3
            edges[slot, side : side + 3] = normal
    bending = 0.0
    for facet in range(len(triangles)):
        if not chosen[facet] or _normal(triangles, facet, normal) <= 0:
            continue
        _edges(triangles, facet, keys)
        for corner in range(3):
            slot = _slot_of(slots, keys[corner])
            after = (corner + 1) % 3
            length = 0.0
            for axis in range(3):
                length += (np.float64(triangles[facet, after, axis]) - triangles[facet, corner, axis]) ** 2
            cosine = 0.0
            for axis in range(3):
                cosine += edges[slot, axis] * edges[slot, axis + 3]
            if edges[slot, 3] != 0 or edges[slot, 4] != 0 or edges[slot, 5] != 0:
                bending += np.sqrt(length) * np.arccos(min(1.0, max(-1.0, cosine))) / 4
    return bending, area
