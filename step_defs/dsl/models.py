"""3D models for scenarios: real fixtures, and ones large enough to be caught in the middle of a calculation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from fixtures.models3d import model, variant

LARGE = "torus-ring-1m"
"""About a million triangles: its calculation takes long enough to be interrupted."""

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
"""A triangle of a binary STL."""


@cache
def _plain(name: str) -> bytes:
    return model(name).read_bytes()


def is_file(name: str) -> bool:
    """Whether a model is a file of the scenario's own, and no fixture."""
    return name.endswith(".stl")


def finer(content: bytes, *, times: int) -> bytes:
    """A binary STL whose every triangle is cut into four by the middles of its sides; the surface is the same, and as closed."""
    facets = np.frombuffer(content, dtype=FACET, offset=84)
    for _ in range(times):
        a, b, c = (facets["corners"][:, corner] for corner in range(3))
        # Neighbours share a side, and the middle of it is the same bits whichever of them computes it.
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        cut = [np.stack(corners, axis=1) for corners in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        fresh = np.zeros(4 * len(facets), dtype=FACET)
        fresh["corners"] = np.concatenate(cut)
        fresh["normal"] = np.tile(facets["normal"], (4, 1))
        facets = fresh
    return content[:80] + len(facets).to_bytes(4, "little") + facets.tobytes()


class Models:
    """The models of one scenario: fixtures, and files that lie beside its feature."""

    def __init__(self, unique: str, beside: Path | None = None) -> None:
        self._unique = unique
        self._never_seen = 0
        self._beside = beside

    def bytes_of(self, name: str) -> bytes:
        """The fixture as it is: the same bytes for everybody, so that its analysis may be known already. A name that ends in
        `.stl` is a file beside the feature. Raises AssertionError when it is not there."""
        return self._file(name) if is_file(name) else _plain(name)

    def in_parts(self, name: str) -> bytes:
        """The fixture with every triangle cut into four, three times over: the same piece in a file of more than one part."""
        return finer(self.bytes_of(name), times=3)

    def _file(self, name: str) -> bytes:
        assert self._beside is not None, f"no feature is running, so no file {name} lies beside it"
        path = self._beside / Path(name).name
        assert path.is_file(), f"{path} is not there: a model lies beside the feature that names it"
        return path.read_bytes()

    def never_seen(self, name: str) -> bytes:
        """The same geometry in a file that nobody uploaded before, another one each time."""
        self._never_seen += 1
        return variant(name, f"{self._unique} {self._never_seen}")
