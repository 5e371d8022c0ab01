"""What files' tables hold of a person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, cast, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from system.files.adapters.repositories import upload_of
from system.files.adapters.tables import landing_left, preview, upload
from system.files.domain.upload import Status, Upload
from system.plumbing.erasure import note_erasure
from system.plumbing.tokens import NOBODY
from system.plumbing.unit_of_work import UnitOfWork

NAMELESS = "model.stl"


class PeopleRepository:
    """A person's uploads, inside a unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._connection = uow.connection

    async def some_of(self, person: UUID, *, but: Collection[UUID], limit: int) -> list[Upload]:
        found = _beside(select(upload), person, but).order_by(upload.c.file_id).limit(limit)
        return [upload_of(row) for row in await self._connection.execute(found)]

    async def count(self, person: UUID, *, but: Collection[UUID]) -> int:
        counted = _beside(select(func.count()).select_from(upload), person, but)
        return int(await self._connection.scalar(counted) or 0)

    async def is_shared(self, one: Upload) -> bool:
        assert one.findings is not None
        others = select(upload.c.file_id).where(
            upload.c.sha256 == one.findings.sha256,
            upload.c.status == Status.VERIFIED.value,
            upload.c.file_id != one.file_id,
        )
        return (await self._connection.execute(others.limit(1))).first() is not None

    async def remove(self, one: Upload) -> None:
        await self._connection.execute(delete(upload).where(upload.c.file_id == one.file_id))

    async def forget_pictures(self, sha256: str) -> None:
        await self._connection.execute(delete(preview).where(preview.c.mesh_sha256 == sha256))

    async def leave_landing(self, one: Upload, *, lingers: timedelta) -> None:
        empty_from = one.expires_at + lingers
        if empty_from < self._uow.now:
            return
        left = upsert(landing_left).values(key=one.landing_key, empty_from=empty_from)
        await self._connection.execute(left.on_conflict_do_nothing())

    async def landings_due(self, *, limit: int) -> list[str]:
        due = select(landing_left.c.key).where(landing_left.c.empty_from < self._uow.now)
        found = await self._connection.execute(due.order_by(landing_left.c.empty_from).limit(limit))
        return list(found.scalars())

    async def landings_emptied(self, keys: Collection[str]) -> None:
        await self._connection.execute(delete(landing_left).where(landing_left.c.key.in_(keys)))

    async def take_name_off(self, person: UUID, *, lingers: timedelta) -> int:
        # A landing place is found by its owner's id: those that are not empty yet are remembered as they are called.
        key = literal("uploads/", String) + cast(upload.c.owner_id, String) + "/" + cast(upload.c.file_id, String)
        untidied = select(key, upload.c.expires_at + lingers).where(
            upload.c.owner_id == person, upload.c.tidied_at.is_(None)
        )
        left = upsert(landing_left).from_select(["key", "empty_from"], untidied).on_conflict_do_nothing()
        await self._connection.execute(left)
        nobodys = await self._connection.execute(
            update(upload)
            .where(upload.c.owner_id == person)
            .values(
                owner_id=NOBODY, filename=NAMELESS, tidied_at=func.coalesce(upload.c.tidied_at, func.clock_timestamp())
            )
        )
        return nobodys.rowcount

    async def note(self, person: UUID, counts: dict[str, int]) -> None:
        await note_erasure(self._uow, person=person, counts=counts)


def _beside(query: Select[Any], person: UUID, but: Collection[UUID]) -> Select[Any]:
    theirs = query.where(upload.c.owner_id == person)
    return theirs.where(upload.c.file_id.not_in(list(but))) if but else theirs


class PeopleQueries:
    """What is read of a person without a unit of work."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def models(self, person: UUID, *, before: UUID | None, limit: int) -> list[Upload]:
        """At most so many of their verified models, the newest first: ids grow with time."""
        wanted = select(upload).where(upload.c.owner_id == person, upload.c.status == Status.VERIFIED.value)
        if before is not None:
            wanted = wanted.where(upload.c.file_id < before)
        async with self._engine.connect() as connection:
            found = await connection.execute(wanted.order_by(upload.c.file_id.desc()).limit(limit))
            return [upload_of(row) for row in found]

    async def uploads(self, person: UUID) -> list[Upload]:
        """All that they ever sent, or began to send, the oldest first."""
        wanted = select(upload).where(upload.c.owner_id == person).order_by(upload.c.file_id)
        async with self._engine.connect() as connection:
            return [upload_of(row) for row in await connection.execute(wanted)]
