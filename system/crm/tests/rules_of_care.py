"""The rules of what sellers keep in mind, and of orders that wait too long: tried in memory and on PostgreSQL, as the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from system.crm.application import care
from system.crm.application.commands import FinishReminder, PutOffReminder, SetReminder, WriteNote
from system.crm.application.escalations import escalate, escalate_waiting
from system.crm.domain.care import Subject
from system.crm.domain.errors import (
    ColleagueUnknown,
    CustomerNotFound,
    NoteAlreadyCorrected,
    NoteNotFound,
    OrderAlreadyDecided,
    OrderNotFound,
    OrderTaken,
    ReminderAlreadyDone,
    ReminderChangedSinceRead,
    ReminderInThePast,
    ReminderNotFound,
    ReminderNotYours,
)
from system.crm.domain.escalation import Level
from system.crm.domain.sales_order import SalesOrder
from system.crm.tests.harness import (
    BUDGET,
    SERGEY,
    SOFIA,
    START,
    TERMS,
    Crm,
    approve,
    awaiting_approval,
    changed,
    give_back,
    hear,
    remind,
    submitted,
    take,
)
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus
from system.plumbing.unit_of_work import Answer, IdempotencyKey

SECRET = "the customer's husband must not know of the gift"


class NoteRules:
    """Notes stay as they were written."""

    async def test_a_note_is_kept_with_who_and_when(self, crm: Crm) -> None:
        about = Subject(order_id=await awaiting_approval(crm))

        answer = await care.write_note(WriteNote(about, SOFIA, SECRET), crm.make_uow())

        assert answer.status == 201 and answer.body is not None
        assert (answer.body["author"]["name"], answer.body["at"]) == ("Sofia", START.isoformat())
        assert (answer.body["text"], answer.body["order_id"]) == (SECRET, str(about.order_id))

    async def test_a_correction_is_another_note_and_there_is_one(self, crm: Crm) -> None:
        about = Subject(order_id=await awaiting_approval(crm))
        note_id = _id(await care.write_note(WriteNote(about, SOFIA, "size 17"), crm.make_uow()), "note_id")

        corrected = await care.write_note(WriteNote(about, SERGEY, "size 18", corrects=note_id), crm.make_uow())
        with pytest.raises(NoteAlreadyCorrected):
            await care.write_note(WriteNote(about, SOFIA, "size 19", corrects=note_id), crm.make_uow())

        further = WriteNote(about, SOFIA, "size 18.5", corrects=_id(corrected, "note_id"))
        assert (await care.write_note(further, crm.make_uow())).status == 201

    async def test_a_note_about_something_else_cannot_be_corrected_here(self, crm: Crm) -> None:
        here, there = Subject(order_id=await awaiting_approval(crm)), Subject(order_id=await awaiting_approval(crm))
        note_id = _id(await care.write_note(WriteNote(there, SOFIA, "size 17"), crm.make_uow()), "note_id")

        with pytest.raises(NoteNotFound):
            await care.write_note(WriteNote(here, SOFIA, "size 18", corrects=note_id), crm.make_uow())

    async def test_customers_are_noted_too_and_strangers_are_not(self, crm: Crm) -> None:
        content = submitted()
        await hear(crm, content)

        kept = await care.write_note(
            WriteNote(Subject(customer_id=content.customer.id), SOFIA, "likes calls"), crm.make_uow()
        )

        assert kept.body is not None and kept.body["customer_id"] == str(content.customer.id)
        with pytest.raises(CustomerNotFound):
            await care.write_note(WriteNote(Subject(customer_id=new_id()), SOFIA, "who?"), crm.make_uow())
        with pytest.raises(OrderNotFound):
            await care.write_note(WriteNote(Subject(order_id=new_id()), SOFIA, "which?"), crm.make_uow())

    async def test_the_audit_holds_nothing_of_what_was_written(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await care.write_note(WriteNote(Subject(order_id=order_id), SOFIA, SECRET), crm.make_uow())
        await remind(crm, Subject(order_id=order_id), text=SECRET)

        assert SECRET not in str(await crm.audited(order_id))
        assert await crm.messages(order_id) == []


class ReminderRules:
    """A reminder is done once, by somebody whom it concerns."""

    async def test_the_second_page_that_marks_it_done_is_told_who_did(self, crm: Crm) -> None:
        kept = await remind(crm, Subject(order_id=await awaiting_approval(crm)))
        done = await care.finish_reminder(FinishReminder(kept.id, SOFIA, administers=False), crm.make_uow())
        assert done.body is not None and done.body["state"] == "done"
        crm.clock.at += timedelta(minutes=1)

        with pytest.raises(ReminderAlreadyDone) as refusal:
            await care.finish_reminder(FinishReminder(kept.id, SERGEY, administers=True), crm.make_uow())
        assert refusal.value.extra == {"done_by": "Sofia", "done_at": START.isoformat()}
        with pytest.raises(ReminderAlreadyDone):
            await _put_off(crm, kept.id)

    async def test_a_repeated_request_gets_the_same_answer(self, crm: Crm) -> None:
        kept = await remind(crm, Subject(order_id=await awaiting_approval(crm)))
        command = FinishReminder(kept.id, SOFIA, administers=False, key=IdempotencyKey("sofia", str(new_id()), "x"))

        first = await care.finish_reminder(command, crm.make_uow())
        assert (await care.finish_reminder(command, crm.make_uow())).body == first.body

    async def test_it_is_put_off_once_for_what_two_pages_show(self, crm: Crm) -> None:
        kept = await remind(crm, Subject(order_id=await awaiting_approval(crm)), in_s=1)
        crm.clock.at += timedelta(seconds=2)

        await _put_off(crm, kept.id, seen_version=kept.version)

        with pytest.raises(ReminderChangedSinceRead):
            await _put_off(crm, kept.id, seen_version=kept.version)
        later = await _put_off(crm, kept.id, seen_version=kept.version + 1, by=timedelta(days=1))
        assert later == crm.clock.at + timedelta(days=1)

    async def test_nobody_is_reminded_of_the_past(self, crm: Crm) -> None:
        about = Subject(order_id=await awaiting_approval(crm))
        with pytest.raises(ReminderInThePast):
            await remind(crm, about, in_s=-61)
        kept = await remind(crm, about, in_s=-59)
        with pytest.raises(ReminderInThePast):
            await _put_off(crm, kept.id, by=timedelta(minutes=-2))

    async def test_a_colleague_who_was_met_can_be_reminded(self, crm: Crm) -> None:
        about = Subject(order_id=await awaiting_approval(crm))
        petra = replace(SERGEY, id=new_id(), name="Petra")
        with pytest.raises(ColleagueUnknown):
            await remind(crm, about, for_id=petra.id)

        await care.meet_colleague(petra, crm.make_uow())
        kept = await remind(crm, about, for_id=petra.id)

        assert (kept.for_whom, kept.made_by) == (petra, SOFIA)

    async def test_only_those_whom_it_concerns_change_it(self, crm: Crm) -> None:
        await care.meet_colleague(SERGEY, crm.make_uow())
        about = Subject(order_id=await awaiting_approval(crm))
        kept, other = await remind(crm, about, for_id=SERGEY.id), await remind(crm, about, for_id=SERGEY.id)
        stranger = replace(SOFIA, id=new_id(), name="Stranger")

        with pytest.raises(ReminderNotYours):
            await care.finish_reminder(FinishReminder(kept.id, stranger, administers=False), crm.make_uow())
        with pytest.raises(ReminderNotYours):
            await care.put_off_reminder(
                PutOffReminder(kept.id, stranger, False, crm.clock.at + timedelta(hours=1)), crm.make_uow()
            )
        for who, administers, which in ((SERGEY, False, kept), (stranger, True, other)):
            done = await care.finish_reminder(FinishReminder(which.id, who, administers), crm.make_uow())
            assert done.body is not None and done.body["done_by"]["name"] == who.name

    async def test_what_nobody_ordered_and_nobody_set_is_not_there(self, crm: Crm) -> None:
        with pytest.raises(ReminderNotFound):
            await care.finish_reminder(FinishReminder(new_id(), SOFIA, administers=True), crm.make_uow())
        with pytest.raises(CustomerNotFound):
            await care.set_reminder(
                SetReminder(Subject(customer_id=new_id()), SOFIA, "call", START + timedelta(days=1)), crm.make_uow()
            )


class EscalationRules:
    """Who waits too long is told about, once a level and wait; who takes an order is seen."""

    async def test_nobody_is_told_within_the_budget(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        crm.clock.at = START + BUDGET - timedelta(seconds=1)

        assert await _escalate(crm, order_id) is False
        assert (await crm.order(order_id)).escalation is None

    async def test_at_the_budget_all_sellers_see_it_and_at_twice_the_administrators(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)

        crm.clock.at = START + BUDGET
        assert await _escalate(crm, order_id) is True
        assert _level(await crm.order(order_id)) is Level.SELLERS
        assert await crm.reminders(order_id) == []

        crm.clock.at = START + 2 * BUDGET
        assert await _escalate(crm, order_id) is True
        assert _level(await crm.order(order_id)) is Level.ADMINISTRATORS
        [reminder] = await crm.reminders(order_id)
        assert (reminder.for_whom, reminder.made_by, reminder.due_at) == (None, None, crm.clock.at)
        levels = [details["level"] for action, details in await crm.audited(order_id) if action == "order_escalated"]
        assert levels == ["sellers", "administrators"]

    async def test_each_level_is_told_once_and_the_administrators_are_reminded_once(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        crm.clock.at = START + 3 * BUDGET

        told = [await _escalate(crm, order_id) for _ in range(3)]

        assert told == [True, False, False]
        assert len(await crm.reminders(order_id)) == 1

    async def test_a_later_wait_of_the_same_order_is_another_one(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        crm.clock.at = START + 2 * BUDGET
        await _escalate(crm, order_id)
        again = START + timedelta(days=3)
        await hear(crm, changed(order_id, OrderStatus.AWAITING_CUSTOMER, version=5, since=START + timedelta(days=2)))
        await hear(crm, changed(order_id, OrderStatus.PRICE_CALCULATED, version=6, since=again))

        assert (await crm.order(order_id)).escalation is None
        crm.clock.at = again + 2 * BUDGET
        assert await _escalate(crm, order_id) is True
        assert len(await crm.reminders(order_id)) == 2

    async def test_an_order_that_is_decided_is_not_escalated_and_its_reminder_ends(self, crm: Crm) -> None:
        order_id, other_id = await awaiting_approval(crm), await awaiting_approval(crm)
        crm.clock.at = START + 2 * BUDGET
        for each in (order_id, other_id):
            await _escalate(crm, each)
        await approve(crm, order_id)

        assert await _escalate(crm, order_id) is False
        await escalate_waiting(crm.make_uow, crm, terms=TERMS, now=crm.clock.at)

        assert (await crm.order(order_id)).escalation is None
        assert [(each.done_at, each.done_by) for each in await crm.reminders(order_id)] == [(crm.clock.at, None)]
        assert [each.done_at for each in await crm.reminders(other_id)] == [None]

    async def test_the_timer_finds_what_waits_and_leaves_what_does_not(self, crm: Crm) -> None:
        late, decided = await awaiting_approval(crm), await awaiting_approval(crm)
        await approve(crm, decided)
        young = await awaiting_approval(crm)
        await hear(crm, changed(young, OrderStatus.PRICE_CALCULATED, version=5, since=START + timedelta(hours=23)))
        now = START + BUDGET

        found = await crm.waiting_too_long(now, terms=TERMS, limit=1000)

        assert late in found and decided not in found and young not in found
        crm.clock.at = now
        await _escalate(crm, late)
        assert late not in await crm.waiting_too_long(now, terms=TERMS, limit=1000)
        assert late in await crm.waiting_too_long(START + 2 * BUDGET, terms=TERMS, limit=1000)

    async def test_whoever_takes_an_order_is_seen_by_the_others(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)

        answer = await take(crm, order_id, SOFIA)

        assert answer.body is not None and answer.body["taken_by"]["seller_name"] == "Sofia"
        assignment = (await crm.order(order_id)).assignment
        assert assignment is not None and (assignment.seller, assignment.at) == (SOFIA, START)
        crm.clock.at += timedelta(minutes=1)
        again = await take(crm, order_id, SOFIA)
        assert again.body is not None and again.body["taken_by"]["at"] == START.isoformat()
        assert [action for action, _ in await crm.audited(order_id)] == ["order_taken"]

    async def test_an_order_is_taken_over_only_from_whom_one_means(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await take(crm, order_id, SOFIA)

        for instead_of in (None, new_id()):
            with pytest.raises(OrderTaken) as refusal:
                await take(crm, order_id, SERGEY, instead_of=instead_of)
            assert (refusal.value.extra["taken_by"], refusal.value.extra["taken_at"]) == ("Sofia", START.isoformat())

        await take(crm, order_id, SERGEY, instead_of=SOFIA.id)
        assignment = (await crm.order(order_id)).assignment
        assert assignment is not None and assignment.seller == SERGEY
        [_, (_, details)] = await crm.audited(order_id)
        assert details == {"from": f"Sofia ({SOFIA.id})"}

    async def test_whoever_has_an_order_gives_it_back_and_the_next_takes_it(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await take(crm, order_id, SOFIA)

        with pytest.raises(OrderTaken) as refusal:
            await give_back(crm, order_id, SERGEY)
        assert refusal.value.extra["taken_by"] == "Sofia"
        given = [await give_back(crm, order_id, SOFIA) for _ in range(2)]

        assert [each.body and each.body["taken_by"] for each in given] == [None, None]
        assert (await crm.order(order_id)).assignment is None
        await take(crm, order_id, SERGEY)
        assert [action for action, _ in await crm.audited(order_id)] == [
            "order_taken",
            "order_given_back",
            "order_taken",
        ]

    async def test_an_administrator_gives_back_what_somebody_else_has(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await take(crm, order_id, SOFIA)

        await give_back(crm, order_id, SERGEY, administers=True)

        assert (await crm.order(order_id)).assignment is None
        assert (await crm.audited(order_id))[-1] == ("order_given_back", {"from": f"Sofia ({SOFIA.id})"})

    async def test_nobody_gives_back_what_is_decided(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await take(crm, order_id, SOFIA)
        await approve(crm, order_id)

        with pytest.raises(OrderAlreadyDecided):
            await give_back(crm, order_id, SOFIA)

    async def test_nobody_takes_what_is_decided(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await approve(crm, order_id)

        with pytest.raises(OrderAlreadyDecided):
            await take(crm, order_id, SERGEY)

    async def test_who_took_it_stays_when_it_is_escalated_and_when_news_come(self, crm: Crm) -> None:
        order_id = await awaiting_approval(crm)
        await take(crm, order_id, SOFIA)
        crm.clock.at = START + BUDGET
        await _escalate(crm, order_id)
        await hear(crm, changed(order_id, OrderStatus.PRICE_CALCULATED, version=5))

        order = await crm.order(order_id)
        assert order.assignment is not None and order.assignment.seller == SOFIA
        assert _level(order) is Level.SELLERS


async def _escalate(crm: Crm, order_id: UUID) -> bool:
    return await escalate(order_id, crm.make_uow(), terms=TERMS)


async def _put_off(
    crm: Crm, reminder_id: UUID, *, seen_version: int | None = None, by: timedelta = timedelta(hours=1)
) -> datetime:
    until = crm.clock.at + by
    command = PutOffReminder(reminder_id, SOFIA, False, until, seen_version=seen_version)
    await care.put_off_reminder(command, crm.make_uow())
    async with crm.make_uow() as uow:
        return (await uow.reminders.hold(reminder_id)).due_at


def _level(order: SalesOrder) -> Level | None:
    return order.escalation.level if order.escalation else None


def _id(answer: Answer, name: str) -> UUID:
    assert answer.body is not None
    return UUID(answer.body[name])
