"""Weights as their holder writes them down: alone, or with the completion of a piece."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from system.mes.application.commands import WeighWorkOrder
from system.mes.application.ports import MesUnitOfWork
from system.mes.application.views import weights_view
from system.mes.domain.errors import WeightDoubtful
from system.mes.domain.weights import Stage, Weighing, corrected, doubts_about, news, weights_of
from system.mes.domain.work_order import Operator, WorkOrder
from system.plumbing.unit_of_work import Answer


async def weigh_work_order(command: WeighWorkOrder, uow: MesUnitOfWork) -> Answer:
    """Weights of a work order from its holder, from the bench until its parcel leaves.

    Raises NotTheHolder, WorkOrderStateRefused, WeightDoubtful."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        before = await uow.work_orders.hold(command.work_order_id)
        after = before.weighed(command.operator, now=uow.now)
        weighings = await write_down(after, command.grams, uow, operator=command.operator, confirmed=command.confirmed)
        if after != before:
            await uow.work_orders.save(after)
        return await uow.commit(Answer(200, weights_view(after, weighings)))


async def write_down(
    work_order: WorkOrder,
    entered: Mapping[Stage, Decimal],
    uow: MesUnitOfWork,
    *,
    operator: Operator,
    confirmed: bool,
) -> tuple[Weighing, ...]:
    """Adds what is new of the weights entered; returns all weighings of the work order. Raises WeightDoubtful unless confirmed."""
    known = await uow.weighings.of(work_order.id)
    weights = weights_of(work_order, known)
    fresh = news(weights, entered)
    doubts = doubts_about(weights, fresh)
    if doubts and not confirmed:
        after = corrected(weights, fresh)
        raise WeightDoubtful(doubts=doubts, quoted_g=after.quoted_g, cast_g=after.cast_g)
    added = []
    for stage, grams in fresh.items():
        weighing = Weighing(
            work_order_id=work_order.id,
            claim_no=work_order.claim_no,
            stage=stage,
            no=1 + max((each.no for each in known if each.stage is stage), default=0),
            grams=grams,
            operator=operator,
            at=uow.now,
            in_doubt=bool(doubts),
        )
        await uow.weighings.add(weighing)
        added.append(weighing)
    return (*known, *added)
