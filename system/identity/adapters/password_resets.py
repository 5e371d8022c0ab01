"""Links for forgotten passwords in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from system.identity.adapters.tables import password_reset as table
from system.identity.domain.password_reset import PasswordReset


class PasswordResetRepository:
    """Rows of `password_reset`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, reset: PasswordReset) -> None:
        await self._connection.execute(
            insert(table).values(
                reset_id=reset.reset_id,
                user_id=reset.user_id,
                digest=reset.digest,
                asked_at=reset.asked_at,
                expires_at=reset.expires_at,
            )
        )

    async def with_digest(self, digest: bytes) -> PasswordReset | None:
        row = (await self._connection.execute(select(table).where(table.c.digest == digest))).one_or_none()
        if row is None:
            return None
        return PasswordReset(
            reset_id=row.reset_id,
            user_id=row.user_id,
            digest=row.digest,
            asked_at=row.asked_at,
            expires_at=row.expires_at,
            over_at=row.over_at,
        )

    async def use(self, digest: bytes, *, now: datetime) -> bool:
        used = await self._connection.execute(
            update(table)
            .where(table.c.digest == digest, table.c.over_at.is_(None), table.c.expires_at > now)
            .values(over_at=now)
            .returning(table.c.reset_id)
        )
        return used.first() is not None

    async def end_all_of(self, user_id: UUID, *, now: datetime) -> None:
        await self._connection.execute(
            update(table).where(table.c.user_id == user_id, table.c.over_at.is_(None)).values(over_at=now)
        )

    async def prune(self, *, expired_before: datetime) -> int:
        pruned = await self._connection.execute(delete(table).where(table.c.expires_at < expired_before))
        return pruned.rowcount
