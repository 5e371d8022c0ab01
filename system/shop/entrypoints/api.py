"""The shop's HTTP API."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response

from system.kernel.errors import Invalid, Unavailable
from system.plumbing.auth import Principal, public, require
from system.plumbing.telemetry import log
from system.plumbing.unit_of_work import IdempotencyKey
from system.plumbing.web import Cursor, idempotency_key, to_response
from system.shop.adapters.catalogue_prices import CataloguePrices
from system.shop.adapters.queries import ShopQueries
from system.shop.application import handlers
from system.shop.application.commands import (
    AddCustomLine,
    AddReadyMadeLine,
    AnswerPriceQuestion,
    CancelOrder,
    RemoveLine,
    StartOrder,
    SubmitOrder,
    WriteLetter,
)
from system.shop.application.ports import Tools
from system.shop.application.views import LetterView, OrderView, etag_of, order_view
from system.shop.domain.errors import OrderNotFound, ProductNotFound
from system.shop.domain.order import Order
from system.shop.domain.quote import Quote
from system.shop.entrypoints import schemas


@dataclass(frozen=True, slots=True)
class Counter:
    """What the endpoints work with; `main.py` puts it on `app.state.counter`."""

    tools: Tools
    queries: ShopQueries
    catalogue_prices: CataloguePrices
    price_patience_s: float


def _counter(request: Request) -> Counter:
    counter: Counter = request.app.state.counter
    return counter


Shop = Annotated[Counter, Depends(_counter)]
Buyer = Annotated[Principal, require("customer", "partner")]
Orchestrator = Annotated[Principal, require("service:orchestrator")]
Key = Annotated[IdempotencyKey, Depends(idempotency_key)]
IfMatch = Annotated[
    str | None,
    Header(max_length=100, description="The ETag you read: the request is refused (412) if the order changed since."),
]

router = APIRouter()
internal = APIRouter(prefix="/internal")


# -- the catalogue -------------------------------------------------------------------------------------------------


@router.get("/products", dependencies=[public], tags=["catalogue"])
async def list_products(shop: Shop) -> schemas.ProductPage:
    """The ready-made goods, with what pricing says they cost."""
    products = await shop.queries.products()
    prices = await shop.catalogue_prices.of(product.sku for product in products)
    return schemas.ProductPage(items=[schemas.ProductView.of(product, prices.get(product.sku)) for product in products])


@router.get("/products/{sku}", dependencies=[public], tags=["catalogue"])
async def show_product(sku: str, shop: Shop) -> schemas.ProductView:
    """One ready-made good. 404 `product-not-found`."""
    product = await shop.queries.product(sku)
    if product is None:
        raise ProductNotFound(sku)
    prices = await shop.catalogue_prices.of([sku])
    return schemas.ProductView.of(product, prices.get(sku))


# -- orders --------------------------------------------------------------------------------------------------------


@router.post("/orders", status_code=201, response_model=schemas.OrderAnswer, tags=["orders"])
async def start_order(
    who: Buyer, shop: Shop, key: Key, body: Annotated[schemas.StartOrderBody | None, Body()] = None
) -> Response:
    """Opens an empty cart with its public number."""
    return to_response(await handlers.start_order(StartOrder(who, key), shop.tools))


@router.get("/orders", tags=["orders"])
async def list_orders(
    who: Buyer, shop: Shop, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=100)] = 50
) -> schemas.OrderPage:
    """The caller's orders, youngest first. The totals of carts are not asked for here."""
    after = Cursor.decode(cursor, keys=1)
    before = uuid_in(after) if after else None
    found = await shop.queries.orders_of(who.subject, limit=limit + 1, before=before)
    page = found[:limit]
    more = Cursor.encode(page[-1].id) if len(found) > limit else None
    return schemas.OrderPage(items=[order_view(order) for order in page], next=more)


@router.get(
    "/orders/{order_id}",
    response_model=OrderView,
    responses={304: {"description": "Nothing changed since `If-None-Match`"}},
    tags=["orders"],
)
async def show_order(
    order_id: UUID, who: Buyer, shop: Shop, if_none_match: Annotated[str | None, Header(max_length=100)] = None
) -> Response:
    """One order of the caller; another customer's is 404. A cart shows its lines' prices as they are now."""
    order = await shop.queries.order(order_id, customer_id=who.subject)
    if order is None:
        raise OrderNotFound(order_id)
    headers = {"ETag": etag_of(order), "Cache-Control": "private, no-cache"}
    # A cart's prices come from pricing and are not part of its ETag.
    if if_none_match == headers["ETag"] and not order.is_cart:
        return Response(status_code=304, headers=headers)
    view = order_view(order, await prices_of(order, shop))
    return Response(view.model_dump_json(), headers=headers, media_type="application/json")


@router.post("/orders/{order_id}/lines", status_code=201, tags=["orders"])
async def add_line(
    order_id: UUID,
    body: schemas.LineBody,
    who: Buyer,
    shop: Shop,
    key: Key,
    response: Response,
    if_match: IfMatch = None,
) -> schemas.LineAnswer:
    """Adds a piece of the caller's own model with its quote, or a ready-made good. The same quote or key again adds nothing.

    404 `file-not-found`, `quote-not-found`, `product-not-found`; 409 `file-not-verified`, `quote-does-not-fit`, `not-for-sale`,
    `order-already-submitted`, `order-has-ended`, `order-is-full`; 422 `ring-size-refused`.
    """
    if isinstance(body, schemas.CustomLineBody):
        order, line = await handlers.add_custom_line(
            AddCustomLine(
                order_id, who, body.file_id, body.quote_id, body.material, body.quantity, body.ring_size, if_match
            ),
            shop.tools,
        )
    else:
        order, line = await handlers.add_ready_made_line(
            AddReadyMadeLine(order_id, who, body.sku, body.quantity, body.ring_size, if_match, key), shop.tools
        )
    response.headers["ETag"] = etag_of(order)
    return schemas.LineAnswer(line_id=line.id, order=order_view(order, await prices_of(order, shop)))


@router.delete("/orders/{order_id}/lines/{line_id}", tags=["orders"])
async def remove_line(
    order_id: UUID, line_id: UUID, who: Buyer, shop: Shop, response: Response, if_match: IfMatch = None
) -> schemas.OrderAnswer:
    """Takes a line out of a cart. 404 `line-not-found`; 409 `order-already-submitted`, `order-has-ended`."""
    order = await handlers.remove_line(RemoveLine(order_id, who, line_id, if_match), shop.tools)
    response.headers["ETag"] = etag_of(order)
    return schemas.OrderAnswer(order=order_view(order, await prices_of(order, shop)))


@router.post("/orders/{order_id}/submission", response_model=schemas.OrderAnswer, tags=["orders"])
async def submit_order(
    order_id: UUID, body: schemas.SubmissionBody, who: Buyer, shop: Shop, key: Key, if_match: IfMatch = None
) -> Response:
    """Orders what is in the cart. The same terms again give the same answer.

    409 `empty-order`, `price-not-ready`, `price-failed`, `price-changed` (with the present totals), `order-already-submitted`.
    """
    command = SubmitOrder(order_id, who, body.terms(), key, if_match)
    return to_response(await handlers.submit_order(command, shop.tools))


@router.post("/orders/{order_id}/consent", response_model=schemas.OrderAnswer, tags=["orders"])
async def answer_price_question(
    order_id: UUID, body: schemas.ConsentBody, who: Buyer, shop: Shop, key: Key
) -> Response:
    """Accepts or declines the new price that the order waits for.

    409 `nothing-to-consent-to`, `consent-already-given`, `price-changed`.
    """
    command = AnswerPriceQuestion(order_id, who, body.accept, body.total.money(), key)
    return to_response(await handlers.answer_price_question(command, shop.tools))


@router.post(
    "/orders/{order_id}/cancellation",
    response_model=schemas.CancellationAnswer,
    responses={202: {"model": schemas.CancellationAnswer, "description": "Requested; production decides"}},
    tags=["orders"],
)
async def cancel_order(
    order_id: UUID, who: Buyer, shop: Shop, body: Annotated[schemas.CancellationBody | None, Body()] = None
) -> Response:
    """Cancels the order: 200 when it is cancelled, 202 when production decides first. Safe to repeat.

    409 `cancellation-refused` with the transitions that are allowed instead.
    """
    command = CancelOrder(order_id, who, body.reason if body else None)
    return to_response(await handlers.cancel_order(command, shop.tools))


@router.get("/orders/{order_id}/letters", tags=["orders"])
async def list_letters(order_id: UUID, who: Buyer, shop: Shop) -> schemas.LettersView:
    """What the caller and our sellers wrote to each other about an order, its returns and complaints, and which may be opened now."""
    return schemas.LettersView.of(await handlers.correspondence_of(order_id, who, shop.tools))


@router.post("/orders/{order_id}/letters", status_code=201, response_model=LetterView, tags=["orders"])
async def write_letter(order_id: UUID, body: schemas.LetterBody, who: Buyer, shop: Shop, key: Key) -> Response:
    """Writes to our sellers about a submitted order, or answers them; with a `kind` it is a return or a complaint. The same key
    again is the same letter.

    404 `line-not-found`; 409 `order-not-submitted`, `return-too-early`, `return-too-late`, `case-already-open`; 503
    `order-on-its-way`.
    """
    command = WriteLetter(order_id, who, body.text, key, body.wish())
    return to_response(await handlers.write_letter(command, shop.tools))


@internal.get("/reconciliation")
async def show_beliefs(who: Orchestrator, shop: Shop, since: datetime | None = None) -> schemas.Beliefs:
    """What the shop believes about every order that changed since then."""
    return schemas.Beliefs(
        orders={
            str(belief.order.id): schemas.BeliefView(
                number=belief.order.number,
                status=belief.order.progress.status if belief.order.progress else None,
                version=belief.order.progress.version if belief.order.progress else 0,
                own_status=belief.order.own_status,
                submitted=belief.order.submitted_at is not None,
                stock=belief.stock,
            )
            for belief in await shop.queries.beliefs(since=since)
        }
    )


async def prices_of(order: Order, shop: Counter) -> dict[UUID, Quote]:
    """The present quotes of a cart's lines, by line; empty when pricing does not answer in time: a page waits for no price."""
    if not order.is_cart or not order.lines:
        return {}
    try:
        async with asyncio.timeout(shop.price_patience_s):
            return await handlers.quotes_by_line(order, shop.tools)
    except (Unavailable, TimeoutError) as error:
        log.warning("prices of a cart unknown", error=str(error) or "pricing is too slow")
        return {}


def uuid_in(keys: list[str]) -> UUID:
    """The id in a cursor. Raises Invalid."""
    try:
        return UUID(str(keys[0]))
    except ValueError as error:
        raise Invalid("cursor-invalid", "This cursor is not one of ours; start again without it.") from error
