"""The days of the store: the owner's functions make and drop them, for the application owns nothing."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.observability.adapters.tables import failure, failure_hit

_SIZES = text(
    "SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day, sum(pg_total_relation_size(c.oid)) AS size_bytes"
    " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent IN ('span'::regclass, 'log_line'::regclass) AND c.relname ~ '_[0-9]{8}$' GROUP BY day"
)


class SqlDays:
    """The days over one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def make(self, first: date, last: date) -> int:
        """Makes the days that are missing; returns how many tables."""
        async with self._engine.begin() as connection:
            return int((await connection.execute(select(func.make_days(first, last)))).scalar_one())

    async def drop(self, before: date) -> int:
        """Drops the days before; returns how many tables."""
        async with self._engine.begin() as connection:
            return int((await connection.execute(select(func.drop_days(before)))).scalar_one())

    async def sizes(self) -> dict[date, int]:
        """The bytes that each day takes."""
        async with self._engine.connect() as connection:
            return {row.day: int(row.size_bytes) for row in await connection.execute(_SIZES)}

    async def forget_failures(self, *, hits_before: datetime, failures_before: datetime) -> int:
        """Forgets single failures before a moment, and ways of failing that were last met before another."""
        async with self._engine.begin() as connection:
            hits = await connection.execute(delete(failure_hit).where(failure_hit.c.at < hits_before))
            kinds = await connection.execute(delete(failure).where(failure.c.last_at < failures_before))
        return hits.rowcount + kinds.rowcount
