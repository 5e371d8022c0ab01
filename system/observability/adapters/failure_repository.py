"""Failures one by one, for whoever says something of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from system.observability.adapters.tables import failure
from system.observability.domain.failures import State


class FailureRepository:
    """The failures over one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def mark(self, fingerprint: str, state: State, *, by: str, note: str, at: datetime) -> State | None:
        """Sets the state; returns the one before, None when nothing fails in this way."""
        known = failure.c.fingerprint == fingerprint
        query = select(failure.c.state).where(known).with_for_update()
        before = (await self._connection.execute(query)).scalar_one_or_none()
        if before is None:
            return None
        said = {"state": state, "state_since": at, "state_by": by, "note": note or None}
        await self._connection.execute(update(failure).where(known).values(**said))
        return State(before)
