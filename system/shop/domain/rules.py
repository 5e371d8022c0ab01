"""The shop's business rules, each under one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from system.kernel.money import Money
from system.shop.domain.quote import Quote
from system.shop.domain.status import CUSTOMER_MAY_CANCEL, ENDED, OWN_WORDS, Status

LINES_MAX = 20
QUANTITY_MAX = 100
PROMISE_DAYS = 21
"""What a customer reads before they order; the moment of an order's own promise is the orchestrator's word."""


def quantity_is_allowed(quantity: int) -> bool:
    """A line holds between one piece and QUANTITY_MAX."""
    return 1 <= quantity <= QUANTITY_MAX


def ring_size_fits(sizes: Sequence[str], ring_size: str | None) -> bool:
    """A ring needs one of its sizes; what is not a ring has none."""
    return ring_size in sizes if sizes else ring_size is None


def shown_status(*, own: Status, told: Status | None, cancelled: bool) -> Status:
    """The status that every screen of the shop shows.

    The orchestrator's word stands. Before its first word, and while it has yet to hear of a fact that begins here, the shop's own
    fact is shown: a customer who has just submitted must not read that nothing happened. A cancellation that the orchestrator
    confirmed over HTTP is its word too, and is shown before its message arrives.
    """
    if told in ENDED:
        return told
    if cancelled:
        return Status.CANCELLED
    if told is None or (told in OWN_WORDS and OWN_WORDS.index(told) < OWN_WORDS.index(own)):
        return own
    return told


def customer_may_cancel(status: Status, *, cancellation_requested: bool) -> bool:
    """Whether the customer is offered to cancel: until an operator starts, and not while a first request is being decided."""
    return status in CUSTOMER_MAY_CANCEL and not cancellation_requested


def is_news(version: int, known: int | None) -> bool:
    """A state replaces the known one only when its version is higher: late and repeated messages change nothing."""
    return known is None or version > known


def agreed_prices(quotes: Mapping[UUID, Quote], agreed_total: Money) -> dict[UUID, Money] | None:
    """What the customer agreed to for each line, or None when their total is neither the one shown now nor the one shown first.

    The first is accepted as well: a firm price may replace the estimate between the customer's look and their click, and the
    orchestrator asks them again when it is much higher.
    """
    for prices in (present_prices(quotes), first_prices(quotes)):
        if total_of(prices) == agreed_total:
            return prices
    return None


def first_prices(quotes: Mapping[UUID, Quote]) -> dict[UUID, Money]:
    """The price shown first for each line that has one."""
    return {line_id: price for line_id, quote in quotes.items() if (price := quote.shown_first) is not None}


def present_prices(quotes: Mapping[UUID, Quote]) -> dict[UUID, Money]:
    """The price shown now for each line that has one."""
    return {line_id: price for line_id, quote in quotes.items() if (price := quote.shown_now) is not None}


def total_of(prices: Mapping[UUID, Money]) -> Money:
    """The sum of at least one price. Raises ValueError on none, or on two currencies."""
    if not prices:
        raise ValueError("a total needs at least one price")
    return Money.total(prices.values(), next(iter(prices.values())).currency)


def quote_differences(
    quote: Quote,
    *,
    kind: str,
    material: str,
    quantity: int,
    ring_size: str | None,
    file_id: UUID | None,
    sku: str | None,
) -> dict[str, tuple[Any, Any]]:
    """Where a line differs from what its quote promises a price for: name to (line, quote). Empty when it fits.

    A quote that names no ring size leaves it open: the size does not change the price of a given mesh.
    """
    pairs: dict[str, tuple[Any, Any]] = {
        "kind": (kind, quote.kind),
        "material": (material, quote.material),
        "quantity": (quantity, quote.quantity),
        "file_id": (file_id, quote.file_id),
        "sku": (sku, quote.sku),
    }
    if quote.ring_size is not None:
        pairs["ring_size"] = (ring_size, quote.ring_size)
    return {name: (line, promised) for name, (line, promised) in pairs.items() if line != promised}
