"""Which moments of an order its customer is written to about. Decided by what was recorded before, so that each is told once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from system.shop.domain.order import Channel, Order
from system.shop.domain.progress import Moment, Progress
from system.shop.domain.status import ENDED, Status


class Milestone(StrEnum):
    """What a letter is about."""

    RECEIVED = "order-received"
    PRICE_QUESTION = "price-question"
    APPROVED = "order-approved"
    SHIPPED = "order-shipped"
    CLOSED = "order-closed"
    CANCELLED = "order-cancelled"
    REJECTED = "order-rejected"
    PRICE_FAILED = "price-failed"
    NEWS = "seller-wrote"
    """The one that no status tells: CRM does, when a seller has asked the customer something."""


OF_STATUS = {
    Status.SUBMITTED: Milestone.RECEIVED,
    Status.AWAITING_CUSTOMER: Milestone.PRICE_QUESTION,
    Status.MANUFACTURING_APPROVED: Milestone.APPROVED,
    Status.SHIPPED: Milestone.SHIPPED,
    Status.CLOSED: Milestone.CLOSED,
    Status.CANCELLED: Milestone.CANCELLED,
    Status.REJECTED: Milestone.REJECTED,
    Status.PRICE_FAILED: Milestone.PRICE_FAILED,
}


@dataclass(frozen=True, slots=True)
class Reached:
    """A milestone that an order came to. `occasion` tells several of one kind apart; an order has most of them once."""

    milestone: Milestone
    at: datetime
    occasion: str = ""


def has_reader(order: Order) -> bool:
    """Whether somebody waits for our letters: whoever ordered at the shop. A partner has a feed of their own."""
    return order.terms is not None and order.channel is Channel.SHOP


def newly_reached(before: Progress | None, now: Progress) -> tuple[Reached, ...]:
    """The milestones of `now` that were not recorded before, in their order: also those of a version that never arrived.

    What is over is not told any more: a question that does not stand, an approval of what has ended without being sent.
    """
    known = frozenset(before.history) if before is not None else frozenset()
    return tuple(
        Reached(OF_STATUS[moment.status], moment.at, moment.at.isoformat() if _may_recur(moment) else "")
        for moment in now.history
        if moment not in known and moment.status in OF_STATUS and _still_true(moment, now)
    )


def question_is_over(before: Progress | None, now: Progress) -> bool:
    """Whether the price that the customer was asked about waits for no answer any more."""
    asked = before is not None and before.status is Status.AWAITING_CUSTOMER
    return asked and (
        now.status is not Status.AWAITING_CUSTOMER or now.status_since != (before and before.status_since)
    )


def _may_recur(moment: Moment) -> bool:
    return moment.status is Status.AWAITING_CUSTOMER


def _still_true(moment: Moment, now: Progress) -> bool:
    if moment.status is Status.AWAITING_CUSTOMER:
        last = max(each.at for each in now.history if each.status is Status.AWAITING_CUSTOMER)
        return now.status is Status.AWAITING_CUSTOMER and now.question is not None and moment.at == last
    if moment.status is Status.MANUFACTURING_APPROVED:
        return now.status is Status.CLOSED or now.status not in ENDED
    return True
