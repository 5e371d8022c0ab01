"""The rules of MES. Every class of ports has to keep them: `unit` tries them in memory, `integration` on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from system.kernel.errors import Invalid
from system.kernel.ids import new_id
from system.mes.application import handlers
from system.mes.application.commands import (
    AssignWorkOrder,
    ClaimWorkOrder,
    CompleteWorkOrder,
    ReturnWorkOrder,
    ShipWorkOrder,
    StartPacking,
    StartRework,
)
from system.mes.domain.errors import (
    NotTheHolder,
    OperatorUnknown,
    TrackingNumberTaken,
    WorkOrderAlreadyClaimed,
    WorkOrderNotEscalated,
    WorkOrderNotFound,
    WorkOrderStateRefused,
    WorkOrderWithdrawn,
)
from system.mes.domain.pay import PayKind
from system.mes.domain.work_order import Operator, Parcel, WorkOrderState
from system.mes.tests.harness import (
    BUDGET_S,
    OLEG,
    OLGA,
    START,
    TERMS,
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
from system.plumbing.unit_of_work import IdempotencyKey

SOFIA = Operator(new_id(), "Sofia")


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

        assert refusal.value.extra == {
            "state": "CLAIMED",
            "allowed": ["return", "completion", "progress", "handover", "weighing"],
        }

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
