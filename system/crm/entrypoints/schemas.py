"""Bodies of CRM's API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from system.crm.domain.case import CaseKind, CaseReason, CaseWish
from system.crm.entrypoints.case_schemas import CaseView
from system.messages.envelope import ExtrasV1

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class WithReason(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class QuestionBody(BaseModel):
    """What a seller asks the customer."""

    model_config = ConfigDict(extra="forbid")

    text: Words


class LetterBody(BaseModel):
    """A customer's letter, as the shop passes it on. The same id again is the same letter.

    With a `kind` it is a return or a complaint, with its reason, about `line_ids` or the whole order.
    """

    letter_id: UUID
    author: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    text: Words
    at: AwareDatetime
    kind: CaseKind | None = None
    reason: CaseReason | None = None
    line_ids: Annotated[list[UUID], Field(max_length=50)] = []

    def wish(self) -> CaseWish | None:
        """What the customer asks with it, if it is more than a letter."""
        if self.kind is None:
            return None
        return CaseWish(self.kind, self.reason or CaseReason.OTHER, tuple(self.line_ids))


class CarrierEventBody(BaseModel):
    """What a carrier says of a parcel. Fields we do not know are kept and ignored."""

    model_config = ConfigDict(extra="allow")

    carrier: Label
    tracking_number: Label
    event: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] = Field(examples=["delivered"])
    occurred_at: AwareDatetime


class CarrierEventAnswer(BaseModel):
    """`matched` to a shipment, `kept` until its shipment is known, or a `duplicate` that did nothing."""

    webhook_id: str
    outcome: Literal["matched", "kept", "duplicate"]


class MoneyView(BaseModel):
    """An amount of money."""

    amount: str = Field(examples=["10450.00"])
    currency: str = Field(examples=["RUB"])


class CustomerBrief(BaseModel):
    """Who ordered."""

    id: UUID
    name: str
    email: str


class CustomerView(CustomerBrief):
    """Who ordered, as of submission."""

    phone: str | None = None
    language: str


class DeliveryView(BaseModel):
    """Where it goes."""

    recipient: str
    address: str
    city: str
    postcode: str
    country: str


class DecisionView(BaseModel):
    """What a seller decided."""

    kind: Literal["approved", "rejected"]
    seller_id: UUID
    seller_name: str
    at: datetime
    reason: str | None


class EscalationView(BaseModel):
    """The order waits for a seller for too long; who was told, and when."""

    level: Literal["sellers", "administrators"]
    at: datetime


class AssignmentView(BaseModel):
    """Who looks after an order that waits."""

    seller_id: UUID
    seller_name: str
    at: datetime


class PieceBrief(BaseModel):
    """What is ordered, as a line of a list shows it; a custom piece has a file, of which files keeps a preview."""

    kind: Literal["custom", "ready_made"]
    title: str
    file_id: UUID | None


class _OrderCore(BaseModel):
    order_id: UUID
    number: str
    status: str
    status_since: datetime
    version: int
    channel: str | None
    partner_reference: str | None
    first_piece: PieceBrief | None = None
    line_count: int = 0
    submitted_at: datetime | None
    agreed_total: MoneyView | None
    total: MoneyView | None
    promise_at: datetime | None
    due_at: datetime | None
    at_risk: bool
    cancellation_requested: bool
    waits_for_customer_since: datetime | None
    decision: DecisionView | None
    escalation: EscalationView | None
    taken_by: AssignmentView | None
    allowed: list[str]
    allowed_actions: list[Literal["approval", "rejection", "closure", "cancellation"]]


class OrderSummary(_OrderCore):
    """An order as a line of a list."""

    customer: CustomerBrief | None


class OrderPage(BaseModel):
    """One page of orders."""

    items: list[OrderSummary]
    next: str | None


class LineView(BaseModel):
    """One line of an order; `total` is its price by the quote in force."""

    line_id: UUID
    kind: Literal["custom", "ready_made"]
    title: str
    material: str
    quantity: int
    quote_id: UUID
    agreed_total: MoneyView
    total: MoneyView | None
    weight_g: str | None
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    extras: ExtrasV1 | None = Field(None, description="what the piece gets besides its metal")


class ShipmentView(BaseModel):
    """A parcel."""

    work_order_id: UUID
    carrier: str
    tracking_number: str


class HistoryEntry(BaseModel):
    """One status the order had."""

    status: str
    at: datetime
    actor: str
    reason: str | None
    reason_code: str | None = None
    version: int


class CarrierEventView(BaseModel):
    """What a carrier said of a parcel of this order."""

    carrier: str
    tracking_number: str
    event: str
    occurred_at: datetime
    received_at: datetime


class LetterView(BaseModel):
    """What a customer or a seller wrote about an order."""

    letter_id: UUID
    side: Literal["seller", "customer"]
    author: str
    text: str
    at: datetime


class DecidedOrder(_OrderCore):
    """An order with its whole content."""

    customer: CustomerView | None
    delivery: DeliveryView | None
    lines: list[LineView]
    reason: str | None
    reason_code: str | None = Field(None, description="a stable word for a reason that one of our services gave")
    consent: dict[str, Any] | None
    shipments: list[ShipmentView]
    history: list[HistoryEntry]


class OrderDetails(DecidedOrder):
    """Everything CRM knows of an order."""

    carrier_events: list[CarrierEventView]
    letters: list[LetterView]
    cases: list[CaseView] = []


class EndedOrder(BaseModel):
    """What the orchestrator did with the request, and the order as it answered it."""

    outcome: Literal["closed", "cancelled", "requested"]
    order: dict[str, Any]


class RepairedOrder(BaseModel):
    """How many parked messages were delivered again, or that the silent service was asked once more; and who could not be asked."""

    replayed: int
    resent: bool
    not_answering: list[str]


class StoryLine(BaseModel):
    """One thing that happened. `text` is a status for `status`, what was written for `letter` and `note`, else a sentence.

    `service`, `type` and `state` are of a message.
    """

    at: datetime
    kind: Literal["status", "carrier", "letter", "notice", "case", "note", "trouble", "deed", "message"]
    text: str
    actor: str | None
    reason: str | None
    service: str | None
    type: str | None
    state: str | None
    trace_id: str | None


class AdviceView(BaseModel):
    """Why an order hangs, what to do, and the deed that does it; `since` is when it should have gone on."""

    why: str
    what_to_do: str
    action: Literal["decide", "repair", "assign", "work", "call", "close"]
    since: datetime | None


class StoryView(BaseModel):
    """Everything told of an order, the newest first; `messages` went well. `not_heard` names services whose part is missing."""

    lines: list[StoryLine]
    messages: list[StoryLine]
    advice: AdviceView | None
    not_heard: list[str]
