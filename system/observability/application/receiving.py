"""Taking what processes send: only what belongs to a day that is kept, and never more at once than can be written.

Whoever sends too much is told to come again; it holds on to what it has, and drops the oldest when it must. So a store that lags
costs spans and never memory, nor the time of whoever serves customers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from system.observability.application.ports import Hit, Store
from system.observability.domain.errors import StoreFull, StoreLags
from system.observability.domain.fingerprints import failure_of_line, failure_of_span
from system.observability.domain.telemetry import LogLine, Span, is_of_a_kept_day

Kept = TypeVar("Kept")
NO_TRACE_DIGITS = 16
ODD = "its moment is of no day that is kept"
RETRY_LAGS_S = 2
RETRY_FULL_S = 60


@dataclass(slots=True)
class Room:
    """Whether there is room; the tidying says so."""

    is_full: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """How an export ended: how many entries were of no kept day."""

    rejected: int
    why: str


class Intake:
    """One process' door to the store: `writers` exports are written at a time, `waiting_max` more may wait."""

    def __init__(self, store: Store, room: Room, *, writers: int, waiting_max: int, kept_days: int) -> None:
        self._store = store
        self._room = room
        self._writing = asyncio.Semaphore(writers)
        self._present = 0
        self._present_max = writers + waiting_max
        self._kept_days = kept_days

    async def take_spans(self, spans: Sequence[Span]) -> Taken:
        """Keeps spans. Raises StoreLags, StoreFull; Unavailable or a database's error when they were not kept."""
        now = datetime.now(UTC)
        fitting = [span for span in spans if is_of_a_kept_day(span.started_at, now=now, kept_days=self._kept_days)]
        await self._write(self._store.keep_spans, fitting)
        return _taken(len(spans) - len(fitting))

    async def take_lines(self, lines: Sequence[LogLine]) -> Taken:
        """Keeps log lines. Raises the same."""
        now = datetime.now(UTC)
        fitting = [line for line in lines if is_of_a_kept_day(line.at, now=now, kept_days=self._kept_days)]
        await self._write(self._store.keep_lines, fitting)
        return _taken(len(lines) - len(fitting))

    async def _write(self, keep: Callable[[Sequence[Kept]], Awaitable[int]], entries: Sequence[Kept]) -> None:
        if self._room.is_full:
            raise StoreFull("store-full", "There is no room before the oldest day goes.", retry_after_s=RETRY_FULL_S)
        if self._present >= self._present_max:
            raise StoreLags("store-lags", "More is waiting to be written already.", retry_after_s=RETRY_LAGS_S)
        if not entries:
            return
        self._present += 1
        try:
            async with self._writing:
                await keep(entries)
        finally:
            self._present -= 1


def _taken(rejected: int) -> Taken:
    return Taken(rejected, ODD if rejected else "")


def hits_of_spans(spans: Sequence[Span]) -> list[Hit]:
    """What failed in these spans."""
    found = ((span, failure_of_span(span)) for span in spans)
    return [
        Hit(failure, span.trace_id, span.span_id, span.ended_at, span.order_id, "span")
        for span, failure in found
        if failure
    ]


def hits_of_lines(lines: Sequence[LogLine]) -> list[Hit]:
    """What failed as these lines tell it. A line outside of every span counts for itself."""
    hits = []
    for line in lines:
        failure = failure_of_line(line)
        if failure is not None:
            span_id = line.span_id or line.digest.hex[:NO_TRACE_DIGITS]
            hits.append(Hit(failure, line.trace_id or line.digest, span_id, line.at, line.order_id, "line"))
    return hits
