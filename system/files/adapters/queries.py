"""What is read without a unit of work."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from system.files.adapters.repositories import upload_of
from system.files.adapters.tables import upload
from system.files.domain.errors import UploadUnknown
from system.files.domain.upload import Upload


class FilesQueries:
    """Reads of files."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def upload(self, file_id: UUID, *, owner_id: UUID | None = None) -> Upload:
        """The upload; only its owner's when an owner is named. Raises UploadUnknown."""
        wanted = select(upload).where(upload.c.file_id == file_id)
        if owner_id is not None:
            wanted = wanted.where(upload.c.owner_id == owner_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            raise UploadUnknown()
        return upload_of(row)
