"""CRM's pages: the approval queue, one search, and an order with its story. Each works without a script; with one it is live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.crm.adapters.queries import CrmQueries
from system.crm.application import handlers
from system.crm.application.commands import (
    ApproveOrder,
    AskCustomer,
    CancelOrder,
    CloseOrder,
    RejectOrder,
    RepairOrder,
)
from system.crm.application.ports import Quotes
from system.crm.entrypoints import schemas
from system.crm.entrypoints.api import Margin, Queries, Staff, TheOrchestrator, Uow, hear_story, seller_of
from system.crm.entrypoints.costs import costs_of, margin_of
from system.crm.entrypoints.story import MESSAGES, SERVICES, UNREADABLE, advice_of
from system.crm.settings import CrmSettings
from system.kernel.errors import NotFound, Refused, Unavailable
from system.messages.orchestrator_v1 import OrderStatus
from system.pagekit import live
from system.pagekit.languages import LANGUAGES, language_of
from system.pagekit.models import ModelMissing, model_route
from system.pagekit.pages import Pages, Said, is_piece
from system.pagekit.words import N_
from system.plumbing.auth import Principal
from system.plumbing.unit_of_work import Answer

BASE = "/crm"
PAGE_ROWS = 40
# More than this at once is no news to be slid in: the list is loaded again.
CAUGHT_UP_MAX = 500

PROBLEMS = {
    "order-not-found": N_("There is no such order. Search by its number, an e-mail, a phone or a name."),
    "order-already-decided": N_(
        "%(decided_by)s was first, %(decided_at)s: %(decision)s. See below where the order is now."
    ),
    "order-not-awaiting-approval": N_("Now it is: %(order_status)s. That cannot be approved or rejected."),
    "order-content-missing": N_("What was ordered has not arrived here yet. Wait a moment and open the order again."),
    "transition-not-allowed": N_("Now it is: %(order_status)s. That does not allow what you asked for."),
    "order-changed": N_("The order changed while you looked at it. Read it again before you decide."),
    "nothing-to-repair": N_(
        "Nothing of this order hangs in our own systems, so there is nothing to try again. See who it waits for."
    ),
    "orchestrator-unavailable": N_(
        "The part that moves orders does not answer just now. Nothing was changed; try again."
    ),
    "invalid-request": N_("Something is missing or cannot be understood. Check what you entered."),
}
NAMES = {
    "service": SERVICES,
    "message": {"": UNREADABLE, **MESSAGES},
    "cost": {
        "metal": N_("Metal"),
        "print": N_("Printed pattern"),
        "casting": N_("Casting"),
        "labour": N_("Work by hand"),
        "stones": N_("Stones"),
        "plating": N_("Plating"),
        "hallmark": N_("Hallmark"),
        "overhead": N_("Workshop"),
        "catalogue_price": N_("Catalogue price"),
        "margin": N_("Margin"),
        "tax": N_("Tax"),
    },
    "decision": {"approved": N_("approved"), "rejected": N_("rejected")},
    "stage": {
        "WAITING": N_("waits for an operator"),
        "CLAIMED": N_("being made"),
        "COMPLETED": N_("made"),
        "PACKING": N_("being packed"),
        "SHIPPED": N_("handed to the carrier"),
    },
    "model": {
        "facets-turned": N_("Some facets faced inwards and were turned"),
        "turned-inside-out": N_("The whole model was inside out and was turned"),
        "bodies-turned": N_("Some bodies were inside out and were turned"),
        "cavity-found": N_("Hollow spaces inside are not charged"),
        "overlap-counted-once": N_("Bodies overlap; what they share is charged once"),
        "overlap-not-measured": N_("Bodies may overlap where it could not be measured"),
    },
}

router = APIRouter(prefix=BASE)


def pages_of(settings: CrmSettings) -> Pages:
    """CRM's pages."""
    return Pages(BASE, Path(__file__).parent, settings, problems=PROBLEMS, names=NAMES)


def watch_of(queries: CrmQueries, pages: Pages) -> live.Watch:
    """What every open page of this process is told from."""

    async def write(ids: Sequence[UUID]) -> Sequence[live.Change]:
        return [_change(pages, at, order) for at, order in await queries.summaries(ids)]

    return live.watch_rows(queries.changed_since, write, at_once=CAUGHT_UP_MAX)


def _change(pages: Pages, at: datetime, order: dict[str, Any]) -> live.Change:
    about = {
        "order_id": order["order_id"],
        "number": order["number"],
        "status": order["status"],
        "waits": waits(order),
        "decided_by": order["decision"]["seller_name"] if order["decision"] else None,
        "due_at": order["due_at"],
    }
    words = {
        language: orjson.dumps(about | {"row": pages.fragment(language, "queue_row.html", o=order)}).decode()
        for language in LANGUAGES
    }
    return live.Change((UUID(order["order_id"]), at), at, "order", words)


def waits(order: dict[str, Any]) -> bool:
    """Whether the order waits for a seller's decision."""
    return "approval" in order["allowed_actions"]


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


def _quotes(request: Request) -> Quotes:
    return cast(Quotes, request.app.state.quotes)


Shown = Annotated[Pages, Depends(_pages)]
TheQuotes = Annotated[Quotes, Depends(_quotes)]
Why = Annotated[schemas.Reason, Form()]
PageCursor = Annotated[str | None, Query(max_length=500)]


# -- the queue -----------------------------------------------------------------------------------------------------------


@router.get("/")
async def queue_page(
    request: Request,
    who: Staff,
    queries: Queries,
    pages: Shown,
    margin_s: Margin,
    due: Literal["", "at_risk", "overdue"] = "",
    cursor: PageCursor = None,
) -> Response:
    """Orders that wait for a decision, the nearest deadline first; asked by htmx with a cursor: the next rows only."""
    now = datetime.now(UTC)
    within_s = {"": None, "at_risk": margin_s, "overdue": 0}[due]
    found = await queries.approvals(due_within_s=within_s, cursor=cursor, limit=PAGE_ROWS)
    kept = {"due": due} if due else {}
    more = f"{BASE}/?{urlencode(kept | {'cursor': found['next']})}" if found["next"] else None
    shown = {"items": found["items"], "more": more, "who": who}
    if is_piece(request) and cursor:
        return pages.render(request, "queue_rows.html", **shown)
    counts = await queries.counts()
    return pages.render(
        request, "queue.html", counts=counts, due=due, since=now.isoformat(), margin_s=margin_s, **shown
    )


@router.get("/counts")
async def counts_piece(
    request: Request, who: Staff, queries: Queries, pages: Shown, due: Literal["", "at_risk", "overdue"] = ""
) -> Response:
    """The numbers on the tabs, for a queue that saw something change."""
    return pages.render(request, "queue_counts.html", who=who, counts=await queries.counts(), due=due)


@router.get("/events")
async def order_events(request: Request, who: Staff) -> Response:
    """Every change of an order as it happens (server-sent events)."""
    watch: live.Watch = request.app.state.watch
    return live.stream(request, watch, since=live.moment_of(request, datetime.now(UTC)), language=language_of(request))


@router.get("/search")
async def search_page(
    request: Request,
    who: Staff,
    queries: Queries,
    pages: Shown,
    query: Annotated[str, Query(max_length=200)] = "",
    status: OrderStatus | Literal[""] = "",
    cursor: PageCursor = None,
) -> Response:
    """Whatever a customer can say of an order leads to it; what names one order exactly opens it. Without words: the newest."""
    words = query.strip()
    found = await queries.orders(query=words or None, status=status or None, cursor=cursor, limit=PAGE_ROWS)
    if words and not status and cursor is None and len(found["items"]) == 1 and not is_piece(request):
        return RedirectResponse(f"{BASE}/orders/{found['items'][0]['order_id']}", status_code=303)
    kept = {name: value for name, value in (("query", words), ("status", str(status))) if value}
    more = f"{BASE}/search?{urlencode(kept | {'cursor': found['next']})}" if found["next"] else None
    template = "queue_rows.html" if is_piece(request) and cursor else "search.html"
    return pages.render(
        request,
        template,
        who=who,
        items=found["items"],
        more=more,
        query=words,
        wanted=str(status),
        statuses=[str(each) for each in OrderStatus],
    )


# -- one order -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Visit:
    """One request about one order, with all that answers it."""

    request: Request
    queries: Queries
    pages: Shown
    uow: Uow
    orchestrator: TheOrchestrator
    quotes: TheQuotes
    margin_s: Margin
    order_id: UUID

    async def does(self, who: Principal, deed: Callable[[], Awaitable[Answer]]) -> Response:
        """Does it and shows the order; a refusal is said on it, as it is now."""
        said, status = None, 200
        try:
            await deed()
        except (Refused, Unavailable) as refusal:
            if isinstance(refusal, NotFound):
                raise
            said, status = self.pages.refusal(self.request, refusal), refusal.status
        if said is None and not is_piece(self.request):
            return RedirectResponse(f"{BASE}/orders/{self.order_id}", status_code=303)
        return await self.shows(who, said=said, status=status)

    async def shows(self, who: Principal, *, said: Said | None = None, status: int = 200) -> Response:
        """The order as it is now; asked by htmx, without the page around it."""
        now = datetime.now(UTC)
        order = await self.queries.order(self.order_id)
        quotes = await self._quotes_of(order, who)
        costs = {
            line["line_id"]: costs_of(quote["breakdown"])
            for line in order["lines"]
            if (quote := (quotes or {}).get(line["quote_id"])) and quote["breakdown"]
        }
        history = None
        if order["customer"]:
            history = await self.queries.customer_history(order["customer"]["email"], besides=self.order_id)
        piece = is_piece(self.request)
        return self.pages.render(
            self.request,
            "order_piece.html" if piece else "order.html",
            who=who,
            o=order,
            quotes=quotes,
            costs=costs,
            margin=margin_of(costs.get(line["line_id"]) for line in order["lines"]),
            history=history,
            following=await self.queries.following(self.order_id),
            advice=advice_of(order, None, now=now),
            said=said,
            since=now.isoformat(),
            # A piece says itself what was refused; a browser would report any other status as a fault of the page.
            status=200 if piece else status,
        )

    async def story(self, who: Principal) -> Response:
        """What happened, in every service; without what could not be had just now, and it says so."""
        order = await self.queries.order(self.order_id)
        story, told = await hear_story(order, self.orchestrator, who=who)
        template = "story_piece.html" if is_piece(self.request) else "story.html"
        lines = told["order"]["lines"] if told else []
        return self.pages.render(self.request, template, who=who, o=order, story=story, work=lines)

    async def _quotes_of(self, order: dict[str, Any], who: Principal) -> dict[str, dict[str, Any]] | None:
        """None when pricing does not answer: the order is shown without its breakdown."""
        try:
            return await self.quotes.of([UUID(line["quote_id"]) for line in order["lines"]], who=who)
        except Unavailable:
            return None


AtOrder = Annotated[Visit, Depends()]
ORDER = "/orders/{order_id}"


@router.get(ORDER)
async def order_page(visit: AtOrder, who: Staff) -> Response:
    """One order: what is wanted, by whom, at what price, and what can be done with it now."""
    return await visit.shows(who)


async def file_of_order(who: Staff, queries: Queries, order_id: UUID, file_id: UUID) -> UUID:
    """The file, when a piece of this order is made from it. Raises OrderNotFound, ModelMissing."""
    order = await queries.order(order_id)
    if str(file_id) not in {line.get("file_id") for line in order["lines"]}:
        raise ModelMissing()
    return file_id


router.include_router(model_route(f"{ORDER}/models/{{file_id}}", file_of_order))


@router.get(f"{ORDER}/story")
async def story_page(visit: AtOrder, who: Staff) -> Response:
    """The order's story in every service, and what to do when it hangs."""
    return await visit.story(who)


@router.post(f"{ORDER}/approval")
async def approval_form(visit: AtOrder, who: Staff, seen_version: Annotated[int | None, Form(ge=0)] = None) -> Response:
    """Confirms the order for production."""
    command = ApproveOrder(visit.order_id, seller_of(who), seen_version=seen_version)
    return await visit.does(who, lambda: handlers.approve_order(command, visit.uow, at_risk_margin_s=visit.margin_s))


@router.post(f"{ORDER}/rejection")
async def rejection_form(
    visit: AtOrder, who: Staff, reason: Why, seen_version: Annotated[int | None, Form(ge=0)] = None
) -> Response:
    """Refuses the order; the customer reads the reason."""
    command = RejectOrder(visit.order_id, seller_of(who), reason, seen_version=seen_version)
    return await visit.does(who, lambda: handlers.reject_order(command, visit.uow, at_risk_margin_s=visit.margin_s))


@router.post(f"{ORDER}/question")
async def question_form(visit: AtOrder, who: Staff, text: Annotated[schemas.Words, Form()]) -> Response:
    """Asks the customer for a change or an answer."""
    command = AskCustomer(visit.order_id, seller_of(who), text)
    return await visit.does(who, lambda: handlers.ask_customer(command, visit.uow))


@router.post(f"{ORDER}/closure")
async def closure_form(visit: AtOrder, who: Staff, reason: Why) -> Response:
    """Closes a shipped order by hand."""
    command = CloseOrder(visit.order_id, who, reason)
    return await visit.does(who, lambda: handlers.close_order(command, visit.uow, visit.orchestrator))


@router.post(f"{ORDER}/cancellation")
async def cancellation_form(visit: AtOrder, who: Staff, reason: Why) -> Response:
    """Cancels the order, until it is shipped."""
    command = CancelOrder(visit.order_id, who, reason)
    return await visit.does(who, lambda: handlers.cancel_order(command, visit.uow, visit.orchestrator))


@router.post(f"{ORDER}/repair")
async def repair_form(visit: AtOrder, who: Staff) -> Response:
    """Tries a hanging order again."""
    command = RepairOrder(visit.order_id, who)
    return await visit.does(who, lambda: handlers.repair_order(command, visit.uow, visit.orchestrator))
