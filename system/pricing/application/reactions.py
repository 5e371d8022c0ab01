"""What pricing does when a message arrives. The consumer holds the transaction and commits it."""

from __future__ import annotations

from datetime import timedelta

from system.messages.orchestrator_v1 import PriceOrder
from system.pricing.application.ports import PricingWork
from system.pricing.application.settling import settle
from system.pricing.domain.order_pricing import PriceRequest, RequestedLine


class PriceOrders:
    """Confirms the quotes of an order, or makes new ones; waits, without holding the message, for one still being calculated."""

    def __init__(self, *, valid_for: timedelta) -> None:
        self._valid_for = valid_for

    async def __call__(self, message: PriceOrder, uow: PricingWork) -> None:
        """An attempt older than one already known is history; the same attempt again gets its answer again."""
        if message.attempt < await uow.requests.newest_attempt(message.order_id):
            return
        request = PriceRequest(
            order_id=message.order_id,
            attempt=message.attempt,
            lines=tuple(RequestedLine(line.line_id, line.quote_id) for line in message.lines),
        )
        # Held before the request is recorded: a worker finishing one of them now waits, and then finds the request.
        quotes = await uow.quotes.hold(request.quote_ids)
        await uow.requests.supersede(message.order_id, before_attempt=message.attempt, at=uow.now)
        await uow.requests.record(request, at=uow.now)
        await settle(request, quotes, uow, valid_for=self._valid_for)
