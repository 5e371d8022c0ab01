"""Telling customers by e-mail that a seller wrote to them: the shop does it, CRM asks it until it has."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from system.kernel.errors import Unavailable
from system.plumbing.telemetry import in_order, log

AT_ONCE_MAX = 50


class Untold(Protocol):
    """The sellers' letters of which the shop has not taken word yet."""

    async def find(self, *, limit: int) -> list[tuple[UUID, UUID]]:
        """Order and letter of those that wait longest."""

    async def told(self, letter_id: UUID) -> None:
        """The shop has taken it."""


class Teller(Protocol):
    """The shop."""

    async def tell(self, order_id: UUID, letter_id: UUID) -> None:
        """Takes the news; the same letter again is the same news. Raises Unavailable."""


async def tell_news(untold: Untold, shop: Teller) -> int:
    """Passes the news on, the oldest first. Returns how many the shop took; one that it does not take stays for the next time."""
    told = 0
    for order_id, letter_id in await untold.find(limit=AT_ONCE_MAX):
        try:
            with in_order(order_id, "tell news"):
                await shop.tell(order_id, letter_id)
        except Unavailable as error:
            log.warning("news of a letter not passed on", error=str(error), **{"order.id": str(order_id)})
            break
        # A crash before this line tells the shop once more, which knows the letter.
        await untold.told(letter_id)
        told += 1
    return told
