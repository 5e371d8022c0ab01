"""The rules of MES. Every class of ports has to keep them: `unit` tries them in memory, `integration` on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from system.kernel.errors import Invalid
from system.kernel.ids import new_id
from system.mes.application import handlers
from system.mes.application.commands import (
    AssignWorkOrder,
    ClaimWorkOrder,
    CompleteWorkOrder,
    HandOverWorkOrder,
    ReportProgress,
    ReturnWorkOrder,
    ShipWorkOrder,
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
    TrackingNumberTaken,
    UndoTooLate,
    WorkOrderAlreadyClaimed,
    WorkOrderNotEscalated,
    WorkOrderNotFound,
    WorkOrderStateRefused,
    WorkOrderWithdrawn,
)
from system.mes.domain.pay import PayKind
from system.mes.domain.rules import Terms
from system.mes.domain.work_order import Claim, Operator, Parcel, WorkOrderState
from system.mes.tests.harness import (
    BUDGET_S,
    IDLE_S,
    OLEG,
    OLGA,
    START,
    TERMS,
    UNDO_S,
    Mes,
    changed_to,
    claim,
    hear,
    release_of,
    released,
    spec,
    withdrawal_of,
)
from system.messages.orchestrator_v1 import OrderStatus
from system.plumbing.unit_of_work import Answer, IdempotencyKey

SOFIA = Operator(new_id(), "Sofia")
ONE_AT_ONCE, TWO_AT_ONCE = (replace(TERMS, claims_max=number) for number in (1, 2))


def a_parcel() -> Parcel:
    return Parcel("CDEK", f"T{new_id().hex}")


class ClaimRules:
    """Who is first, and what they earn."""

    async def test_the_first_claim_wins_and_is_paid_once(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes, spec(quantity=2, weight_g="2.00"))

        answer = await claim(mes, work_order_id, OLEG)

        assert answer.status == 200
        assert answer.body is not None
        assert (answer.body["state"], answer.body["claimed_by"], answer.body["claim_no"]) == ("CLAIMED", "Oleg", 1)
        [entry] = await mes.ledger(work_order_id)
        # 2 pieces x (450 + 2 g x 25)
        assert (entry.kind, entry.operator, entry.amount.amount) == (PayKind.EARN, OLEG, Decimal("1000.00"))
        [message] = await mes.messages(order_id)
        assert message["type"] == "mes.work_order_claimed.v1"
        assert (message["operator_name"], message["claim_no"]) == ("Oleg", 1)

    async def test_a_second_claim_is_refused_with_who_won_and_when(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)
        mes.clock.at += timedelta(minutes=1)

        with pytest.raises(WorkOrderAlreadyClaimed) as refusal:
            await claim(mes, work_order_id, OLGA)

        assert refusal.value.status == 409
        assert refusal.value.extra["claimed_by"] == "Oleg"
        assert refusal.value.extra["claimed_at"] == START.isoformat()
        assert len(await mes.ledger(work_order_id)) == 1
        assert len(await mes.messages(order_id)) == 1

    async def test_even_the_winner_cannot_claim_twice(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)

        with pytest.raises(WorkOrderAlreadyClaimed):
            await claim(mes, work_order_id, OLEG)

        assert len(await mes.ledger(work_order_id)) == 1

    async def test_a_repeated_request_gets_the_first_answer(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        key = IdempotencyKey("oleg claim", str(new_id()), "same body")
        command = ClaimWorkOrder(work_order_id, OLEG, key)

        first = await handlers.claim_work_order(command, mes.make_uow(), terms=TERMS)
        mes.clock.at += timedelta(minutes=1)
        again = await handlers.claim_work_order(command, mes.make_uow(), terms=TERMS)

        assert again == first
        assert len(await mes.messages(order_id)) == 1

    async def test_a_key_with_another_body_is_refused(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        key = str(new_id())
        first = ClaimWorkOrder(work_order_id, OLEG, IdempotencyKey("oleg claim", key, "one body"))
        other = ClaimWorkOrder(work_order_id, OLEG, IdempotencyKey("oleg claim", key, "another body"))
        await handlers.claim_work_order(first, mes.make_uow(), terms=TERMS)

        with pytest.raises(Invalid):
            await handlers.claim_work_order(other, mes.make_uow(), terms=TERMS)

    async def test_what_does_not_exist_cannot_be_claimed(self, mes: Mes) -> None:
        with pytest.raises(WorkOrderNotFound):
            await claim(mes, new_id())

    async def test_a_new_alloy_is_paid_by_the_rate_of_any_material(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes, spec(material="palladium_500", weight_g=None))

        await claim(mes, work_order_id)

        [entry] = await mes.ledger(work_order_id)
        assert entry.amount.amount == Decimal("600.00")

    async def test_a_return_reverses_the_pay_and_the_next_claim_earns_again(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)
        command = ReturnWorkOrder(work_order_id, OLEG, "no stones left")
        answer = await handlers.return_work_order(command, mes.make_uow(), terms=TERMS)
        assert answer.body is not None
        assert (answer.body["state"], answer.body["claimed_by"]) == ("RELEASED", None)

        await claim(mes, work_order_id, OLGA)

        entries = [(e.claim_no, e.kind, e.operator.name, e.amount.amount) for e in await mes.ledger(work_order_id)]
        assert entries == [
            (1, PayKind.EARN, "Oleg", Decimal("500.00")),
            (1, PayKind.REVERSE, "Oleg", Decimal("-500.00")),
            (2, PayKind.EARN, "Olga", Decimal("500.00")),
        ]
        told = [(message["type"], message["claim_no"]) for message in await mes.messages(order_id)]
        assert told == [
            ("mes.work_order_claimed.v1", 1),
            ("mes.work_order_returned.v1", 1),
            ("mes.work_order_claimed.v1", 2),
        ]


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


class AssignmentRules:
    """What nobody took is given to somebody."""

    async def test_escalated_work_is_assigned_and_paid_like_a_claim(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await handlers.meet_operator(OLGA, mes.make_uow())
        mes.clock.at += timedelta(seconds=BUDGET_S + 1)

        command = AssignWorkOrder(work_order_id, OLGA.id, None, SOFIA)
        answer = await handlers.assign_work_order(command, mes.make_uow(), terms=TERMS)

        assert answer.body is not None
        assert answer.body["claimed_by"] == "Olga"
        [entry] = await mes.ledger(work_order_id)
        assert entry.operator == OLGA
        [message] = await mes.messages(order_id)
        assert message["operator_name"] == "Olga"

    async def test_work_within_its_budget_is_not_assigned(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        mes.clock.at += timedelta(seconds=BUDGET_S)

        command = AssignWorkOrder(work_order_id, OLGA.id, "Olga", SOFIA)
        with pytest.raises(WorkOrderNotEscalated) as refusal:
            await handlers.assign_work_order(command, mes.make_uow(), terms=TERMS)

        assert refusal.value.extra["escalates_at"] == (START + timedelta(seconds=BUDGET_S)).isoformat()
        assert await mes.ledger(work_order_id) == []

    async def test_an_unknown_operator_needs_a_name(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        mes.clock.at += timedelta(seconds=BUDGET_S + 1)
        newcomer = new_id()

        command = AssignWorkOrder(work_order_id, newcomer, None, SOFIA)
        with pytest.raises(OperatorUnknown):
            await handlers.assign_work_order(command, mes.make_uow(), terms=TERMS)

        command = AssignWorkOrder(work_order_id, newcomer, "Otto", SOFIA)
        answer = await handlers.assign_work_order(command, mes.make_uow(), terms=TERMS)
        assert answer.body is not None
        assert answer.body["claimed_by"] == "Otto"

    async def test_claimed_work_is_not_assigned(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)
        mes.clock.at += timedelta(seconds=BUDGET_S + 1)

        command = AssignWorkOrder(work_order_id, OLGA.id, "Olga", SOFIA)
        with pytest.raises(WorkOrderAlreadyClaimed):
            await handlers.assign_work_order(command, mes.make_uow(), terms=TERMS)


class MakingRules:
    """From the bench to the carrier, by the holder alone."""

    async def test_a_piece_goes_from_the_bench_to_the_carrier(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        parcel = a_parcel()
        await claim(mes, work_order_id)

        await handlers.complete_work_order(CompleteWorkOrder(work_order_id, OLEG), mes.make_uow(), terms=TERMS)
        await handlers.start_packing(StartPacking(work_order_id, OLEG), mes.make_uow(), terms=TERMS)
        answer = await handlers.ship_work_order(ShipWorkOrder(work_order_id, OLEG, parcel), mes.make_uow(), terms=TERMS)

        assert answer.body is not None
        assert answer.body["shipment"] == {"carrier": "CDEK", "tracking_number": parcel.tracking_number}
        assert answer.body["allowed_actions"] == []
        assert [message["type"] for message in await mes.messages(order_id)] == [
            "mes.work_order_claimed.v1",
            "mes.work_order_completed.v1",
            "mes.packing_started.v1",
            "mes.work_order_shipped.v1",
        ]
        states = [state for state, _ in await mes.history(work_order_id)]
        assert states == ["RELEASED", "CLAIMED", "COMPLETED", "PACKING", "SHIPPED"]
        assert len(await mes.ledger(work_order_id)) == 1

    @pytest.mark.parametrize("from_packing", [False, True])
    async def test_rework_goes_back_to_the_bench_and_is_not_paid_twice(self, mes: Mes, from_packing: bool) -> None:
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id)
        complete = CompleteWorkOrder(work_order_id, OLEG)
        await handlers.complete_work_order(complete, mes.make_uow(), terms=TERMS)
        if from_packing:
            await handlers.start_packing(StartPacking(work_order_id, OLEG), mes.make_uow(), terms=TERMS)

        await handlers.start_rework(StartRework(work_order_id, OLEG, "a loose stone"), mes.make_uow(), terms=TERMS)

        present = await mes.work_order(work_order_id)
        assert (present.state, present.rework_count, present.claim_no) == (WorkOrderState.CLAIMED, 1, 1)
        assert len(await mes.ledger(work_order_id)) == 1
        last = (await mes.messages(order_id))[-1]
        assert (last["type"], last["reason"]) == ("mes.rework_started.v1", "a loose stone")

    async def test_only_the_holder_may_work_on_it(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)

        with pytest.raises(NotTheHolder) as refusal:
            await handlers.complete_work_order(CompleteWorkOrder(work_order_id, OLGA), mes.make_uow(), terms=TERMS)
        with pytest.raises(NotTheHolder):
            await handlers.return_work_order(
                ReturnWorkOrder(work_order_id, OLGA, "mine now"), mes.make_uow(), terms=TERMS
            )

        assert refusal.value.extra["claimed_by"] == "Oleg"
        assert (await mes.work_order(work_order_id)).state is WorkOrderState.CLAIMED

    async def test_a_step_out_of_order_is_refused_with_what_is_allowed(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id)

        with pytest.raises(WorkOrderStateRefused) as refusal:
            await handlers.ship_work_order(ShipWorkOrder(work_order_id, OLEG, a_parcel()), mes.make_uow(), terms=TERMS)

        assert refusal.value.extra == {"state": "CLAIMED", "allowed": ["return", "completion", "progress", "handover"]}

    async def test_a_made_piece_cannot_be_returned(self, mes: Mes) -> None:
        _, [work_order_id] = await released(mes)
        await claim(mes, work_order_id)
        complete = CompleteWorkOrder(work_order_id, OLEG)
        await handlers.complete_work_order(complete, mes.make_uow(), terms=TERMS)

        with pytest.raises(WorkOrderStateRefused):
            await handlers.return_work_order(ReturnWorkOrder(work_order_id, OLEG, "tired"), mes.make_uow(), terms=TERMS)

        assert len(await mes.ledger(work_order_id)) == 1

    async def test_a_parcel_carries_one_order_but_all_of_its_lines(self, mes: Mes) -> None:
        parcel = a_parcel()
        _, same_order = await released(mes, spec(), spec())
        _, other_order = await released(mes, spec())
        for work_order_id in (*same_order, *other_order):
            await claim(mes, work_order_id)
            complete = CompleteWorkOrder(work_order_id, OLEG)
            await handlers.complete_work_order(complete, mes.make_uow(), terms=TERMS)
            await handlers.start_packing(StartPacking(work_order_id, OLEG), mes.make_uow(), terms=TERMS)

        for work_order_id in same_order:
            ship = ShipWorkOrder(work_order_id, OLEG, parcel)
            await handlers.ship_work_order(ship, mes.make_uow(), terms=TERMS)
        ship = ShipWorkOrder(other_order[0], OLEG, parcel)
        with pytest.raises(TrackingNumberTaken):
            await handlers.ship_work_order(ship, mes.make_uow(), terms=TERMS)

        assert (await mes.work_order(other_order[0])).state is WorkOrderState.PACKING


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


class WithdrawalRules:
    """All of an order's work comes back, or none."""

    async def test_unclaimed_work_is_withdrawn_and_cannot_be_claimed(self, mes: Mes) -> None:
        order_id, work_order_ids = await released(mes, spec(), spec())
        request = withdrawal_of(order_id)

        await hear(mes, request)

        [decided] = await mes.messages(order_id)
        assert decided["type"] == "mes.withdrawal_decided.v1"
        assert (decided["accepted"], decided["withdrawal_id"]) == (True, str(request.withdrawal_id))
        for work_order_id in work_order_ids:
            with pytest.raises(WorkOrderWithdrawn):
                await claim(mes, work_order_id)
            assert await mes.ledger(work_order_id) == []

    async def test_one_claimed_line_keeps_the_whole_order(self, mes: Mes) -> None:
        order_id, [first, second] = await released(mes, spec(), spec())
        await claim(mes, first, OLGA)

        await hear(mes, withdrawal_of(order_id))

        decided = (await mes.messages(order_id))[-1]
        assert (decided["accepted"], decided["held_by"]) == (False, "Olga")
        assert (await mes.work_order(second)).state is WorkOrderState.RELEASED

    async def test_a_seller_may_withdraw_started_work_and_the_operator_keeps_the_pay(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)

        await hear(mes, withdrawal_of(order_id, by_seller=True))

        assert (await mes.messages(order_id))[-1]["accepted"] is True
        assert (await mes.work_order(work_order_id)).state is WorkOrderState.WITHDRAWN
        assert [entry.kind for entry in await mes.ledger(work_order_id)] == [PayKind.EARN]
        with pytest.raises(WorkOrderWithdrawn):
            await handlers.complete_work_order(CompleteWorkOrder(work_order_id, OLEG), mes.make_uow(), terms=TERMS)

    async def test_nobody_withdraws_what_was_shipped(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id)
        complete = CompleteWorkOrder(work_order_id, OLEG)
        await handlers.complete_work_order(complete, mes.make_uow(), terms=TERMS)
        await handlers.start_packing(StartPacking(work_order_id, OLEG), mes.make_uow(), terms=TERMS)
        ship = ShipWorkOrder(work_order_id, OLEG, a_parcel())
        await handlers.ship_work_order(ship, mes.make_uow(), terms=TERMS)

        await hear(mes, withdrawal_of(order_id, by_seller=True))

        assert (await mes.messages(order_id))[-1]["accepted"] is False
        assert (await mes.work_order(work_order_id)).state is WorkOrderState.SHIPPED

    async def test_a_withdrawal_before_the_release_keeps_it_off_the_board(self, mes: Mes) -> None:
        command = release_of()
        await hear(mes, withdrawal_of(command.order_id))

        await hear(mes, command)

        [decided] = await mes.messages(command.order_id)
        assert decided["accepted"] is True
        with pytest.raises(WorkOrderWithdrawn):
            await claim(mes, command.work_orders[0].work_order_id)

    async def test_the_same_request_again_gets_the_same_answer(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await claim(mes, work_order_id, OLEG)
        request = withdrawal_of(order_id)
        await hear(mes, request)
        back = ReturnWorkOrder(work_order_id, OLEG, "no time")
        await handlers.return_work_order(back, mes.make_uow(), terms=TERMS)

        await hear(mes, request)

        answers = [m["accepted"] for m in await mes.messages(order_id) if m["type"] == "mes.withdrawal_decided.v1"]
        assert answers == [False, False]
        await hear(mes, withdrawal_of(order_id))
        assert (await mes.messages(order_id))[-1]["accepted"] is True


class HearingRules:
    """Messages come twice, late and in any order."""

    async def test_a_release_heard_twice_changes_nothing(self, mes: Mes) -> None:
        command = release_of()
        work_order_id = command.work_orders[0].work_order_id
        await hear(mes, command)
        await claim(mes, work_order_id, OLEG)

        await hear(mes, command)

        present = await mes.work_order(work_order_id)
        assert present.state is WorkOrderState.CLAIMED
        assert [state for state, _ in await mes.history(work_order_id)] == ["RELEASED", "CLAIMED"]

    async def test_a_release_is_never_before_its_approval(self, mes: Mes) -> None:
        mes.clock.at = START - timedelta(seconds=30)

        _, [work_order_id] = await released(mes)

        present = await mes.work_order(work_order_id)
        assert present.released_at == present.approved_at == START

    async def test_an_ended_order_leaves_the_board_without_a_command(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)

        await hear(mes, changed_to(OrderStatus.CANCELLED, order_id, version=7))

        with pytest.raises(WorkOrderWithdrawn):
            await claim(mes, work_order_id)

    async def test_an_order_that_ended_before_its_release_never_reaches_the_board(self, mes: Mes) -> None:
        command = release_of()
        await hear(mes, changed_to(OrderStatus.CANCELLED, command.order_id, version=7))

        await hear(mes, command)

        with pytest.raises(WorkOrderWithdrawn):
            await claim(mes, command.work_orders[0].work_order_id)

    async def test_an_older_status_is_ignored(self, mes: Mes) -> None:
        order_id, [work_order_id] = await released(mes)
        await hear(mes, changed_to(OrderStatus.MANUFACTURING_APPROVED, order_id, version=6))

        await hear(mes, changed_to(OrderStatus.CANCELLED, order_id, version=5))

        assert (await claim(mes, work_order_id)).status == 200
