"""What files' handlers need from outside, as promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol, Self
from uuid import UUID

from system.files.domain.level import Level, LevelFile
from system.files.domain.preview import Preview
from system.files.domain.upload import Upload


@dataclass(frozen=True, slots=True)
class PostForm:
    """Where and with which fields a browser posts one file; the file itself is the last field, `file`."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One content of one key. `etag` changes when the content does."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that has arrived; of two of one number the one that came last, and of two within a second either."""

    number: int
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class PartAddress:
    """Where a browser puts one part, of exactly this size."""

    number: int
    size_bytes: int
    url: str


class Uploads(Protocol):
    """The uploads."""

    async def add(self, upload: Upload) -> None:
        """Keeps a new upload."""

    async def get(self, file_id: UUID, *, owner_id: UUID) -> Upload:
        """The owner's upload. Raises UploadUnknown, also when it is somebody else's."""

    async def settle(self, upload: Upload) -> bool:
        """Keeps the verdict; False when it was settled before. Of many at once exactly one gets True."""

    async def begin_parts(self, file_id: UUID, multipart_id: str) -> str:
        """Keeps the storage's name of an upload in parts, unless it has one; returns the name that it has."""

    async def count_pending(self, owner_id: UUID, *, now: datetime) -> int:
        """How many uploads of this owner may still arrive."""

    async def to_be_tidied(self, *, expired_before: datetime, limit: int) -> list[Upload]:
        """Uploads whose landing place nobody can write to any more and that was not emptied yet."""

    async def mark_tidied(self, file_ids: list[UUID], now: datetime) -> None:
        """Remembers that their landing places are empty."""


class Previews(Protocol):
    """Which meshes have a picture."""

    async def find(self, mesh_sha256: str, size_px: int) -> Preview | None:
        """What is kept of this size."""

    async def keep(self, preview: Preview) -> None:
        """Remembers that the picture is there; a new drawing takes the place of the one before."""


class Levels(Protocol):
    """Which meshes have levels of detail, and which wait for them."""

    async def ask_for(self, mesh_sha256: str, *, at: datetime) -> bool:
        """Asks the workers, in this transaction; False when they were asked before, or made them. Of many at once exactly one asks."""

    async def are_wanted(self, mesh_sha256: str) -> bool:
        """Whether they were asked for and nobody has settled it yet."""

    async def keep(self, mesh_sha256: str, levels: Sequence[Level], *, at: datetime) -> None:
        """Remembers that these levels are there, and that nothing is left to make."""

    async def refuse(self, mesh_sha256: str, reason: str, *, at: datetime) -> None:
        """Remembers why there are none; what was made before stays."""

    async def large_without(self, *, above_bytes: int, limit: int) -> list[str]:
        """Verified meshes above that size for which nobody ever asked, the newest first."""


class FilesUnitOfWork(Protocol):
    """One transaction over files' tables. Left without a commit, it changed nothing."""

    uploads: Uploads
    previews: Previews
    levels: Levels

    @property
    def now(self) -> datetime:
        """The moment at which the unit of work began."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: Any) -> bool | None: ...

    async def lock(self, *subjects: UUID | str) -> None:
        """Waits until nobody else holds these subjects; held until the end."""

    async def commit(self) -> Any:
        """Makes everything done here true at once."""


class Begin(Protocol):
    """Begins a unit of work."""

    def __call__(self) -> FilesUnitOfWork: ...


class Storage(Protocol):
    """The object storage. Every method raises Unavailable when it does not answer."""

    def post_form(self, key: str, *, bytes_max: int, expires_s: int) -> PostForm:
        """A form that lets its holder post one file of 1 to `bytes_max` bytes to exactly this key, for so long."""

    async def begin_parts(self, key: str) -> str:
        """Begins an undertaking of parts that shall become the content of this key; its name at the storage."""

    def part_url(self, key: str, multipart_id: str, *, number: int, size_bytes: int, expires_s: int) -> str:
        """A URL outside that takes exactly so many bytes as this part, for so long."""

    async def parts(self, key: str, multipart_id: str) -> list[StoredPart]:
        """What has arrived, by number. Raises NotUploadedYet when the undertaking is over or unknown."""

    async def assemble(self, key: str, multipart_id: str, parts: Sequence[StoredPart]) -> None:
        """Makes the content of the key from these parts, in order. Raises NotUploadedYet when one is gone, or somebody did it."""

    async def drop_parts(self, key: str, multipart_id: str) -> None:
        """Ends the undertaking and throws its parts away; no matter if it is over."""

    def download_url(self, key: str, *, expires_s: int) -> str:
        """A URL inside our network that reads this key, for so long."""

    def browser_url(self, key: str, *, filename: str, expires_s: int) -> str:
        """A URL for a browser outside that reads this key as a download of this name, for so long."""

    async def find(self, key: str) -> StoredObject | None:
        """What lies at this key now, if anything."""

    async def read(self, stored: StoredObject, feed: Callable[[bytes], None]) -> None:
        """Gives the whole content to `feed`, in order, in another thread.

        Raises UploadChanged if another content lies there now, NotUploadedYet if none.
        """

    async def content(self, key: str) -> bytes:
        """All that lies at this key, which is known to be little. Raises NotUploadedYet if nothing does."""

    async def write(self, key: str, content: bytes, *, content_type: str) -> None:
        """Puts this content at this key, in the place of what lay there."""

    async def copy(self, stored: StoredObject, *, to: str) -> None:
        """Copies exactly this content. Raises UploadChanged if another one lies there now, NotUploadedYet if none."""

    async def delete(self, key: str) -> None:
        """Empties the key; no matter if it is empty."""


class SealedModels(Protocol):
    """Verified meshes as files."""

    def fetch(self, mesh_sha256: str) -> AbstractAsyncContextManager[BinaryIO]:
        """The mesh in a temporary file of no name, from its start. Raises ModelGone when it is not what was verified, Unavailable."""


class ModelGone(Exception):
    """The storage has lost the mesh, or holds another one in its place."""


@dataclass(frozen=True, slots=True)
class NotMade:
    """Why there are no levels of a mesh, in a few words for people who run this."""

    reason: str


class LevelMaker(Protocol):
    """What makes a mesh lighter."""

    async def make(self, mesh: BinaryIO) -> Sequence[LevelFile] | NotMade:
        """A level of every name, checked, or why not. Whatever the mesh does to it, this process lives on."""
