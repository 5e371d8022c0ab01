"""What people do at the board. One command, one transaction, one commit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from system.kernel.money import Money
from system.mes.application import facts
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
from system.mes.application.ports import MesUnitOfWork
from system.mes.application.views import work_order_view
from system.mes.application.weighing import write_down
from system.mes.domain import rules
from system.mes.domain.errors import (
    ClaimLimitReached,
    OperatorUnknown,
    TrackingNumberTaken,
    WeighingRequired,
    WorkOrderAlreadyClaimed,
    WorkOrderStateRefused,
)
from system.mes.domain.pay import PayRate, earning, rate_for, reversal
from system.mes.domain.rules import Terms
from system.mes.domain.weights import Stage, weights_of
from system.mes.domain.work_order import Operator, WorkOrder
from system.messages.envelope import Message
from system.plumbing.unit_of_work import Answer

CLAIMS = Counter("alexandrite_mes_claims_total", "Claims by operators, by whether they got the work order.", ["ended"])
WON, LOST, LIMITED = CLAIMS.labels("won"), CLAIMS.labels("lost"), CLAIMS.labels("limited")
MES = "mes"
"""Who did it when nobody did."""


async def claim_work_order(command: ClaimWorkOrder, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """The first operator gets the work order and one entry in the pay ledger; everybody else learns who was first.

    Raises WorkOrderAlreadyClaimed, WorkOrderWithdrawn, WorkOrderNotFound, ClaimLimitReached."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        try:
            work_order, pay = await _claim_for(
                command.operator, command.work_order_id, uow, actor=command.operator.name
            )
        except WorkOrderAlreadyClaimed:
            LOST.inc()
            raise
        # Counted after the claim has locked the operator: of two tabs of one operator the later counts the earlier one's too.
        in_hand = await uow.work_orders.in_hand(command.operator.id, besides=work_order.id, limit=terms.claims_max)
        if not rules.has_a_hand_free(len(in_hand), claims_max=terms.claims_max):
            LIMITED.inc()
            raise ClaimLimitReached(limit=terms.claims_max, in_hand=in_hand)
        answer = await uow.commit(_answer(work_order, pay, uow.now, terms))
    WON.inc()
    return answer


async def assign_work_order(command: AssignWorkOrder, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """An escalated work order becomes the claim of the named operator, who is paid for it as for their own.

    What one is given counts as being in hand, and is given whatever one holds: that is for the giver to know.

    Raises WorkOrderNotEscalated, OperatorUnknown, and what a claim raises."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        work_order = await uow.work_orders.hold(command.work_order_id)
        work_order.check_assignable(now=uow.now, claim_budget_s=terms.claim_budget_s)
        operator = await _operator(command.operator_id, command.operator_name, uow)
        work_order, pay = await _claim_for(operator, work_order.id, uow, actor=command.assigned_by.name)
        await uow.audit(
            actor=f"{command.assigned_by.name} ({command.assigned_by.id})",
            action="assign_work_order",
            subject=str(work_order.id),
            details={"operator_id": str(operator.id), "operator_name": operator.name},
        )
        return await uow.commit(_answer(work_order, pay, uow.now, terms))


async def hand_over_work_order(command: HandOverWorkOrder, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """Claimed work becomes the claim of another operator: the first one's earning is reversed, the other earns.

    It counts as being in hand, and is given whatever the other holds. Raises WorkOrderStateRefused, WorkOrderWithdrawn,
    OperatorUnknown, AlreadyTheHolder."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        rates = await uow.pay_ledger.rates()
        before = await uow.work_orders.hold(command.work_order_id)
        operator = await _operator(command.operator_id, command.operator_name, uow)
        after = before.handed_over(operator, now=uow.now)
        await _take_pay_back(before, uow)
        await uow.work_orders.save(after)
        giver = before.claim.operator.name if before.claim else ""
        reason = f"handed over from {giver} to {operator.name}"
        pay = await _begin_claim(after, operator, rates, uow, actor=command.handed_over_by.name, reason=reason)
        await uow.audit(
            actor=f"{command.handed_over_by.name} ({command.handed_over_by.id})",
            action="hand_over_work_order",
            subject=str(after.id),
            details={"from": giver, "operator_id": str(operator.id), "operator_name": operator.name},
        )
        return await uow.commit(_answer(after, pay, uow.now, terms))


async def return_work_order(command: ReturnWorkOrder, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """Back on the board; the earning of this claim is reversed. Raises NotTheHolder, WorkOrderStateRefused."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        before = await uow.work_orders.hold(command.work_order_id)
        after = before.returned(command.operator, now=uow.now)
        await _take_pay_back(before, uow)
        fact = facts.returned(after, command.operator, reason=command.reason, at=uow.now)
        answer = await _record(after, fact, command.operator, uow, terms=terms, reason=command.reason)
        return await uow.commit(answer)


async def lapse_claim(work_order_id: UUID, uow: MesUnitOfWork, *, terms: Terms) -> bool:
    """As if the holder had returned it, when nothing happened to the claim for too long; else nothing, and False. Safe to repeat."""
    async with uow:
        before = await uow.work_orders.hold(work_order_id)
        after = before.lapsed(now=uow.now, idle_s=terms.idle_s)
        if after is None or before.claim is None:
            return False
        await _take_pay_back(before, uow)
        await uow.work_orders.save(after)
        await uow.work_orders.note(after, actor=MES, at=uow.now, reason=rules.LAPSED)
        uow.publish(facts.returned(after, before.claim.operator, reason=rules.LAPSED, at=uow.now))
        await uow.commit()
        return True


async def report_progress(command: ReportProgress, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """The claim lapses as if it began now. Nobody else has to hear of it. Raises NotTheHolder, WorkOrderStateRefused."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        after = (await uow.work_orders.hold(command.work_order_id)).going_on(command.operator, now=uow.now)
        return await uow.commit(await _record(after, None, command.operator, uow, terms=terms, reason=rules.GOES_ON))


async def complete_work_order(command: CompleteWorkOrder, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """The piece is made, and its weight written down where it was entered.

    Raises NotTheHolder, WorkOrderStateRefused, WeightDoubtful; WeighingRequired where a weight is a must and none is known."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        after = (await uow.work_orders.hold(command.work_order_id)).completed(command.operator, now=uow.now)
        if command.finished_g is not None:
            entered = {Stage.FINISHED: command.finished_g}
            await write_down(after, entered, uow, operator=command.operator, confirmed=command.confirmed)
        elif terms.weighing_required and weights_of(after, await uow.weighings.of(after.id)).finished_g is None:
            raise WeighingRequired()
        fact = facts.completed(after, command.operator, at=uow.now)
        return await uow.commit(await _record(after, fact, command.operator, uow, terms=terms))


async def undo_completion(command: UndoCompletion, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """Not made after all. To the order it is a piece back on the bench; nobody counts it as rework.

    Raises NotTheHolder, WorkOrderStateRefused, UndoTooLate."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        before = await uow.work_orders.hold(command.work_order_id)
        after = before.undone(command.operator, now=uow.now, undo_s=terms.undo_s)
        fact = facts.rework_started(after, command.operator, reason=rules.UNDONE, at=uow.now)
        answer = await _record(after, fact, command.operator, uow, terms=terms, reason=rules.UNDONE)
        return await uow.commit(answer)


async def start_rework(command: StartRework, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """Back to the bench. Raises NotTheHolder, WorkOrderStateRefused."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        after = (await uow.work_orders.hold(command.work_order_id)).reworked(command.operator, now=uow.now)
        fact = facts.rework_started(after, command.operator, reason=command.reason, at=uow.now)
        answer = await _record(after, fact, command.operator, uow, terms=terms, reason=command.reason)
        return await uow.commit(answer)


async def start_packing(command: StartPacking, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """Packing begins. Raises NotTheHolder, WorkOrderStateRefused."""
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        after = (await uow.work_orders.hold(command.work_order_id)).packed(command.operator, now=uow.now)
        fact = facts.packing_started(after, command.operator, at=uow.now)
        return await uow.commit(await _record(after, fact, command.operator, uow, terms=terms))


async def ship_work_order(command: ShipWorkOrder, uow: MesUnitOfWork, *, terms: Terms) -> Answer:
    """Handed to the carrier. Raises NotTheHolder, WorkOrderStateRefused, TrackingNumberTaken."""
    parcel = command.parcel
    async with uow:
        if seen := await uow.answer_to(command.key):
            return seen
        after = (await uow.work_orders.hold(command.work_order_id)).shipped(command.operator, parcel, now=uow.now)
        if not await uow.work_orders.take_parcel(parcel, order_id=after.order_id, at=uow.now):
            raise TrackingNumberTaken(carrier=parcel.carrier, tracking_number=parcel.tracking_number)
        fact = facts.shipped(after, command.operator, parcel, at=uow.now)
        label = f"{parcel.carrier} {parcel.tracking_number}"
        answer = await _record(after, fact, command.operator, uow, terms=terms, reason=label)
        return await uow.commit(answer)


async def meet_operator(operator: Operator, uow: MesUnitOfWork) -> None:
    """Remembers that this operator came to the board, so that work can be assigned to them by name."""
    async with uow:
        await uow.operators.meet(operator, at=uow.now)
        await uow.commit()


async def _claim_for(
    operator: Operator, work_order_id: UUID, uow: MesUnitOfWork, *, actor: str
) -> tuple[WorkOrder, Money]:
    rates = await uow.pay_ledger.rates()
    work_order = await uow.work_orders.claim(work_order_id, operator, at=uow.now)
    if work_order is None:
        present = await uow.work_orders.get(work_order_id)
        refusal = present.refusal_of_claim()
        # Free again between the update and this read: whoever asks a second time may get it.
        raise refusal or WorkOrderStateRefused(action="claim", state=present.state, allowed=present.allowed_actions)
    reason = None if actor == operator.name else f"assigned to {operator.name}"
    return work_order, await _begin_claim(work_order, operator, rates, uow, actor=actor, reason=reason)


async def _begin_claim(
    claimed: WorkOrder,
    operator: Operator,
    rates: tuple[PayRate, ...],
    uow: MesUnitOfWork,
    *,
    actor: str,
    reason: str | None,
) -> Money:
    """Everything that every new claim leaves behind: its earning, the operator's name, history, message."""
    entry = earning(claimed, rate_for(claimed.material, rates, at=uow.now), operator=operator, at=uow.now)
    await uow.pay_ledger.add(entry)
    await uow.operators.meet(operator, at=uow.now)
    await uow.work_orders.note(claimed, actor=actor, at=uow.now, reason=reason)
    uow.publish(facts.claimed(claimed, operator, at=uow.now))
    return entry.amount


async def _operator(operator_id: UUID, name: str | None, uow: MesUnitOfWork) -> Operator:
    """The operator MES has met, else a new one of this name. Raises OperatorUnknown without either."""
    known = await uow.operators.find(operator_id)
    if known is None and not name:
        raise OperatorUnknown(operator_id)
    return known or Operator(operator_id, name or "")


async def _take_pay_back(claimed: WorkOrder, uow: MesUnitOfWork) -> None:
    earned = await uow.pay_ledger.earning_of(claimed.id, claimed.claim_no)
    await uow.pay_ledger.add(reversal(earned, at=uow.now))


async def _record(
    after: WorkOrder,
    fact: Message | None,
    operator: Operator,
    uow: MesUnitOfWork,
    *,
    terms: Terms,
    reason: str | None = None,
) -> Answer:
    """Everything that every step of a holder leaves behind: state, history, message, answer."""
    earned = await uow.pay_ledger.earning_of(after.id, after.claim_no)
    await uow.work_orders.save(after)
    await uow.work_orders.note(after, actor=operator.name, at=uow.now, reason=reason)
    if fact is not None:
        uow.publish(fact)
    return _answer(after, earned.amount, uow.now, terms)


def _answer(work_order: WorkOrder, pay: Money, now: datetime, terms: Terms) -> Answer:
    return Answer(200, work_order_view(work_order, pay=pay, now=now, terms=terms))
