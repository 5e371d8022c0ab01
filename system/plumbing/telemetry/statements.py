"""Spans of SQL statements: made when a statement has ended, and only when it took long enough to be worth one (ADR 0025).

All of them are counted on the span of their request, message or tick (`db.statements`, `db.time_ms`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from system.plumbing.telemetry import tracing
from system.plumbing.telemetry.logs import log
from system.plumbing.telemetry.redaction import said_by

SLOW_MS = 100
TEXT_CHARACTERS_MAX = 1_000
_STARTED = "alexandrite_started_ns"


def watch(engine: AsyncEngine, database: str, *, span_ms_min: float) -> None:
    """Makes spans of the statements of this engine that take `span_ms_min`; slow ones are always kept and said in a log line."""
    taker = _Watch(database, int(span_ms_min * 1e6))
    event.listen(engine.sync_engine, "before_cursor_execute", taker.begins)
    event.listen(engine.sync_engine, "after_cursor_execute", taker.ended)
    event.listen(engine.sync_engine, "handle_error", taker.failed)


class _Watch:
    def __init__(self, database: str, span_ns_min: int) -> None:
        self._database = database
        self._span_ns_min = span_ns_min

    def begins(self, connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        connection.info[_STARTED] = tracing.now_ns()

    def ended(self, connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        started_ns = connection.info.pop(_STARTED, None)
        if started_ns is not None:
            note(self._database, statement, started_ns, span_ns_min=self._span_ns_min, rows=cursor.rowcount)

    def failed(self, happened: ExceptionContext) -> None:
        connection = happened.connection
        if connection is None or happened.statement is None:
            return
        started_ns = connection.info.pop(_STARTED, None)
        if started_ns is not None:
            note(self._database, happened.statement, started_ns, span_ns_min=0, error=happened.original_exception)


def note(
    database: str,
    statement: str,
    started_ns: int,
    *,
    span_ns_min: int,
    rows: int | None = None,
    error: BaseException | None = None,
) -> None:
    """Counts a statement that has just ended, and makes a span of it when it is worth one."""
    took_ns = tracing.now_ns() - started_ns
    if (tally := tracing.tally_of_now()) is not None:
        tally.statements += 1
        tally.time_ns += took_ns
    is_slow = took_ns >= SLOW_MS * 1_000_000
    current = trace.get_current_span()
    if not is_slow and (took_ns < span_ns_min or not current.is_recording()):
        return
    operation, text = _described(statement)
    attributes: dict[str, Any] = {
        "db.system.name": "postgresql",
        "db.namespace": database,
        "db.operation.name": operation,
        "db.query.text": text,
    }
    if rows is not None and rows >= 0:
        attributes["db.response.returned_rows"] = rows
    if error is not None:
        attributes["db.response.status_code"] = said_by(error)
    name = f"{operation} {database}"
    parent = _kept(current) if is_slow and not current.is_recording() else None
    tracing.add(name, started_ns=started_ns, kind=SpanKind.CLIENT, attributes=attributes, error=error, parent=parent)
    if is_slow:
        log.warning("slow statement", statement=text, elapsed_ms=round(took_ns / 1e6, 1))


def _kept(current: trace.Span) -> Context:
    """The same place in the same trace, as if somebody far away had decided to keep it."""
    context = current.get_span_context()
    if not context.is_valid:
        return Context()
    kept = trace.SpanContext(context.trace_id, context.span_id, True, trace.TraceFlags(trace.TraceFlags.SAMPLED))
    return trace.set_span_in_context(trace.NonRecordingSpan(kept), Context())


@contextmanager
def committing(database: str) -> Iterator[None]:
    """Notes a commit like a statement: it is where a transaction waits for the disk."""
    started_ns = tracing.now_ns()
    try:
        yield
    except Exception as error:
        note(database, "COMMIT", started_ns, span_ns_min=0, error=error)
        raise
    note(database, "COMMIT", started_ns, span_ns_min=_COMMIT_NS_MIN)


_COMMIT_NS_MIN = 2_000_000


@lru_cache(maxsize=1024)
def _described(statement: str) -> tuple[str, str]:
    """Its first word, and its text on one line. Values are never part of it: they are bound."""
    text = re.sub(r"\s+", " ", statement).strip()
    return text.split(" ", 1)[0].upper()[:20], text[:TEXT_CHARACTERS_MAX]
