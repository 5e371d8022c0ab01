"""Notes, reminders and colleagues in PostgreSQL; the promises are in `application/ports.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.crm.adapters import tables
from system.crm.adapters.rows import reminder_from
from system.crm.domain.care import Note, Reminder, Subject
from system.crm.domain.errors import ReminderNotFound
from system.crm.domain.sales_order import Seller

_note, _reminder, _colleague, _order = tables.note, tables.reminder, tables.colleague, tables.sales_order
_NOW = text("clock_timestamp()")


class NoteRepository:
    """What sellers wrote for their colleagues."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, note: Note) -> bool:
        """Keeps a note. False when it corrects one that was corrected already."""
        row = {
            "note_id": note.id,
            "order_id": note.about.order_id,
            "customer_id": note.about.customer_id,
            "author_id": note.author.id,
            "author_name": note.author.name,
            "text": note.text,
            "at": note.at,
            "corrects": note.corrects,
        }
        kept = upsert(_note).values(row).on_conflict_do_nothing().returning(_note.c.note_id)
        return (await self._connection.execute(kept)).first() is not None

    async def is_there(self, note_id: UUID, about: Subject) -> bool:
        """Whether there is such a note about this."""
        found = select(_note.c.note_id).where(
            _note.c.note_id == note_id,
            _note.c.order_id.is_not_distinct_from(about.order_id),
            _note.c.customer_id.is_not_distinct_from(about.customer_id),
        )
        return (await self._connection.execute(found)).first() is not None


class ReminderRepository:
    """What is to be done, by whom and when. `changed_at` is what open pages are told by."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, reminder: Reminder) -> bool:
        """Keeps a reminder. False when its id was kept before."""
        row = {
            "reminder_id": reminder.id,
            "order_id": reminder.about.order_id,
            "customer_id": reminder.about.customer_id,
            "text": reminder.text,
            "for_id": reminder.for_whom.id if reminder.for_whom else None,
            "for_name": reminder.for_whom.name if reminder.for_whom else None,
            "made_by": reminder.made_by.id if reminder.made_by else None,
            "made_by_name": reminder.made_by.name if reminder.made_by else None,
            "made_at": reminder.made_at,
        }
        statement = upsert(_reminder).values(row | _changing(reminder))
        kept = statement.on_conflict_do_nothing().returning(_reminder.c.reminder_id)
        return (await self._connection.execute(kept)).first() is not None

    async def hold(self, reminder_id: UUID) -> Reminder:
        """The reminder, which until the end of this transaction nobody else changes. Raises ReminderNotFound."""
        statement = select(_reminder).where(_reminder.c.reminder_id == reminder_id).with_for_update()
        row = (await self._connection.execute(statement)).mappings().first()
        if row is None:
            raise ReminderNotFound(str(reminder_id))
        return reminder_from(row)

    async def save(self, reminder: Reminder) -> None:
        """Keeps what became of a reminder that is held."""
        await self._connection.execute(
            update(_reminder).where(_reminder.c.reminder_id == reminder.id).values(**_changing(reminder))
        )

    async def end_moot(self, now: datetime) -> int:
        """Ends the open ones of the system's making whose order waits no more. Returns how many."""
        waits = (
            exists()
            .correlate(_reminder)
            .where(_order.c.order_id == _reminder.c.order_id, literal_column(f"({tables.AWAITS_APPROVAL})"))
        )
        ended = await self._connection.execute(
            update(_reminder)
            .where(_reminder.c.for_id.is_(None), _reminder.c.done_at.is_(None), ~waits)
            .values(done_at=now, version=_reminder.c.version + 1, changed_at=_NOW)
            .returning(_reminder.c.reminder_id)
        )
        return len(ended.all())


class ColleagueRepository:
    """Whom CRM has met."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def meet(self, who: Seller, *, at: datetime) -> None:
        """Remembers somebody and their present name."""
        statement = upsert(_colleague).values(id=who.id, name=who.name, seen_at=at)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["id"], set_={"name": statement.excluded.name, "seen_at": statement.excluded.seen_at}
            )
        )

    async def find(self, colleague_id: UUID) -> Seller | None:
        """Somebody who was met."""
        row = (await self._connection.execute(select(_colleague).where(_colleague.c.id == colleague_id))).first()
        return Seller(row.id, row.name) if row else None


def _changing(reminder: Reminder) -> dict[str, Any]:
    return {
        "due_at": reminder.due_at,
        "version": reminder.version,
        "done_by": reminder.done_by.id if reminder.done_by else None,
        "done_by_name": reminder.done_by.name if reminder.done_by else None,
        "done_at": reminder.done_at,
        "changed_at": _NOW,
    }
