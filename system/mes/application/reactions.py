"""What MES does when the orchestrator speaks. The consumer commits; nothing here does."""

from __future__ import annotations

from datetime import datetime

from system.mes.application import facts
from system.mes.application.ports import MesUnitOfWork
from system.mes.domain import rules
from system.mes.domain.withdrawal import Withdrawal
from system.mes.domain.work_order import WorkOrder, WorkOrderState
from system.messages.orchestrator_v1 import OrderChanged, ReleaseWorkOrders, WithdrawWorkOrders, WorkOrderSpec

ORCHESTRATOR = "orchestrator"


async def on_release_work_orders(message: ReleaseWorkOrders, uow: MesUnitOfWork) -> None:
    """Puts an order's lines on the board, once. What was withdrawn, or has ended, before its release never gets there."""
    await uow.lock(message.order_id)
    has_ended = await uow.order_statuses.status_of(message.order_id) in rules.ENDED_ORDER_STATUSES
    is_withdrawn = has_ended or await uow.withdrawals.accepted_for(message.order_id)
    released_at = rules.release_moment(now=uow.now, approved_at=message.approved_at)
    work_orders = [_work_order(spec, message, released_at) for spec in message.work_orders]
    if is_withdrawn:
        work_orders = [each.withdrawn(now=released_at) for each in work_orders]
    for added in await uow.work_orders.add(work_orders):
        reason = "withdrawn before its release" if is_withdrawn else None
        await uow.work_orders.note(added, actor=ORCHESTRATOR, at=uow.now, reason=reason)


async def on_withdraw_work_orders(message: WithdrawWorkOrders, uow: MesUnitOfWork) -> None:
    """Takes an order's work back, all of it or none, and says which. The same request again gets the same answer.

    The rows are locked before the decision, and a claim is a conditional update of the same rows: one of the two is first."""
    await uow.lock(message.order_id)
    withdrawal = await uow.withdrawals.get(message.withdrawal_id)
    if withdrawal is None:
        work_orders = await uow.work_orders.hold_of_order(message.order_id)
        blocking = rules.what_blocks_withdrawal(work_orders, by_seller=message.by_seller)
        withdrawal = Withdrawal(
            id=message.withdrawal_id,
            order_id=message.order_id,
            requested_by=message.requested_by,
            by_seller=message.by_seller,
            reason=message.reason,
            accepted=blocking is None,
            held_by=blocking.claim.operator.name if blocking and blocking.claim else None,
            decided_at=uow.now,
        )
        # With no work order yet, this row alone keeps a later release off the board.
        await uow.withdrawals.add(withdrawal)
        if withdrawal.accepted:
            await _withdraw(work_orders, uow, actor=message.requested_by, reason=message.reason)
    uow.publish(facts.withdrawal_decided(withdrawal))


async def on_order_changed(message: OrderChanged, uow: MesUnitOfWork) -> None:
    """Keeps the newest status for the screens. Unclaimed work of an order that ended leaves the board even if no command came."""
    await uow.lock(message.order_id)
    if not await uow.order_statuses.take(message):
        return
    if message.status in rules.ENDED_ORDER_STATUSES:
        work_orders = await uow.work_orders.hold_of_order(message.order_id)
        unclaimed = [each for each in work_orders if each.state is WorkOrderState.RELEASED]
        await _withdraw(unclaimed, uow, actor=ORCHESTRATOR, reason=f"the order is {message.status}")


async def _withdraw(work_orders: list[WorkOrder], uow: MesUnitOfWork, *, actor: str, reason: str | None) -> None:
    for work_order in work_orders:
        if work_order.state is not WorkOrderState.WITHDRAWN:
            withdrawn = work_order.withdrawn(now=uow.now)
            await uow.work_orders.save(withdrawn)
            await uow.work_orders.note(withdrawn, actor=actor, at=uow.now, reason=reason)


def _work_order(spec: WorkOrderSpec, message: ReleaseWorkOrders, released_at: datetime) -> WorkOrder:
    return WorkOrder(
        id=spec.work_order_id,
        order_id=message.order_id,
        line_id=spec.line_id,
        order_number=message.number,
        channel=message.channel,
        title=spec.title,
        kind=spec.kind,
        material=spec.material,
        quantity=spec.quantity,
        ring_size=spec.ring_size,
        file_id=spec.file_id,
        sku=spec.sku,
        weight_g=spec.weight_g,
        extras=spec.extras.model_dump(mode="json") if spec.extras else None,
        approved_at=message.approved_at,
        promise_at=message.promise_at,
        released_at=released_at,
        state_since=released_at,
    )
