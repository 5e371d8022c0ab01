"""What files can be told to do."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StartUpload:
    """Somebody wants to send a file of this name and size."""

    owner_id: UUID
    filename: str
    size_bytes: int
    in_parts: bool = False
    """Piece by piece, so that an interrupted upload goes on where it was."""


@dataclass(frozen=True, slots=True)
class AddressParts:
    """The owner wants to send these parts, or some of them again."""

    file_id: UUID
    owner_id: UUID
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CompleteUpload:
    """The owner says that the file is sent; it is to be checked."""

    file_id: UUID
    owner_id: UUID


@dataclass(frozen=True, slots=True)
class KeepPreview:
    """Pricing drew a mesh."""

    mesh_sha256: str
    size_px: int
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class MakeLevels:
    """A large mesh is to have its levels of detail. On the `last_attempt` whatever stands in the way is the end of it."""

    mesh_sha256: str
    last_attempt: bool = False
