"""The bodies of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from system.messages.orchestrator_v1 import OrderStatus


class Money(BaseModel):
    """An amount as text with two decimals, and its currency."""

    amount: str = Field(examples=["10450.00"])
    currency: str = Field(examples=["RUB"])


class Stuck(BaseModel):
    """Where an order is stuck or at risk, for how long, and what to do."""

    stage: OrderStatus
    since: datetime
    overdue_s: float
    what_to_do: str


class OrderSummary(BaseModel):
    """An order as decided here."""

    order_id: UUID
    number: str
    channel: str
    customer_id: UUID
    customer_name: str | None
    email: str | None
    partner_reference: str | None
    status: OrderStatus
    status_since: datetime
    version: int
    promise_at: datetime
    budget_until: datetime | None
    reason: str | None
    total: Money | None
    agreed_total: Money | None
    cancellation_requested: bool
    allowed: list[OrderStatus]
    changed_at: datetime
    attention: Literal["none", "at_risk", "stuck"]
    stuck: Stuck | None


class Line(BaseModel):
    """A line and how far its work order is."""

    line_id: UUID
    work_order_id: UUID
    title: str
    kind: Literal["custom", "ready_made"]
    material: str
    quantity: int
    quote_id: UUID
    total: Money | None
    stage: Literal["WAITING", "CLAIMED", "COMPLETED", "PACKING", "SHIPPED"]
    held_by: str | None
    carrier: str | None
    tracking_number: str | None


class SagaStep(BaseModel):
    """A step of the order's saga that has begun."""

    name: str
    state: str
    attempts: int
    since: datetime
    deadline_at: datetime | None


class OrderDetails(OrderSummary):
    """An order with its lines and its saga."""

    lines: list[Line]
    saga: list[SagaStep]


class OrderPage(BaseModel):
    """A page of orders."""

    items: list[OrderSummary]
    next: str | None


class TimelineEntry(BaseModel):
    """One thing that happened."""

    at: datetime
    service: str
    kind: Literal["status", "message", "retry", "dead_letter", "replay", "note"]
    title: str
    details: dict[str, Any]
    trace_id: str | None


class Timeline(BaseModel):
    """Everything that happened to an order. `not_answering` names the services whose part is missing, with the reason."""

    order: OrderDetails
    entries: list[TimelineEntry]
    stuck: Stuck | None
    not_answering: dict[str, str]


class ReconciliationFinding(BaseModel):
    """One disagreement between services, or a message without an effect."""

    kind: str
    order_id: str
    service: str
    detail: str


class ReconciliationReport(BaseModel):
    """`ok` when there is no finding."""

    ok: bool
    since: datetime
    findings: list[ReconciliationFinding]
    counts: dict[str, int]


class MessagePage(BaseModel):
    """Messages of all services that need a person."""

    items: list[dict[str, Any]]
    not_answering: dict[str, str]


class ReplayRequest(BaseModel):
    """Which messages to deliver again: `ids` of one `service`, or all of a `type` in a `state`, of one service or of all."""

    service: str | None = Field(None, examples=["mes"])
    ids: list[UUID] = Field(default_factory=list, max_length=1000)
    type: str | None = Field(None, examples=["orchestrator.release_work_orders.v1"])
    state: Literal["parked", "dead", "refused", "retry"] | None = None
    dry_run: bool = False
    amended_body: dict[str, Any] | None = Field(None, description="replaces the body of a single message")


class ReplayResult(BaseModel):
    """What was, or with `dry_run` would be, delivered again."""

    dry_run: bool
    items: list[dict[str, Any]]
    not_answering: dict[str, str]


class CommandResult(BaseModel):
    """The order after a command."""

    order_id: UUID
    number: str
    status: OrderStatus
    version: int
    cancellation_requested: bool
    reason: str | None
    allowed: list[OrderStatus]


class CancellationRequest(BaseModel):
    """Who wants to cancel, and why."""

    actor: str = Field(max_length=200)
    actor_kind: Literal["customer", "seller"]
    reason: str | None = Field(None, max_length=1000)


class ClosureRequest(BaseModel):
    """Which seller closes, and why."""

    actor: str = Field(max_length=200)
    reason: str | None = Field(None, max_length=1000)


class RepairRequest(BaseModel):
    """Which seller has the order tried again."""

    actor: str = Field(max_length=200)


class RepairResult(BaseModel):
    """How many parked messages were delivered again, or that the waiting step was asked once more."""

    replayed: int
    resent: bool
    not_answering: dict[str, str]


class StageTime(BaseModel):
    """How long orders stayed in one status, in seconds."""

    status: str
    stays: int
    median_s: float
    p95_s: float
    total_s: float


class StageTimes(BaseModel):
    """Of the stays that ended in a period."""

    stages: list[StageTime]
