"""Levels of detail: the lighter forms of a large mesh that people look at, kept by the content of the mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from system.files.domain.upload import Status, Upload


class LevelName(StrEnum):
    """COARSE is shown first, and turned; FINE is what one looks at."""

    COARSE = "coarse"
    FINE = "fine"


TRIANGLES_MAX: Mapping[LevelName, int] = MappingProxyType({LevelName.COARSE: 20_000, LevelName.FINE: 200_000})
"""About how many triangles a level has; a mesh of fewer keeps its own."""
BYTES_MAX: Mapping[LevelName, int] = MappingProxyType({LevelName.COARSE: 400_000, LevelName.FINE: 4_000_000})
CONTENT_TYPE = "model/gltf-binary"
EXTENT_TOLERANCE = 0.005
"""The extents of a level are the model's within this share of them: people read sizes off what they see."""


_EXTENSIONS = frozenset({".stl", ".obj", ".ply", ".3mf", ".glb", ".gltf"})


class State(StrEnum):
    """What is known of the levels of a mesh. A refused one is asked for anew by the next upload of the mesh."""

    WANTED = "WANTED"
    MADE = "MADE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Level:
    """One level as it is kept."""

    mesh_sha256: str
    name: LevelName
    triangle_count: int
    size_bytes: int
    made_at: datetime

    @property
    def key(self) -> str:
        """Where it lies."""
        return level_key_of(self.mesh_sha256, self.name)


@dataclass(frozen=True, slots=True)
class LevelFile:
    """One level as it was made: a whole GLB."""

    name: LevelName
    triangle_count: int
    content: bytes


def level_key_of(mesh_sha256: str, name: LevelName) -> str:
    """The key of a mesh's level."""
    return f"levels/{mesh_sha256}/{name}.glb"


def are_needed(upload: Upload, *, above_bytes: int) -> bool:
    """Whether the model is so large, or in such a format, that people look at lighter forms of it."""
    findings = upload.findings
    if upload.status is not Status.VERIFIED or findings is None or findings.format is None:
        return False
    return findings.size_bytes > above_bytes or not findings.format.is_stl


def shown_as(filename: str, name: LevelName) -> str:
    """What a browser calls the level of a file."""
    stem, dot, extension = filename.rpartition(".")
    if not dot or f".{extension.lower()}" not in _EXTENSIONS:
        stem = filename
    return f"{stem}.{name}.glb"
