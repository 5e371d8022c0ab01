"""The rules of having work in hand: how much, how long, whose, and a slip of the hand. Tried as `rules_suite` is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from system.kernel.ids import new_id
from system.mes.application import handlers
from system.mes.application.commands import (
    AssignWorkOrder,
    CompleteWorkOrder,
    HandOverWorkOrder,
    ReportProgress,
    ReturnWorkOrder,
    StartPacking,
    StartRework,
    UndoCompletion,
)
from system.mes.application.lapses import lapse_idle_claims
from system.mes.domain import rules
from system.mes.domain.errors import (
    AlreadyTheHolder,
    ClaimLimitReached,
    NotTheHolder,
    OperatorUnknown,
    UndoTooLate,
    WorkOrderStateRefused,
)
from system.mes.domain.pay import PayKind
from system.mes.domain.rules import Terms
from system.mes.domain.work_order import Claim, Operator, WorkOrderState
from system.mes.tests.harness import (
    BUDGET_S,
    IDLE_S,
    OLEG,
    OLGA,
    START,
    TERMS,
    UNDO_S,
    Mes,
    claim,
    released,
    spec,
)
from system.plumbing.unit_of_work import Answer

SOFIA = Operator(new_id(), "Sofia")
ONE_AT_ONCE, TWO_AT_ONCE = (replace(TERMS, claims_max=number) for number in (1, 2))


class LimitRules:
    """How much an operator may have in hand."""

    async def test_a_claim_above_the_limit_is_refused_with_what_is_in_hand(self, mes: Mes) -> None:
        _, work_order_ids = await released(mes, spec(), spec(), spec())
        pavel = Operator(new_id(), "Pavel")
        for work_order_id in work_order_ids[:2]:
            await claim(mes, work_order_id, pavel, terms=TWO_AT_ONCE)

        with pytest.raises(ClaimLimitReached) as refusal:
            await claim(mes, work_order_ids[2], pavel, terms=TWO_AT_ONCE)

        assert refusal.value.status == 409
        assert refusal.value.extra == {"limit": 2, "in_hand": ["A-26000123", "A-26000123"]}
        assert (await mes.work_order(work_order_ids[2])).state is WorkOrderState.RELEASED
        assert await mes.ledger(work_order_ids[2]) == []
        assert (await claim(mes, work_order_ids[2], Operator(new_id(), "Petra"), terms=TWO_AT_ONCE)).status == 200

    @pytest.mark.parametrize("by", ["making", "returning"])
    async def test_what_is_made_or_given_back_frees_a_hand(self, mes: Mes, by: str) -> None:
        _, [first, second] = await released(mes, spec(), spec())
        pavel = Operator(new_id(), "Pavel")
        await claim(mes, first, pavel, terms=ONE_AT_ONCE)

        if by == "making":
            await handlers.complete_work_order(CompleteWorkOrder(first, pavel), mes.make_uow(), terms=ONE_AT_ONCE)
        else:
            await handlers.return_work_order(ReturnWorkOrder(first, pavel, "no wax"), mes.make_uow(), terms=ONE_AT_ONCE)

        assert (await claim(mes, second, pavel, terms=ONE_AT_ONCE)).status == 200

    async def test_what_a_seller_gives_is_given_whatever_one_holds_and_counts(self, mes: Mes) -> None:
        _, [first, second, third] = await released(mes, spec(), spec(), spec())
        pavel = Operator(new_id(), "Pavel")
        await claim(mes, first, pavel, terms=ONE_AT_ONCE)
        mes.clock.at += timedelta(seconds=BUDGET_S + 1)

        given = AssignWorkOrder(second, pavel.id, None, SOFIA)
        assert (await handlers.assign_work_order(given, mes.make_uow(), terms=ONE_AT_ONCE)).status == 200

        await handlers.complete_work_order(CompleteWorkOrder(first, pavel), mes.make_uow(), terms=ONE_AT_ONCE)
        with pytest.raises(ClaimLimitReached):
            await claim(mes, third, pavel, terms=ONE_AT_ONCE)

    async def test_rework_is_never_refused_for_the_limit(self, mes: Mes) -> None:
        _, [first, second] = await released(mes, spec(), spec())
        pavel = Operator(new_id(), "Pavel")
        await claim(mes, first, pavel, terms=ONE_AT_ONCE)
        await handlers.complete_work_order(CompleteWorkOrder(first, pavel), mes.make_uow(), terms=ONE_AT_ONCE)
        await claim(mes, second, pavel, terms=ONE_AT_ONCE)

        await handlers.start_rework(StartRework(first, pavel, "a scratch"), mes.make_uow(), terms=ONE_AT_ONCE)

        assert (await mes.work_order(first)).state is WorkOrderState.CLAIMED


class HandOverRules:
    """What somebody holds is given to somebody else."""

    async def test_the_first_is_paid_back_and_the_other_earns(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)
        await handlers.meet_operator(OLGA, mes.make_uow())
        mes.clock.at += timedelta(hours=3)

        answer = await hand_over(mes, work_order_id, OLGA)

        assert answer.body is not None
        assert (answer.body["state"], answer.body["claimed_by"], answer.body["claim_no"]) == ("CLAIMED", "Olga", 2)
        assert answer.body["claimed_at"] == answer.body["state_since"] == mes.clock.at.isoformat()
        present = await mes.work_order(work_order_id)
        assert (present.claim, present.claim_no) == (Claim(OLGA, mes.clock.at), 2)
        entries = [(e.claim_no, e.kind, e.operator.name, e.amount.amount) for e in await mes.ledger(work_order_id)]
        assert entries == [
            (1, PayKind.EARN, "Oleg", Decimal("500.00")),
            (1, PayKind.REVERSE, "Oleg", Decimal("-500.00")),
            (2, PayKind.EARN, "Olga", Decimal("500.00")),
        ]
        told = [(each["type"], each["operator_name"], each["claim_no"]) for each in await mes.messages(order_id)]
        assert told == [("mes.work_order_claimed.v1", "Oleg", 1), ("mes.work_order_claimed.v1", "Olga", 2)]
        assert (await mes.history(work_order_id))[-1] == ("CLAIMED", "handed over from Oleg to Olga")

    async def test_only_the_new_holder_works_on(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)
        await hand_over(mes, work_order_id, OLGA, name="Olga")

        with pytest.raises(NotTheHolder):
            await handlers.complete_work_order(CompleteWorkOrder(work_order_id, OLEG), mes.make_uow(), terms=TERMS)
        await handlers.complete_work_order(CompleteWorkOrder(work_order_id, OLGA), mes.make_uow(), terms=TERMS)
        assert (await mes.work_order(work_order_id)).state is WorkOrderState.COMPLETED

    async def test_there_and_back_again_is_three_claims(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)
        await hand_over(mes, work_order_id, OLGA, name="Olga")
        await hand_over(mes, work_order_id, OLEG)

        entries = [(e.claim_no, e.kind, e.operator.name) for e in await mes.ledger(work_order_id)]
        assert entries == [
            (1, PayKind.EARN, "Oleg"),
            (1, PayKind.REVERSE, "Oleg"),
            (2, PayKind.EARN, "Olga"),
            (2, PayKind.REVERSE, "Olga"),
            (3, PayKind.EARN, "Oleg"),
        ]

    async def test_what_nobody_holds_or_is_made_is_not_handed_over(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        with pytest.raises(WorkOrderStateRefused):
            await hand_over(mes, work_order_id, OLGA, name="Olga")
        await claim(mes, work_order_id, OLEG)
        await handlers.complete_work_order(CompleteWorkOrder(work_order_id, OLEG), mes.make_uow(), terms=TERMS)
        with pytest.raises(WorkOrderStateRefused):
            await hand_over(mes, work_order_id, OLGA, name="Olga")

        assert [entry.kind for entry in await mes.ledger(work_order_id)] == [PayKind.EARN]

    async def test_whoever_holds_it_does_not_get_it_again(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)

        with pytest.raises(AlreadyTheHolder) as refusal:
            await hand_over(mes, work_order_id, OLEG)

        assert refusal.value.extra == {"claimed_by": "Oleg"}
        assert len(await mes.ledger(work_order_id)) == len(await mes.messages(order_id)) == 1

    async def test_a_stranger_gets_nothing(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)

        with pytest.raises(OperatorUnknown):
            await hand_over(mes, work_order_id, Operator(new_id(), "Nobody"))

        assert (await mes.work_order(work_order_id)).claim == Claim(OLEG, mes.clock.at)


async def hand_over(mes: Mes, work_order_id: UUID, to: Operator, *, name: str | None = None) -> Answer:
    """Sofia gives claimed work to another operator; `name` where MES has not met them."""
    command = HandOverWorkOrder(work_order_id, to.id, name, SOFIA)
    return await handlers.hand_over_work_order(command, mes.make_uow(), terms=TERMS)


class LapseRules:
    """A claim on which nothing happens ends by itself."""

    async def test_an_idle_claim_goes_back_to_the_board_as_if_it_was_returned(self, mes: Mes) -> None:
        order_id, [work_order_id] = await claimed_long_ago(mes)
        mes.clock.at += timedelta(seconds=IDLE_S)

        assert await lapse(mes) >= 1

        present = await mes.work_order(work_order_id)
        assert (present.state, present.claim, present.state_since) == (WorkOrderState.RELEASED, None, mes.clock.at)
        entries = [(e.claim_no, e.kind, e.amount.amount) for e in await mes.ledger(work_order_id)]
        assert entries == [(1, PayKind.EARN, Decimal("500.00")), (1, PayKind.REVERSE, Decimal("-500.00"))]
        last = (await mes.messages(order_id))[-1]
        assert (last["type"], last["operator_name"], last["claim_no"], last["reason"]) == (
            "mes.work_order_returned.v1",
            "Oleg",
            1,
            rules.LAPSED,
        )
        assert (await mes.history(work_order_id))[-1] == ("RELEASED", rules.LAPSED)
        assert (await claim(mes, work_order_id, OLGA)).status == 200

    async def test_a_second_look_changes_nothing(self, mes: Mes) -> None:
        order_id, [work_order_id] = await claimed_long_ago(mes)
        mes.clock.at += timedelta(seconds=IDLE_S)
        await lapse(mes)

        assert await lapse(mes) == 0
        assert not await handlers.lapse_claim(work_order_id, mes.make_uow(), terms=TERMS)

        assert len(await mes.ledger(work_order_id)) == 2
        assert len(await mes.messages(order_id)) == 2

    async def test_a_claim_holds_until_its_time_is_over(self, mes: Mes) -> None:
        _, [work_order_id] = await claimed_long_ago(mes)
        mes.clock.at += timedelta(seconds=IDLE_S - 1)

        await lapse(mes)
        assert not await handlers.lapse_claim(work_order_id, mes.make_uow(), terms=TERMS)

        assert (await mes.work_order(work_order_id)).state is WorkOrderState.CLAIMED
        # So that the next look of another test finds nothing of this one.
        mes.clock.at += timedelta(seconds=1)
        await lapse(mes)

    async def test_whatever_happens_to_it_begins_the_time_anew(self, mes: Mes) -> None:
        _, [work_order_id] = await claimed_long_ago(mes)
        complete = CompleteWorkOrder(work_order_id, OLEG)
        await handlers.complete_work_order(complete, mes.make_uow(), terms=TERMS)
        mes.clock.at += timedelta(seconds=IDLE_S)
        assert not await handlers.lapse_claim(work_order_id, mes.make_uow(), terms=TERMS), "what is made does not lapse"

        answer = await handlers.start_rework(StartRework(work_order_id, OLEG, "a scratch"), mes.make_uow(), terms=TERMS)

        assert answer.body is not None
        assert answer.body["lapses_at"] == (mes.clock.at + timedelta(seconds=IDLE_S)).isoformat()
        assert not await handlers.lapse_claim(work_order_id, mes.make_uow(), terms=TERMS)
        mes.clock.at += timedelta(seconds=IDLE_S)
        assert await handlers.lapse_claim(work_order_id, mes.make_uow(), terms=TERMS)

    async def test_who_says_that_it_goes_on_keeps_it(self, mes: Mes) -> None:
        order_id, [work_order_id] = await claimed_long_ago(mes)
        mes.clock.at += timedelta(seconds=IDLE_S - 1)
        with pytest.raises(NotTheHolder):
            await handlers.report_progress(ReportProgress(work_order_id, OLGA), mes.make_uow(), terms=TERMS)

        answer = await handlers.report_progress(ReportProgress(work_order_id, OLEG), mes.make_uow(), terms=TERMS)

        assert answer.body is not None
        assert answer.body["lapses_at"] == (mes.clock.at + timedelta(seconds=IDLE_S)).isoformat()
        assert (await mes.history(work_order_id))[-1] == ("CLAIMED", rules.GOES_ON)
        assert len(await mes.messages(order_id)) == len(await mes.ledger(work_order_id)) == 1
        mes.clock.at += timedelta(seconds=IDLE_S - 1)
        assert not await handlers.lapse_claim(work_order_id, mes.make_uow(), terms=TERMS)
        mes.clock.at += timedelta(seconds=1)
        assert await handlers.lapse_claim(work_order_id, mes.make_uow(), terms=TERMS)

    async def test_no_claim_lapses_where_the_time_is_naught(self, mes: Mes) -> None:
        _, [work_order_id] = await claimed_long_ago(mes)
        mes.clock.at += timedelta(days=90)
        never = replace(TERMS, idle_s=0)

        assert await lapse_idle_claims(mes.make_uow, mes, terms=never, now=mes.clock.at) == 0
        assert not await handlers.lapse_claim(work_order_id, mes.make_uow(), terms=never)

        await lapse(mes)


async def claimed_long_ago(mes: Mes) -> tuple[UUID, list[UUID]]:
    """A work order that Oleg took a year before all that other tests do, so that a look that begins there finds nothing of theirs."""
    mes.clock.at = START - timedelta(days=365)
    order_id, work_order_ids = await released(mes)
    await claim(mes, work_order_ids[0], OLEG)
    return order_id, work_order_ids


async def lapse(mes: Mes) -> int:
    """One look for idle claims, as the timer takes it."""
    return await lapse_idle_claims(mes.make_uow, mes, terms=TERMS, now=mes.clock.at)


class UndoRules:
    """A piece was marked as made by mistake."""

    async def test_it_is_on_the_bench_as_if_it_never_was_made(self, mes: Mes) -> None:
        order_id, [work_order_id] = await completed(mes)
        mes.clock.at += timedelta(seconds=UNDO_S - 1)

        answer = await undo(mes, work_order_id)

        assert answer.body is not None
        assert (answer.body["state"], answer.body["rework_count"], answer.body["claim_no"]) == ("CLAIMED", 0, 1)
        assert [entry.kind for entry in await mes.ledger(work_order_id)] == [PayKind.EARN]
        last = (await mes.messages(order_id))[-1]
        assert (last["type"], last["reason"]) == ("mes.rework_started.v1", rules.UNDONE)
        assert (await mes.history(work_order_id))[-1] == ("CLAIMED", rules.UNDONE)
        complete = CompleteWorkOrder(work_order_id, OLEG)
        await handlers.complete_work_order(complete, mes.make_uow(), terms=TERMS)

    async def test_it_says_until_when(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id)
        complete = CompleteWorkOrder(work_order_id, OLEG)

        made = await handlers.complete_work_order(complete, mes.make_uow(), terms=TERMS)

        assert made.body is not None
        assert made.body["undo_until"] == (mes.clock.at + timedelta(seconds=UNDO_S)).isoformat()
        undone = await undo(mes, work_order_id)
        assert undone.body is not None
        assert undone.body["undo_until"] is None

    async def test_after_its_time_it_is_rework(self, mes: Mes) -> None:
        order_id, [work_order_id] = await completed(mes)
        mes.clock.at += timedelta(seconds=UNDO_S)

        with pytest.raises(UndoTooLate) as refusal:
            await undo(mes, work_order_id)

        assert refusal.value.extra == {"ended_at": mes.clock.at.isoformat()}
        assert (await mes.work_order(work_order_id)).state is WorkOrderState.COMPLETED
        assert (await mes.messages(order_id))[-1]["type"] == "mes.work_order_completed.v1"

    async def test_what_is_being_packed_is_made(self, mes: Mes) -> None:
        _, [work_order_id] = await completed(mes)
        await handlers.start_packing(StartPacking(work_order_id, OLEG), mes.make_uow(), terms=TERMS)

        with pytest.raises(WorkOrderStateRefused):
            await undo(mes, work_order_id)

    async def test_only_the_holder_may_say_so(self, mes: Mes) -> None:
        _, [work_order_id] = await completed(mes)

        with pytest.raises(NotTheHolder):
            await undo(mes, work_order_id, by=OLGA)

    async def test_nothing_is_undone_where_the_time_is_naught(self, mes: Mes) -> None:
        _, [work_order_id] = await completed(mes)

        with pytest.raises(UndoTooLate):
            await undo(mes, work_order_id, terms=replace(TERMS, undo_s=0))


async def completed(mes: Mes) -> tuple[UUID, list[UUID]]:
    """A work order that Oleg has made just now."""
    order_id, work_order_ids = await released(mes)
    await claim(mes, work_order_ids[0], OLEG)
    await handlers.complete_work_order(CompleteWorkOrder(work_order_ids[0], OLEG), mes.make_uow(), terms=TERMS)
    return order_id, work_order_ids


async def undo(mes: Mes, work_order_id: UUID, *, by: Operator = OLEG, terms: Terms = TERMS) -> Answer:
    """The holder says that it is not made after all."""
    return await handlers.undo_completion(UndoCompletion(work_order_id, by), mes.make_uow(), terms=terms)
