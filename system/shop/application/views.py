"""How an order looks to its customer. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from system.kernel.money import Money
from system.messages.envelope import EngravingV1, ExtrasV1, MoneyV1
from system.shop.application.ports import CareKind, CareReason, Case, Letter
from system.shop.domain import rules
from system.shop.domain.order import Line, Order
from system.shop.domain.progress import Moment
from system.shop.domain.quote import Extras, Quote
from system.shop.domain.status import OWN_WORDS, Status


class TitleView(BaseModel):
    """A name in both languages."""

    ru: str
    en: str


class ProblemOfLine(BaseModel):
    """Why a line has no price, and what to do about it."""

    code: str
    detail: str


class LineView(BaseModel):
    """One line. `estimate` and `total` are pricing's; `agreed_total` is what the customer submitted."""

    line_id: UUID
    kind: Literal["custom", "ready_made"]
    title: TitleView
    material: str
    quantity: int
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    extras: ExtrasV1 | None = Field(None, description="what the piece gets besides its metal, by the quote")
    quote_id: UUID
    estimate: MoneyV1 | None = None
    total: MoneyV1 | None = None
    agreed_total: MoneyV1 | None = None
    problem: ProblemOfLine | None = None


class ConsentView(BaseModel):
    """A new price that waits, or waited, for the customer's word."""

    reasons: list[str]
    agreed_total: MoneyV1
    total: MoneyV1
    answer: Literal["accepted", "declined"] | None = None


class ShipmentView(BaseModel):
    """A parcel on its way."""

    carrier: str
    tracking_number: str


class MomentView(BaseModel):
    """A status, and when it began."""

    status: Status
    at: datetime


class OrderView(BaseModel):
    """An order. `version` counts the orchestrator's changes; 0 means that it has not spoken yet."""

    order_id: UUID
    number: str
    channel: Literal["shop", "partner"]
    status: Status
    status_since: datetime
    version: int
    lines: list[LineView]
    total: MoneyV1 | None = Field(
        None, description="The firm total; for a cart the sum shown now, null while a line has none."
    )
    agreed_total: MoneyV1 | None = None
    partner_reference: str | None = None
    consent: ConsentView | None = None
    promise_at: datetime | None = None
    created_at: datetime
    submitted_at: datetime | None = None
    cancellation_requested: bool = False
    reason: str | None = None
    reason_code: str | None = Field(None, description="a stable word for a reason that one of our services gave")
    shipments: list[ShipmentView] = []
    history: list[MomentView] = []
    allowed_actions: list[Literal["add_line", "remove_line", "submit", "consent", "cancel"]] = []


class LetterView(BaseModel):
    """What the customer or one of our sellers wrote about an order."""

    letter_id: UUID
    side: Literal["customer", "seller"]
    author: str
    text: str
    at: datetime

    @classmethod
    def of(cls, letter: Letter) -> LetterView:
        """The letter as the API shows it."""
        return cls(letter_id=letter.id, side=letter.side, author=letter.author, text=letter.text, at=letter.at)


class CareStepView(BaseModel):
    """One thing that was done about a return or a complaint, and what a seller said to it."""

    state: Literal["open", "answered", "accepted", "refused", "closed"]
    side: Literal["customer", "seller"]
    by: str
    at: datetime
    text: str


class CaseView(BaseModel):
    """A return or a complaint. `due_at`: until when we answer; `return_to`: where an accepted return goes."""

    case_id: UUID
    kind: CareKind
    reason: CareReason
    line_ids: list[UUID]
    state: Literal["open", "answered", "accepted", "refused", "closed"]
    due_at: datetime | None
    return_to: str | None
    steps: list[CareStepView]

    @classmethod
    def of(cls, case: Case) -> CaseView:
        """The case as the API shows it."""
        return cls.model_validate(
            {
                "case_id": case.id,
                "kind": case.wish.kind,
                "reason": case.wish.reason,
                "line_ids": case.wish.line_ids,
                "state": case.state,
                "due_at": case.due_at,
                "return_to": case.return_to,
                "steps": [
                    {"state": step.state, "side": step.side, "by": step.by, "at": step.at, "text": step.text}
                    for step in case.steps
                ],
            }
        )


def etag_of(order: Order) -> str:
    """Changes whenever the order's content here, or the orchestrator's word on it, changed."""
    return f'"{order.revision}.{order.progress.version if order.progress else 0}"'


def order_view(order: Order, quotes: Mapping[UUID, Quote] | None = None) -> OrderView:
    """The view of an order; `quotes` are the present ones of a cart's lines, by line."""
    quotes = quotes or {}
    progress = order.progress
    return OrderView(
        order_id=order.id,
        number=order.number,
        channel=order.channel.value,
        status=order.status,
        status_since=_status_since(order),
        version=progress.version if progress else 0,
        lines=[_line_view(line, order, quotes.get(line.id)) for line in order.lines],
        total=_money(_total(order, quotes)),
        agreed_total=_money(order.terms.agreed_total if order.terms else None),
        partner_reference=order.terms.partner_reference if order.terms else None,
        consent=_consent(order),
        # The promise counts from the submission; a cart has none to show.
        promise_at=progress.promise_at if progress and order.submitted_at else None,
        created_at=order.created_at,
        submitted_at=order.submitted_at,
        cancellation_requested=order.cancellation_requested,
        reason=progress.reason if progress else None,
        reason_code=progress.reason_code if progress else None,
        shipments=[
            ShipmentView(carrier=parcel.carrier, tracking_number=parcel.tracking_number)
            for parcel in (progress.parcels if progress else ())
        ],
        history=[MomentView(status=moment.status, at=moment.at) for moment in history_of(order)],
        allowed_actions=list(order.allowed_actions),
    )


def _line_view(line: Line, order: Order, quote: Quote | None) -> LineView:
    firm = order.progress.line_totals.get(line.id) if order.progress else None
    return LineView(
        line_id=line.id,
        kind=line.kind.value,
        title=TitleView(ru=line.title.ru, en=line.title.en),
        material=line.material,
        quantity=line.quantity,
        ring_size=line.ring_size,
        file_id=line.file_id,
        sku=line.sku,
        extras=extras_view(line.extras),
        quote_id=line.quote_id,
        estimate=_money(quote.estimate if quote else None),
        total=_money(firm or (quote.total if quote else None)),
        agreed_total=_money(line.agreed_total),
        problem=ProblemOfLine(code=quote.problem.code, detail=quote.problem.detail)
        if quote and quote.problem
        else None,
    )


def extras_view(extras: Extras | None) -> ExtrasV1 | None:
    """What a piece gets besides its metal, as messages have it."""
    if extras is None:
        return None
    engraving = extras.engraving
    return ExtrasV1(
        stones=dict(extras.stones),
        plating=extras.plating,
        engraving=EngravingV1(text=engraving.text, height_mm=Decimal(engraving.height_mm)) if engraving else None,
    )


def _total(order: Order, quotes: Mapping[UUID, Quote]) -> Money | None:
    if order.progress is not None and order.progress.total is not None:
        return order.progress.total
    priced = rules.present_prices({line.id: quotes[line.id] for line in order.lines if line.id in quotes})
    if not order.is_cart or not order.lines or len(priced) < len(order.lines):
        return None
    return rules.total_of(priced)


def _consent(order: Order) -> ConsentView | None:
    question = order.question
    if question is None:
        return None
    said: Literal["accepted", "declined"] | None = None
    if order.answer is not None:
        said = "accepted" if order.answer.accepted else "declined"
    return ConsentView(
        reasons=list(question.reasons),
        agreed_total=MoneyV1.of(question.agreed_total),
        total=MoneyV1.of(question.total),
        answer=said,
    )


def history_of(order: Order) -> tuple[Moment, ...]:
    """What the orchestrator told, followed by the facts it has yet to hear of."""
    told = order.progress.history if order.progress else ()
    if order.progress is not None and order.progress.status not in OWN_WORDS:
        return told
    known = {moment.status for moment in told}
    moments = {
        Status.INITIATED: order.created_at,
        Status.FILE_UPLOADED: order.model_attached_at,
        Status.SUBMITTED: order.submitted_at,
        Status.CANCELLED: order.cancelled_at,
    }
    own = (Moment(status, at) for status, at in moments.items() if at is not None and status not in known)
    return (*told, *own)


def _status_since(order: Order) -> datetime:
    if order.progress is not None and order.progress.status is order.status:
        return order.progress.status_since
    return max(moment.at for moment in history_of(order))


def _money(money: Money | None) -> MoneyV1 | None:
    return MoneyV1.of(money) if money is not None else None
