"""A trace as people and programs are shown it: rows on an axis, whether it holds together, the messages, the clicks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from system.kernel.errors import Unavailable
from system.observability.application.ports import Orders
from system.observability.domain.continuity import Gap, gaps_of
from system.observability.domain.telemetry import WARNING, LogLine, Span
from system.observability.domain.waterfall import Axis, Row, lay_out

LINES_BY_LEVEL = {"all": 0, "warnings": WARNING, "none": 99}
# A read that is about an order stays in a trace of its own; so many of them are listed.
CLICKS_MAX = 100
ENDED = frozenset({"CLOSED", "CANCELLED", "REJECTED", "PRICE_FAILED"})


@dataclass(frozen=True, slots=True)
class Found:
    """Spans and lines as they were read. `is_whole` is false when there are more spans than are read."""

    spans: tuple[Span, ...]
    lines: tuple[LogLine, ...]
    is_whole: bool = True
    has_all_lines: bool = True


class Traces(Protocol):
    """Where traces are read."""

    async def of_trace(self, trace_id: UUID) -> Found:
        """The spans and lines of one trace."""

    async def of_order(self, order_id: UUID) -> Found:
        """The spans and lines of an order's trace, and those about the order in other ones."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a trace is asked for: services (none: all), and lines from a level on."""

    services: frozenset[str] = frozenset()
    lines: str = "all"

    def takes(self, one: Span | LogLine) -> bool:
        """Whether it is shown."""
        if self.services and one.service not in self.services:
            return False
        return isinstance(one, Span) or one.severity >= LINES_BY_LEVEL.get(self.lines, 0)


@dataclass(frozen=True, slots=True)
class Click:
    """A trace that is about the order and not the order's: somebody looked at it, or asked for it."""

    trace_id: UUID
    span: Span


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the order as one service holds it."""

    at: datetime
    service: str
    state: str
    title: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TraceView:
    """One trace, laid out."""

    trace_id: UUID
    axis: Axis
    rows: tuple[Row, ...]
    services: tuple[str, ...]
    spans_count: int
    errors_count: int
    gaps: tuple[Gap, ...]
    clicks: tuple[Click, ...] = ()
    is_whole: bool = True
    has_all_lines: bool = True

    @property
    def is_unbroken(self) -> bool:
        """Whether it holds together."""
        return not self.gaps


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order's trace, with what the orchestrator knows of it; without that where it did not answer (None)."""

    trace: TraceView
    order: Mapping[str, Any] | None = None
    messages: tuple[Message, ...] = ()
    silent: tuple[str, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        """Whether more may come of it."""
        return self.order is None or self.order["status"] not in ENDED


def view_of(trace_id: UUID, found: Found, shown: Shown | None = None) -> TraceView:
    """The trace of this id laid out, as far as it is asked for. It is judged whole, whatever is shown of it."""
    shown = shown or Shown()
    own = [span for span in found.spans if span.trace_id == trace_id]
    lines = [line for line in found.lines if line.trace_id in (trace_id, None)]
    axis, rows = lay_out([span for span in own if shown.takes(span)], [line for line in lines if shown.takes(line)])
    return TraceView(
        trace_id=trace_id,
        axis=axis,
        rows=rows,
        services=tuple(sorted({span.service for span in own} | {line.service for line in lines})),
        spans_count=len(own),
        errors_count=sum(span.is_error for span in own),
        gaps=gaps_of(trace_id, own, is_whole=found.is_whole),
        clicks=_clicks(trace_id, found.spans),
        is_whole=found.is_whole,
        has_all_lines=found.has_all_lines,
    )


def _clicks(trace_id: UUID, spans: Sequence[Span]) -> tuple[Click, ...]:
    """The traces beside this one, each by its first span; and those that spans of this one link to."""
    first: dict[UUID, Span] = {}
    for span in sorted(spans, key=lambda each: each.started_at):
        if span.trace_id != trace_id:
            first.setdefault(span.trace_id, span)
        for link in span.links:
            if link.trace_id != trace_id:
                first.setdefault(link.trace_id, span)
    newest = sorted(first.items(), key=lambda one: one[1].started_at, reverse=True)
    return tuple(Click(other, span) for other, span in newest[:CLICKS_MAX])


async def order_view(traces: Traces, orders: Orders, order_id: UUID, shown: Shown | None = None) -> OrderView:
    """The order's trace and messages. What the orchestrator does not tell in time is left out, and said."""
    found, told = await asyncio.gather(traces.of_order(order_id), _told(orders, order_id))
    view = view_of(order_id, found, shown)
    if isinstance(told, Unavailable):
        return OrderView(view, silent=("orchestrator",))
    if told is None:
        return OrderView(view)
    return OrderView(view, told["order"], messages_of(told), tuple(sorted(told["not_answering"])))


async def _told(orders: Orders, order_id: UUID) -> Mapping[str, Any] | Unavailable | None:
    try:
        return await orders.timeline(str(order_id))
    except Unavailable as silent:
        return silent


def messages_of(told: Mapping[str, Any]) -> tuple[Message, ...]:
    """The messages of a timeline, the earliest first."""
    return tuple(
        Message(
            datetime.fromisoformat(entry["at"]),
            entry["service"],
            str(entry["details"].get("state", "")),
            str(entry["details"].get("type") or entry["title"]),
            entry["details"],
        )
        for entry in told["entries"]
        if "box" in entry["details"]
    )
