"""Spans and log lines into PostgreSQL: by COPY, and row by row only where some of them are there already.

An exporter that got no answer sends the same again. That is rare: so everything is copied first, and only when a row is there already
the copy is undone and each row inserted unless it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import psycopg
from sqlalchemy import Table, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.observability.adapters.failures import record
from system.observability.adapters.tables import log_line, span
from system.observability.application.ports import Hit
from system.observability.application.receiving import hits_of_lines, hits_of_spans
from system.observability.domain.telemetry import LogLine, Span

Row = tuple[Any, ...]


class SqlStore:
    """The store over one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep_spans(self, spans: Sequence[Span]) -> int:
        """Keeps the spans that are not there yet, and counts what failed in them; returns how many were new."""
        return await self._keep(span, [_span_row(one) for one in spans], hits_of_spans(spans))

    async def keep_lines(self, lines: Sequence[LogLine]) -> int:
        """The same with log lines."""
        return await self._keep(log_line, [_line_row(one) for one in lines], hits_of_lines(lines))

    async def _keep(self, table: Table, rows: Sequence[Row], hits: Sequence[Hit]) -> int:
        async with self._engine.begin() as connection:
            new = await _copied(connection, table, rows)
            if new is None:
                new = await _inserted(connection, table, rows)
            if hits:
                await record(connection, hits)
        return new


async def _copied(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> int | None:
    """Copies all rows; None when one of them is there already, and then nothing is done."""
    raw = await connection.get_raw_connection()
    driver: psycopg.AsyncConnection[Any] = raw.driver_connection  # type: ignore[assignment]
    names = psycopg.sql.SQL(", ").join(psycopg.sql.Identifier(column.name) for column in table.columns)
    statement = psycopg.sql.SQL("COPY {} ({}) FROM STDIN").format(psycopg.sql.Identifier(table.name), names)
    await connection.execute(text("SAVEPOINT copied"))
    try:
        async with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                await copy.write_row(row)
    except psycopg.errors.UniqueViolation:
        await connection.execute(text("ROLLBACK TO SAVEPOINT copied"))
        return None
    return len(rows)


async def _inserted(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> int:
    names = [column.name for column in table.columns]
    documents = {"attributes", "events", "links"}
    values = [
        {
            name: orjson.loads(value) if name in documents and value is not None else value
            for name, value in zip(names, row, strict=True)
        }
        for row in rows
    ]
    statement = insert(table).on_conflict_do_nothing().returning(next(iter(table.columns)))
    return len((await connection.execute(statement, values)).all())


def _span_row(one: Span) -> Row:
    """In the order of the table's columns."""
    return (
        one.trace_id,
        one.span_id,
        one.parent_span_id,
        one.is_entry,
        one.order_id,
        one.service,
        one.name,
        one.kind,
        one.started_at,
        one.duration_us,
        one.is_error,
        one.status_text or None,
        one.release or None,
        orjson.dumps(one.attributes).decode(),
        _listed(
            one.events, lambda event: {"name": event.name, "at": event.at.isoformat(), "attributes": event.attributes}
        ),
        _listed(one.links, lambda link: {"trace_id": link.trace_id.hex, "span_id": link.span_id}),
    )


def _line_row(one: LogLine) -> Row:
    """In the order of the table's columns."""
    return (
        one.digest,
        one.at,
        one.trace_id,
        one.span_id,
        one.order_id,
        one.service,
        one.severity,
        one.body,
        orjson.dumps(one.attributes).decode(),
    )


def _listed(many: Sequence[Any], write: Callable[[Any], dict[str, Any]]) -> str | None:
    return orjson.dumps([write(each) for each in many]).decode() if many else None
