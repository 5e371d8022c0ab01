"""Making one's own: a model is sent, looked at, priced in every metal and ordered. The page's script sends the file straight to the
storage and asks pricing; what it all means is said here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import Forbidden, Unavailable
from system.kernel.ids import new_id
from system.pagekit.areas import CART, MAKE, ORDERS
from system.plumbing.auth import Principal, public, refuse_cross_site, require
from system.plumbing.flags import Features
from system.shop.application import handlers
from system.shop.application.commands import PutModelIntoCart
from system.shop.application.ports import ModelFile
from system.shop.domain.errors import FileNotFound
from system.shop.domain.options import Options
from system.shop.domain.rules import PROMISE_DAYS, QUANTITY_MAX
from system.shop.entrypoints.api import Counter
from system.shop.entrypoints.cart_pages import OneTimeKey, TheIdentity, Visit, one_time_key, open_guest
from system.shop.entrypoints.checkout_pages import CHECKOUT
from system.shop.entrypoints.model_prices import METALS, UNITS, metal_prices, told_problem
from system.shop.entrypoints.pages import BASE, Goods, Shown, Visitor, count_cart, found_at

UPLOAD_BYTES_MAX = 100_000_000
"""What the page says before a file is sent; the files service has the last word."""
STATES = {"PENDING": "resuming", "VERIFIED": "verified", "REFUSED": "refused"}
"""What the page shows of a file at first, by what files says of it."""

router = APIRouter(prefix=BASE, dependencies=[Depends(count_cart)])
Customer = Annotated[Principal, require("customer")]
Metal = Annotated[str, Query(max_length=60)]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen on the page: it asks for the prices that it knows by their quotes."""

    material: Metal = METALS[0]
    quotes: Annotated[str, Query(max_length=400)] = ""

    @property
    def quote_ids(self) -> list[UUID]:
        """The quotes that the page holds, at most one a metal. What is no id is left out."""
        found = []
        for text in self.quotes.split(",")[: len(METALS)]:
            try:
                found.append(UUID(text))
            except ValueError:
                continue
        return found


@router.get("/make", dependencies=[public])
async def make_page(request: Request, who: Visitor, goods: Goods, pages: Shown) -> Response:
    """The page with no file yet."""
    return await _page(request, who, goods, pages, model=None)


@router.post("/make/visit", dependencies=[public], status_code=204)
async def begin_visit(request: Request, who: Visitor, identity: TheIdentity) -> Response:
    """A visitor who sends their first file becomes a guest, with the cookies that come along. Whoever is somebody already stays so."""
    refuse_cross_site(request)
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    if who is None:
        _, cookies = await open_guest(request, identity)
        for cookie in cookies:
            answer.headers.append("Set-Cookie", cookie)
    elif not who.has("customer"):
        raise Forbidden("role-required", "Only a customer has models of their own.", needed=["customer"])
    return answer


@router.get("/make/{file_id}", dependencies=[public])
async def made_page(
    request: Request, file_id: UUID, who: Visitor, visit: Visit, goods: Goods, pages: Shown
) -> Response:
    """The page with a model of the customer's own, as far as it is; somebody else's is 404.

    Whoever's short session ran out gets the page without it, whose script goes on with the session and loads it again.
    """
    if who is None:
        return await _page(request, who, goods, pages, model=None)
    return await _page(request, who, goods, pages, model=await _model_of(who, file_id, visit))


@router.get("/make/{file_id}/prices")
async def model_prices(
    file_id: UUID, who: Customer, visit: Visit, pages: Shown, choice: Annotated[Choice, Depends()]
) -> Response:
    """The piece of the page that tells prices: of the chosen metal at length, of the others in short."""
    model = await _model_of(who, file_id, visit)
    known = await visit.shop.tools.pricing.quotes(choice.quote_ids)
    mine = [each for each in known.values() if (each.owner_id, each.file_id) == (who.subject, file_id)]
    prices = metal_prices(mine, pages, visit.request)
    chosen = next((each for each in prices if each.material == choice.material), prices[0])
    return pages.render(
        visit.request,
        "make_prices.html",
        who=who,
        refused=told_problem(pages, visit.request, model.problem),
        **_priced(prices, chosen),
    )


@router.post("/make/{file_id}/lines")
async def put_model_into_cart(
    visit: Visit,
    who: Customer,
    file_id: UUID,
    quote_id: Annotated[UUID, Form()],
    material: Annotated[str, Form(max_length=60)],
    quantity: Annotated[int, Form()] = 1,
    ring_size: Annotated[str, Form(max_length=12)] = "",
    go: Annotated[Literal["checkout", "cart"], Form()] = "cart",
    key: OneTimeKey = "",
) -> Response:
    """Puts the piece into the cart and goes on to the order's form, or to the cart.

    Pressed twice, it is put in once; pressed again when it was ordered meanwhile, it leads to that order.
    """
    size = ring_size.strip() or None
    about = f"{file_id} {material} {size} {quantity} {quote_id}"
    command = PutModelIntoCart(
        who, file_id, quote_id, material, quantity, size, one_time_key(who, MAKE, key, about=about)
    )
    kept: dict[str, Any] = {}

    async def deed() -> None:
        answer = await handlers.put_model_into_cart(command, visit.shop.tools)
        kept.update((answer.body or {}).get("order", {}))

    said, status = await visit.pages.attempt(visit.request, deed, missing=())
    if said is not None:
        return await visit.shows(who, said=said, back=f"{MAKE}/{file_id}", status=status)
    order = await visit.shop.queries.order(UUID(kept["order_id"]), customer_id=who.subject)
    if order is not None and not order.is_cart:
        return RedirectResponse(f"{ORDERS}/{order.id}", status_code=303)
    return RedirectResponse(CHECKOUT if go == "checkout" else CART, status_code=303)


async def _model_of(who: Principal, file_id: UUID, visit: Visit) -> ModelFile:
    """The customer's model. Raises FileNotFound, also for somebody else's; Unavailable."""
    model = await visit.shop.tools.files.model(file_id, acting_for=who)
    if model is None or model.owner_id != who.subject:
        raise FileNotFound(file_id)
    return model


async def _page(
    request: Request, who: Principal | None, goods: Goods, pages: Shown, *, model: ModelFile | None
) -> Response:
    features: Features = request.app.state.features
    sizes = {size for good in await goods.get() for size in good.ring_sizes}
    prices = metal_prices([], pages, request)
    return pages.render(
        request,
        "make.html",
        who=who,
        model_file=model,
        state=STATES.get(model.status, "resuming") if model is not None else "empty",
        refused=told_problem(pages, request, model.problem) if model is not None else None,
        metals=METALS,
        ring_sizes=sorted(sizes, key=float),
        quantity_max=QUANTITY_MAX,
        bytes_max=UPLOAD_BYTES_MAX,
        key=str(new_id()),
        constructor=features.is_lit("constructor"),
        found=found_at(request, MAKE),
        options=await _options(request),
        **_priced(prices, prices[0]),
    )


async def _options(request: Request) -> Options:
    """What there is to choose; nothing while pricing does not answer: then a piece can be had plain."""
    counter: Counter = request.app.state.counter
    try:
        async with asyncio.timeout(counter.price_patience_s):
            return await counter.tools.pricing.options()
    except (Unavailable, TimeoutError):
        return Options()


def _priced(prices: Sequence[Any], chosen: Any) -> dict[str, Any]:
    """What the piece about prices is made of."""
    return {
        "prices": prices,
        "chosen": chosen,
        "units": UNITS,
        "promise": datetime.now(UTC) + timedelta(days=PROMISE_DAYS),
        "promise_days": PROMISE_DAYS,
    }
