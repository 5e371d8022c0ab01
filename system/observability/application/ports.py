"""What observability needs of the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from system.observability.domain.fingerprints import Failure
from system.observability.domain.stages import Stage
from system.observability.domain.telemetry import LogLine, Span


@dataclass(frozen=True, slots=True)
class Hit:
    """One failure of a span, or of a line outside of every span. A line knows more of it than the span."""

    failure: Failure
    trace_id: UUID
    span_id: str
    at: datetime
    order_id: UUID | None
    told_by: Literal["span", "line"]


class Store(Protocol):
    """Where spans and lines are kept."""

    async def keep_spans(self, spans: Sequence[Span]) -> int:
        """Keeps those that are not there yet, and what failed in them; returns how many were new."""

    async def keep_lines(self, lines: Sequence[LogLine]) -> int:
        """The same with log lines."""


class Days(Protocol):
    """The days of the store."""

    async def make(self, first: date, last: date) -> int:
        """Makes the days from `first` to `last` that are missing; returns how many tables."""

    async def drop(self, before: date) -> int:
        """Drops the days before; returns how many tables."""

    async def sizes(self) -> dict[date, int]:
        """The bytes that each day takes."""

    async def forget_failures(self, *, hits_before: datetime, failures_before: datetime) -> int:
        """Forgets single failures before a moment, and ways of failing that were last met before another."""


class Orders(Protocol):
    """What the orchestrator knows of orders."""

    async def timeline(self, order: str) -> dict[str, Any] | None:
        """Everything that happened to the order with this id or number; None when there is none. Raises Unavailable."""

    async def stages(self, since: datetime, until: datetime) -> list[Stage]:
        """How long orders stayed in each status, of the stays that ended in the period. Raises Unavailable."""
