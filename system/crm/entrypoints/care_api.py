"""CRM over HTTP: customers, notes, reminders, and who looks after an order that waits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from system.crm.adapters.care_queries import CareQueries, Which
from system.crm.adapters.customers import CustomerQueries
from system.crm.application import care, escalations
from system.crm.application.commands import (
    FinishReminder,
    GiveBackOrder,
    PutOffReminder,
    SetReminder,
    TakeOrder,
    WriteNote,
)
from system.crm.domain.care import ADMINISTRATORS, Subject
from system.crm.entrypoints import care_schemas, schemas
from system.crm.entrypoints.api import Care, Key, Limit, Margin, PageCursor, Queries, Staff, Uow, seller_of
from system.plumbing.auth import Principal, require
from system.plumbing.sparing import Seldom
from system.plumbing.web import to_response

router = APIRouter()
# Who looks in is remembered, and not written down again for so long by this process.
MEETING_EVERY_S = 600


def _customers(request: Request) -> CustomerQueries:
    return cast(CustomerQueries, request.app.state.customers)


Administrator = Annotated[Principal, require(ADMINISTRATORS)]
Customers = Annotated[CustomerQueries, Depends(_customers)]
Asked = Annotated[
    str | None, Query(min_length=1, max_length=200, description="an e-mail, a phone, or words: a name, a city")
]


def administers(who: Principal) -> bool:
    """Whether they are one of the administrators."""
    return who.has(ADMINISTRATORS)


async def meet(request: Request, who: Principal) -> None:
    """Remembers whoever looks after orders, so that colleagues can remind them; one write in MEETING_EVERY_S and process."""
    met: Seldom = request.app.state.met
    if who.has("seller", ADMINISTRATORS) and met.is_due(who.subject):
        await care.meet_colleague(seller_of(who), request.app.state.make_uow())


# -- orders that wait too long ---------------------------------------------------------------------------------------------


@router.get("/escalations", response_model=schemas.OrderPage)
async def escalated(who: Administrator, queries: Queries, cursor: PageCursor = None, limit: Limit = 50) -> Response:
    """Orders that wait for a seller so long that the administrators are told, the most overdue first; `taken_by`: who looks after
    each."""
    return _json(await queries.escalated(cursor=cursor, limit=limit))


@router.post("/orders/{order_id}/taking", response_model=schemas.DecidedOrder)
async def taking(
    who: Staff, uow: Uow, key: Key, margin_s: Margin, order_id: UUID, body: care_schemas.TakingBody
) -> Response:
    """The caller looks after the order from now on, and the others see it. 409 names who has it, unless it is `instead_of`."""
    command = TakeOrder(order_id, seller_of(who), key, body.instead_of)
    return to_response(await escalations.take_order(command, uow, at_risk_margin_s=margin_s))


@router.post("/orders/{order_id}/giving-back", response_model=schemas.DecidedOrder)
async def giving_back(who: Staff, uow: Uow, key: Key, margin_s: Margin, order_id: UUID) -> Response:
    """The order is anybody's again. Whoever has it gives it back, or an administrator for them; 409 names who has it."""
    command = GiveBackOrder(order_id, seller_of(who), administers(who), key)
    return to_response(await escalations.give_back_order(command, uow, at_risk_margin_s=margin_s))


# -- notes -----------------------------------------------------------------------------------------------------------------


@router.get("/orders/{order_id}/notes", response_model=care_schemas.NotesView)
async def notes_of_order(who: Staff, queries: Queries, notes: Care, order_id: UUID) -> Response:
    """What sellers noted about the order, the newest first. Its customer never reads it."""
    await queries.order(order_id)
    return _json({"items": await notes.notes(Subject(order_id=order_id))})


@router.post("/orders/{order_id}/notes", status_code=201, response_model=care_schemas.NoteView)
async def note_order(who: Staff, uow: Uow, key: Key, order_id: UUID, body: care_schemas.NoteBody) -> Response:
    """Notes something about the order, for sellers only. Nothing of it can be changed; a correction is another note."""
    command = WriteNote(Subject(order_id=order_id), seller_of(who), body.text, key, body.corrects)
    return to_response(await care.write_note(command, uow))


@router.get("/customers/{customer_id}/notes", response_model=care_schemas.NotesView)
async def notes_of_customer(who: Staff, customers: Customers, notes: Care, customer_id: UUID) -> Response:
    """What sellers noted about the customer and all their orders, the newest first."""
    await customers.orders(customer_id, cursor=None, limit=1)
    return _json({"items": await notes.notes(Subject(customer_id=customer_id))})


@router.post("/customers/{customer_id}/notes", status_code=201, response_model=care_schemas.NoteView)
async def note_customer(who: Staff, uow: Uow, key: Key, customer_id: UUID, body: care_schemas.NoteBody) -> Response:
    """Notes something about the customer, for sellers only."""
    command = WriteNote(Subject(customer_id=customer_id), seller_of(who), body.text, key, body.corrects)
    return to_response(await care.write_note(command, uow))


# -- reminders -------------------------------------------------------------------------------------------------------------


@router.get("/reminders", response_model=care_schemas.RemindersView)
async def reminders(
    request: Request, who: Staff, kept: Care, which: Which = "due", cursor: PageCursor = None, limit: Limit = 50
) -> Response:
    """The caller's reminders that are due now, come later or are done; or those `given` to colleagues and not done."""
    await meet(request, who)
    return _json(await kept.reminders(which, who=who.subject, administers=administers(who), cursor=cursor, limit=limit))


@router.get("/colleagues", response_model=care_schemas.ColleaguesView)
async def colleagues(request: Request, who: Staff, kept: Care) -> Response:
    """Who can be reminded of something: whoever looked in once."""
    await meet(request, who)
    return _json({"items": await kept.colleagues()})


@router.get("/orders/{order_id}/reminders", response_model=care_schemas.OpenRemindersView)
async def reminders_of_order(who: Staff, queries: Queries, kept: Care, order_id: UUID) -> Response:
    """The reminders about the order that are not done, whoever they are for."""
    await queries.order(order_id)
    return _json({"items": await kept.open_about(Subject(order_id=order_id))})


@router.post("/orders/{order_id}/reminders", status_code=201, response_model=care_schemas.ReminderView)
async def remind_of_order(who: Staff, uow: Uow, key: Key, order_id: UUID, body: care_schemas.ReminderBody) -> Response:
    """Reminds the caller, or a colleague, of something about the order."""
    return await _remind(Subject(order_id=order_id), who, body, uow, key)


@router.post("/customers/{customer_id}/reminders", status_code=201, response_model=care_schemas.ReminderView)
async def remind_of_customer(
    who: Staff, uow: Uow, key: Key, customer_id: UUID, body: care_schemas.ReminderBody
) -> Response:
    """Reminds the caller, or a colleague, of something about the customer."""
    return await _remind(Subject(customer_id=customer_id), who, body, uow, key)


@router.post("/reminders/{reminder_id}/completion", response_model=care_schemas.ReminderView)
async def completion(who: Staff, uow: Uow, key: Key, reminder_id: UUID) -> Response:
    """It is done. The first one counts; 409 names who did it before."""
    command = FinishReminder(reminder_id, seller_of(who), administers(who), key)
    return to_response(await care.finish_reminder(command, uow))


@router.post("/reminders/{reminder_id}/delay", response_model=care_schemas.ReminderView)
async def delay(who: Staff, uow: Uow, key: Key, reminder_id: UUID, body: care_schemas.PutOffBody) -> Response:
    """It comes due later. 412 when it was put off since `seen_version`."""
    until: datetime = body.due_at
    command = PutOffReminder(reminder_id, seller_of(who), administers(who), until, key, body.seen_version)
    return to_response(await care.put_off_reminder(command, uow))


async def _remind(about: Subject, who: Principal, body: care_schemas.ReminderBody, uow: Uow, key: Key) -> Response:
    command = SetReminder(about, seller_of(who), body.text, body.due_at, key, body.for_id)
    return to_response(await care.set_reminder(command, uow))


# -- customers -------------------------------------------------------------------------------------------------------------


@router.get("/customers", response_model=care_schemas.CustomersPage)
async def customer_list(
    who: Staff, customers: Customers, query: Asked = None, cursor: PageCursor = None, limit: Limit = 50
) -> Response:
    """Customers, whoever ordered last first: all, or those whom the query names."""
    words = query.strip() if query else None
    return _json(await customers.customers(query=words or None, cursor=cursor, limit=limit))


@router.get("/customers/{customer_id}", response_model=care_schemas.CustomerDetails)
async def customer(who: Staff, customers: Customers, kept: Care, customer_id: UUID) -> Response:
    """Who they are, what they ordered in all, what is open now, letters, notes and reminders."""
    return _json(await whole_customer(customers, kept, customer_id))


@router.get("/customers/{customer_id}/orders", response_model=schemas.OrderPage)
async def orders_of_customer(
    who: Staff, customers: Customers, customer_id: UUID, cursor: PageCursor = None, limit: Limit = 50
) -> Response:
    """All orders of a customer, the newest first."""
    return _json(await customers.orders(customer_id, cursor=cursor, limit=limit))


async def whole_customer(customers: CustomerQueries, kept: CareQueries, customer_id: UUID) -> dict[str, Any]:
    """A customer with what sellers keep in mind about them. Raises CustomerNotFound."""
    about = Subject(customer_id=customer_id)
    found = await customers.customer(customer_id)
    return found | {"notes": await kept.notes(about), "reminders": await kept.open_about(about)}


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
