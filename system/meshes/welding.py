"""Corners that lie on one point become one: what turns a list of triangles into a surface."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.stl import Triangles

Ints = npt.NDArray[np.signedinteger[Any]]
"""Numbers of things. Those of triangles are int32: half the memory, and a file has far fewer than 2^31."""


def weld(triangles: Triangles) -> Ints:
    """Numbers the corners: bit-equal ones share a number. Returns shape (n, 3). Minus zero equals zero."""
    words = (triangles.reshape(-1, 3) + np.float32(0)).view(np.uint32)
    keys = _mixed(words)
    order = np.argsort(keys)
    sorted_keys = keys[order]
    starts = np.empty(len(order), dtype=bool)
    starts[0] = True
    np.not_equal(sorted_keys[1:], sorted_keys[:-1], out=starts[1:])
    sorted_words = words[order]
    repeats = np.flatnonzero(~starts)
    if (sorted_words[repeats] != sorted_words[repeats - 1]).any():
        return _weld_exactly(words)
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(starts) - 1
    return numbers.reshape(-1, 3)


def _mixed(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """A hash of three words with factors nobody can know in advance, so that no file is made to collide."""
    mixed = np.zeros(len(words), dtype=np.uint64)
    for axis in range(3):
        mixed ^= words[:, axis]
        mixed *= np.uint64(secrets.randbits(64) | 1)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _weld_exactly(words: npt.NDArray[np.uint32]) -> Ints:
    """The slow way, for the file in a million million whose corners collide in the hash."""
    _, numbers = np.unique(words, axis=0, return_inverse=True)
    return numbers.reshape(-1, 3).astype(np.int64)
