"""Many people, carriers and messages at one moment."""

from __future__ import annotations

import asyncio

import pytest

from system.crm.application import care
from system.crm.application.commands import FinishReminder
from system.crm.application.escalations import escalate
from system.crm.domain.care import Subject
from system.crm.domain.errors import OrderAlreadyDecided, OrderTaken, ReminderAlreadyDone
from system.crm.domain.sales_order import Seller
from system.crm.tests.harness import (
    BUDGET,
    SOFIA,
    START,
    TERMS,
    approve,
    awaiting_approval,
    changed,
    delivered,
    hear,
    receive,
    reject,
    remind,
    take,
)
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus
from system.plumbing.unit_of_work import Answer

pytestmark = pytest.mark.integration


async def test_of_many_simultaneous_decisions_one_counts(crm: PostgresCrm) -> None:
    order_id = await awaiting_approval(crm)
    sellers = [Seller(new_id(), f"Seller {number}") for number in range(100)]

    outcomes = await asyncio.gather(
        *((approve if number % 2 else reject)(crm, order_id, seller) for number, seller in enumerate(sellers)),
        return_exceptions=True,
    )

    [winner] = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, OrderAlreadyDecided)]
    assert winner.body is not None
    assert {loser.extra["decided_by"] for loser in losers} == {winner.body["decision"]["seller_name"]}
    assert len(losers) == len(sellers) - 1
    assert len(await crm.messages(order_id)) == 1


async def test_a_delivery_and_its_shipment_never_miss_each_other(crm: PostgresCrm) -> None:
    for _ in range(20):
        order_id, number = new_id(), f"T{new_id().hex}"
        shipped = changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),))
        event = delivered("CDEK", number)

        await asyncio.gather(hear(crm, shipped), *(receive(crm, event) for _ in range(3)))

        assert [message["type"] for message in await crm.messages(order_id)] == ["crm.shipment_delivered.v1"]


async def test_states_heard_at_once_leave_the_newest(crm: PostgresCrm) -> None:
    order_id = new_id()
    words = [
        changed(order_id, OrderStatus.CLOSED if version == 9 else OrderStatus.SHIPPED, version=version)
        for version in range(1, 10)
    ]

    await asyncio.gather(*(hear(crm, word) for word in words))

    order = await crm.order(order_id)
    assert (order.version, order.status) == (9, "CLOSED")


async def test_an_order_is_escalated_once_by_many_processes(crm: PostgresCrm) -> None:
    for _ in range(10):
        crm.clock.at = START
        order_id = await awaiting_approval(crm)
        crm.clock.at = START + 2 * BUDGET

        *told, decided = await asyncio.gather(
            *(escalate(order_id, crm.make_uow(), terms=TERMS) for _ in range(4)),
            approve(crm, order_id),
        )

        assert isinstance(decided, Answer)
        assert told.count(True) == len(await crm.reminders(order_id)) <= 1


async def test_of_many_pages_one_marks_a_reminder_done(crm: PostgresCrm) -> None:
    kept = await remind(crm, Subject(order_id=await awaiting_approval(crm)))

    outcomes = await asyncio.gather(
        *(care.finish_reminder(FinishReminder(kept.id, SOFIA, administers=False), crm.make_uow()) for _ in range(20)),
        return_exceptions=True,
    )

    assert len([outcome for outcome in outcomes if isinstance(outcome, Answer)]) == 1
    assert len([outcome for outcome in outcomes if isinstance(outcome, ReminderAlreadyDone)]) == 19


async def test_of_many_sellers_one_takes_an_order(crm: PostgresCrm) -> None:
    order_id = await awaiting_approval(crm)
    sellers = [Seller(new_id(), f"Seller {number}") for number in range(20)]

    outcomes = await asyncio.gather(*(take(crm, order_id, seller) for seller in sellers), return_exceptions=True)

    assert len([outcome for outcome in outcomes if isinstance(outcome, Answer)]) == 1
    losers = [outcome for outcome in outcomes if isinstance(outcome, OrderTaken)]
    assignment = (await crm.order(order_id)).assignment
    assert assignment is not None and {loser.extra["taken_by"] for loser in losers} == {assignment.seller.name}
    assert len(losers) == 19
