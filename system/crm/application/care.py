"""Notes and reminders. One command, one transaction, one commit. What is written in them stands in no log and no audit."""

from __future__ import annotations

from system.crm.application.commands import FinishReminder, PutOffReminder, SetReminder, WriteNote
from system.crm.application.ports import CrmUnitOfWork
from system.crm.application.views import note_view, reminder_view
from system.crm.domain.care import Note, Reminder, Subject, check_moment
from system.crm.domain.errors import ColleagueUnknown, CustomerNotFound, NoteAlreadyCorrected, NoteNotFound
from system.crm.domain.sales_order import Seller
from system.kernel.ids import new_id
from system.plumbing.telemetry import bind_order
from system.plumbing.unit_of_work import Answer


async def write_note(command: WriteNote, uow: CrmUnitOfWork) -> Answer:
    """201 with the note. Raises OrderNotFound, CustomerNotFound, NoteNotFound, NoteAlreadyCorrected."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        await _check_there(command.about, uow)
        if command.corrects is not None and not await uow.notes.is_there(command.corrects, command.about):
            raise NoteNotFound(str(command.corrects))
        note = Note(new_id(), command.about, command.author, command.text, uow.now, command.corrects)
        if not await uow.notes.add(note):
            raise NoteAlreadyCorrected
        return await uow.commit(Answer(201, note_view(note)))


async def set_reminder(command: SetReminder, uow: CrmUnitOfWork) -> Answer:
    """201 with the reminder. Raises OrderNotFound, CustomerNotFound, ColleagueUnknown, ReminderInThePast."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        check_moment(command.due_at, now=uow.now)
        await _check_there(command.about, uow)
        for_whom = await _colleague(command, uow)
        reminder = Reminder(
            new_id(), command.about, command.text, command.due_at, for_whom, command.made_by, made_at=uow.now
        )
        await uow.reminders.add(reminder)
        return await uow.commit(Answer(201, reminder_view(reminder, now=uow.now)))


async def finish_reminder(command: FinishReminder, uow: CrmUnitOfWork) -> Answer:
    """200 with the reminder, once: the second page that marks it is told who did. Raises ReminderNotFound, ReminderNotYours,
    ReminderAlreadyDone."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        present = await uow.reminders.hold(command.reminder_id)
        _bind_order_of(present)
        done = present.done(command.who, administers=command.administers, now=uow.now)
        await uow.reminders.save(done)
        return await uow.commit(Answer(200, reminder_view(done, now=uow.now)))


async def put_off_reminder(command: PutOffReminder, uow: CrmUnitOfWork) -> Answer:
    """200 with the reminder. Raises as finishing, and ReminderInThePast, ReminderChangedSinceRead."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        present = await uow.reminders.hold(command.reminder_id)
        _bind_order_of(present)
        later = present.put_off(
            command.who,
            administers=command.administers,
            until=command.until,
            now=uow.now,
            seen_version=command.seen_version,
        )
        await uow.reminders.save(later)
        return await uow.commit(Answer(200, reminder_view(later, now=uow.now)))


async def meet_colleague(who: Seller, uow: CrmUnitOfWork) -> None:
    """Remembers that somebody looks after orders, so that colleagues can remind them of something."""
    async with uow:
        await uow.colleagues.meet(who, at=uow.now)
        await uow.commit()


async def _colleague(command: SetReminder, uow: CrmUnitOfWork) -> Seller:
    if command.for_id is None or command.for_id == command.made_by.id:
        return command.made_by
    known = await uow.colleagues.find(command.for_id)
    if known is None:
        raise ColleagueUnknown(str(command.for_id))
    return known


async def _check_there(about: Subject, uow: CrmUnitOfWork) -> None:
    if about.order_id is not None:
        await uow.orders.get(about.order_id)
    elif about.customer_id is not None and not await uow.orders.has_customer(about.customer_id):
        raise CustomerNotFound(str(about.customer_id))


def _bind_order_of(reminder: Reminder) -> None:
    if reminder.about.order_id is not None:
        bind_order(reminder.about.order_id)
