"""What observability reads of traces. One trace is two statements: its spans, its lines.

What is asked by trace or order reads every kept day, each by its index; nothing reads a whole day but the report on stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.observability.adapters.tables import log_line, span
from system.observability.application.traces import Found
from system.observability.domain.stages import ServiceTime
from system.observability.domain.telemetry import Event, Link, LogLine, Span

_SERVICE_TIMES = text(
    "SELECT service, count(*) AS entries, count(*) FILTER (WHERE is_error) AS errors,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_us) / 1000.0 AS median_ms,"
    " percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_us) / 1000.0 AS p95_ms,"
    " sum(duration_us) / 1000.0 AS total_ms"
    " FROM span WHERE is_entry AND order_id IS NOT NULL AND started_at >= :since AND started_at < :until"
    " GROUP BY service"
)


class TraceQueries:
    """Reads over one engine."""

    def __init__(self, engine: AsyncEngine, *, spans_max: int) -> None:
        self._engine = engine
        self._spans_max = spans_max

    async def of_trace(self, trace_id: UUID) -> Found:
        """The spans and lines of one trace."""
        return await self._found(span.c.trace_id == trace_id, log_line.c.trace_id == trace_id)

    async def of_order(self, order_id: UUID) -> Found:
        """The spans and lines of an order's trace, and those about the order in other ones."""
        return await self._found(
            or_(span.c.trace_id == order_id, span.c.order_id == order_id),
            or_(log_line.c.trace_id == order_id, log_line.c.order_id == order_id),
        )

    async def _found(self, spans_where: Any, lines_where: Any) -> Found:
        limit = self._spans_max
        of_spans = select(span).where(spans_where).order_by(span.c.started_at, span.c.span_id).limit(limit + 1)
        of_lines = select(log_line).where(lines_where).order_by(log_line.c.at, log_line.c.digest).limit(limit + 1)
        async with self._engine.connect() as connection:
            spans = [_span(row) for row in await connection.execute(of_spans)]
            lines = [_line(row) for row in await connection.execute(of_lines)]
        return Found(
            tuple(spans[:limit]), tuple(lines[:limit]), is_whole=len(spans) <= limit, has_all_lines=len(lines) <= limit
        )

    async def service_times(self, since: datetime, until: datetime) -> list[ServiceTime]:
        """How long each service worked on orders in the period."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_SERVICE_TIMES, {"since": since, "until": until})
            return [
                ServiceTime(
                    row.service, row.entries, row.errors, float(row.median_ms), float(row.p95_ms), float(row.total_ms)
                )
                for row in rows
            ]


def _span(row: Any) -> Span:
    return Span(
        trace_id=row.trace_id,
        span_id=row.span_id,
        parent_span_id=row.parent_span_id,
        is_entry=row.is_entry,
        service=row.service,
        name=row.name,
        kind=row.kind,
        started_at=row.started_at,
        duration_us=row.duration_us,
        is_error=row.is_error,
        status_text=row.status_text or "",
        release=row.release or "",
        attributes=row.attributes,
        events=tuple(_event(told) for told in row.events or ()),
        links=_links(row.links or ()),
    )


def _event(told: dict[str, Any]) -> Event:
    return Event(told["name"], datetime.fromisoformat(told["at"]), told["attributes"])


def _links(told: Sequence[dict[str, str]]) -> tuple[Link, ...]:
    return tuple(Link(UUID(hex=each["trace_id"]), each["span_id"]) for each in told)


def _line(row: Any) -> LogLine:
    return LogLine(
        digest=row.digest,
        at=row.at,
        trace_id=row.trace_id,
        span_id=row.span_id,
        service=row.service,
        severity=row.severity,
        body=row.body,
        attributes=row.attributes,
    )
