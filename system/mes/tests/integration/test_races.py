"""Many people at one moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from system.kernel.ids import new_id
from system.mes.application import handlers
from system.mes.application.commands import CompleteWorkOrder
from system.mes.domain.errors import (
    ClaimLimitReached,
    WorkOrderAlreadyClaimed,
    WorkOrderStateRefused,
    WorkOrderWithdrawn,
)
from system.mes.domain.pay import PayKind
from system.mes.domain.work_order import Operator, WorkOrderState
from system.mes.tests.harness import IDLE_S, OLEG, TERMS, claim, hear, released, spec, withdrawal_of
from system.mes.tests.integration.conftest import PostgresMes
from system.plumbing.unit_of_work import Answer

pytestmark = pytest.mark.integration
OPERATORS = 200


async def test_of_200_simultaneous_claims_one_wins_and_is_paid_once(mes: PostgresMes) -> None:
    order_id, [work_order_id] = await released(mes)
    operators = [Operator(new_id(), f"Operator {number}") for number in range(OPERATORS)]

    outcomes = await asyncio.gather(
        *(claim(mes, work_order_id, operator) for operator in operators), return_exceptions=True
    )

    [winner] = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, WorkOrderAlreadyClaimed)]
    assert len(losers) == OPERATORS - 1
    assert winner.body is not None
    assert {loser.extra["claimed_by"] for loser in losers} == {winner.body["claimed_by"]}
    [entry] = await mes.ledger(work_order_id)
    assert (entry.kind, entry.operator.name) == (PayKind.EARN, winner.body["claimed_by"])
    assert [message["type"] for message in await mes.messages(order_id)] == ["mes.work_order_claimed.v1"]


async def test_a_withdrawal_and_a_claim_never_both_succeed(mes: PostgresMes) -> None:
    for _ in range(20):
        order_id, [work_order_id] = await released(mes)

        outcome, _ = await asyncio.gather(
            claim(mes, work_order_id, OLEG), hear(mes, withdrawal_of(order_id)), return_exceptions=True
        )

        [decided] = [m for m in await mes.messages(order_id) if m["type"] == "mes.withdrawal_decided.v1"]
        state = (await mes.work_order(work_order_id)).state
        if decided["accepted"]:
            assert isinstance(outcome, WorkOrderWithdrawn)
            assert state is WorkOrderState.WITHDRAWN
            assert await mes.ledger(work_order_id) == []
        else:
            assert isinstance(outcome, Answer)
            assert state is WorkOrderState.CLAIMED
            assert len(await mes.ledger(work_order_id)) == 1


async def test_claims_of_different_lines_of_one_order_do_not_disturb_each_other(mes: PostgresMes) -> None:
    order_id, work_order_ids = await released(mes, *(spec() for _ in range(20)))

    outcomes = await asyncio.gather(*(claim(mes, each, Operator(new_id(), "Somebody")) for each in work_order_ids))

    assert all(outcome.status == 200 for outcome in outcomes)
    assert len(await mes.messages(order_id)) == 20


async def test_a_claim_that_lapses_in_two_processes_at_once_is_taken_back_once(mes: PostgresMes) -> None:
    for _ in range(10):
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)
        mes.clock.at += timedelta(seconds=IDLE_S)

        outcomes = await asyncio.gather(
            *(handlers.lapse_claim(work_order_id, mes.make_uow(), terms=TERMS) for _ in range(4)),
            handlers.complete_work_order(CompleteWorkOrder(work_order_id, OLEG), mes.make_uow(), terms=TERMS),
            return_exceptions=True,
        )

        *lapsed, completed = outcomes
        state = (await mes.work_order(work_order_id)).state
        told = [message["type"] for message in await mes.messages(order_id)]
        if isinstance(completed, Answer):
            assert (lapsed.count(True), state) == (0, WorkOrderState.COMPLETED)
            assert told == ["mes.work_order_claimed.v1", "mes.work_order_completed.v1"]
        else:
            assert (lapsed.count(True), state) == (1, WorkOrderState.RELEASED)
            assert isinstance(completed, WorkOrderStateRefused)
            assert told == ["mes.work_order_claimed.v1", "mes.work_order_returned.v1"]
            assert len(await mes.ledger(work_order_id)) == 2


async def test_an_operator_in_twenty_tabs_gets_no_more_than_the_limit(mes: PostgresMes) -> None:
    three = replace(TERMS, claims_max=3)
    pavel = Operator(new_id(), "Pavel")
    _, work_order_ids = await released(mes, *(spec() for _ in range(20)))

    outcomes = await asyncio.gather(
        *(claim(mes, each, pavel, terms=three) for each in work_order_ids), return_exceptions=True
    )

    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, ClaimLimitReached) for outcome in outcomes) == 17
    states = [(await mes.work_order(each)).state for each in work_order_ids]
    assert (states.count(WorkOrderState.CLAIMED), states.count(WorkOrderState.RELEASED)) == (3, 17)
    assert sum([len(await mes.ledger(each)) for each in work_order_ids]) == 3
