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

from system.crm.adapters.care_queries import CareQueries
from system.crm.adapters.cases import CaseQueries
from system.crm.adapters.queries import CrmQueries
from system.crm.application import escalations, handlers
from system.crm.application.commands import (
    ApproveOrder,
    AskCustomer,
    CancelOrder,
    CloseOrder,
    GiveBackOrder,
    RejectOrder,
    RepairOrder,
    TakeOrder,
)
from system.crm.application.ports import Quotes
from system.crm.domain.care import Subject
from system.crm.entrypoints import case_words, schemas
from system.crm.entrypoints.api import (
    Care,
    Cases,
    Margin,
    Queries,
    Staff,
    TheOrchestrator,
    TheShop,
    Uow,
    hear_story,
    noted_of,
    seller_of,
    whole_order,
)
from system.crm.entrypoints.care_api import administers, meet
from system.crm.entrypoints.costs import costs_of, margin_of
from system.crm.entrypoints.moments import next_morning
from system.crm.entrypoints.story import MESSAGES, SERVICES, UNREADABLE, advice_of
from system.crm.settings import CrmSettings
from system.kernel.errors import Unavailable
from system.messages.orchestrator_v1 import OrderStatus
from system.pagekit import live
from system.pagekit.languages import LANGUAGES, language_of
from system.pagekit.models import ModelMissing, model_route
from system.pagekit.pages import Pages, Said, is_piece
from system.pagekit.words import N_
from system.plumbing.auth import Principal, principal_of
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
    "order-taken": N_(
        "%(taken_by)s took this order, %(taken_at)s. Take it over from %(taken_by)s if the two of you agreed on that."
    ),
    "customer-not-found": N_("No such customer has ordered anything. Search by a name, an e-mail or a phone."),
    "note-not-found": N_("This note is not here. Read the notes again."),
    "note-already-corrected": N_("Somebody corrected this note meanwhile. See the correction below, and correct that."),
    "text-missing": N_("Write at least a word, and at most %(characters_max)s characters."),
    "colleague-unknown": N_("Nobody here has met this colleague yet. Choose another, or ask them to sign in once."),
    "reminder-not-found": N_("There is no such reminder. See those that there are."),
    "reminder-already-done": N_("This was marked as done already, %(done_at)s. Nothing is left to do."),
    "reminder-changed": N_("This was put off meanwhile, until %(due_at)s. Look at it again before you change it."),
    "reminder-not-yours": N_("This reminder is somebody else's. Ask them, or an administrator."),
    "reminder-in-the-past": N_("%(due_at)s is over. Choose a moment that is still to come."),
    "reminder-moment-missing": N_("When? Choose a day and a time."),
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
        "engraving": N_("Engraving"),
        "discount": N_("Discount for so many pieces"),
        "hallmark": N_("Hallmark"),
        "overhead": N_("Workshop"),
        "catalogue_price": N_("Catalogue price"),
        "margin": N_("Margin"),
        "tax": N_("Tax"),
    },
    "escalation": {"sellers": N_("waits too long"), "administrators": N_("waits far too long")},
    "decision": {"approved": N_("approved"), "rejected": N_("rejected")},
    "stage": {
        "WAITING": N_("waits for an operator"),
        "CLAIMED": N_("being made"),
        "COMPLETED": N_("made"),
        "PACKING": N_("being packed"),
        "SHIPPED": N_("handed to the carrier"),
    },
}


async def arrive(request: Request, kept: Care, cases: Cases) -> None:
    """Whoever opens a page is met as a colleague, and its header tells how many reminders are due for them, and how many customers
    wait for a word on a return or a complaint."""
    if "text/html" not in request.headers.get("accept", "") or is_piece(request):
        return
    who = await principal_of(request)
    if who.has("seller", "administrator"):
        await meet(request, who)
        due = await kept.count_due(who.subject, administers=administers(who))
        request.state.badges = {f"{BASE}/reminders": due, f"{BASE}/cases": await cases.count()}


router = APIRouter(prefix=BASE, dependencies=[Depends(arrive)])


def pages_of(settings: CrmSettings) -> Pages:
    """CRM's pages."""
    problems, names = PROBLEMS | case_words.PROBLEMS, NAMES | case_words.NAMES
    return Pages(BASE, Path(__file__).parent, settings, problems=problems, names=names)


def watch_of(queries: CrmQueries, kept: CareQueries, cases: CaseQueries, pages: Pages) -> live.Watch:
    """What every open page of this process is told from: orders, returns and complaints that changed, and reminders that changed or
    came due."""

    async def find(since: datetime) -> Sequence[live.Found]:
        orders = await queries.changed_since(since, limit=CAUGHT_UP_MAX + 1)
        reminders = await kept.stirred_since(since, limit=CAUGHT_UP_MAX + 1)
        stirred = await cases.changed_since(since, limit=CAUGHT_UP_MAX + 1)
        if max(len(orders), len(reminders), len(stirred)) > CAUGHT_UP_MAX:
            raise live.TooMuch
        found: list[live.Found] = [(("order", *each), each[1]) for each in orders]
        found += [(("reminder", *each), each[1]) for each in reminders]
        found += [(("case", *each), each[1]) for each in stirred]
        return sorted(found, key=lambda one: one[1])

    async def load(found: Sequence[live.Found]) -> Sequence[live.Change]:
        named = [cast(tuple[str, UUID, datetime], version) for version, _ in found]
        order_ids = [each for kind, each, _ in named if kind == "order"]
        reminders = [(each, at) for kind, each, at in named if kind == "reminder"]
        changes = [_change(pages, at, order) for at, order in await queries.summaries(order_ids)] if order_ids else []
        if reminders:
            whose = await kept.whose([each for each, _ in reminders])
            changes += [_stir(each, at, whose[each]) for each, at in reminders if each in whose]
        if stirred := [(each, at) for kind, each, at in named if kind == "case"]:
            about = await cases.whose([each for each, _ in stirred])
            changes += [_case(each, at, about[each]) for each, at in stirred if each in about]
        return changes

    return live.Watch(find, load, now=lambda: datetime.now(UTC))


def _stir(reminder_id: UUID, at: datetime, for_id: UUID | None) -> live.Change:
    # Everybody hears it, so it says whose it is and not what it says.
    told = orjson.dumps({"reminder_id": str(reminder_id), "for_id": str(for_id) if for_id else None}).decode()
    return live.Change(("reminder", reminder_id, at), at, "reminder", dict.fromkeys(LANGUAGES, told))


def _case(case_id: UUID, at: datetime, order_id: UUID) -> live.Change:
    told = orjson.dumps({"case_id": str(case_id), "order_id": str(order_id)}).decode()
    return live.Change(("case", case_id, at), at, "case", dict.fromkeys(LANGUAGES, told))


def _change(pages: Pages, at: datetime, order: dict[str, Any]) -> live.Change:
    about = {
        "order_id": order["order_id"],
        "number": order["number"],
        "status": order["status"],
        "waits": waits(order),
        "decided_by": order["decision"]["seller_name"] if order["decision"] else None,
        "due_at": order["due_at"],
        "escalated": order["escalation"]["level"] if order["escalation"] else None,
        "taken_by": order["taken_by"]["seller_name"] if order["taken_by"] else None,
    }
    words = {
        language: orjson.dumps(about | {"row": pages.fragment(language, "queue_row.html", o=order)}).decode()
        for language in LANGUAGES
    }
    return live.Change(("order", UUID(order["order_id"]), at), at, "order", words)


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
    kept: Care,
    cases: Cases,
    pages: Shown,
    margin_s: Margin,
    due: Literal["", "at_risk", "overdue"] = "",
    cursor: PageCursor = None,
) -> Response:
    """Orders that wait for a decision, the nearest deadline first, below what the seller wanted to be reminded of; asked by htmx
    with a cursor: the next rows only."""
    now = datetime.now(UTC)
    within_s = {"": None, "at_risk": margin_s, "overdue": 0}[due]
    found = await queries.approvals(due_within_s=within_s, cursor=cursor, limit=PAGE_ROWS)
    filters = {"due": due} if due else {}
    more = f"{BASE}/?{urlencode(filters | {'cursor': found['next']})}" if found["next"] else None
    shown = {"items": found["items"], "more": more, "who": who}
    if is_piece(request) and cursor:
        return pages.render(request, "queue_rows.html", **shown)
    return pages.render(
        request,
        "queue.html",
        counts=await queries.counts(),
        reminded=await kept.due(who.subject, administers=administers(who)),
        waiting=await cases.waiting(),
        due=due,
        since=now.isoformat(),
        margin_s=margin_s,
        **shown,
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
    shop: TheShop
    quotes: TheQuotes
    kept: Care
    cases: Cases
    margin_s: Margin
    order_id: UUID

    async def does(self, who: Principal, deed: Callable[[], Awaitable[Answer]]) -> Response:
        """Does it and shows the order; a refusal is said on it, as it is now."""
        said, status = await self.pages.attempt(self.request, deed)
        if said is None and not is_piece(self.request):
            return RedirectResponse(f"{BASE}/orders/{self.order_id}", status_code=303)
        return await self.shows(who, said=said, status=status)

    async def shows(self, who: Principal, *, said: Said | None = None, status: int = 200) -> Response:
        """The order as it is now; asked by htmx, without the page around it."""
        now = datetime.now(UTC)
        order = await whole_order(self.queries, self.cases, self.order_id)
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
            return_address=self.cases.terms.return_address,
            following=await self.queries.following(self.order_id),
            advice=advice_of(order, None, now=now),
            said=said,
            since=now.isoformat(),
            # Beside the order and not in it: what is done with the order leaves alone what somebody writes there.
            **({} if piece else await care_of(self.kept, self.pages, Subject(order_id=self.order_id))),
            # A piece says itself what was refused; a browser would report any other status as a fault of the page.
            status=200 if piece else status,
        )

    async def story(self, who: Principal) -> Response:
        """What happened, in every service; without what could not be had just now, and it says so."""
        order = await whole_order(self.queries, self.cases, self.order_id)
        notes = await noted_of(order, self.kept)
        story, told = await hear_story(order, self.orchestrator, self.shop, who=who, notes=notes)
        template = "story_piece.html" if is_piece(self.request) else "story.html"
        lines = told["order"]["lines"] if told else []
        return self.pages.render(self.request, template, who=who, o=order, story=story, work=lines)

    async def _quotes_of(self, order: dict[str, Any], who: Principal) -> dict[str, dict[str, Any]] | None:
        """None when pricing does not answer: the order is shown without its breakdown."""
        try:
            return await self.quotes.of([UUID(line["quote_id"]) for line in order["lines"]], who=who)
        except Unavailable:
            return None


async def care_of(kept: CareQueries, pages: Pages, about: Subject) -> dict[str, Any]:
    """What sellers keep in mind about an order or a customer, and what the forms for more of it need."""
    place = f"orders/{about.order_id}" if about.order_id else f"customers/{about.customer_id}"
    return {
        "about": f"{BASE}/{place}",
        "notes": await kept.notes(about),
        "reminders": await kept.open_about(about),
        "colleagues": await kept.colleagues(),
        "morning": next_morning(datetime.now(UTC), pages.zone),
        "typed": {},
        "care_said": None,
    }


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


@router.post(f"{ORDER}/taking")
async def taking_form(visit: AtOrder, who: Staff, instead_of: Annotated[UUID | None, Form()] = None) -> Response:
    """The seller looks after the order from now on."""
    command = TakeOrder(visit.order_id, seller_of(who), instead_of=instead_of)
    return await visit.does(who, lambda: escalations.take_order(command, visit.uow, at_risk_margin_s=visit.margin_s))


@router.post(f"{ORDER}/giving-back")
async def giving_back_form(visit: AtOrder, who: Staff) -> Response:
    """Nobody looks after the order any more: the next seller takes it."""
    command = GiveBackOrder(visit.order_id, seller_of(who), administers(who))
    return await visit.does(
        who, lambda: escalations.give_back_order(command, visit.uow, at_risk_margin_s=visit.margin_s)
    )


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
