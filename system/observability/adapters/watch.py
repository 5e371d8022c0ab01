"""The watch over alerts in PostgreSQL: one row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Table, Uuid, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.observability.adapters.tables import metadata
from system.observability.domain.watch import Silence, Watch
from system.plumbing.metrics import GaugeQuery

watchdog = Table(
    "watchdog",
    metadata,
    Column("is_the_one", Boolean, primary_key=True),
    Column("heard_at", DateTime(timezone=True)),
    Column("silence_id", Uuid),
    Column("silent_since", DateTime(timezone=True)),
)
GAUGE = GaugeQuery(
    "alexandrite_watchdog_age_seconds",
    "How long ago the alert that always fires was last heard; nothing before it was heard once.",
    (),
    "SELECT extract(epoch FROM clock_timestamp() - heard_at) AS value FROM watchdog WHERE heard_at IS NOT NULL",
)


class WatchRepository:
    """The watch within a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def held(self) -> Watch:
        """What is known, locked until the end of the transaction."""
        return _watch_of((await self._connection.execute(select(watchdog).with_for_update())).one())

    async def keep(self, watch: Watch) -> None:
        """Writes it down."""
        silence = watch.silence
        await self._connection.execute(
            update(watchdog).values(
                heard_at=watch.heard_at,
                silence_id=silence.silence_id if silence else None,
                silent_since=silence.since if silence else None,
            )
        )


class WatchQueries:
    """Reads the watch, outside of any change."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def now(self) -> Watch:
        """What is known."""
        async with self._engine.connect() as connection:
            return _watch_of((await connection.execute(select(watchdog))).one())


def _watch_of(row: Any) -> Watch:
    return Watch(row.heard_at, Silence(row.silence_id, row.silent_since) if row.silence_id is not None else None)
