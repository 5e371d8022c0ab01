"""Whoever asked for a price does not want it any more: its calculation ends, and with it the quote."""

from __future__ import annotations

from system.kernel.errors import Conflict
from system.pricing.application.commands import CancelQuote
from system.pricing.application.handlers import quote_of_others
from system.pricing.application.ports import PricingWork
from system.pricing.domain.mesh import Problem
from system.pricing.domain.quote import CANCELLED, Quote


async def cancel_quote(command: CancelQuote, uow: PricingWork) -> Quote:
    """The quote, FAILED as `cancelled`; again, it is the same. Whichever worker measures its model stops within moments.

    Raises NotFound for another's, Conflict for one that is finished (`quote-final`) and for one that an order waits for
    (`quote-in-order`).
    """
    async with uow:
        # Held before the requests are looked at: an order that takes it now waits, and then finds it ended.
        quote = await uow.quotes.hold_alone(command.quote_id)
        if quote is None or (quote.owner_id != command.asked_by and not command.sees_all):
            raise quote_of_others(command.quote_id)
        if quote.is_cancelled:
            return quote
        if quote.status.is_final:
            raise Conflict(
                "quote-final",
                "This quote is calculated already; nothing is left to stop.",
                quote_status=quote.status.value,
            )
        if await uow.requests.waiting_for(quote.quote_id):
            raise Conflict("quote-in-order", "An order waits for this price. Cancel the order instead.")
        cancelled = quote.failed(Problem.of(CANCELLED), now=uow.now)
        await uow.quotes.save_unfinished(cancelled)
        await uow.commit()
        return cancelled
