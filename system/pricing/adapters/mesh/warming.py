"""Everything that measures a model run once on something tiny, so that its loops are compiled and kept, or fetched."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from system.meshes import warming
from system.meshes.engine import warming as engine
from system.meshes.stl import FACET, Triangles


def fetch(*, readers: bool = True) -> None:
    """Runs every loop: those of the readers too, unless a model that needs them may fetch them itself."""
    from system.pricing.adapters.mesh.analyse import analyse

    engine.fetch()
    if readers:
        warming.fetch()
    said: list[dict[str, Any]] = []
    body = engine.tetrahedron()
    # Two bodies that share metal, so that nothing is left out.
    analyse(_stl(np.concatenate((10 * body, 10 * body + np.float32(0.5)))), said.append)
    assert said[-1]["stage"] == "checked", said


def _stl(triangles: Triangles) -> io.BytesIO:
    records = np.zeros(len(triangles), dtype=FACET)
    records["corners"] = triangles
    return io.BytesIO(b" " * 80 + len(records).to_bytes(4, "little") + records.tobytes())
