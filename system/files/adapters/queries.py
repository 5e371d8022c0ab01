"""What is read without a unit of work."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from system.files.adapters.repositories import preview_of, upload_of
from system.files.adapters.tables import level, mesh_levels, preview, upload
from system.files.domain.errors import PreviewMissing, UploadUnknown
from system.files.domain.level import Level, LevelName, State
from system.files.domain.preview import SIZES, Preview
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

    async def preview(self, file_id: UUID, *, size_px: int, owner_id: UUID | None = None) -> Preview:
        """What is kept of an upload's mesh; only of its owner's when an owner is named. Raises UploadUnknown, PreviewMissing."""
        wanted = (
            select(preview)
            .select_from(upload)
            .outerjoin(preview, (preview.c.mesh_sha256 == upload.c.sha256) & (preview.c.size_px == size_px))
            .where(upload.c.file_id == file_id)
        )
        if owner_id is not None:
            wanted = wanted.where(upload.c.owner_id == owner_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            raise UploadUnknown()
        if row.etag is None:
            raise PreviewMissing()
        return preview_of(row)

    async def level(self, mesh_sha256: str, name: LevelName) -> Level | State | None:
        """A mesh's level; or what is known of its levels when this one is not there; None when nobody asked for them yet."""
        wanted = (
            select(mesh_levels.c.state, level)
            .select_from(mesh_levels)
            .outerjoin(level, (level.c.mesh_sha256 == mesh_levels.c.mesh_sha256) & (level.c.name == name.value))
            .where(mesh_levels.c.mesh_sha256 == mesh_sha256)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            return None
        if row.name is None:
            return State(row.state)
        return Level(mesh_sha256, LevelName(row.name), row.triangle_count, row.size_bytes, row.made_at)

    async def without_preview(self, meshes: Collection[str]) -> set[str]:
        """Those of these meshes that have not a picture of every size."""
        whole = (
            select(preview.c.mesh_sha256)
            .where(preview.c.mesh_sha256 == func.any(list(meshes)), preview.c.size_px.in_(SIZES))
            .group_by(preview.c.mesh_sha256)
            .having(func.count() == len(SIZES))
        )
        async with self._engine.connect() as connection:
            return set(meshes) - set((await connection.execute(whole)).scalars())
