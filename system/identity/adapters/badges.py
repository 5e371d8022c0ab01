"""Rows of workstations, badges and PINs to domain objects and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.identity.adapters.tables import badge, pin, workstation
from system.identity.domain.badge import Badge, Pin
from system.identity.domain.errors import BadgeChanged, WorkstationTaken
from system.identity.domain.workstation import Workstation


def workstation_of(row: Row[Any]) -> Workstation:
    """The workstation that a row holds."""
    return Workstation(
        workstation_id=row.workstation_id,
        name=row.name,
        secret_digest=row.secret_digest,
        registered_at=row.registered_at,
        registered_by=row.registered_by,
        last_seen_at=row.last_seen_at,
    )


class WorkstationRepository:
    """Workstations in PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, registered: Workstation) -> None:
        added = await self._connection.execute(
            upsert(workstation)
            .values(
                workstation_id=registered.workstation_id,
                name=registered.name,
                secret_digest=registered.secret_digest,
                registered_at=registered.registered_at,
                registered_by=registered.registered_by,
                last_seen_at=registered.last_seen_at,
            )
            .on_conflict_do_nothing()
            .returning(workstation.c.workstation_id)
        )
        if added.first() is None:
            raise WorkstationTaken(name=registered.name, here=False)

    async def with_secret(self, digest: bytes) -> Workstation | None:
        row = (
            await self._connection.execute(
                select(workstation).where(workstation.c.secret_digest == digest, workstation.c.revoked_at.is_(None))
            )
        ).one_or_none()
        return workstation_of(row) if row is not None else None

    async def revoke(self, workstation_id: UUID, *, by: str, now: datetime) -> str | None:
        revoked = await self._connection.execute(
            update(workstation)
            .where(workstation.c.workstation_id == workstation_id, workstation.c.revoked_at.is_(None))
            .values(revoked_at=now, revoked_by=by)
            .returning(workstation.c.name)
        )
        name: str | None = revoked.scalar()
        return name

    async def seen(self, workstation_id: UUID, now: datetime) -> None:
        await self._connection.execute(
            update(workstation).where(workstation.c.workstation_id == workstation_id).values(last_seen_at=now)
        )


class BadgeRepository:
    """Badges and PINs in PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, user_id: UUID) -> Badge | None:
        return await self._one(badge.c.user_id == user_id)

    async def with_code(self, digest: bytes) -> Badge | None:
        return await self._one(badge.c.code_digest == digest)

    async def _one(self, which: ColumnElement[bool]) -> Badge | None:
        row = (await self._connection.execute(select(badge).where(which, badge.c.revoked_at.is_(None)))).one_or_none()
        if row is None:
            return None
        return Badge(
            badge_id=row.badge_id,
            user_id=row.user_id,
            code_digest=row.code_digest,
            issued_at=row.issued_at,
            issued_by=row.issued_by,
        )

    async def add(self, issued: Badge) -> None:
        added = await self._connection.execute(
            upsert(badge)
            .values(
                badge_id=issued.badge_id,
                user_id=issued.user_id,
                code_digest=issued.code_digest,
                issued_at=issued.issued_at,
                issued_by=issued.issued_by,
            )
            .on_conflict_do_nothing()
            .returning(badge.c.badge_id)
        )
        if added.first() is None:
            raise BadgeChanged()

    async def revoke(self, badge_id: UUID, *, by: str, now: datetime) -> None:
        await self._connection.execute(
            update(badge)
            .where(badge.c.badge_id == badge_id, badge.c.revoked_at.is_(None))
            .values(revoked_at=now, revoked_by=by)
        )

    async def used(self, badge_id: UUID, now: datetime) -> None:
        await self._connection.execute(update(badge).where(badge.c.badge_id == badge_id).values(last_used_at=now))

    async def pin_of(self, user_id: UUID) -> Pin:
        wanted = select(pin).where(pin.c.user_id == user_id).with_for_update()
        row = (await self._connection.execute(wanted)).one_or_none()
        if row is None:
            # An empty row is made, so that there is one to be locked: two at once must count as two.
            await self._connection.execute(
                upsert(pin).values(user_id=user_id, tries=0).on_conflict_do_nothing(index_elements=["user_id"])
            )
            row = (await self._connection.execute(wanted)).one()
        return Pin(
            user_id=row.user_id,
            pin_hash=row.pin_hash,
            one_time_hash=row.one_time_hash,
            one_time_until=row.one_time_until,
            tries=row.tries,
            locked_at=row.locked_at,
        )

    async def keep_pin(self, kept: Pin) -> None:
        await self._connection.execute(
            update(pin)
            .where(pin.c.user_id == kept.user_id)
            .values(
                pin_hash=kept.pin_hash,
                one_time_hash=kept.one_time_hash,
                one_time_until=kept.one_time_until,
                tries=kept.tries,
                locked_at=kept.locked_at,
            )
        )
