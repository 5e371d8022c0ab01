"""What CRM's tables hold of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import Uuid

from system.crm.adapters import tables
from system.crm.adapters.repositories import customer_key
from system.messages.personal import (
    contact_without_person,
    delivery_without_person,
    history_without_person,
    lines_without_file_names,
)
from system.plumbing.erasure import forget_in_plumbing, note_erasure
from system.plumbing.unit_of_work import UnitOfWork

_order, _letter, _note, _reminder = tables.sales_order, tables.letter, tables.note, tables.reminder
_case, _step = tables.care_case, tables.case_step
_WORDS = (
    _order.c.order_id,
    _order.c.customer,
    _order.c.customer_email,
    _order.c.delivery,
    _order.c.lines,
    _order.c.history,
    _order.c.partner_reference,
    _order.c.reason,
    _order.c.decision_reason,
)


class PeopleRepository:
    """A customer's orders and what was written about them, inside a unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._connection = uow.connection

    async def orders_of(self, person: UUID) -> list[UUID]:
        found = await self._connection.execute(select(_order.c.order_id).where(customer_key() == str(person)))
        return list(found.scalars())

    async def take_name_off(self, order_ids: Sequence[UUID]) -> int:
        emptied = 0
        for row in (await self._connection.execute(select(*_WORDS).where(_order.c.order_id.in_(order_ids)))).all():
            nameless = _nameless(row)
            if any(getattr(row, name) != value for name, value in nameless.items()):
                await self._connection.execute(
                    update(_order)
                    .where(_order.c.order_id == row.order_id)
                    .values(heard_at=func.clock_timestamp(), **nameless)
                )
                emptied += 1
        return emptied

    async def forget_written(self, person: UUID, order_ids: Sequence[UUID]) -> int:
        reminders = await self._connection.execute(
            delete(_reminder).where(or_(_reminder.c.order_id.in_(order_ids), _reminder.c.customer_id == person))
        )
        await self._connection.execute(
            delete(tables.letter_to_tell).where(tables.letter_to_tell.c.order_id.in_(order_ids))
        )
        asked = func.forget_written(literal(person, Uuid()), literal(list(order_ids), ARRAY(Uuid())))
        return reminders.rowcount + int(await self._connection.scalar(select(asked)) or 0)

    async def forget_in_messages(self, person: UUID, order_ids: Sequence[UUID]) -> int:
        return await forget_in_plumbing(self._uow, person=person, order_ids=order_ids)

    async def note(self, person: UUID, counts: dict[str, int]) -> None:
        await note_erasure(self._uow, person=person, counts=counts)


def _nameless(row: Any) -> dict[str, Any]:
    """The columns of an order that name somebody, without doing so. Without an e-mail it is nobody's. What never came stays away."""
    told = {"history": history_without_person(row.history), "reason": None, "decision_reason": None}
    if row.customer is None:
        return told
    return told | {
        "customer": contact_without_person(row.customer),
        "customer_email": None,
        "delivery": delivery_without_person(row.delivery),
        "lines": lines_without_file_names(row.lines),
        "partner_reference": None,
    }


class PeopleQueries:
    """What is read of a customer for their own copy."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def own_data(self, person: UUID) -> dict[str, Any]:
        """All that CRM knows of them beside what they told the shop: letters, and what sellers wrote down about them.

        A seller's note about a person is that person's data, whoever it was meant for; which of us wrote it is not.
        """
        theirs = select(_order.c.order_id).where(customer_key() == str(person))
        letters = (
            select(_letter, _order.c.number)
            .join(_order, _order.c.order_id == _letter.c.order_id)
            .where(customer_key() == str(person))
            .order_by(_letter.c.at)
        )
        cases = (
            select(_case.c.kind, _case.c.reason, _step.c.state, _step.c.text, _step.c.at, _order.c.number)
            .join(_step, _step.c.case_id == _case.c.case_id)
            .join(_order, _order.c.order_id == _case.c.order_id)
            .where(customer_key() == str(person))
            .order_by(_step.c.at, _step.c.number)
        )
        notes = select(_note).where(or_(_note.c.order_id.in_(theirs), _note.c.customer_id == person))
        reminders = select(_reminder).where(or_(_reminder.c.order_id.in_(theirs), _reminder.c.customer_id == person))
        async with self._engine.connect() as connection:
            return {
                "letters": [
                    {
                        "order": row.number,
                        "from": "you" if row.side == "customer" else "us",
                        "text": row.text,
                        "at": row.at.isoformat(),
                    }
                    for row in await connection.execute(letters)
                ],
                "returns_and_complaints": [
                    {
                        "order": row.number,
                        "kind": row.kind,
                        "reason": row.reason,
                        "state": row.state,
                        "text": row.text,
                        "at": row.at.isoformat(),
                    }
                    for row in await connection.execute(cases)
                ],
                "notes_about_you": [
                    {"text": row.text, "at": row.at.isoformat()}
                    for row in await connection.execute(notes.order_by(_note.c.at))
                ],
                "reminders_about_you": [
                    {
                        "text": row.text,
                        "made_at": row.made_at.isoformat(),
                        "due_at": row.due_at.isoformat(),
                        "done_at": row.done_at.isoformat() if row.done_at else None,
                    }
                    for row in await connection.execute(reminders.order_by(_reminder.c.made_at))
                ],
            }
