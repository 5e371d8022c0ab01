"""The sequence of making levels: read, join the corners, make it light, then lighter still, each on a grid of 16 bits."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from system.files.adapters.levels.glb import STEPS
from system.files.adapters.levels.lighter import Budget, Mesh, joined, lighter
from system.files.domain.level import BYTES_MAX, TRIANGLES_MAX, LevelName
from system.meshes.child import Report
from system.meshes.faults import MeshFault
from system.meshes.model import read_model

_IN_MM = {"mm": 1.0, "cm": 10.0, "in": 25.4, "m": 1000.0}
HEAD_BYTES_MAX = 2_000
"""What a GLB of ours says of itself before its numbers."""


def make(file: BinaryIO, report: Report) -> None:
    """Reports `level` for each, the finest first; or `refused` with the code of the file's fault. Lengths are in mm, which is `scale`
    times as many as in the file; where that says no unit, they are as there."""
    try:
        model = read_model(file)
        scale = _IN_MM.get(model.unit or "mm", 1.0)
        mesh = joined(model.triangles if scale == 1.0 else model.triangles * np.float32(scale))
        if len(mesh.triangles) == 0:
            raise MeshFault("mesh-empty")
    except MeshFault as fault:
        report({"stage": "refused", "code": fault.code})
        return
    for name in (LevelName.FINE, LevelName.COARSE):
        # From the finer one: it looks the same, and is sooner done with.
        mesh = lighter(mesh, Budget(TRIANGLES_MAX[name], BYTES_MAX[name] - HEAD_BYTES_MAX))
        report({"stage": "level", "name": name.value, "scale": scale, **_numbers(mesh)})


def _numbers(mesh: Mesh) -> dict[str, Any]:
    low = mesh.corners.min(axis=0).astype(np.float64)
    high = mesh.corners.max(axis=0).astype(np.float64)
    steps = np.rint((mesh.corners - low) / np.where(high > low, high - low, 1.0) * STEPS)
    return {
        "low": low.tolist(),
        "high": high.tolist(),
        "steps": _text(steps.astype("<u2")),
        "triangles": _text(mesh.triangles.astype("<u4")),
    }


def _text(numbers: npt.NDArray[Any]) -> str:
    return b64encode(numbers.tobytes()).decode()
