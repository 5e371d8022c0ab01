"""What the rules of CRM are tried on: the same questions, answered from memory or from PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from system.crm.application import care, cases, escalations, handlers, reactions
from system.crm.application.commands import (
    ApproveOrder,
    DecideCase,
    GiveBackOrder,
    ReceiveCarrierEvent,
    ReceiveLetter,
    RejectOrder,
    SetReminder,
    TakeOrder,
)
from system.crm.application.ports import CrmUnitOfWork, OrchestratorReply, Repair
from system.crm.domain.care import Reminder, Subject
from system.crm.domain.case import Case, CaseKind, CaseReason, CaseState, CaseTerms, CaseWish
from system.crm.domain.errors import NothingToRepair, TransitionRefused
from system.crm.domain.escalation import EscalationTerms
from system.crm.domain.letter import Letter, Side
from system.crm.domain.parcel import CarrierEvent
from system.crm.domain.sales_order import SalesOrder, Seller
from system.kernel.clock import FixedClock
from system.kernel.ids import new_id
from system.messages.envelope import Message, MoneyV1
from system.messages.orchestrator_v1 import OrderChanged, OrderStatus, PricedLine, Shipment, Transition
from system.messages.shop_v1 import Customer, Delivery, OrderLine, OrderSubmitted
from system.plumbing.tokens import Principal
from system.plumbing.unit_of_work import Answer

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MARGIN_S = 7200
BUDGET = timedelta(hours=24)
TERMS = EscalationTerms(sellers_percent=100, administrators_percent=200)
CASE_TERMS = CaseTerms(return_days=14, return_address="Moscow, Ordynka 40", answer_within=timedelta(hours=24))
SERGEY = Seller(UUID("00000000-0000-4000-8000-00000000000c"), "Sergey")
SOFIA = Seller(UUID("00000000-0000-4000-8000-00000000000d"), "Sofia")
SOFIA_SIGNED_IN = Principal(SOFIA.id, frozenset({"seller"}), SOFIA.name, "sofia.seller@alexandrite.example")
ALLOWED: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.SUBMITTED: (OrderStatus.PRICE_CALCULATED, OrderStatus.CANCELLED),
    OrderStatus.PRICE_CALCULATED: (OrderStatus.MANUFACTURING_APPROVED, OrderStatus.REJECTED, OrderStatus.CANCELLED),
    OrderStatus.MANUFACTURING_APPROVED: (OrderStatus.MANUFACTURING_STARTED, OrderStatus.CANCELLED),
    OrderStatus.SHIPPED: (OrderStatus.CLOSED,),
}


class Crm(Protocol):
    """CRM under test."""

    clock: FixedClock

    def make_uow(self) -> CrmUnitOfWork:
        """A new unit of work."""

    async def order(self, order_id: UUID) -> SalesOrder:
        """An order as committed."""

    async def messages(self, order_id: UUID) -> list[dict[str, Any]]:
        """Committed messages of an order in sequence: their data and their `type`."""

    async def reminders(self, order_id: UUID) -> list[Reminder]:
        """The reminders about an order, as committed."""

    async def to_tell(self) -> list[UUID]:
        """The letters of which customers are yet to hear by e-mail."""

    async def audited(self, subject: UUID) -> list[tuple[str, dict[str, Any]]]:
        """What was done to a thing, with its details, as the audit has it."""

    async def waiting_too_long(self, now: datetime, *, terms: EscalationTerms, limit: int) -> list[UUID]:
        """As `escalations.Waiting` promises."""


def submitted(
    order_id: UUID | None = None,
    *,
    number: str = "A-26000123",
    email: str = "clara@example.org",
    reference: str | None = None,
) -> OrderSubmitted:
    """The shop's word: one custom ring."""
    agreed = MoneyV1(amount="10450.00", currency="RUB")
    return OrderSubmitted(
        order_id=order_id or new_id(),
        number=number,
        channel="partner" if reference else "shop",
        customer=Customer(id=new_id(), name="Clara", email=email),
        delivery=Delivery(recipient="Clara", address="Lenina 1", city="Perm", postcode="614000", country="RU"),
        lines=(
            OrderLine(
                line_id=new_id(),
                kind="custom",
                title="Pave ring",
                material="gold_585",
                quantity=1,
                quote_id=new_id(),
                agreed_total=agreed,
                file_id=new_id(),
            ),
        ),
        agreed_total=agreed,
        submitted_at=START,
        partner_reference=reference,
    )


def changed(
    order_id: UUID,
    status: OrderStatus,
    *,
    version: int,
    number: str = "A-26000123",
    parcels: tuple[tuple[str, str], ...] = (),
    budget: timedelta | None = BUDGET,
    since: datetime = START,
    line_id: UUID | None = None,
) -> OrderChanged:
    """The orchestrator's word."""
    total = MoneyV1(amount="10500.00", currency="RUB")
    return OrderChanged(
        order_id=order_id,
        number=number,
        version=version,
        status=status,
        status_since=since,
        promise_at=START + timedelta(days=21),
        budget_until=since + budget if budget is not None else None,
        allowed=ALLOWED.get(status, ()),
        total=total,
        lines=(PricedLine(line_id=line_id, quote_id=new_id(), total=total),) if line_id else (),
        shipments=tuple(
            Shipment(work_order_id=new_id(), carrier=carrier, tracking_number=number) for carrier, number in parcels
        ),
        history=(
            Transition(version=1, from_status=None, to_status=OrderStatus.INITIATED, at=START, actor="customer Clara"),
        ),
    )


def delivered(
    carrier: str, tracking_number: str, *, webhook_id: str | None = None, event: str = "delivered"
) -> CarrierEvent:
    """A carrier's word."""
    return CarrierEvent(
        webhook_id=webhook_id or f"msg_{new_id().hex}",
        carrier=carrier,
        tracking_number=tracking_number,
        event=event,
        occurred_at=START + timedelta(days=9),
        received_at=START + timedelta(days=9, minutes=1),
        body={"carrier": carrier, "tracking_number": tracking_number, "event": event},
    )


async def hear(crm: Crm, message: Message) -> None:
    """Lets CRM react to a message, and commits as its consumer does."""
    react: Any = {OrderSubmitted: reactions.on_order_submitted, OrderChanged: reactions.on_order_changed}[type(message)]
    async with crm.make_uow() as uow:
        await react(message, uow)
        await uow.commit()


async def awaiting_approval(crm: Crm) -> UUID:
    """An order with its content and a calculated price."""
    content = submitted()
    await hear(crm, content)
    await hear(crm, changed(content.order_id, OrderStatus.PRICE_CALCULATED, version=4))
    return content.order_id


async def approve(crm: Crm, order_id: UUID, seller: Seller = SOFIA, *, seen_version: int | None = None) -> Answer:
    """A seller approves."""
    command = ApproveOrder(order_id, seller, seen_version=seen_version)
    return await handlers.approve_order(command, crm.make_uow(), at_risk_margin_s=MARGIN_S)


async def reject(crm: Crm, order_id: UUID, seller: Seller = SOFIA, *, reason: str = "too thin to cast") -> Answer:
    """A seller rejects."""
    command = RejectOrder(order_id, seller, reason)
    return await handlers.reject_order(command, crm.make_uow(), at_risk_margin_s=MARGIN_S)


async def take(crm: Crm, order_id: UUID, seller: Seller = SOFIA, *, instead_of: UUID | None = None) -> Answer:
    """A seller takes an order that waits."""
    command = TakeOrder(order_id, seller, instead_of=instead_of)
    return await escalations.take_order(command, crm.make_uow(), at_risk_margin_s=MARGIN_S)


async def give_back(crm: Crm, order_id: UUID, seller: Seller = SOFIA, *, administers: bool = False) -> Answer:
    """A seller gives back an order that they took."""
    command = GiveBackOrder(order_id, seller, administers)
    return await escalations.give_back_order(command, crm.make_uow(), at_risk_margin_s=MARGIN_S)


async def sent(crm: Crm, status: OrderStatus = OrderStatus.SHIPPED, *, since: datetime = START) -> UUID:
    """An order with its content that has left us."""
    content = submitted()
    await hear(crm, content)
    await hear(crm, changed(content.order_id, status, version=9, since=since))
    return content.order_id


async def write(crm: Crm, order_id: UUID, text: str = "It rattles.", *, wish: CaseWish | None = None) -> UUID:
    """The customer writes, and may want more with it; the letter's id."""
    letter = Letter(new_id(), order_id, Side.CUSTOMER, "Clara", text, crm.clock.now())
    await handlers.receive_letter(ReceiveLetter(letter, wish), crm.make_uow(), terms=CASE_TERMS)
    return letter.id


async def complain(crm: Crm, order_id: UUID, kind: CaseKind = CaseKind.COMPLAINT) -> Case:
    """The customer complains, or returns it."""
    case_id = await write(crm, order_id, wish=CaseWish(kind, CaseReason.DAMAGED))
    return next(each for each in await cases_of(crm, order_id) if each.id == case_id)


async def cases_of(crm: Crm, order_id: UUID) -> list[Case]:
    """The order's returns and complaints as committed."""
    async with crm.make_uow() as uow:
        return await uow.cases.of(order_id)


async def decide(
    crm: Crm, case: Case, state: CaseState, text: str = "", seller: Seller = SOFIA, *, seen_version: int | None = None
) -> Case:
    """A seller's word on it; the case then."""
    command = DecideCase(case.order_id, case.id, seller, state, text, seen_version=seen_version)
    await cases.decide_case(command, crm.make_uow(), terms=CASE_TERMS)
    return next(each for each in await cases_of(crm, case.order_id) if each.id == case.id)


async def remind(
    crm: Crm,
    about: Subject,
    *,
    in_s: float = 3600,
    text: str = "call back",
    made_by: Seller = SOFIA,
    for_id: UUID | None = None,
) -> Reminder:
    """A seller sets a reminder."""
    due_at = crm.clock.now() + timedelta(seconds=in_s)
    answer = await care.set_reminder(SetReminder(about, made_by, text, due_at, for_id=for_id), crm.make_uow())
    assert answer.body is not None
    async with crm.make_uow() as uow:
        return await uow.reminders.hold(UUID(answer.body["reminder_id"]))


async def receive(crm: Crm, event: CarrierEvent) -> str:
    """A carrier's message arrives; returns what became of it."""
    answer = await handlers.receive_carrier_event(ReceiveCarrierEvent(event), crm.make_uow())
    assert answer.body is not None
    return str(answer.body["outcome"])


class ScriptedOrchestrator:
    """Answers as told, and remembers what it was asked."""

    def __init__(self, *, is_final: bool = True, refusal: TransitionRefused | None = None) -> None:
        self.asked: list[tuple[str, UUID, str, str]] = []
        self._is_final = is_final
        self._refusal = refusal
        self.hangs = True

    async def close(self, order_id: UUID, *, who: Principal, reason: str) -> OrchestratorReply:
        return self._answer("close", order_id, who, reason, "CLOSED")

    async def cancel(self, order_id: UUID, *, who: Principal, reason: str) -> OrchestratorReply:
        return self._answer("cancel", order_id, who, reason, "CANCELLED")

    async def timeline(self, order_id: UUID, *, who: Principal) -> dict[str, Any]:
        return {"entries": [], "stuck": None, "not_answering": {}}

    async def repair(self, order_id: UUID, *, who: Principal) -> Repair:
        self.asked.append(("repair", order_id, who.name, ""))
        if not self.hangs:
            raise NothingToRepair
        self.hangs = False
        return Repair(replayed=1, is_resent=False, not_answering=())

    def _answer(self, what: str, order_id: UUID, who: Principal, reason: str, status: str) -> OrchestratorReply:
        self.asked.append((what, order_id, who.name, reason))
        if self._refusal is not None:
            raise self._refusal
        return OrchestratorReply(self._is_final, {"order_id": str(order_id), "status": status})
