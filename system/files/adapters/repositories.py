"""Rows to uploads and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.files.adapters import tables
from system.files.domain.errors import UploadUnknown
from system.files.domain.preview import Preview
from system.files.domain.upload import Findings, Format, Parts, Problem, Status, Upload

uploads = tables.upload
previews = tables.preview


def upload_of(row: Row[Any]) -> Upload:
    """The upload that a row holds."""
    status = Status(row.status)
    return Upload(
        file_id=row.file_id,
        owner_id=row.owner_id,
        filename=row.filename,
        declared_bytes=row.declared_bytes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        status=status,
        findings=None if status is Status.PENDING else _findings_of(row),
        settled_at=row.settled_at,
        parts=Parts(row.declared_bytes, row.part_bytes, row.multipart_id) if row.part_bytes else None,
    )


def _findings_of(row: Row[Any]) -> Findings:
    problem = Problem(row.problem_code, row.problem_title, row.problem_detail) if row.problem_code else None
    return Findings(
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        format=Format(row.recognised_as or row.format) if row.format else None,
        triangle_count=row.triangle_count,
        problem=problem,
    )


def _formats(found: Format | None) -> dict[str, str | None]:
    """What the file is, so that the release before this one, should it come back, still reads the row."""
    if found is None or found.is_stl:
        return {"format": found.value if found else None, "recognised_as": None}
    return {"format": Format.STL_BINARY.value, "recognised_as": found.value}


class UploadRepository:
    """Uploads in PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, upload: Upload) -> None:
        await self._connection.execute(
            insert(uploads).values(
                file_id=upload.file_id,
                owner_id=upload.owner_id,
                filename=upload.filename,
                declared_bytes=upload.declared_bytes,
                created_at=upload.created_at,
                expires_at=upload.expires_at,
                part_bytes=upload.parts.part_bytes if upload.parts else None,
            )
        )

    async def begin_parts(self, file_id: UUID, multipart_id: str) -> str:
        kept = await self._connection.scalar(
            update(uploads)
            .where(uploads.c.file_id == file_id)
            .values(multipart_id=func.coalesce(uploads.c.multipart_id, multipart_id))
            .returning(uploads.c.multipart_id)
        )
        return str(kept)

    async def get(self, file_id: UUID, *, owner_id: UUID) -> Upload:
        found = await self._connection.execute(
            select(uploads).where(uploads.c.file_id == file_id, uploads.c.owner_id == owner_id)
        )
        row = found.one_or_none()
        if row is None:
            raise UploadUnknown()
        return upload_of(row)

    async def settle(self, upload: Upload) -> bool:
        findings = upload.findings
        if findings is None:
            raise ValueError("an upload without findings cannot be settled")
        problem = findings.problem
        settled = await self._connection.execute(
            update(uploads)
            .where(uploads.c.file_id == upload.file_id, uploads.c.status == Status.PENDING.value)
            .values(
                status=upload.status.value,
                settled_at=upload.settled_at,
                size_bytes=findings.size_bytes,
                sha256=findings.sha256,
                **_formats(findings.format),
                triangle_count=findings.triangle_count,
                problem_code=problem.code if problem else None,
                problem_title=problem.title if problem else None,
                problem_detail=problem.detail if problem else None,
            )
            .returning(uploads.c.file_id)
        )
        return settled.first() is not None

    async def count_pending(self, owner_id: UUID, *, now: datetime) -> int:
        count = await self._connection.scalar(
            select(func.count())
            .select_from(uploads)
            .where(uploads.c.owner_id == owner_id, uploads.c.status == Status.PENDING.value, uploads.c.expires_at > now)
        )
        return int(count or 0)

    async def to_be_tidied(self, *, expired_before: datetime, limit: int) -> list[Upload]:
        rows = await self._connection.execute(
            select(uploads)
            .where(uploads.c.tidied_at.is_(None), uploads.c.expires_at < expired_before)
            .order_by(uploads.c.expires_at)
            .limit(limit)
        )
        return [upload_of(row) for row in rows]

    async def mark_tidied(self, file_ids: list[UUID], now: datetime) -> None:
        await self._connection.execute(update(uploads).where(uploads.c.file_id.in_(file_ids)).values(tidied_at=now))


def preview_of(row: Row[Any]) -> Preview:
    """The preview that a row holds."""
    return Preview(row.mesh_sha256, row.size_px, row.etag, row.size_bytes, row.made_at)


class PreviewRepository:
    """Previews in PostgreSQL; the pictures lie in the storage."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, mesh_sha256: str, size_px: int) -> Preview | None:
        found = await self._connection.execute(
            select(previews).where(previews.c.mesh_sha256 == mesh_sha256, previews.c.size_px == size_px)
        )
        row = found.one_or_none()
        return preview_of(row) if row else None

    async def keep(self, preview: Preview) -> None:
        new = {"etag": preview.etag, "size_bytes": preview.size_bytes, "made_at": preview.made_at}
        await self._connection.execute(
            upsert(previews)
            .values(mesh_sha256=preview.mesh_sha256, size_px=preview.size_px, **new)
            .on_conflict_do_update(index_elements=["mesh_sha256", "size_px"], set_=new)
        )
