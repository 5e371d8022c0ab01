"""An upload: one file on its way from its owner to us, until it is verified or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Status(StrEnum):
    """PENDING until completed; the two others are final."""

    PENDING = "PENDING"
    VERIFIED = "VERIFIED"
    REFUSED = "REFUSED"


class Format(StrEnum):
    """The formats of models that we take, recognised by content and never by name."""

    STL_BINARY = "stl_binary"
    STL_ASCII = "stl_ascii"
    OBJ = "obj"
    PLY = "ply"
    THREE_MF = "3mf"
    GLB = "glb"
    GLTF = "gltf"

    @property
    def is_stl(self) -> bool:
        """Whether browsers read it as it is; all else they see by its levels."""
        return self in (Format.STL_BINARY, Format.STL_ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file is refused. `code` is for machines; `detail` says what to send instead."""

    code: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What looking at a whole file found. Either a format or a problem is set, never both."""

    size_bytes: int
    sha256: str | None
    format: Format | None = None
    triangle_count: int | None = None
    problem: Problem | None = None

    @property
    def status(self) -> Status:
        """What becomes of the upload."""
        return Status.REFUSED if self.problem else Status.VERIFIED


@dataclass(frozen=True, slots=True)
class Parts:
    """How a file is sent piece by piece: every part has `part_bytes`, the last one what is left. Numbers begin with 1."""

    whole_bytes: int
    part_bytes: int
    multipart_id: str | None = None
    """The storage's own name of the undertaking, once it was begun."""

    @property
    def count(self) -> int:
        """How many parts there are."""
        return -(-self.whole_bytes // self.part_bytes)

    def size_of(self, number: int) -> int:
        """How many bytes this part has. Raises ValueError for a number that there is not."""
        if not 1 <= number <= self.count:
            raise ValueError(f"there is no part {number} of {self.count}")
        return min(self.part_bytes, self.whole_bytes - (number - 1) * self.part_bytes)

    def missing(self, arrived: Mapping[int, int]) -> list[int]:
        """The numbers of what has not arrived; `arrived` tells sizes in bytes by number."""
        return [number for number in range(1, self.count + 1) if number not in arrived]


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of one owner. `findings` is there once it is settled, `parts` when it is sent piece by piece."""

    file_id: UUID
    owner_id: UUID
    filename: str
    declared_bytes: int
    created_at: datetime
    expires_at: datetime
    status: Status = Status.PENDING
    findings: Findings | None = None
    settled_at: datetime | None = None
    parts: Parts | None = None

    @property
    def landing_key(self) -> str:
        """Where the owner's browser puts the file. The owner can write here, so nothing is ever read from here twice."""
        return f"uploads/{self.owner_id}/{self.file_id}"

    @property
    def sealed_key(self) -> str | None:
        """Where the verified file lies, named by its content; only this service writes there."""
        if self.findings is None or self.findings.sha256 is None or self.status is not Status.VERIFIED:
            return None
        return sealed_key_of(self.findings.sha256)

    def settled(self, findings: Findings, now: datetime) -> Upload:
        """The upload with its final verdict."""
        return replace(self, status=findings.status, findings=findings, settled_at=now)


def sealed_key_of(sha256: str) -> str:
    """The key of a verified file with this content."""
    return f"verified/{sha256}"
