"""Reads of notes, reminders and colleagues: straight from the tables to JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.crm.adapters import tables
from system.crm.adapters.queries import moment_and_id
from system.crm.adapters.repositories import customer_key
from system.crm.adapters.rows import note_from, reminder_from
from system.crm.application.views import note_view, reminder_view
from system.crm.domain.care import Subject
from system.crm.domain.errors import ReminderNotFound
from system.plumbing.web import Cursor

NOTES_MAX = 100
DUE_SHOWN_MAX = 20
COUNTED_MAX = 100
COLLEAGUES_MAX = 1000

Which = Literal["due", "later", "done", "given"]
_note, _reminder, _order = tables.note, tables.reminder, tables.sales_order


def notes_statement(about: Subject, *, limit: int) -> Select[Any]:
    """The notes about an order, or about a customer and all their orders; the newest first."""
    statement = select(_note).order_by(_note.c.at.desc(), _note.c.note_id.desc()).limit(limit)
    if about.customer_id is None:
        return statement.where(_note.c.order_id == about.order_id)
    # One branch per index, as the search of orders has it.
    of_customer = select(_note.c.note_id).where(_note.c.customer_id == about.customer_id)
    of_orders = select(_note.c.note_id).where(_note.c.order_id.in_(_orders_of(about.customer_id)))
    return statement.where(_note.c.note_id.in_(union_all(of_customer, of_orders)))


def open_statement(about: Subject, *, limit: int) -> Select[Any]:
    """The reminders about an order, or about a customer and all their orders, that are not done; the first due one first."""
    statement = select(_reminder).where(_reminder.c.done_at.is_(None)).order_by(_reminder.c.due_at).limit(limit)
    if about.customer_id is None:
        return statement.where(_reminder.c.order_id == about.order_id)
    is_open = _reminder.c.done_at.is_(None)
    of_customer = select(_reminder.c.reminder_id).where(_reminder.c.customer_id == about.customer_id, is_open)
    of_orders = select(_reminder.c.reminder_id).where(_reminder.c.order_id.in_(_orders_of(about.customer_id)), is_open)
    return statement.where(_reminder.c.reminder_id.in_(union_all(of_customer, of_orders)))


def _orders_of(customer_id: UUID) -> Select[Any]:
    return select(_order.c.order_id).where(customer_key() == str(customer_id))


def reminders_statement(
    which: Which, *, who: UUID, administers: bool, now: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> Select[Any]:
    """Somebody's reminders: due now, later or done; or those that they gave to colleagues and that are not done."""
    moment = _reminder.c.done_at if which == "done" else _reminder.c.due_at
    statement = select(_reminder).where(_for(who, administers=administers))
    if which == "given":
        statement = select(_reminder).where(_reminder.c.made_by == who, _reminder.c.for_id != who)
    statement = statement.where(_reminder.c.done_at.is_(None) if which != "done" else _reminder.c.done_at.is_not(None))
    if which == "due":
        statement = statement.where(_reminder.c.due_at <= now)
    elif which == "later":
        statement = statement.where(_reminder.c.due_at > now)
    place = tuple_(moment, _reminder.c.reminder_id)
    if which == "done":
        if after is not None:
            statement = statement.where(place < tuple_(*after))
        return statement.order_by(moment.desc(), _reminder.c.reminder_id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(place > tuple_(*after))
    return statement.order_by(moment, _reminder.c.reminder_id).limit(limit)


def _for(who: UUID, *, administers: bool) -> ColumnElement[bool]:
    mine = _reminder.c.for_id == who
    return or_(mine, _reminder.c.for_id.is_(None)) if administers else mine


class CareQueries:
    """What sellers ask about what they keep in mind."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def notes(self, about: Subject) -> list[dict[str, Any]]:
        """The newest notes about an order, or about a customer and their orders. `corrected`: another note corrects it."""
        async with self._engine.connect() as connection:
            return await self._notes(connection, about)

    async def notes_of_story(self, order_id: UUID, customer_id: UUID | None) -> list[dict[str, Any]]:
        """The newest notes about an order, and those about whoever ordered it; none about their other orders."""
        statements = [notes_statement(Subject(order_id=order_id), limit=NOTES_MAX)]
        if customer_id is not None:
            of_customer = select(_note).where(_note.c.customer_id == customer_id).order_by(_note.c.at.desc())
            statements.append(of_customer.limit(NOTES_MAX))
        async with self._engine.connect() as connection:
            rows = [row for each in statements for row in (await connection.execute(each)).mappings()]
        corrected = {row["corrects"] for row in rows}
        return [note_view(note_from(row)) | {"corrected": row["note_id"] in corrected} for row in rows]

    async def reminders(
        self, which: Which, *, who: UUID, administers: bool, cursor: str | None, limit: int
    ) -> dict[str, Any]:
        """One page of somebody's reminders, each with what it is about: an order's number, a customer's name."""
        now = datetime.now(UTC)
        statement = reminders_statement(
            which, who=who, administers=administers, now=now, after=moment_and_id(cursor), limit=limit + 1
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            items = await self._shown(connection, rows[:limit], now=now)
        last = rows[limit - 1] if len(rows) > limit else None
        key = "done_at" if which == "done" else "due_at"
        return {"items": items, "next": Cursor.encode(last[key].isoformat(), last["reminder_id"]) if last else None}

    async def reminder(self, reminder_id: UUID) -> dict[str, Any]:
        """One reminder as a line of a list. Raises ReminderNotFound."""
        statement = select(_reminder).where(_reminder.c.reminder_id == reminder_id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            if not rows:
                raise ReminderNotFound(str(reminder_id))
            return (await self._shown(connection, rows, now=datetime.now(UTC)))[0]

    async def open_about(self, about: Subject) -> list[dict[str, Any]]:
        """The reminders about an order, or about a customer and their orders, that are not done; the first due one first."""
        async with self._engine.connect() as connection:
            found = await connection.execute(open_statement(about, limit=NOTES_MAX))
            return await self._shown(connection, found.mappings().all(), now=datetime.now(UTC))

    async def due(self, who: UUID, *, administers: bool) -> dict[str, Any]:
        """How many reminders are due for somebody (`count`, up to COUNTED_MAX), and the first few of them as `items`."""
        now = datetime.now(UTC)
        statement = reminders_statement("due", who=who, administers=administers, now=now, after=None, limit=COUNTED_MAX)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
            items = await self._shown(connection, rows[:DUE_SHOWN_MAX], now=now)
        return {"count": len(rows), "items": items}

    async def count_due(self, who: UUID, *, administers: bool) -> int:
        """The `count` alone: what a page's header shows."""
        due = reminders_statement(
            "due", who=who, administers=administers, now=datetime.now(UTC), after=None, limit=COUNTED_MAX
        )
        async with self._engine.connect() as connection:
            return int((await connection.execute(select(func.count()).select_from(due.subquery()))).scalar_one())

    async def colleagues(self) -> list[dict[str, Any]]:
        """Whom CRM has met, by name."""
        statement = select(tables.colleague).order_by(tables.colleague.c.name, tables.colleague.c.id)
        async with self._engine.connect() as connection:
            found = await connection.execute(statement.limit(COLLEAGUES_MAX))
            return [{"id": str(row.id), "name": row.name} for row in found]

    async def stirred_since(self, since: datetime, *, limit: int) -> Sequence[tuple[UUID, datetime]]:
        """Reminders that were made or changed, or came due, after `since`, and when; the oldest first."""
        changed = select(_reminder.c.reminder_id, _reminder.c.changed_at.label("at")).where(
            _reminder.c.changed_at > since
        )
        came_due = select(_reminder.c.reminder_id, _reminder.c.due_at.label("at")).where(
            and_(
                _reminder.c.done_at.is_(None), _reminder.c.due_at > since, _reminder.c.due_at <= func.clock_timestamp()
            )
        )
        both = union_all(changed, came_due).subquery()
        async with self._engine.connect() as connection:
            found = await connection.execute(select(both).order_by(both.c.at).limit(limit))
            return [(row.reminder_id, row.at) for row in found]

    async def whose(self, reminder_ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
        """For whom these reminders are; None: for the administrators."""
        statement = select(_reminder.c.reminder_id, _reminder.c.for_id).where(
            _reminder.c.reminder_id == func.any(list(reminder_ids))
        )
        async with self._engine.connect() as connection:
            return {row.reminder_id: row.for_id for row in await connection.execute(statement)}

    async def _notes(self, connection: AsyncConnection, about: Subject) -> list[dict[str, Any]]:
        rows = (await connection.execute(notes_statement(about, limit=NOTES_MAX))).mappings().all()
        # A correction is younger than what it corrects, so it is among these when that is.
        corrected = {row["corrects"] for row in rows}
        numbers = await _numbers(connection, {row["order_id"] for row in rows})
        return [
            note_view(note_from(row))
            | {"corrected": row["note_id"] in corrected, "order_number": numbers.get(row["order_id"])}
            for row in rows
        ]

    async def _shown(self, connection: AsyncConnection, rows: Sequence[Any], *, now: datetime) -> list[dict[str, Any]]:
        numbers = await _numbers(connection, {row["order_id"] for row in rows})
        names = await _names(connection, {row["customer_id"] for row in rows})
        return [
            reminder_view(reminder_from(row), now=now)
            | {"order_number": numbers.get(row["order_id"]), "customer_name": names.get(row["customer_id"])}
            for row in rows
        ]


async def _numbers(connection: AsyncConnection, order_ids: set[UUID | None]) -> dict[UUID | None, str]:
    wanted = [each for each in order_ids if each is not None]
    if not wanted:
        return {}
    statement = select(_order.c.order_id, _order.c.number).where(_order.c.order_id == func.any(wanted))
    return {row.order_id: row.number for row in await connection.execute(statement)}


async def _names(connection: AsyncConnection, customer_ids: set[UUID | None]) -> dict[UUID | None, str]:
    wanted = [str(each) for each in customer_ids if each is not None]
    if not wanted:
        return {}
    key = customer_key()
    statement = (
        select(key.label("id"), _order.c.customer["name"].astext.label("name"))
        .where(key == func.any(wanted))
        .ext(distinct_on(key))
        .order_by(key, _order.c.opened_at.desc(), _order.c.order_id.desc())
    )
    return {UUID(row.id): row.name for row in await connection.execute(statement)}
