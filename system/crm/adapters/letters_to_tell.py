"""Sellers' letters of which the shop has not taken word yet."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from system.crm.adapters.tables import letter_to_tell as table


class LettersToTell:
    """Each question and change in a transaction of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, *, limit: int) -> list[tuple[UUID, UUID]]:
        """Order and letter of those that wait longest."""
        query = select(table.c.order_id, table.c.letter_id).order_by(table.c.since).limit(limit)
        async with self._engine.connect() as connection:
            return [(row.order_id, row.letter_id) for row in await connection.execute(query)]

    async def told(self, letter_id: UUID) -> None:
        """The shop has taken it."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(table).where(table.c.letter_id == letter_id))
