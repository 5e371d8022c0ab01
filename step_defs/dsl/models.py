"""3D models for scenarios: real fixtures, and ones large enough to be caught in the middle of a calculation."""

from __future__ import annotations

from functools import cache

from fixtures.models3d import model, variant

LARGE = "torus-ring-1m"
"""About a million triangles: its calculation takes long enough to be interrupted."""


@cache
def _plain(name: str) -> bytes:
    return model(name).read_bytes()


class Models:
    """The models of one scenario."""

    def __init__(self, unique: str) -> None:
        self._unique = unique

    def bytes_of(self, name: str) -> bytes:
        """The fixture as it is: the same bytes for everybody, so that its analysis may be known already."""
        return _plain(name)

    def never_seen(self, name: str) -> bytes:
        """The same geometry in a file that nobody uploaded before."""
        return variant(name, self._unique)
