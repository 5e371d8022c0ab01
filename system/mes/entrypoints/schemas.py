"""Bodies of MES's API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
WorkableState = Literal["RELEASED", "CLAIMED", "COMPLETED", "PACKING"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WithReason(_Body):
    """Why."""

    reason: Reason


class Shipping(_Body):
    """The parcel's label."""

    carrier: Label
    tracking_number: Label


class Assignment(_Body):
    """Who is to make it. The name is needed only for an operator who has never signed in to MES."""

    operator_id: UUID
    operator_name: Label | None = None


class MoneyView(BaseModel):
    """An amount of money."""

    amount: str = Field(examples=["1250.00"])
    currency: str = Field(examples=["RUB"])


class OrderView(BaseModel):
    """What the orchestrator last said about the whole order."""

    status: str
    status_since: datetime
    version: int
    cancellation_requested: bool


class ShipmentView(BaseModel):
    """Where the parcel can be followed."""

    carrier: str
    tracking_number: str


class WorkOrderView(BaseModel):
    """A work order; `pay` is what its claim earned, or would earn now.

    `lapses_at`: when its claim ends unless something happens. `undo_until`: until when its completion can be undone.
    """

    work_order_id: UUID
    order_id: UUID
    order_number: str
    order: OrderView | None
    line_id: UUID
    channel: str
    title: str
    kind: Literal["custom", "ready_made"]
    material: str
    quantity: int
    ring_size: str | None
    file_id: UUID | None
    sku: str | None
    weight_g: str | None
    approved_at: datetime
    promise_at: datetime
    released_at: datetime
    escalated: bool
    escalates_at: datetime
    state: Literal["RELEASED", "CLAIMED", "COMPLETED", "PACKING", "SHIPPED", "WITHDRAWN"]
    state_since: datetime
    claim_no: int
    claimed_by: str | None
    claimed_by_id: UUID | None
    claimed_at: datetime | None
    lapses_at: datetime | None = None
    undo_until: datetime | None = None
    rework_count: int
    shipment: ShipmentView | None
    pay: MoneyView
    allowed_actions: list[str]


class HistoryEntry(BaseModel):
    """One state a work order reached."""

    at: datetime
    state: str
    claim_no: int
    actor: str
    reason: str | None


class WorkOrderDetails(WorkOrderView):
    """A work order with its past."""

    history: list[HistoryEntry]


class Board(BaseModel):
    """One page of work orders, newest approved first."""

    items: list[WorkOrderView]
    next: str | None


class Counts(BaseModel):
    """How many work orders are in each workable state."""

    RELEASED: int
    CLAIMED: int
    COMPLETED: int
    PACKING: int
    escalated: int


class PayEntryView(BaseModel):
    """One line of the pay ledger; a reversal is negative."""

    work_order_id: UUID
    claim_no: int
    kind: Literal["earn", "reverse"]
    operator_id: UUID
    order_id: UUID
    order_number: str
    title: str
    amount: MoneyView
    at: datetime


class Pay(BaseModel):
    """An operator's earnings: one page of entries, and the total of all."""

    items: list[PayEntryView]
    next: str | None
    total: MoneyView


class OperatorView(BaseModel):
    """An operator MES has met."""

    operator_id: UUID
    name: str
    seen_at: datetime


class Operators(BaseModel):
    """The operators MES has met."""

    items: list[OperatorView]
