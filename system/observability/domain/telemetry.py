"""Spans and log lines as they are kept: whole enough to understand what happened, never without bound.

A trace of an order has the order's id as its own trace id. What is longer than the bounds below is cut, and ends with CUT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

Kind = Literal["internal", "server", "client", "producer", "consumer"]

CUT = "…"
NAME_MAX = 300
BODY_MAX = 8_000
ATTRIBUTES_MAX = 64
KEY_MAX = 100
VALUE_MAX = 2_000
STACK_MAX = 16_000
NESTED_MAX = 32
EVENTS_MAX = 32
LINKS_MAX = 64
# A clock that goes ahead by more than this, or a line that is older than what is kept: neither belongs to a day that is there.
AHEAD_MAX = timedelta(hours=24)
WARNING, ERROR = 13, 17
"""OpenTelemetry's numbers of severity from which a line is a warning, an error."""
STACK = "exception.stacktrace"


@dataclass(frozen=True, slots=True)
class Link:
    """Another span that this one has to do with, in a trace of its own or in this one."""

    trace_id: UUID
    span_id: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened during a span: an exception, a retry."""

    name: str
    at: datetime
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work. It `is_entry` when the process began it for somebody else, or by itself: what is inside has it above."""

    trace_id: UUID
    span_id: str
    parent_span_id: str | None
    is_entry: bool
    service: str
    name: str
    kind: Kind
    started_at: datetime
    duration_us: int
    is_error: bool
    status_text: str
    release: str
    attributes: Mapping[str, Any]
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def ended_at(self) -> datetime:
        """When it was over."""
        return self.started_at + timedelta(microseconds=self.duration_us)

    @property
    def order_id(self) -> UUID | None:
        """The order that it is about."""
        return order_of(self.attributes)


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a process wrote at a moment. `digest` is the same for the same line sent twice."""

    digest: UUID
    at: datetime
    trace_id: UUID | None
    span_id: str | None
    service: str
    severity: int
    body: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def order_id(self) -> UUID | None:
        """The order that it is about."""
        return order_of(self.attributes)


def order_of(attributes: Mapping[str, Any]) -> UUID | None:
    """The order that attributes name."""
    return uuid_of(attributes.get("order.id"))


def uuid_of(text: object) -> UUID | None:
    """An id, from its 32 hex digits with or without dashes; None for anything else."""
    try:
        return UUID(str(text)) if text else None
    except ValueError:
        return None


def cut(text: str, length_max: int) -> str:
    """At most so many characters, without the one that PostgreSQL cannot keep."""
    kept = text[:length_max].replace("\x00", "")
    return kept if len(text) <= length_max else kept[:-1] + CUT


def bounded(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes within the bounds: so many, each so long, and no deeper than a list of plain values."""
    kept = list(attributes.items())[:ATTRIBUTES_MAX]
    return {cut(key, KEY_MAX): _plain(value, STACK_MAX if key == STACK else VALUE_MAX) for key, value in kept}


def _plain(value: Any, length_max: int) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return cut(value, length_max)
    if isinstance(value, (list, tuple)):
        return [
            _plain(each, VALUE_MAX) if _is_plain(each) else cut(str(each), VALUE_MAX) for each in value[:NESTED_MAX]
        ]
    return cut(str(value), length_max)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def is_of_a_kept_day(at: datetime, *, now: datetime, kept_days: int) -> bool:
    """Whether something of this moment may be kept: not older than what is kept, and not of a day to come."""
    return oldest_day(now, kept_days) <= at.astimezone(UTC).date() and at <= now + AHEAD_MAX


def oldest_day(now: datetime, kept_days: int) -> date:
    """The first day that is kept: today, and so many whole days before."""
    return now.astimezone(UTC).date() - timedelta(days=kept_days)
