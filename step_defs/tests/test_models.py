"""A finer file of a model is the same piece."""

from __future__ import annotations

import numpy as np

from fixtures.models3d import model
from step_defs.dsl.models import FACET, finer


def volume_mm3(content: bytes) -> float:
    a, b, c = np.frombuffer(content, dtype=FACET, offset=84)["corners"].astype(float).transpose(1, 0, 2)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def sides(content: bytes) -> dict[tuple[bytes, bytes], int]:
    """How often each directed side occurs."""
    counted: dict[tuple[bytes, bytes], int] = {}
    for corners in np.frombuffer(content, dtype=FACET, offset=84)["corners"]:
        named = [corner.tobytes() for corner in corners]
        for side in zip(named, named[1:] + named[:1], strict=True):
            counted[side] = counted.get(side, 0) + 1
    return counted


def test_a_finer_ring_has_four_times_the_triangles_and_the_same_volume() -> None:
    plain = model("torus-ring").read_bytes()
    cut = finer(plain, times=1)
    assert len(cut) - 84 == 4 * (len(plain) - 84)
    assert abs(volume_mm3(cut) / volume_mm3(plain) - 1) < 1e-5


def test_a_finer_ring_is_as_closed_as_before() -> None:
    counted = sides(finer(model("torus-ring").read_bytes(), times=1))
    assert all(counted.get((end, begin)) == count for (begin, end), count in counted.items())


def test_a_finer_model_has_more_than_one_part() -> None:
    assert 8 * 1024 * 1024 < len(finer(model("pave-ring").read_bytes(), times=3)) < 16 * 1024 * 1024
