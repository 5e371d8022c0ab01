"""3D models for scenarios: real fixtures, and ones large enough to be caught in the middle of a calculation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fixtures.models3d import model, variant

LARGE = "torus-ring-1m"
"""About a million triangles: its calculation takes long enough to be interrupted."""


@cache
def _plain(name: str) -> bytes:
    return model(name).read_bytes()


def is_file(name: str) -> bool:
    """Whether a model is a file of the scenario's own, and no fixture."""
    return name.endswith(".stl")


class Models:
    """The models of one scenario: fixtures, and files that lie beside its feature."""

    def __init__(self, unique: str, beside: Path | None = None) -> None:
        self._unique = unique
        self._beside = beside

    def bytes_of(self, name: str) -> bytes:
        """The fixture as it is: the same bytes for everybody, so that its analysis may be known already. A name that ends in
        `.stl` is a file beside the feature. Raises AssertionError when it is not there."""
        return self._file(name) if is_file(name) else _plain(name)

    def _file(self, name: str) -> bytes:
        assert self._beside is not None, f"no feature is running, so no file {name} lies beside it"
        path = self._beside / Path(name).name
        assert path.is_file(), f"{path} is not there: a model lies beside the feature that names it"
        return path.read_bytes()

    def never_seen(self, name: str) -> bytes:
        """The same geometry in a file that nobody uploaded before."""
        return variant(name, self._unique)
