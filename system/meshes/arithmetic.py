"""Small functions of compiled loops, without a branch: whoever's loop they become part of is compiled again when they change.

What numba makes of `min`, `max`, `floor` and `ceil` branches, or calls a library; in a loop over triangles a wrong guess of the
processor costs more than everything else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from system.meshes.compiling import inlined

_Scalar = Any


@inlined
def least(a: _Scalar, b: _Scalar, c: _Scalar) -> _Scalar:
    """The least of three; not a number may be passed over."""
    ab = a if a < b else b
    return ab if ab < c else c


@inlined
def most(a: _Scalar, b: _Scalar, c: _Scalar) -> _Scalar:
    """The most of three; not a number may be passed over."""
    ab = a if a > b else b
    return ab if ab > c else c


@inlined
def floor_of(value: _Scalar) -> _Scalar:
    """The greatest whole number not above a finite value of less than 2^63; int64."""
    whole = np.int64(value)
    return whole - np.int64(np.float64(whole) > value)


@inlined
def ceil_of(value: _Scalar) -> _Scalar:
    """The least whole number not below a finite value of less than 2^63; int64."""
    whole = np.int64(value)
    return whole + np.int64(np.float64(whole) < value)


@inlined
def between(value: _Scalar, low: _Scalar, high: _Scalar) -> _Scalar:
    """The value, or the bound it lies beyond."""
    raised = value if value > low else low
    return raised if raised < high else high
