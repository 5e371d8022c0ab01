"""Alerts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.kernel.ids import new_id
from system.observability.adapters.alert_table import alert
from system.observability.domain.alerts import Alert, AlertState, Told
from system.observability.domain.watch import WATCHDOG

Place = tuple[datetime, UUID]
"""Where a list goes on: the beginning and the id of the last that was shown."""


class AlertRepository:
    """Alerts within a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def note(self, told: Sequence[Told], *, now: datetime) -> None:
        """Keeps what was told. The same again changes nothing but when it was last told; what has ended stays so."""
        new = upsert(alert)
        values = [
            {
                "alert_id": new_id(),
                "fingerprint": one.fingerprint,
                "name": one.name,
                "severity": one.severity,
                "labels": dict(one.labels),
                "annotations": dict(one.annotations),
                "started_at": one.started_at,
                "ended_at": one.ended_at,
                "told_at": now,
                "last_told_at": now,
                "end_told_at": now if one.ended_at is not None else None,
            }
            # In one order for everybody: two deliveries at once wait for each other instead of both failing.
            for one in sorted(told, key=lambda each: (each.fingerprint, each.started_at))
        ]
        if not values:
            return
        await self._connection.execute(
            new.on_conflict_do_update(
                constraint="alert_once",
                set_={
                    "annotations": case(
                        (alert.c.ended_at.is_(None), new.excluded.annotations), else_=alert.c.annotations
                    ),
                    "ended_at": func.coalesce(alert.c.ended_at, new.excluded.ended_at),
                    "end_told_at": func.coalesce(alert.c.end_told_at, new.excluded.end_told_at),
                    "last_told_at": func.greatest(alert.c.last_told_at, new.excluded.last_told_at),
                },
            ),
            values,
        )
        # One that fires anew has ended before, whether we were told or not.
        await self._connection.execute(
            update(alert)
            .where(
                alert.c.fingerprint == bindparam("whose"),
                alert.c.started_at < bindparam("began"),
                alert.c.ended_at.is_(None),
            )
            .values(ended_at=bindparam("began"), end_told_at=bindparam("told")),
            [{"whose": one["fingerprint"], "began": one["started_at"], "told": now} for one in values],
        )

    async def forget(self, *, before: datetime) -> None:
        """Forgets what ended, or was last heard of, before a moment."""
        is_long_ago = func.coalesce(alert.c.ended_at, alert.c.last_told_at) < before
        # The release before keeps the one that always fires as if it were an alert.
        await self._connection.execute(delete(alert).where(or_(is_long_ago, alert.c.name == WATCHDOG)))

    async def find(self, alert_id: UUID) -> Alert | None:
        """One, held until the end of the transaction."""
        found = await self._connection.execute(select(alert).where(alert.c.alert_id == alert_id).with_for_update())
        row = found.mappings().first()
        return Alert(**row) if row else None

    async def give(self, alert_id: UUID, *, to: UUID | None, called: str | None, at: datetime | None) -> None:
        """Says who takes care of it; nobody, with None."""
        await self._connection.execute(
            update(alert).where(alert.c.alert_id == alert_id).values(taken_by_id=to, taken_by=called, taken_at=at)
        )


class AlertQueries:
    """Reads alerts, outside of any change."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open(self) -> list[Alert]:
        """What has not ended, the oldest first."""
        return await self._read(select(alert).where(alert.c.ended_at.is_(None)).order_by(alert.c.started_at))

    async def past(self, *, since: datetime, name: str = "", before: Place | None = None, limit: int) -> list[Alert]:
        """What has ended, the newest first."""
        asked = select(alert).where(alert.c.ended_at.is_not(None), alert.c.started_at > since)
        if name:
            asked = asked.where(alert.c.name == name)
        if before is not None:
            asked = asked.where(tuple_(alert.c.started_at, alert.c.alert_id) < tuple_(*before))
        return await self._read(asked.order_by(alert.c.started_at.desc(), alert.c.alert_id.desc()).limit(limit))

    async def found(
        self, *, name: str = "", state: AlertState | None = None, heard_after: datetime, limit: int
    ) -> list[Alert]:
        """Alerts of a name, in a state, the newest first; what was last told before `heard_after` is unheard."""
        asked: Any = select(alert).order_by(alert.c.started_at.desc(), alert.c.alert_id.desc()).limit(limit)
        if name:
            asked = asked.where(alert.c.name == name)
        if state is not None:
            is_open = alert.c.ended_at.is_(None)
            is_heard = alert.c.last_told_at >= heard_after
            asked = asked.where(
                {
                    AlertState.RESOLVED: ~is_open,
                    AlertState.FIRING: is_open & is_heard,
                    AlertState.UNHEARD: is_open & ~is_heard,
                }[state]
            )
        return await self._read(asked)

    async def _read(self, asked: Any) -> list[Alert]:
        async with self._engine.connect() as connection:
            return [Alert(**row) for row in (await connection.execute(asked)).mappings()]
