"""The rules of weighing. Every class of ports has to keep them: `unit` tries them in memory, `integration` on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from system.mes.application import handlers
from system.mes.application.commands import CompleteWorkOrder, ReturnWorkOrder, WeighWorkOrder
from system.mes.application.weighing import weigh_work_order
from system.mes.domain.errors import NotTheHolder, WeighingRequired, WeightDoubtful, WorkOrderStateRefused
from system.mes.domain.weights import Stage
from system.mes.domain.work_order import Operator, WorkOrderState
from system.mes.tests.harness import OLEG, OLGA, START, TERMS, Mes, claim, released, spec
from system.plumbing.unit_of_work import Answer

REQUIRED = replace(TERMS, weighing_required=True)


async def weighs(
    mes: Mes,
    work_order_id: UUID,
    *,
    cast: str | None = None,
    finished: str | None = None,
    confirmed: bool = False,
    operator: Operator = OLEG,
) -> Answer:
    """An operator enters weights."""
    entered = {Stage.CAST: cast, Stage.FINISHED: finished}
    grams = {stage: Decimal(text) for stage, text in entered.items() if text}
    return await weigh_work_order(WeighWorkOrder(work_order_id, operator, grams, confirmed), mes.make_uow())


async def in_hand(mes: Mes, *, quantity: int = 1, weight_g: str | None = "2.00") -> UUID:
    """A work order of silver that Oleg has on his bench."""
    _, [work_order_id] = await released(mes, spec(quantity=quantity, weight_g=weight_g))
    await claim(mes, work_order_id, OLEG)
    return work_order_id


class WeighingRules:
    """Who weighs what, when it is believed, and what counts."""

    async def test_what_is_cast_and_finished_tells_the_loss(self, mes: Mes) -> None:
        work_order_id = await in_hand(mes, quantity=2)
        await weighs(mes, work_order_id, cast="4.20")
        answer = await weighs(mes, work_order_id, finished="3.99")
        assert answer.body is not None
        told = {name: answer.body[name] for name in ("quoted_g", "cast_g", "finished_g", "lost_g", "lost_percent")}
        assert told == {
            "quoted_g": "4.00",
            "cast_g": "4.20",
            "finished_g": "3.99",
            "lost_g": "0.21",
            "lost_percent": "5.00",
        }

    async def test_a_correction_is_one_more_entry_and_counts(self, mes: Mes) -> None:
        work_order_id = await in_hand(mes)
        await weighs(mes, work_order_id, cast="2.30")
        mes.clock.at += timedelta(minutes=1)
        answer = await weighs(mes, work_order_id, cast="2.10")
        assert answer.body is not None and answer.body["cast_g"] == "2.10"
        assert [(one["no"], one["grams"], one["counts"]) for one in answer.body["weighings"]] == [
            (1, "2.30", False),
            (2, "2.10", True),
        ]

    async def test_what_is_so_already_is_not_written_again(self, mes: Mes) -> None:
        work_order_id = await in_hand(mes)
        for _ in range(2):
            answer = await weighs(mes, work_order_id, cast="2.1", finished="2.00")
        assert answer.body is not None and len(answer.body["weighings"]) == 2

    @pytest.mark.parametrize(
        ("entered", "doubts"),
        [
            ({"cast": "2.41"}, ["cast-off-quote"]),
            ({"cast": "1.59"}, ["cast-off-quote"]),
            ({"finished": "20.5"}, ["finished-off-quote"]),
            ({"cast": "2.00", "finished": "2.01"}, ["finished-above-cast"]),
            ({"cast": "3.00", "finished": "3.01"}, ["cast-off-quote", "finished-off-quote", "finished-above-cast"]),
        ],
    )
    async def test_what_is_hard_to_believe_is_asked_about_and_then_believed(
        self, mes: Mes, entered: dict[str, str], doubts: list[str]
    ) -> None:
        work_order_id = await in_hand(mes)
        with pytest.raises(WeightDoubtful) as doubt:
            await weighs(mes, work_order_id, **entered)  # type: ignore[arg-type]
        assert doubt.value.extra["doubts"] == doubts
        answer = await weighs(mes, work_order_id, **entered, confirmed=True)  # type: ignore[arg-type]
        assert answer.body is not None
        assert [one["in_doubt"] for one in answer.body["weighings"]] == [True] * len(entered)

    async def test_a_fifth_off_the_quote_is_believed_and_so_is_anything_where_nothing_was_quoted(
        self, mes: Mes
    ) -> None:
        work_order_id = await in_hand(mes)
        await weighs(mes, work_order_id, cast="2.40")
        await weighs(mes, work_order_id, cast="1.60")
        await weighs(mes, await in_hand(mes, weight_g=None), cast="400")

    async def test_a_cast_below_what_is_finished_is_asked_about(self, mes: Mes) -> None:
        work_order_id = await in_hand(mes)
        await weighs(mes, work_order_id, finished="2.00")
        with pytest.raises(WeightDoubtful):
            await weighs(mes, work_order_id, cast="1.99")

    async def test_only_the_holder_weighs_and_only_what_is_here(self, mes: Mes) -> None:
        work_order_id = await in_hand(mes)
        with pytest.raises(NotTheHolder):
            await weighs(mes, work_order_id, cast="2.00", operator=OLGA)
        await handlers.return_work_order(ReturnWorkOrder(work_order_id, OLEG, "ill"), mes.make_uow(), terms=TERMS)
        with pytest.raises(WorkOrderStateRefused):
            await weighs(mes, work_order_id, cast="2.00")

    async def test_whoever_takes_it_next_goes_on_from_the_weights_that_are_there(self, mes: Mes) -> None:
        work_order_id = await in_hand(mes)
        await weighs(mes, work_order_id, cast="2.10")
        await handlers.return_work_order(ReturnWorkOrder(work_order_id, OLEG, "ill"), mes.make_uow(), terms=TERMS)
        await claim(mes, work_order_id, OLGA)
        answer = await weighs(mes, work_order_id, finished="2.00", operator=OLGA)
        assert answer.body is not None and answer.body["lost_g"] == "0.10"
        assert [one["claim_no"] for one in answer.body["weighings"]] == [1, 2]

    async def test_weighing_keeps_a_claim_as_long_as_saying_that_it_goes_on(self, mes: Mes) -> None:
        work_order_id = await in_hand(mes)
        mes.clock.at += timedelta(hours=40)
        await weighs(mes, work_order_id, cast="2.00")
        assert (await mes.work_order(work_order_id)).state_since == START + timedelta(hours=40)

    async def test_a_piece_is_weighed_as_it_is_made(self, mes: Mes) -> None:
        work_order_id = await in_hand(mes)
        command = CompleteWorkOrder(work_order_id, OLEG, Decimal("9.00"))
        with pytest.raises(WeightDoubtful):
            await handlers.complete_work_order(command, mes.make_uow(), terms=TERMS)
        assert (await mes.work_order(work_order_id)).state is WorkOrderState.CLAIMED
        await handlers.complete_work_order(replace(command, confirmed=True), mes.make_uow(), terms=TERMS)
        made = await mes.work_order(work_order_id)
        assert made.state is WorkOrderState.COMPLETED
        mes.clock.at += timedelta(minutes=5)
        answer = await weighs(mes, work_order_id, finished="2.00")
        assert answer.body is not None and answer.body["finished_g"] == "2.00"
        # How long a completion may be undone counts from the completion.
        assert (await mes.work_order(work_order_id)).state_since == made.state_since

    async def test_a_weight_is_asked_for_and_not_a_must_unless_the_workshop_says_so(self, mes: Mes) -> None:
        free, must, weighed = [await in_hand(mes) for _ in range(3)]
        await handlers.complete_work_order(CompleteWorkOrder(free, OLEG), mes.make_uow(), terms=TERMS)
        with pytest.raises(WeighingRequired):
            await handlers.complete_work_order(CompleteWorkOrder(must, OLEG), mes.make_uow(), terms=REQUIRED)
        command = CompleteWorkOrder(must, OLEG, Decimal("2.00"))
        await handlers.complete_work_order(command, mes.make_uow(), terms=REQUIRED)
        await weighs(mes, weighed, finished="2.00")
        await handlers.complete_work_order(CompleteWorkOrder(weighed, OLEG), mes.make_uow(), terms=REQUIRED)
