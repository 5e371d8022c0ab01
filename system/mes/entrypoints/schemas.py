"""Bodies of MES's API."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from system.mes.domain.weights import GRAMS_MAX
from system.messages.envelope import ExtrasV1

PAID_MAX = Decimal(1_000_000)
"""For a piece or a gram: nobody is paid more."""

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Grams = Annotated[Decimal, Field(gt=0, le=GRAMS_MAX, decimal_places=2, examples=["3.15"])]
Paid = Annotated[Decimal, Field(ge=0, le=PAID_MAX, decimal_places=2, examples=["450.00"])]
Material = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9_]{1,60})$")]
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


class Completion(_Body):
    """What the finished pieces weigh, all together. `confirmed`: it is so, though it is unusual."""

    finished_g: Grams | None = None
    confirmed: bool = False


class Weights(_Body):
    """What the pieces weigh, all together. `confirmed`: it is so, though it is unusual."""

    cast_g: Grams | None = None
    finished_g: Grams | None = None
    confirmed: bool = False


class NewPayRate(_Body):
    """What a material (`*`: any that has no rate of its own) pays. Without `valid_from`: at once.

    `version`: of the rates that were looked at; when they changed meanwhile, nothing is set."""

    material: Material
    per_piece: Paid
    per_gram: Paid
    valid_from: AwareDatetime | None = None
    reason: Reason
    version: int | None = None


class PayRateToWithdraw(_Body):
    """Which planned rate is taken back, and why."""

    material: Material
    valid_from: AwareDatetime
    reason: Reason


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
    extras: ExtrasV1 | None = Field(None, description="what the piece gets besides its metal")
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


class GramsView(BaseModel):
    """Grams of all pieces together. Lost is cast less finished; in percent, of what was cast. None: not known."""

    quoted_g: str | None
    cast_g: str | None
    finished_g: str | None
    lost_g: str | None
    lost_percent: str | None


class WeighingView(BaseModel):
    """One weight that was written down. `counts`: it was not corrected since. `in_doubt`: it was unusual, and confirmed."""

    at: datetime
    stage: Literal["cast", "finished"]
    no: int
    claim_no: int
    grams: str
    weighed_by: str
    in_doubt: bool
    counts: bool


class WeightsView(GramsView):
    """What a work order weighs, and all that was written down of it."""

    work_order_id: UUID
    weighings: list[WeighingView]


class WorkOrderDetails(WorkOrderView):
    """A work order with its past."""

    history: list[HistoryEntry]
    weights: WeightsView | None = None


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


class PayRateView(BaseModel):
    """What a material pays from a moment on. Who set it, when and why is not known of the first ones."""

    material: str
    valid_from: datetime
    per_piece: MoneyView
    per_gram: MoneyView
    set_by: str | None
    set_at: datetime | None
    reason: str | None


class PayRateShown(PayRateView):
    """With what a piece of three grams pays by it."""

    example: MoneyView


class PayRatePast(PayRateView):
    """With the moment when the next one took over."""

    until: datetime


class PayRateWithdrawn(PayRateView):
    """A planned rate that was taken back before it began."""

    withdrawn_by: str
    withdrawn_at: datetime
    withdrawn_because: str


class PayRates(BaseModel):
    """All rates as they stand; of those that are over, the newest. `materials`: what a rate can be chosen for."""

    version: int
    in_force: list[PayRateShown]
    planned: list[PayRateShown]
    past: list[PayRatePast]
    withdrawn: list[PayRateWithdrawn]
    materials: list[str]


class ExampleView(BaseModel):
    """What one piece of this weight pays by the rate of today and by the new one."""

    weight_g: str
    before: MoneyView
    after: MoneyView
    change_percent: str | None


class BoardView(BaseModel):
    """What the work on the board that the new rate is for would earn, by the rate of today and by the new one."""

    work_orders: int
    before: MoneyView
    after: MoneyView


class PayRateMeaning(BaseModel):
    """What a rate would mean. `until`: when the rate that is planned after it takes over."""

    version: int
    rate: PayRateView
    before: PayRateView
    until: datetime | None
    example: ExampleView
    board: BoardView


class LossLine(GramsView):
    """What one operator made of one alloy: pieces, and grams of those that have both weights."""

    operator_id: UUID
    operator_name: str
    material: str
    weighed: int
    unweighed: int
    is_outlier: bool


class LossTotal(GramsView):
    """All of them together."""

    weighed: int
    unweighed: int


class LossNorm(BaseModel):
    """What an alloy usually loses in percent, over all operators: mean and standard deviation of so many work orders."""

    material: str
    samples: int
    mean_percent: str
    deviation_percent: str


class LossOfWorkOrder(GramsView):
    """One work order that was made."""

    work_order_id: UUID
    order_number: str
    title: str
    material: str
    quantity: int
    operator_id: UUID
    operator_name: str
    made_at: datetime
    is_outlier: bool


class MetalLosses(BaseModel):
    """Metal lost of what was made in a period. `is_whole`: nothing had to be left out."""

    begins: datetime
    ends: datetime
    is_whole: bool
    lines: list[LossLine]
    total: LossTotal
    alloys: list[LossNorm]
    work_orders: list[LossOfWorkOrder]
