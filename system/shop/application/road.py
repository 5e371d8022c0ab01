"""An order's road as its customer follows it: the ten public statuses, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from system.shop.application.views import history_of
from system.shop.domain.order import LineKind, Order
from system.shop.domain.status import PUBLIC, Status


class Place(StrEnum):
    """Where a step lies, seen from where the order is."""

    DONE = "done"
    NOW = "now"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Step:
    """One status of the road; `at` is when it began, for the last time if it began again."""

    status: Status
    place: Place
    at: datetime | None


def road_of(order: Order) -> tuple[Step, ...]:
    """The steps of this order. Without a model of the customer's there is none to upload; after an early end the rest never comes."""
    reached = {moment.status: moment.at for moment in history_of(order)}
    custom = any(line.kind is LineKind.CUSTOM for line in order.lines)
    steps = [each for each in PUBLIC if custom or each is not Status.FILE_UPLOADED]
    on_the_way = order.status in steps
    # Aside of the road an order stands where it left it.
    here = (
        steps.index(order.status) if on_the_way else max(n for n, each in enumerate(steps) if each in reached or n == 0)
    )
    ended = not on_the_way and order.status is not Status.AWAITING_CUSTOMER
    return tuple(
        Step(
            status,
            _place(number, here, on_the_way=on_the_way, ended=ended),
            reached.get(status) if number <= here else None,
        )
        for number, status in enumerate(steps)
    )


def _place(number: int, here: int, *, on_the_way: bool, ended: bool) -> Place:
    if number < here or (number == here and not on_the_way):
        return Place.DONE
    if number == here:
        return Place.NOW
    return Place.NEVER if ended else Place.LATER
