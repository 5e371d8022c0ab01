"""Pages of what sellers keep in mind: notes and reminders on an order or a customer, one's own reminders, customers, and the
administrators' list of what waits too long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from system.crm.adapters.care_queries import Which
from system.crm.application import care
from system.crm.application.commands import FinishReminder, PutOffReminder, SetReminder, WriteNote
from system.crm.domain.care import Subject
from system.crm.domain.errors import CustomerNotFound, OrderNotFound, ReminderNotFound
from system.crm.entrypoints.api import Care, Queries, Staff, Uow, seller_of
from system.crm.entrypoints.care_api import Administrator, Customers, administers, whole_customer
from system.crm.entrypoints.moments import Until, chosen, put_off_until
from system.crm.entrypoints.pages import BASE, PAGE_ROWS, PageCursor, Shown, arrive, care_of
from system.kernel.errors import Invalid
from system.pagekit.pages import Said, is_piece, local_path
from system.plumbing.auth import Principal
from system.plumbing.unit_of_work import Answer

NOTE_CHARACTERS_MAX = 2000
REMINDER_CHARACTERS_MAX = 500
TABS: tuple[Which, ...] = ("due", "later", "given", "done")

router = APIRouter(prefix=BASE, dependencies=[Depends(arrive)])


# -- notes and reminders on an order or a customer -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """One request about what is kept in mind of an order or a customer, with all that answers it."""

    request: Request
    pages: Shown
    kept: Care
    uow: Uow

    async def does(
        self, who: Principal, about: Subject, deed: Callable[[], Awaitable[Answer]], *, typed: dict[str, Any]
    ) -> Response:
        """Does it and shows what is kept in mind now; a refusal is said there, and what was typed stands there still."""
        said, status = await self.pages.attempt(self.request, deed, missing=(OrderNotFound, CustomerNotFound))
        shown = await care_of(self.kept, self.pages, about)
        if said is None and not is_piece(self.request):
            return RedirectResponse(f"{shown['about']}#care", status_code=303)
        shown |= {"care_said": said, "typed": typed if said else {}}
        if is_piece(self.request):
            # A piece says itself what was refused; a browser would report any other status as a fault of the page.
            return self.pages.render(self.request, "care_piece.html", who=who, **shown)
        return self.pages.render(self.request, "care.html", who=who, status=status, **shown)


AtPlace = Annotated[Place, Depends()]
Typed = Annotated[str, Form(max_length=10_000)]
Moment = Annotated[str, Form(max_length=40)]


def words(text: str, *, characters_max: int) -> str:
    """What somebody wrote. Raises Invalid, so that the page says it and keeps it, when that is nothing or too much."""
    written = text.strip()
    if not 0 < len(written) <= characters_max:
        raise Invalid("text-missing", "Write at least a word.", characters_max=characters_max)
    return written


async def _note(place: Place, who: Principal, about: Subject, text: str, corrects: UUID | None) -> Response:
    async def write() -> Answer:
        written = words(text, characters_max=NOTE_CHARACTERS_MAX)
        return await care.write_note(WriteNote(about, seller_of(who), written, corrects=corrects), place.uow)

    return await place.does(who, about, write, typed={"note": text} if corrects is None else {str(corrects): text})


async def _remind(place: Place, who: Principal, about: Subject, text: str, at: str, for_id: UUID | None) -> Response:
    async def remind() -> Answer:
        written = words(text, characters_max=REMINDER_CHARACTERS_MAX)
        due_at = chosen(at, zone=place.pages.zone)
        return await care.set_reminder(SetReminder(about, seller_of(who), written, due_at, for_id=for_id), place.uow)

    return await place.does(who, about, remind, typed={"reminder": text, "at": at, "for_id": str(for_id or "")})


@router.post("/orders/{order_id}/notes")
async def note_order_form(
    place: AtPlace, who: Staff, order_id: UUID, text: Typed = "", corrects: Annotated[UUID | None, Form()] = None
) -> Response:
    """Notes something about the order."""
    return await _note(place, who, Subject(order_id=order_id), text, corrects)


@router.post("/customers/{customer_id}/notes")
async def note_customer_form(
    place: AtPlace, who: Staff, customer_id: UUID, text: Typed = "", corrects: Annotated[UUID | None, Form()] = None
) -> Response:
    """Notes something about the customer."""
    return await _note(place, who, Subject(customer_id=customer_id), text, corrects)


@router.post("/orders/{order_id}/reminders")
async def remind_of_order_form(
    place: AtPlace,
    who: Staff,
    order_id: UUID,
    text: Typed = "",
    at: Moment = "",
    for_id: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Reminds oneself or a colleague of something about the order."""
    return await _remind(place, who, Subject(order_id=order_id), text, at, for_id)


@router.post("/customers/{customer_id}/reminders")
async def remind_of_customer_form(
    place: AtPlace,
    who: Staff,
    customer_id: UUID,
    text: Typed = "",
    at: Moment = "",
    for_id: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Reminds oneself or a colleague of something about the customer."""
    return await _remind(place, who, Subject(customer_id=customer_id), text, at, for_id)


# -- one's own reminders ---------------------------------------------------------------------------------------------------


@router.get("/reminders")
async def reminders_page(
    request: Request, who: Staff, kept: Care, pages: Shown, which: Which = "due", cursor: PageCursor = None
) -> Response:
    """What is due now, comes later or is done, and what was given to colleagues; asked by htmx: the list or its next rows only."""
    return await _reminders(request, who, kept, pages, which=which, cursor=cursor)


@router.get("/reminders/due")
async def due_piece(request: Request, who: Staff, kept: Care, pages: Shown) -> Response:
    """What stands above the queue, for a page that heard of a change."""
    due = await kept.due(who.subject, administers=administers(who))
    return pages.render(request, "due.html", who=who, reminded=due)


@router.get("/reminders/count")
async def due_count(who: Staff, kept: Care) -> Response:
    """The number in the header, for a page that heard of a change."""
    return PlainTextResponse(
        str(await kept.count_due(who.subject, administers=administers(who))), headers={"Cache-Control": "no-store"}
    )


@router.post("/reminders/{reminder_id}/completion")
async def completion_form(
    request: Request, who: Staff, kept: Care, pages: Shown, uow: Uow, reminder_id: UUID
) -> Response:
    """It is done."""
    command = FinishReminder(reminder_id, seller_of(who), administers(who))
    return await _changes(request, who, kept, pages, reminder_id, lambda: care.finish_reminder(command, uow))


@router.post("/reminders/{reminder_id}/delay")
async def delay_form(
    request: Request,
    who: Staff,
    kept: Care,
    pages: Shown,
    uow: Uow,
    reminder_id: UUID,
    until: Annotated[Until, Form()],
    at: Moment = "",
    seen_version: Annotated[int | None, Form(ge=0)] = None,
) -> Response:
    """It comes due later."""

    async def put_off() -> Answer:
        moment = put_off_until(until, at, now=datetime.now(UTC), zone=pages.zone)
        command = PutOffReminder(reminder_id, seller_of(who), administers(who), moment, seen_version=seen_version)
        return await care.put_off_reminder(command, uow)

    return await _changes(request, who, kept, pages, reminder_id, put_off)


async def _changes(
    request: Request, who: Principal, kept: Care, pages: Shown, reminder_id: UUID, deed: Callable[[], Awaitable[Answer]]
) -> Response:
    """Does it and shows the reminder as it is now; without a script, the page on which it stood."""
    said, status = await pages.attempt(request, deed, missing=ReminderNotFound)
    if is_piece(request):
        return pages.render(request, "reminder.html", who=who, r=await kept.reminder(reminder_id), said=said)
    if said is None:
        stood = local_path(urlsplit(request.headers.get("referer", "")))
        return RedirectResponse(stood if stood.startswith(f"{BASE}/") else f"{BASE}/reminders", status_code=303)
    return await _reminders(request, who, kept, pages, said=said, status=status)


async def _reminders(
    request: Request,
    who: Principal,
    kept: Care,
    pages: Shown,
    *,
    which: Which = "due",
    cursor: str | None = None,
    said: Said | None = None,
    status: int = 200,
) -> Response:
    found = await kept.reminders(which, who=who.subject, administers=administers(who), cursor=cursor, limit=PAGE_ROWS)
    more = f"{BASE}/reminders?{urlencode({'which': which, 'cursor': found['next']})}" if found["next"] else None
    template = "reminders.html"
    if is_piece(request):
        template = "reminder_rows.html" if cursor else "reminder_list.html"
    return pages.render(
        request,
        template,
        who=who,
        status=status,
        items=found["items"],
        more=more,
        which=which,
        tabs=TABS,
        said=said,
    )


# -- customers -------------------------------------------------------------------------------------------------------------


@router.get("/customers")
async def customers_page(
    request: Request,
    who: Staff,
    customers: Customers,
    pages: Shown,
    query: Annotated[str, Query(max_length=200)] = "",
    cursor: PageCursor = None,
) -> Response:
    """Customers, whoever ordered last first, or those whom a name, an e-mail or a phone leads to."""
    asked = query.strip()
    found = await customers.customers(query=asked or None, cursor=cursor, limit=PAGE_ROWS)
    kept = {"query": asked} if asked else {}
    more = f"{BASE}/customers?{urlencode(kept | {'cursor': found['next']})}" if found["next"] else None
    template = "customer_rows.html" if is_piece(request) and cursor else "customers.html"
    return pages.render(request, template, who=who, customers=found["items"], more=more, query=asked)


@router.get("/customers/{customer_id}")
async def customer_page(
    request: Request,
    who: Staff,
    customers: Customers,
    kept: Care,
    pages: Shown,
    customer_id: UUID,
    cursor: PageCursor = None,
) -> Response:
    """One customer: who they are, all their orders, what is open now, letters, notes and reminders; asked by htmx with a cursor: the
    next orders only."""
    found = await customers.orders(customer_id, cursor=cursor, limit=PAGE_ROWS)
    address = f"{BASE}/customers/{customer_id}"
    more = f"{address}?{urlencode({'cursor': found['next']})}" if found["next"] else None
    if is_piece(request) and cursor:
        return pages.render(request, "queue_rows.html", who=who, items=found["items"], more=more)
    return pages.render(
        request,
        "customer.html",
        who=who,
        c=await whole_customer(customers, kept, customer_id),
        items=found["items"],
        more=more,
        is_first=cursor is None,
        **await care_of(kept, pages, Subject(customer_id=customer_id)),
    )


# -- orders that wait too long ---------------------------------------------------------------------------------------------


@router.get("/escalations")
async def escalations_page(
    request: Request, who: Administrator, queries: Queries, pages: Shown, cursor: PageCursor = None
) -> Response:
    """Orders that wait for a seller so long that the administrators are told, and who took each; asked by htmx: the rows only."""
    found = await queries.escalated(cursor=cursor, limit=PAGE_ROWS)
    more = f"{BASE}/escalations?{urlencode({'cursor': found['next']})}" if found["next"] else None
    template = "queue_rows.html" if is_piece(request) else "escalations.html"
    return pages.render(
        request, template, who=who, items=found["items"], more=more, since=datetime.now(UTC).isoformat()
    )
