"""What the API of observability answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

State = Literal["new", "known", "resolved"]


class LinkView(BaseModel):
    """Another span that one has to do with."""

    trace_id: str
    span_id: str


class SpanView(BaseModel):
    """A piece of work."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    service: str
    name: str
    kind: str
    started_at: datetime
    duration_ms: float
    is_error: bool
    is_entry: bool
    order_id: UUID | None
    release: str
    attributes: dict[str, Any]
    links: list[LinkView]


class LineView(BaseModel):
    """A log line."""

    at: datetime
    trace_id: str | None
    span_id: str | None
    service: str
    severity: int
    body: str
    attributes: dict[str, Any]


class GapView(BaseModel):
    """Where a trace is broken."""

    what: Literal["no-spans", "parent-missing", "root-unlinked", "link-missing", "too-long"]
    service: str
    name: str
    span_id: str
    missing_span_id: str
    text: str


class TraceAnswer(BaseModel):
    """A trace: its spans in the order of their beginning, its lines, and whether it holds together.

    `spans_left_out` and `lines_left_out` say that there are more than are answered.
    """

    trace_id: str
    order_id: UUID | None = None
    unbroken: bool
    gaps: list[GapView]
    services: list[str]
    spans: list[SpanView]
    lines: list[LineView]
    clicks: list[str] = Field(description="traces that are about the order and not its own, or linked from it")
    spans_left_out: bool
    lines_left_out: bool


class FailureView(BaseModel):
    """One way of failing. `recent_hits`, `orders` and `by_hour` are of the period that was asked for."""

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
    state: State
    state_since: datetime
    state_by: str | None
    note: str | None
    reopened: int


class FailureList(BaseModel):
    """Ways of failing, the last one first."""

    items: list[FailureView]


class SampleView(BaseModel):
    """One time that it failed so."""

    trace_id: str
    span_id: str
    at: datetime
    order_id: UUID | None


class FailureDetails(FailureView):
    """With the last times."""

    samples: list[SampleView]


class FailureMark(BaseModel):
    """How a failure stands, by whoever says so."""

    state: State
    note: str = Field("", max_length=1000)


class StageView(BaseModel):
    """How long orders stayed in one status, in seconds; `share` of the time of all stages."""

    status: str
    waits_for: Literal["customer", "seller", "operator", "carrier", "machine"]
    stays: int
    median_s: float
    p95_s: float
    total_s: float
    share: float


class ServiceView(BaseModel):
    """How long one service worked on orders, in milliseconds; `share` of the time of all services."""

    service: str
    entries: int
    errors: int
    median_ms: float
    p95_ms: float
    total_ms: float
    share: float


class StageReport(BaseModel):
    """Where the time of orders went. Without stages when the orchestrator did not answer: then `is_whole` is false."""

    since: datetime
    until: datetime
    stages: list[StageView]
    services: list[ServiceView]
    waited_s: dict[str, float]
    is_whole: bool
