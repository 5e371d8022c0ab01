"""A customer's orders: the list, and each with its road, its letters, and what can be done with it. With a script it is live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast, get_args
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import Invalid, NotFound, Unavailable
from system.kernel.ids import new_id
from system.kernel.money import Money
from system.pagekit import live
from system.pagekit.areas import ORDERS
from system.pagekit.languages import LANGUAGES, language_of
from system.pagekit.pages import Said, is_piece
from system.plumbing.auth import Principal, public
from system.plumbing.mail.box import KeptNotices
from system.plumbing.mail.notice import KeptNotice, NoticeState
from system.plumbing.web import Cursor
from system.shop.adapters.queries import ShopQueries
from system.shop.application import handlers
from system.shop.application.commands import AnswerPriceQuestion, CancelOrder, WriteLetter
from system.shop.application.ports import CareKind, CareReason, CareWish, Correspondence
from system.shop.application.road import road_of
from system.shop.application.views import order_view
from system.shop.domain.errors import OrderNotFound
from system.shop.domain.order import Order
from system.shop.domain.rules import LINES_MAX
from system.shop.entrypoints.api import Shop, prices_of, uuid_in
from system.shop.entrypoints.cart_pages import Customer, one_time_key
from system.shop.entrypoints.pages import BASE, Shown, Visitor, count_cart
from system.shop.entrypoints.private_links import PrivateLinks
from system.shop.entrypoints.schemas import PositiveMoney, waits_for_customer
from system.shop.entrypoints.sentences import why_of

PAGE_ROWS = 20
LETTER_CHARACTERS_MAX = 2000
REASON_CHARACTERS_MAX = 500
# More than this at once is no news to be followed one by one: the page is loaded again.
CAUGHT_UP_MAX = 500

router = APIRouter(prefix=BASE, dependencies=[Depends(count_cart)])
OneTimeKey = Annotated[str, Form(max_length=100)]


def watch_of(queries: ShopQueries) -> live.Watch:
    """What every open order of this process is told from: which orders changed. What of, their pages read themselves."""

    async def find(since: datetime) -> Sequence[live.Found]:
        found = await queries.changed_since(since, limit=CAUGHT_UP_MAX + 1)
        if len(found) > CAUGHT_UP_MAX:
            raise live.TooMuch
        return [(version, version[1]) for version in found]

    async def load(found: Sequence[live.Found]) -> Sequence[live.Change]:
        return [_change(cast(tuple[UUID, datetime], version)) for version, _ in found]

    return live.Watch(find, load, now=lambda: datetime.now(UTC))


def _change(version: tuple[UUID, datetime]) -> live.Change:
    order_id, at = version
    told = orjson.dumps({"order_id": str(order_id)}).decode()
    return live.Change(version, at, "order", dict.fromkeys(LANGUAGES, told))


def _links(request: Request) -> PrivateLinks:
    return cast(PrivateLinks, request.app.state.links)


Links = Annotated[PrivateLinks, Depends(_links)]


# -- the list ------------------------------------------------------------------------------------------------------------


@router.get("/orders")
async def orders_page(
    request: Request,
    who: Customer,
    shop: Shop,
    pages: Shown,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """What the customer has ordered, the youngest first; asked by htmx with a cursor: the next rows only."""
    after = Cursor.decode(cursor, keys=1)
    found = await shop.queries.submitted_by(who.subject, limit=PAGE_ROWS + 1, before=uuid_in(after) if after else None)
    page = found[:PAGE_ROWS]
    more = None
    if len(found) > PAGE_ROWS:
        more = f"{ORDERS}?{urlencode({'cursor': Cursor.encode(page[-1].id)})}"
    template = "order_rows.html" if is_piece(request) and cursor else "orders.html"
    return pages.render(request, template, who=who, items=[_shown(order) for order in page], more=more)


def _shown(order: Order) -> dict[str, Any]:
    view: dict[str, Any] = order_view(order).model_dump(mode="json")
    return view | {"pieces": sum(line.quantity for line in order.lines)}


# -- one order -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AtOrder:
    """One request about one order, with all that answers it."""

    request: Request
    shop: Shop
    pages: Shown
    links: Links
    order_id: UUID

    async def does(
        self, who: Principal, deed: Callable[[], Awaitable[Any]], *, typed: Mapping[str, Any] | None = None
    ) -> Response:
        """Does it and shows the order; a refusal is said on it as it is now, and what was typed stays."""
        said, status = await self.pages.attempt(self.request, deed)
        if said is None and not is_piece(self.request):
            return RedirectResponse(f"{ORDERS}/{self.order_id}", status_code=303)
        return await self.shows(who, said=said, typed=typed if said else None, status=status)

    async def shows(
        self, who: Principal, *, said: Said | None = None, typed: Mapping[str, Any] | None = None, status: int = 200
    ) -> Response:
        """The order as it is now; asked by htmx, without the page around it."""
        now = datetime.now(UTC)
        order = await self.shop.queries.order(self.order_id, customer_id=who.subject)
        if order is None:
            raise OrderNotFound(self.order_id)
        told = await self._correspondence(order, who)
        kept = cast(KeptNotices, self.request.app.state.notices)
        piece = is_piece(self.request)
        return self.pages.render(
            self.request,
            "order_piece.html" if piece else "order.html",
            who=who,
            o=order_view(order, await prices_of(order, self.shop)).model_dump(mode="json"),
            terms=order.terms,
            road=road_of(order),
            why=why_of(order.progress.reason if order.progress else None),
            letters=told.letters if told else None,
            cases=told.cases if told else (),
            offers=told.offers if told else (),
            return_until=told.return_until if told else None,
            reasons=get_args(CareReason),
            waits_for_you=told is not None and waits_for_customer(told),
            notices=_told(await kept.of(order.id)),
            link=f"{BASE}/track/{self.links.token_of(order.id)}",
            key=str(new_id()),
            said=said,
            typed=typed or {},
            since=now.isoformat(),
            letter_max=LETTER_CHARACTERS_MAX,
            reason_max=REASON_CHARACTERS_MAX,
            # A piece says itself what was refused; a browser would report any other status as a fault of the page.
            status=200 if piece else status,
        )

    async def _correspondence(self, order: Order, who: Principal) -> Correspondence | None:
        """None when CRM does not answer: the order is shown without its letters."""
        if order.submitted_at is None:
            return Correspondence()
        try:
            return await self.shop.tools.letters.of(order.id, acting_for=who)
        except Unavailable:
            return None


def _told(kept: Sequence[KeptNotice]) -> list[dict[str, Any]]:
    """What we wrote to the customer; what was withdrawn was never written."""
    return [
        {"kind": each.notice.kind, "state": each.state.value, "at": (each.settled_at or each.created_at).isoformat()}
        for each in kept
        if each.state is not NoticeState.WITHDRAWN
    ]


Visit = Annotated[AtOrder, Depends()]
ORDER = "/orders/{order_id}"


@router.get(ORDER)
async def order_page(visit: Visit, who: Customer) -> Response:
    """One order of the customer; another customer's is 404."""
    return await visit.shows(who)


@router.get(f"{ORDER}/events")
async def order_events(request: Request, order_id: UUID, who: Customer, shop: Shop) -> Response:
    """Every change of this order as it happens (server-sent events); another customer's is 404."""
    if await shop.queries.order(order_id, customer_id=who.subject) is None:
        raise OrderNotFound(order_id)
    watch: live.Watch = request.app.state.watch
    since = live.moment_of(request, datetime.now(UTC))
    return live.stream(
        request, watch, since=since, language=language_of(request), about=lambda one: _is_of(one, order_id)
    )


def _is_of(change: live.Change, order_id: UUID) -> bool:
    return cast(tuple[UUID, datetime], change.version)[0] == order_id


@router.post(f"{ORDER}/letters")
async def write_letter(
    visit: Visit,
    who: Customer,
    text: Annotated[str, Form(max_length=10_000)] = "",
    key: OneTimeKey = "",
) -> Response:
    """Writes to our sellers, or answers them. `key` was made when the form was shown: pressed twice, it is one letter."""
    words = text.strip()
    once = one_time_key(who, f"{ORDERS}/letters", key, about=str(visit.order_id))

    async def deed() -> None:
        if not 0 < len(words) <= LETTER_CHARACTERS_MAX:
            raise Invalid("text-missing", "Write a few words.", characters_max=LETTER_CHARACTERS_MAX)
        await handlers.write_letter(WriteLetter(visit.order_id, who, words, once), visit.shop.tools)

    return await visit.does(who, deed, typed={"letter": text})


@router.post(f"{ORDER}/cases")
async def open_case(
    visit: Visit,
    who: Customer,
    kind: Annotated[CareKind | Literal[""], Form()] = "",
    reason: Annotated[CareReason | Literal[""], Form()] = "",
    line_ids: Annotated[list[UUID], Form(max_length=LINES_MAX)] = [],  # noqa: B006  FastAPI copies it
    text: Annotated[str, Form(max_length=10_000)] = "",
    key: OneTimeKey = "",
) -> Response:
    """Returns the order, or says that something is wrong with it; with no piece marked it is about all of them."""
    words = text.strip()
    about = f"{visit.order_id} {kind} {reason} {' '.join(map(str, line_ids))}"
    once = one_time_key(who, f"{ORDERS}/cases", key, about=about)

    async def deed() -> None:
        if not kind or not reason:
            raise Invalid("case-incomplete", "Say what you want, and why.")
        if not 0 < len(words) <= LETTER_CHARACTERS_MAX:
            raise Invalid("text-missing", "Write a few words.", characters_max=LETTER_CHARACTERS_MAX)
        wish = CareWish(kind, reason, tuple(line_ids))
        await handlers.write_letter(WriteLetter(visit.order_id, who, words, once, wish), visit.shop.tools)

    typed = {"case": text, "kind": kind, "reason": reason, "line_ids": [str(each) for each in line_ids]}
    return await visit.does(who, deed, typed=typed)


@router.post(f"{ORDER}/consent")
async def answer_price_question(
    visit: Visit,
    who: Customer,
    answer: Annotated[Literal["accept", "decline"], Form()],
    amount: Annotated[str, Form(pattern=r"^\d{1,12}\.\d{2}$")],
    currency: Annotated[str, Form(pattern=r"^[A-Z]{3}$")],
    key: OneTimeKey = "",
) -> Response:
    """Accepts or declines the new price that was shown. The same answer again changes nothing."""
    total: Money = PositiveMoney(amount=amount, currency=currency).money()
    once = one_time_key(who, f"{ORDERS}/consent", key, about=f"{visit.order_id} {answer} {total}")
    command = AnswerPriceQuestion(visit.order_id, who, answer == "accept", total, once)
    return await visit.does(who, lambda: handlers.answer_price_question(command, visit.shop.tools))


@router.post(f"{ORDER}/cancellation")
async def cancel_order(
    visit: Visit, who: Customer, reason: Annotated[str, Form(max_length=REASON_CHARACTERS_MAX)] = ""
) -> Response:
    """Cancels the order, or asks for it when an operator may hold it already."""
    command = CancelOrder(visit.order_id, who, reason.strip() or None)
    return await visit.does(who, lambda: handlers.cancel_order(command, visit.shop.tools))


# -- without a session ---------------------------------------------------------------------------------------------------


@router.get("/track/{token}", dependencies=[public])
async def tracked_page(request: Request, token: str, who: Visitor, shop: Shop, pages: Shown, links: Links) -> Response:
    """How far an order is, for whoever holds its link; nobody's name or address stands there."""
    order_id = links.order_in(token)
    order = await shop.queries.submitted(order_id) if order_id is not None else None
    if order is None:
        raise NotFound("order-link-unknown", "This link leads to no order.")
    headers = {"X-Robots-Tag": "noindex"}
    return pages.render(request, "tracked.html", who=who, o=_shown(order), road=road_of(order), headers=headers)
