"""The letters of an order's milestones: what each needs to know, as of the moment that it tells of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from system.kernel.money import Money
from system.plumbing.mail.notice import Notice
from system.shop.application.ports import ShopUnitOfWork
from system.shop.domain import milestones
from system.shop.domain.milestones import Milestone, Reached
from system.shop.domain.order import Order
from system.shop.domain.progress import Progress


async def tell_customer(order_id: UUID, before: Progress | None, now: Progress, uow: ShopUnitOfWork) -> None:
    """Has a letter written for every milestone that `now` brings, and none that waits about a question that is over.

    `before` is what was recorded until now: a milestone that it has is not news, whatever happened to its letter.
    """
    if milestones.question_is_over(before, now):
        await uow.notices.withdraw(Milestone.PRICE_QUESTION, about=order_id)
    fresh = milestones.newly_reached(before, now)
    if not fresh:
        return
    order = await uow.orders.get(order_id)
    if order is None or not milestones.has_reader(order):
        return
    for reached in fresh:
        uow.notices.post_at_commit(notice_of(order, now, reached))


async def tell_of_question(order_id: UUID, letter_id: UUID, uow: ShopUnitOfWork) -> bool:
    """Tells the customer that a seller wrote to them; the same letter again tells nothing. False when there is nobody to tell."""
    order = await uow.orders.get(order_id)
    if order is None or order.progress is None or not milestones.has_reader(order):
        return False
    reached = Reached(Milestone.NEWS, uow.now, str(letter_id))
    return await uow.notices.post(notice_of(order, order.progress, reached))


def notice_of(order: Order, progress: Progress, reached: Reached) -> Notice:
    """The notice of a milestone. Raises ValueError for a cart."""
    if order.terms is None:
        raise ValueError(f"order {order.number} is not submitted")
    return Notice(
        kind=reached.milestone.value,
        about=order.id,
        to=order.terms.customer.email,
        language=order.terms.customer.language,
        facts=_facts(order, progress),
        occasion=reached.occasion,
    )


def _facts(order: Order, progress: Progress) -> dict[str, Any]:
    question = progress.question
    assert order.terms is not None
    return {
        "number": order.number,
        "promise_at": progress.promise_at.isoformat(),
        "total": _money(progress.total or order.terms.agreed_total),
        "reason": progress.reason,
        "pieces": [
            {"title": {"ru": line.title.ru, "en": line.title.en}, "quantity": line.quantity} for line in order.lines
        ],
        "question": {
            "reasons": list(question.reasons),
            "agreed_total": _money(question.agreed_total),
            "total": _money(question.total),
        }
        if question
        else None,
        "parcels": [{"carrier": each.carrier, "tracking_number": each.tracking_number} for each in progress.parcels],
    }


def _money(money: Money) -> dict[str, str]:
    return {"amount": f"{money.amount:.2f}", "currency": money.currency}
