"""Pricing over HTTP: quotes and materials for customers, lookups for services."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from system.kernel.errors import Invalid
from system.plumbing.auth import Principal, public, require
from system.plumbing.unit_of_work import IdempotencyKey
from system.plumbing.web import Cursor, idempotency_key, to_response
from system.pricing.adapters.calculations import Calculations
from system.pricing.adapters.own_quotes import OpenAt, OwnQuotes
from system.pricing.adapters.queries import PricingQueries
from system.pricing.application.cancelling import cancel_quote
from system.pricing.application.commands import CancelQuote, RequestQuote
from system.pricing.application.handlers import quote_of_others, request_quote
from system.pricing.application.ports import ModelFiles
from system.pricing.application.views import (
    materials_view,
    money_view,
    own_quote_view,
    quote_now,
    quote_view,
    setback_view,
    walls_view,
)
from system.pricing.domain.engraving import Engraving
from system.pricing.domain.quote import Quote
from system.pricing.entrypoints.schemas import (
    MaterialsView,
    OwnQuotesView,
    QuoteLookup,
    QuoteRequest,
    QuoteView,
    SkuLookup,
    WallsView,
)
from system.pricing.settings import PricingSettings

router = APIRouter(tags=["pricing"])
internal = APIRouter(prefix="/internal")

STAFF = ("seller", "administrator")
READERS = ("customer", "partner", *STAFF)
OWN_AT_ONCE_MAX = 100
# Who asks for prices: whoever has several of these roles counts as the first.
ASKERS = ("customer", "partner", "seller")
Key = Annotated[IdempotencyKey, Depends(idempotency_key)]


def _queries(request: Request) -> Any:
    return request.app.state.queries


def _calculations(request: Request) -> Calculations:
    calculations: Calculations = request.app.state.calculations
    return calculations


def _own(request: Request) -> OwnQuotes:
    own: OwnQuotes = request.app.state.own_quotes
    return own


Queries = Annotated[Any, Depends(_queries)]
Own = Annotated[OwnQuotes, Depends(_own)]
Queue = Annotated[Calculations, Depends(_calculations)]


async def _request_quote(request: Request, body: QuoteRequest, key: IdempotencyKey, who: Principal) -> Response:
    settings: PricingSettings = request.app.state.settings
    files: ModelFiles = request.app.state.files
    command = RequestQuote(
        key=key,
        owner_id=who.subject,
        quantity=body.quantity,
        file_id=body.file_id,
        material=body.material,
        sku=body.sku,
        ring_size=body.ring_size,
        unit=body.unit,
        stones=body.stones,
        plating=body.plating,
        engraving=Engraving.of(body.engraving.text, body.engraving.height_mm) if body.engraving else None,
        sees_all_files=who.has(*STAFF),
        asked_by=next((role for role in ASKERS if who.has(role)), ASKERS[0]),
    )
    answer = await request_quote(command, request.app.state.make_uow(), files, valid_for=settings.quote_valid_for)
    return to_response(answer)


@router.post(
    "/quotes",
    response_model=QuoteView,
    responses={202: {"model": QuoteView, "description": "Being calculated: ask for it again in a moment"}},
)
async def create_quote(
    request: Request,
    body: QuoteRequest,
    key: Key,
    who: Annotated[Principal, require("customer", "partner", "seller")],
) -> Response:
    """Asks for a price: 200 when it is final at once, 202 while a worker measures the model."""
    return await _request_quote(request, body, key, who)


@router.get("/quotes", response_model=OwnQuotesView)
async def read_own_quotes(
    request: Request,
    own: Own,
    who: Annotated[Principal, require("customer", "partner")],
    limit: Annotated[int, Query(ge=1, le=OWN_AT_ONCE_MAX)] = 20,
    after: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
    state: Annotated[Literal["open"] | None, Query(description="`open`: being calculated, or still valid")] = None,
) -> Response:
    """One's own quotes, the newest first."""
    settings: PricingSettings = request.app.state.settings
    now = datetime.now(UTC)
    only = OpenAt(now, settings.quote_valid_for) if state else None
    found = await own.page(who.subject, limit=limit + 1, before=_place_in_list(after), only=only)
    shown = found[:limit]
    more = None
    if len(found) > limit:
        more = Cursor.encode(shown[-1].created_at.isoformat(), shown[-1].quote_id)
    items = [own_quote_view(quote) for quote in shown]
    return json_response({"items": items, "next": more}, headers={"Cache-Control": "no-store"})


def _place_in_list(after: str | None) -> tuple[datetime, UUID] | None:
    keys = Cursor.decode(after, keys=2)
    if keys is None:
        return None
    try:
        return datetime.fromisoformat(keys[0]), UUID(keys[1])
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor is not one of ours; start again without it.") from error


@router.get("/quotes/{quote_id}", response_model=QuoteView)
async def read_quote(
    quote_id: UUID,
    queries: Queries,
    calculations: Queue,
    who: Annotated[Principal, require(*READERS)],
) -> Response:
    """A quote of one's own; our staff sees all. One that waits says how far it is, where in line, and for how long where known."""
    quote = await quote_for(who, quote_id, queries)
    place = None if quote.status.is_final else await calculations.place_of(quote_id)
    return json_response(quote_now(quote, place, now=datetime.now(UTC)), headers={"Cache-Control": "no-store"})


@router.get("/quotes/{quote_id}/walls", response_model=WallsView)
async def read_walls(quote_id: UUID, queries: Queries, who: Annotated[Principal, require(*READERS)]) -> Response:
    """How thick the walls of the model are, where: what a picture of them is coloured by. For whoever may see the quote."""
    quote = await quote_for(who, quote_id, queries)
    analysis = await queries.analysis(quote.asked.mesh_sha256) if quote.asked.mesh_sha256 else None
    # As thick as the book that the quote was priced by wants them: what is shown agrees with the verdict beside it.
    book = await queries.book(quote.price_book_version)
    return json_response(walls_view(quote, analysis, book), headers={"Cache-Control": "no-store"})


@router.delete("/quotes/{quote_id}", response_model=QuoteView)
async def cancel(
    request: Request, quote_id: UUID, who: Annotated[Principal, require("customer", "partner", *STAFF)]
) -> Response:
    """Stops the calculation of a quote of one's own, which is then FAILED as `cancelled`; again, it is the same answer.

    409 `quote-final` when it is calculated already, `quote-in-order` when an order waits for it.
    """
    command = CancelQuote(quote_id, who.subject, sees_all=who.has(*STAFF))
    cancelled = await cancel_quote(command, request.app.state.make_uow())
    return json_response(quote_view(cancelled), headers={"Cache-Control": "no-store"})


async def quote_for(who: Principal, quote_id: UUID, queries: PricingQueries) -> Quote:
    """The quote, for its owner and our staff. Raises NotFound for everybody else."""
    quote = await queries.quote(quote_id)
    if quote is None or (quote.owner_id != who.subject and not who.has(*STAFF)):
        raise quote_of_others(quote_id)
    return quote


@router.get("/materials", response_model=MaterialsView, dependencies=[public])
async def read_materials(queries: Queries) -> Response:
    """What pieces can be made of. Materials are data: a new book may bring a new one."""
    return json_response(materials_view(await queries.book()), headers={"Cache-Control": "max-age=60"})


@internal.post("/quotes")
async def create_quote_for(
    request: Request, body: QuoteRequest, key: Key, who: Annotated[Principal, require("service:shop")]
) -> Response:
    """A quote for the customer that the shop acts for."""
    return await _request_quote(request, body, key, who)


@internal.post("/quotes/lookup")
async def lookup_quotes(
    body: QuoteLookup,
    queries: Queries,
    who: Annotated[Principal, require("service:shop", "service:orchestrator", "service:crm")],
) -> Response:
    """The known ones of these quotes."""
    return json_response({"items": [quote_view(quote) for quote in await queries.quotes(body.quote_ids)]})


@internal.post("/catalogue-prices")
async def catalogue_prices(
    body: SkuLookup, queries: Queries, who: Annotated[Principal, require("service:shop")]
) -> Response:
    """What one piece of each ready-made good costs; unknown ones are left out."""
    book = await queries.book()
    prices = {sku: book.catalogue_price(sku) for sku in body.skus}
    return json_response({"prices": {sku: money_view(price) for sku, price in prices.items() if price is not None}})


@internal.get("/calculations")
async def calculations_queue(calculations: Queue, who: Annotated[Principal, require("service:mes")]) -> Response:
    """What is being calculated and what waits, for whoever leads the shift; names nobody."""
    return json_response(await calculations.view())


@internal.get("/orders/{order_id}/setbacks")
async def setbacks(
    order_id: UUID, queries: Queries, who: Annotated[Principal, require("service:orchestrator")]
) -> Response:
    """What held up the calculations behind an order's prices, for the story that support reads."""
    return json_response({"items": [setback_view(each) for each in await queries.setbacks(order_id)]})


@internal.get("/reconciliation")
async def reconciliation(
    queries: Queries, who: Annotated[Principal, require("service:orchestrator")], since: datetime | None = None
) -> Response:
    """What pricing believes of each order."""
    return json_response({"orders": await queries.believed_orders(since)})


def json_response(body: Any, *, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)
