"""Ordering what is in the cart: whose it is, where it goes, what it costs. However often the form is sent, there is one order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from system.kernel.errors import Conflict, Invalid, Refused, Unavailable
from system.kernel.ids import new_id
from system.pagekit.areas import CART, ORDERS
from system.pagekit.languages import LANGUAGES, language_of
from system.pagekit.pages import Said
from system.plumbing.auth import Principal, public
from system.shop.application import handlers
from system.shop.application.commands import SubmitOrder
from system.shop.domain.errors import OrderNotFound
from system.shop.domain.order import Order, Terms
from system.shop.domain.rules import PROMISE_DAYS
from system.shop.entrypoints.cart_pages import Customer, Visit, cart_of, one_time_key
from system.shop.entrypoints.checkout import Typed
from system.shop.entrypoints.pages import BASE, Visitor, count_cart
from system.shop.entrypoints.schemas import PositiveMoney

CHECKOUT = f"{BASE}/checkout"
Field = Annotated[str, Form(max_length=1000)]
router = APIRouter(prefix=BASE, dependencies=[Depends(count_cart)])


@router.get("/checkout", dependencies=[public])
async def checkout_page(visit: Visit, who: Visitor) -> Response:
    """The form. Whoever has nothing that could be ordered is led to the cart, which says why."""
    if who is None:
        return RedirectResponse(CART, status_code=303)
    last = await visit.shop.queries.last_terms(who.subject)
    typed = Typed.first(who, last, language_of(visit.request))
    return await _form(visit, who, typed, key=str(new_id()))


@router.post("/checkout")
async def place_order(
    visit: Visit,
    who: Customer,
    order: Annotated[UUID, Form()],
    amount: Field,
    currency: Field,
    name: Field = "",
    email: Field = "",
    phone: Field = "",
    language: Field = "",
    recipient: Field = "",
    address: Field = "",
    city: Field = "",
    postcode: Field = "",
    country: Field = "",
    key: Field = "",
) -> Response:
    """Orders the cart that the form was shown for, and leads to the order; the form again, saying what does not fit.

    `order` is that cart: sent again, from another tab or by going back, the form leads to what became of it and orders nothing more.
    """
    letters_in = language if language in LANGUAGES else language_of(visit.request)
    typed = Typed(name, email, phone, letters_in, recipient, address, city, postcode, country)
    kept = await visit.shop.queries.order(order, customer_id=who.subject)
    if kept is None:
        raise OrderNotFound(order)
    if not kept.is_cart:
        return _to(kept)
    try:
        agreed = PositiveMoney(amount=amount, currency=currency).money()
    except ValidationError as error:
        raise Invalid("invalid-request", "The form's sum cannot be read; load the page again.") from error
    terms = typed.terms(agreed)
    if not isinstance(terms, Terms):
        faults = {field: visit.pages.refusal(visit.request, each) for field, each in terms.items()}
        return await _form(visit, who, typed, key=key, faults=faults, status=422)
    cart = await cart_of(who, visit.shop, visit.goods)
    if cart is not None and cart.order.id == kept.id and cart.stops:
        missing = Conflict("goods-missing", "Not everything in the cart can be had now.")
        return await visit.shows(who, said=visit.pages.refusal(visit.request, missing), status=missing.status)
    once = one_time_key(who, CHECKOUT, key, about=str(order))
    try:
        await handlers.submit_order(SubmitOrder(order, who, terms, once), visit.shop.tools)
    except (Refused, Unavailable) as refusal:
        # Sent at the same moment from another tab, with other words: that one was first.
        now = await visit.shop.queries.order(order, customer_id=who.subject)
        if now is not None and not now.is_cart:
            return _to(now)
        said = visit.pages.refusal(visit.request, refusal)
        return await _form(visit, who, typed, key=key, said=said, status=refusal.status)
    return _to(kept)


def _to(order: Order) -> Response:
    return RedirectResponse(f"{ORDERS}/{order.id}", status_code=303)


async def _form(
    visit: Visit,
    who: Principal,
    typed: Typed,
    *,
    key: str,
    faults: Mapping[str, Said] | None = None,
    said: Said | None = None,
    status: int = 200,
) -> Response:
    cart = await cart_of(who, visit.shop, visit.goods)
    if cart is None or cart.stops:
        return RedirectResponse(CART, status_code=303)
    return visit.pages.render(
        visit.request,
        "checkout.html",
        who=who,
        cart=cart,
        typed=typed,
        key=key,
        faults=faults or {},
        said=said,
        promise=datetime.now(UTC) + timedelta(days=PROMISE_DAYS),
        promise_days=PROMISE_DAYS,
        status=status,
    )
