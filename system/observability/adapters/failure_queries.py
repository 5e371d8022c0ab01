"""What observability reads of failures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.observability.domain.failures import FailureUnknown

LIST_MAX = 200
SAMPLES_MAX = 10
_LIST = """
SELECT f.*, coalesce(recent.hits, 0) AS recent_hits, coalesce(recent.orders, 0) AS orders, recent.by_hour
FROM failure f
LEFT JOIN LATERAL (
    SELECT sum(hours.hits) AS hits, (
        SELECT count(DISTINCT h.order_id) FROM failure_hit h WHERE h.fingerprint = f.fingerprint AND h.at >= :since
    ) AS orders, jsonb_object_agg(hours.hour, hours.hits) AS by_hour
    FROM (
        SELECT date_trunc('hour', at) AS hour, count(*) AS hits FROM failure_hit
        WHERE fingerprint = f.fingerprint AND at >= :since GROUP BY 1
    ) hours
) recent ON true
WHERE {where}
ORDER BY f.last_at DESC LIMIT :limit
"""
_SAMPLES = text(
    "SELECT trace_id, span_id, at, order_id FROM failure_hit WHERE fingerprint = :fingerprint ORDER BY at DESC LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One way of failing: how often in all, and since the period began, on how many orders, and by hour."""

    fingerprint: str
    service: str
    place: str
    exception: str
    message: str
    frame: str
    first_at: datetime
    last_at: datetime
    hits: int
    recent_hits: int
    orders: int
    by_hour: dict[datetime, int]
    state: str
    state_since: datetime
    state_by: str | None
    note: str | None
    reopened: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One time that it failed so."""

    trace_id: UUID
    span_id: str
    at: datetime
    order_id: UUID | None


class FailureQueries:
    """Reads over one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def listed(
        self, *, since: datetime, states: list[str] | None = None, service: str | None = None
    ) -> list[FailureRow]:
        """Ways of failing that were met since, the last one first."""
        where = ["f.last_at >= :since"]
        values: dict[str, Any] = {"since": since, "limit": LIST_MAX}
        if states:
            where.append("f.state = ANY(:states)")
            values["states"] = states
        if service:
            where.append("f.service = :service")
            values["service"] = service
        async with self._engine.connect() as connection:
            rows = await connection.execute(text(_LIST.format(where=" AND ".join(where))), values)
            return [_row(row) for row in rows]

    async def one(self, fingerprint: str, *, since: datetime) -> tuple[FailureRow, list[Sample]]:
        """One way of failing, and the last times. Raises FailureUnknown."""
        values = {"since": since, "fingerprint": fingerprint, "limit": 1}
        async with self._engine.connect() as connection:
            statement = text(_LIST.format(where="f.fingerprint = :fingerprint"))
            row = (await connection.execute(statement, values)).first()
            if row is None:
                raise FailureUnknown(fingerprint)
            samples = await connection.execute(_SAMPLES, {"fingerprint": fingerprint, "limit": SAMPLES_MAX})
            return _row(row), [Sample(each.trace_id, each.span_id, each.at, each.order_id) for each in samples]


def _row(row: Any) -> FailureRow:
    told = row._mapping
    names = [name for name in FailureRow.__slots__ if name != "by_hour"]
    by_hour = {datetime.fromisoformat(hour): int(hits) for hour, hits in (told["by_hour"] or {}).items()}
    return FailureRow(**{name: told[name] for name in names}, by_hour=by_hour)
