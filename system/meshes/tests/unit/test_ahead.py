"""A long part of a package is unpacked by a thread of its own, where there is room for one: whole, and with its faults."""

from __future__ import annotations

import io

import numpy as np
import pytest

from fixtures.models3d import shapes, writers
from system.meshes import beside
from system.meshes.faults import MeshFault
from system.meshes.model import read_model
from system.meshes.threemf import package

RING = shapes.torus(17.0, 2.0, segments=600, sides=60).astype(np.float32)


@pytest.mark.parametrize("has_room", [True, False])
def test_it_is_whole_with_and_without_room_for_a_thread(has_room: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def starts(executor: object) -> bool:
        asked.append(1)
        return has_room

    monkeypatch.setattr(beside, "_starts", starts)
    packed = writers.write_3mf(RING, unit="millimeter")
    found = read_model(io.BytesIO(packed)).triangles
    assert np.allclose(found, RING, rtol=1e-6) and len(asked) == 1, "a thread was wanted"


def test_a_fault_of_the_thread_is_that_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = bytearray(writers.write_3mf(RING, unit="millimeter"))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(MeshFault, match="mesh-malformed"):
        read_model(io.BytesIO(bytes(packed)))
    monkeypatch.setattr(package, "_AHEAD_FROM_BYTES", 1 << 40)
    with pytest.raises(MeshFault, match="mesh-malformed"):
        read_model(io.BytesIO(bytes(packed)))
