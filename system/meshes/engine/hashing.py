"""Points and edges as 64-bit numbers that nobody can foresee: no file can be made to collide.

A point is three float32 by their bits, minus zero being zero. The secret is drawn once for each scan.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import inlined

Words = npt.NDArray[np.uint64]

_MINUS_ZERO = np.uint32(0x80000000)
_ZERO = np.uint32(0)
_S32, _S29 = np.uint64(32), np.uint64(29)


def fresh_secret() -> Words:
    """Two numbers to add and three odd ones to multiply with; shape (5,)."""
    drawn = np.frombuffer(secrets.token_bytes(40), dtype=np.uint64).copy()
    drawn[2:] |= 1
    return drawn


@inlined
def point_hash(x: np.uint32, y: np.uint32, z: np.uint32, secret: Words) -> Any:
    """The number of the point whose coordinates have these bits."""
    if x == _MINUS_ZERO:
        x = _ZERO
    if y == _MINUS_ZERO:
        y = _ZERO
    if z == _MINUS_ZERO:
        z = _ZERO
    mixed = (np.uint64(x) | (np.uint64(y) << _S32)) + secret[0]
    mixed = (mixed ^ (mixed >> _S32)) * secret[2]
    mixed = (mixed ^ (mixed >> _S29)) + (np.uint64(z) + secret[1]) * secret[3]
    mixed = (mixed ^ (mixed >> _S32)) * secret[2]
    mixed = (mixed ^ (mixed >> _S29)) * secret[3]
    return mixed ^ (mixed >> _S32)


@inlined
def edge_hash(one: np.uint64, other: np.uint64, secret: Words) -> Any:
    """The number of the edge between two points, the same in both directions. Mixed, so that sums of edges tell nothing of points."""
    total = one + other
    mixed = (total ^ (total >> _S32)) * secret[4]
    mixed = (mixed ^ (mixed >> _S29)) * secret[3]
    return mixed ^ (mixed >> _S32)
