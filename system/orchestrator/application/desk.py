"""Where every change of an order ends: stored, announced, its commands sent, all in the transaction that decided it."""

from __future__ import annotations

from dataclasses import dataclass

from system.orchestrator.application.ports import OrchestratorUnitOfWork, Payments
from system.orchestrator.application.wire import command_message, order_changed
from system.orchestrator.domain.order import Order, Policy
from system.orchestrator.domain.saga import Command


@dataclass(frozen=True, slots=True)
class Desk:
    """The durations in force, and the payment provider."""

    policy: Policy
    payments: Payments

    async def conclude(self, order: Order, uow: OrchestratorUnitOfWork) -> None:
        """Stores the order, tells every reader when it changed, then sends its commands. The caller commits."""
        changed = order.changed
        await uow.orders.save(order)
        if changed:
            uow.publish(order_changed(order, self.policy))
        for outgoing in order.outgoing:
            if outgoing.command is Command.AUTHORISE_PAYMENT and order.total is not None:
                await self.payments.authorise(order.order_id, order.total)
            elif outgoing.command is Command.VOID_PAYMENT:
                await self.payments.void(order.order_id)
            elif message := command_message(order, outgoing):
                uow.publish(message)
        order.outgoing.clear()
