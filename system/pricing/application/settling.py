"""Answering the orchestrator: at once when every quote is finished, else when the last one is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from system.kernel.ids import derived_id
from system.kernel.money import Money
from system.messages.envelope import MoneyV1
from system.messages.pricing_v1 import ConfirmedLine, OrderPriced, OrderUnpriceable
from system.pricing.application.ports import PricingWork
from system.pricing.domain.mesh import ANALYSER_VERSION
from system.pricing.domain.order_pricing import PriceRequest, Unpriceable, first_unpriceable, is_waiting
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import (
    Quote,
    QuoteKind,
    QuoteStatus,
    RemadeBecause,
    no_longer_offered,
    price_by_analysis,
    price_by_catalogue,
    reasons_to_remake,
)


async def settle(request: PriceRequest, quotes: dict[UUID, Quote], uow: PricingWork, *, valid_for: timedelta) -> bool:
    """Publishes the answer to a request, unless a quote of it is still being calculated. Says whether it was answered."""
    if is_waiting(request, quotes):
        return False
    refusal = first_unpriceable(request.lines, quotes)
    book = await uow.books.current()
    confirmed: dict[UUID, Quote] = {}
    for line in request.lines:
        if refusal is not None:
            break
        quote = await _confirm(quotes[line.quote_id], request, book, uow, valid_for=valid_for)
        confirmed[line.line_id] = quote
        if quote.status is QuoteStatus.FAILED:
            assert quote.problem is not None
            refusal = Unpriceable(line, quote.problem)
    if refusal is not None:
        uow.publish(_unpriceable(request, refusal))
        await uow.requests.settle(request, outcome="unpriceable", at=uow.now)
    else:
        uow.publish(_priced(request, confirmed, book))
        await uow.requests.settle(request, outcome="priced", at=uow.now)
    return True


async def settle_waiting(quote_id: UUID, uow: PricingWork, *, valid_for: timedelta) -> None:
    """Answers the requests that waited for a quote that was just finished in this transaction."""
    for request in await uow.requests.waiting_for(quote_id):
        # Read after the request is locked: of two workers finishing two lines of one order, the later sees both.
        quotes = {known: quote for known in request.quote_ids if (quote := await uow.quotes.find(known)) is not None}
        await settle(request, quotes, uow, valid_for=valid_for)


async def _confirm(
    quote: Quote, request: PriceRequest, book: PriceBook, uow: PricingWork, *, valid_for: timedelta
) -> Quote:
    """The quote itself while it holds; else a new one with the reasons, kept beside it."""
    reasons = reasons_to_remake(quote, book, now=uow.now)
    if not reasons:
        return quote
    # Derived, so that the same request delivered again finds the quote it made the first time.
    new_quote_id = derived_id(quote.quote_id, f"{request.order_id}:{request.attempt}")
    made_before = await uow.quotes.find(new_quote_id)
    if made_before is not None:
        return made_before
    remade = await _remake(quote, new_quote_id, reasons, book, uow, valid_for)
    await uow.quotes.add(remade)
    return remade


async def _remake(
    quote: Quote,
    new_quote_id: UUID,
    reasons: tuple[RemadeBecause, ...],
    book: PriceBook,
    uow: PricingWork,
    valid_for: timedelta,
) -> Quote:
    alloy = book.alloys.get(quote.asked.material)
    fresh = Quote(
        quote_id=new_quote_id,
        owner_id=quote.owner_id,
        asked=quote.asked,
        created_at=uow.now,
        price_book_version=book.version,
        spot_per_g=book.spot_of(alloy) if alloy else quote.spot_per_g,
        replaces=quote.quote_id,
        remade_because=reasons,
    )
    gone = no_longer_offered(quote.asked, book)
    if gone is not None:
        return fresh.failed(gone, now=uow.now)
    if quote.asked.kind is QuoteKind.READY_MADE:
        return price_by_catalogue(fresh, book, now=uow.now, valid_for=valid_for)
    analysis = await uow.analyses.find(quote.asked.mesh_sha256 or "")
    if analysis is not None and analysis.version == ANALYSER_VERSION:
        return price_by_analysis(fresh, analysis, book, now=uow.now, valid_for=valid_for)
    # The old quote's own measure is a checked one, already in the quote's unit.
    assert quote.mesh is not None
    return fresh.ready(quote.mesh, book, now=uow.now, valid_for=valid_for)


def _priced(request: PriceRequest, confirmed: dict[UUID, Quote], book: PriceBook) -> OrderPriced:
    lines = []
    total = Money.zero(book.currency)
    for line in request.lines:
        quote = confirmed[line.line_id]
        assert quote.total is not None
        assert quote.valid_until is not None
        total = total + quote.total
        lines.append(
            ConfirmedLine(
                line_id=line.line_id,
                quote_id=quote.quote_id,
                total=MoneyV1.of(quote.total),
                weight_g=quote.weight_g,
                breakdown=quote.breakdown or {},
                valid_until=quote.valid_until,
                remade_because=quote.remade_because if quote.quote_id != line.quote_id else (),
            )
        )
    return OrderPriced(
        order_id=request.order_id,
        attempt=request.attempt,
        lines=tuple(lines),
        total=MoneyV1.of(total),
        price_book_version=book.version,
    )


def _unpriceable(request: PriceRequest, refusal: Unpriceable) -> OrderUnpriceable:
    return OrderUnpriceable(
        order_id=request.order_id,
        attempt=request.attempt,
        line_id=refusal.line.line_id,
        quote_id=refusal.line.quote_id,
        code=refusal.problem.code,
        detail=refusal.problem.detail,
    )
