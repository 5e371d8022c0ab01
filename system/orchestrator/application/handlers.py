"""The commands that are answered at once: 200, 202, or 409 with the transitions that are allowed."""

from __future__ import annotations

from system.orchestrator.application.commands import CancelOrder, CloseOrder, ResendStep
from system.orchestrator.application.desk import Desk
from system.orchestrator.application.ports import OrchestratorUnitOfWork
from system.orchestrator.application.wire import summary
from system.orchestrator.domain import ending
from system.orchestrator.domain.ending import CancellationAnswer
from system.orchestrator.domain.status import Who
from system.plumbing.unit_of_work import Answer


async def cancel_order(command: CancelOrder, uow: OrchestratorUnitOfWork, desk: Desk) -> Answer:
    """200 when it is cancelled, 202 when MES has to decide. Raises TransitionNotAllowed, OrderUnknown. Safe to repeat."""
    async with uow:
        await uow.lock(command.order_id)
        order = await uow.orders.get(command.order_id)
        answer = ending.cancel(
            order, who=command.who, actor=command.author, reason=command.reason, now=uow.now, policy=desk.policy
        )
        await desk.conclude(order, uow)
        await uow.commit()
    return Answer(200 if answer is CancellationAnswer.CANCELLED else 202, summary(order))


async def close_order(command: CloseOrder, uow: OrchestratorUnitOfWork, desk: Desk) -> Answer:
    """200 when it is closed. Raises TransitionNotAllowed, OrderUnknown. Safe to repeat."""
    async with uow:
        await uow.lock(command.order_id)
        order = await uow.orders.get(command.order_id)
        ending.close(order, actor=f"{Who.SELLER} {command.actor}", reason=command.reason, now=uow.now)
        await desk.conclude(order, uow)
        await uow.commit()
    return Answer(200, summary(order))


async def resend_step(command: ResendStep, uow: OrchestratorUnitOfWork, desk: Desk) -> Answer:
    """200 when something was sent again. Raises NothingToResend, OrderUnknown."""
    async with uow:
        await uow.lock(command.order_id)
        order = await uow.orders.get(command.order_id)
        ending.resend(order, actor=command.actor, now=uow.now, policy=desk.policy)
        await uow.audit(actor=command.actor, action="resend_step", subject=str(command.order_id))
        await desk.conclude(order, uow)
        await uow.commit()
    return Answer(200, summary(order))
