"""Orders that wait for a seller beyond their budget: who is told, once, and who takes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter

from system.crm.application.commands import GiveBackOrder, TakeOrder
from system.crm.application.ports import CrmUnitOfWork
from system.crm.application.views import order_view
from system.crm.domain.care import Reminder, Subject
from system.crm.domain.escalation import Escalation, EscalationTerms, Level, reminder_id
from system.crm.domain.sales_order import Assignment, SalesOrder
from system.plumbing.telemetry import in_order, log, said_by
from system.plumbing.unit_of_work import Answer

ESCALATED = Counter(
    "alexandrite_crm_orders_escalated_total", "Orders found waiting for a seller for too long.", ["level"]
)
AT_ONCE_MAX = 100
CRM = "crm"
# What the reminder says is the page's to word: nobody wrote it.
WAITS_TOO_LONG = "waits-too-long"


class Waiting(Protocol):
    """Finds what may be due; whether it is, is decided when it is held."""

    async def waiting_too_long(self, now: datetime, *, terms: EscalationTerms, limit: int) -> list[UUID]:
        """Orders that wait for a seller and whose next level is reached, the most overdue first."""


async def escalate_waiting(
    make_uow: Callable[[], CrmUnitOfWork], waiting: Waiting, *, terms: EscalationTerms, now: datetime
) -> int:
    """Escalates them, each in a transaction of its own, and ends the reminders of those that wait no more. Returns how many it
    escalated; one that fails stops no other."""
    escalated = 0
    for order_id in await waiting.waiting_too_long(now, terms=terms, limit=AT_ONCE_MAX):
        try:
            with in_order(order_id, "escalate order"):
                escalated += await escalate(order_id, make_uow(), terms=terms)
        except Exception as error:
            log.exception("order not escalated", error=said_by(error), **{"order.id": str(order_id)})
    async with make_uow() as uow:
        if await uow.reminders.end_moot(uow.now):
            await uow.commit()
    return escalated


async def escalate(order_id: UUID, uow: CrmUnitOfWork, *, terms: EscalationTerms) -> bool:
    """Marks the order for whoever is to be told now, and reminds the administrators when it is they; else nothing, and False.
    Safe to repeat."""
    async with uow:
        order = await uow.orders.hold(order_id)
        level = order.escalates_to(terms, now=uow.now)
        if level is None:
            return False
        await uow.orders.escalate(order_id, Escalation(level, at=uow.now, waits_since=order.status_since))
        if level is Level.ADMINISTRATORS:
            await uow.reminders.add(_for_administrators(order, now=uow.now))
        await uow.audit(
            actor=CRM, action="order_escalated", subject=str(order_id), details={"level": level, "due_at": _due(order)}
        )
        await uow.commit()
    ESCALATED.labels(level=level).inc()
    return True


async def take_order(command: TakeOrder, uow: CrmUnitOfWork, *, at_risk_margin_s: int) -> Answer:
    """200 with the order, which this seller looks after from now on; again: the same. Raises OrderTaken, OrderAlreadyDecided,
    OrderNotAwaitingApproval, OrderContentMissing, OrderNotFound."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        order = await uow.orders.hold(command.order_id)
        if refusal := order.refusal_of_taking(command.seller, instead_of=command.instead_of):
            raise refusal
        before = order.assignment.seller if order.assignment else None
        if before is None or before.id != command.seller.id:
            await uow.orders.assign(command.order_id, Assignment(command.seller, uow.now))
            await uow.audit(
                actor=f"{command.seller.name} ({command.seller.id})",
                action="order_taken",
                subject=str(command.order_id),
                details={"from": f"{before.name} ({before.id})"} if before else {},
            )
        taken = await uow.orders.get(command.order_id)
        return await uow.commit(Answer(200, order_view(taken, now=uow.now, at_risk_margin_s=at_risk_margin_s)))


async def give_back_order(command: GiveBackOrder, uow: CrmUnitOfWork, *, at_risk_margin_s: int) -> Answer:
    """200 with the order, which nobody looks after from now on; again: the same. Raises OrderTaken when a colleague has it,
    OrderAlreadyDecided, OrderNotAwaitingApproval, OrderContentMissing, OrderNotFound."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        order = await uow.orders.hold(command.order_id)
        if refusal := order.refusal_of_giving_back(command.seller, administers=command.administers):
            raise refusal
        if order.assignment is not None:
            holder = order.assignment.seller
            await uow.orders.assign(command.order_id, None)
            await uow.audit(
                actor=f"{command.seller.name} ({command.seller.id})",
                action="order_given_back",
                subject=str(command.order_id),
                details={"from": f"{holder.name} ({holder.id})"},
            )
        free = await uow.orders.get(command.order_id)
        return await uow.commit(Answer(200, order_view(free, now=uow.now, at_risk_margin_s=at_risk_margin_s)))


def _for_administrators(order: SalesOrder, *, now: datetime) -> Reminder:
    about = Subject(order_id=order.order_id)
    return Reminder(
        reminder_id(order.order_id, order.status_since), about, WAITS_TOO_LONG, now, None, None, made_at=now
    )


def _due(order: SalesOrder) -> str | None:
    return order.due_at.isoformat() if order.due_at else None
