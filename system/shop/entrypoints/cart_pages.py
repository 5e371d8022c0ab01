"""The cart's page and what is done with it. A visitor who puts in the first piece gets a guest's session; no script is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import Forbidden, Refused, Unavailable
from system.kernel.ids import new_id
from system.messages.envelope import MoneyV1
from system.pagekit.areas import CART
from system.pagekit.languages import language_of
from system.pagekit.pages import Said
from system.plumbing.auth import Principal, public, refuse_cross_site, require
from system.plumbing.tokens import TokenAuthority
from system.plumbing.unit_of_work import IdempotencyKey
from system.shop.application import handlers
from system.shop.application.commands import ChangeQuantity, PutIntoCart, RemoveLine
from system.shop.application.ports import Identity
from system.shop.domain.errors import LineNotFound
from system.shop.domain.order import Order
from system.shop.domain.rules import QUANTITY_MAX, present_prices, total_of
from system.shop.entrypoints.api import Counter, Shop, prices_of
from system.shop.entrypoints.cart_lines import CartLine, lines_of
from system.shop.entrypoints.model_prices import told_problem
from system.shop.entrypoints.pages import BASE, Goods, Shown, Visitor, count_cart

router = APIRouter(prefix=BASE, dependencies=[Depends(count_cart)])
Customer = Annotated[Principal, require("customer")]
OneTimeKey = Annotated[str, Form(max_length=100)]


def _identity(request: Request) -> Identity:
    return cast(Identity, request.app.state.identity)


TheIdentity = Annotated[Identity, Depends(_identity)]


@dataclass(frozen=True, slots=True)
class Cart:
    """A customer's cart with the prices of now; `total` is None while one of its lines has no price."""

    order: Order
    lines: Sequence[CartLine]
    total: dict[str, str] | None

    @property
    def stops(self) -> bool:
        """Whether something keeps it from being ordered."""
        return self.total is None or any(each.trouble.stops for each in self.lines)

    @property
    def is_moving(self) -> bool:
        """Whether a price in it is still being calculated."""
        return any(each.quote_to_follow is not None for each in self.lines)


async def cart_of(who: Principal | None, shop: Counter, goods: Goods) -> Cart | None:
    """The cart, or None for a visitor and for whoever has none, or an empty one."""
    order = await shop.queries.cart_of(who.subject) if who is not None else None
    if order is None or not order.lines:
        return None
    quotes = await prices_of(order, shop)
    prices = await shop.catalogue_prices.of(line.sku for line in order.lines if line.sku is not None)
    priced = present_prices(quotes)
    total = total_of(priced) if len(priced) == len(order.lines) else None
    lines = lines_of(order, quotes, await goods.get(), prices)
    return Cart(order, lines, MoneyV1.of(total).model_dump() if total is not None else None)


@dataclass(frozen=True, slots=True)
class AtCart:
    """One request about a cart, with all that answers it."""

    request: Request
    shop: Shop
    goods: Goods
    pages: Shown

    async def does(self, who: Principal, deed: Callable[[], Awaitable[Any]], *, back: str = "") -> Response:
        """Does it and shows the cart; a refusal is said on it. `back` is where the customer came from."""
        said, status = await self.pages.attempt(self.request, deed, missing=())
        if said is None:
            return RedirectResponse(CART, status_code=303)
        return await self.shows(who, said=said, back=back, status=status)

    async def shows(
        self, who: Principal | None, *, said: Said | None = None, back: str = "", status: int = 200
    ) -> Response:
        """The cart as it is now."""
        cart = await cart_of(who, self.shop, self.goods)
        return self.pages.render(
            self.request,
            "cart.html",
            who=who,
            cart=cart,
            said=said,
            back=back,
            quantity_max=QUANTITY_MAX,
            tell=partial(told_problem, self.pages, self.request),
            status=status,
        )


Visit = Annotated[AtCart, Depends()]


@router.get("/cart", dependencies=[public])
async def cart_page(visit: Visit, who: Visitor) -> Response:
    """What is in the cart, at the prices of now, and what is not as it was."""
    return await visit.shows(who)


@router.post("/cart/lines", dependencies=[public])
async def put_into_cart(
    visit: Visit,
    who: Visitor,
    identity: TheIdentity,
    sku: Annotated[str, Form(max_length=60)],
    quantity: Annotated[int, Form()] = 1,
    ring_size: Annotated[str, Form(max_length=12)] = "",
    key: OneTimeKey = "",
) -> Response:
    """Puts a good into the cart and shows it. `key` was made when the form was shown: pressed twice, it is put in once."""
    request = visit.request
    refuse_cross_site(request)
    cookies: Sequence[str] = ()
    buyer, size = who, ring_size.strip() or None
    if buyer is None:
        try:
            # What cannot be bought makes nobody a guest.
            await handlers.chosen_good(sku, quantity=quantity, ring_size=size, tools=visit.shop.tools)
            buyer, cookies = await open_guest(request, identity)
        except (Refused, Unavailable) as refusal:
            said = visit.pages.refusal(request, refusal)
            return await visit.shows(None, said=said, back=f"{BASE}/goods/{sku}", status=refusal.status)
    if not buyer.has("customer"):
        raise Forbidden("role-required", "Only a customer has a cart.", needed=["customer"])
    once = one_time_key(buyer, CART, key, about=f"{sku} {size} {quantity}")
    command = PutIntoCart(buyer, sku, quantity, size, once)
    answer = await visit.does(
        buyer, lambda: handlers.put_into_cart(command, visit.shop.tools), back=f"{BASE}/goods/{sku}"
    )
    for cookie in cookies:
        answer.headers.append("Set-Cookie", cookie)
    return answer


@router.post("/cart/lines/{line_id}/quantity")
async def change_quantity(visit: Visit, who: Customer, line_id: UUID, quantity: Annotated[int, Form()]) -> Response:
    """So many pieces of this line, at the price of now."""

    async def deed() -> None:
        order_id = await _cart_id(who, visit.shop, line_id)
        await handlers.change_quantity(ChangeQuantity(order_id, who, line_id, quantity), visit.shop.tools)

    return await visit.does(who, deed)


@router.post("/cart/lines/{line_id}/removal")
async def remove_line(visit: Visit, who: Customer, line_id: UUID) -> Response:
    """Takes a line out of the cart; one that is out already stays out."""

    async def deed() -> None:
        order = await visit.shop.queries.cart_of(who.subject)
        if order is not None and any(line.id == line_id for line in order.lines):
            await handlers.remove_line(RemoveLine(order.id, who, line_id), visit.shop.tools)

    return await visit.does(who, deed)


async def open_guest(request: Request, identity: Identity) -> tuple[Principal, Sequence[str]]:
    """Somebody without an account, with a session of their own, and the cookies that their browser keeps. Raises Unavailable."""
    opened = await identity.guest(language_of(request))
    authority: TokenAuthority = request.app.state.tokens
    return authority.verify(opened.access_token), opened.cookies


def one_time_key(who: Principal, address: str, key: str, *, about: str) -> IdempotencyKey:
    """The key of a form that was shown once: the same form with the same content is one deed. A form without one is a new deed."""
    return IdempotencyKey(f"{who.subject} POST {address}"[:120], f"{key or new_id()} {about}"[:255], "form")


async def _cart_id(who: Principal, shop: Counter, line_id: UUID) -> UUID:
    order = await shop.queries.cart_of(who.subject)
    if order is None:
        raise LineNotFound(line_id)
    return order.id
