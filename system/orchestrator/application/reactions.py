"""What each message does to its order. The consumer holds the transaction: nothing commits here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from system.messages import crm_v1, mes_v1, pricing_v1, shop_v1
from system.messages.envelope import Message
from system.orchestrator.application.desk import Desk
from system.orchestrator.application.ports import OrchestratorUnitOfWork
from system.orchestrator.application.wire import line_of
from system.orchestrator.domain import ending, making, submitting
from system.orchestrator.domain.errors import FactDoesNotApply
from system.orchestrator.domain.making import Parcel
from system.orchestrator.domain.order import Contact, Order
from system.orchestrator.domain.submitting import Price
from system.orchestrator.domain.work import WorkFact

Uow = OrchestratorUnitOfWork
Reaction = Callable[[Any, Any], Awaitable[None]]

WORK_FACTS: dict[type[Message], WorkFact] = {
    mes_v1.WorkOrderClaimed: WorkFact.CLAIMED,
    mes_v1.WorkOrderReturned: WorkFact.RETURNED,
    mes_v1.WorkOrderCompleted: WorkFact.COMPLETED,
    mes_v1.ReworkStarted: WorkFact.REWORK,
    mes_v1.PackingStarted: WorkFact.PACKING,
    mes_v1.WorkOrderShipped: WorkFact.SHIPPED,
}


class Reactions:
    """One method per message; each loads the order, lets the domain decide, and concludes at the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def by_message(self) -> dict[type[Message], Reaction]:
        """Every message this service consumes, with its reaction."""
        return {
            shop_v1.OrderInitiated: self.on_initiated,
            shop_v1.FileUploaded: self.on_file_uploaded,
            shop_v1.OrderSubmitted: self.on_submitted,
            shop_v1.StockReserved: self.on_stock_reserved,
            shop_v1.StockRefused: self.on_stock_refused,
            shop_v1.PriceAccepted: self.on_price_accepted,
            shop_v1.PriceDeclined: self.on_price_declined,
            pricing_v1.OrderPriced: self.on_priced,
            pricing_v1.OrderUnpriceable: self.on_unpriceable,
            crm_v1.OrderApproved: self.on_approved,
            crm_v1.OrderRejected: self.on_rejected,
            crm_v1.ShipmentDelivered: self.on_delivered,
            mes_v1.WithdrawalDecided: self.on_withdrawal_decided,
            **dict.fromkeys(WORK_FACTS, self.on_work),
        }

    async def on_initiated(self, message: shop_v1.OrderInitiated, uow: Uow) -> None:
        """An order is born. Hearing of it twice changes nothing."""
        known = await uow.orders.find(message.order_id)
        if known is not None:
            known.repeated("OrderInitiated", now=uow.now)
            return await self._desk.conclude(known, uow)
        order = Order.initiate(
            order_id=message.order_id,
            number=message.number,
            channel=message.channel,
            customer_id=message.customer_id,
            initiated_at=message.initiated_at,
            now=uow.now,
            policy=self._desk.policy,
        )
        await self._desk.conclude(order, uow)

    async def on_file_uploaded(self, message: shop_v1.FileUploaded, uow: Uow) -> None:
        """The first model was attached."""
        order = await self._order(message, uow)
        submitting.file_uploaded(order, now=uow.now)
        await self._desk.conclude(order, uow)

    async def on_submitted(self, message: shop_v1.OrderSubmitted, uow: Uow) -> None:
        """The customer pressed "order"."""
        order = await self._order(message, uow)
        submitting.submitted(
            order,
            contact=Contact(
                message.customer.id, message.customer.name, message.customer.email, message.partner_reference
            ),
            lines=tuple(line_of(line) for line in message.lines),
            agreed_total=message.agreed_total.money(),
            submitted_at=message.submitted_at,
            now=uow.now,
            policy=self._desk.policy,
        )
        await self._desk.conclude(order, uow)

    async def on_stock_reserved(self, message: shop_v1.StockReserved, uow: Uow) -> None:
        """The goods are set aside."""
        order = await self._order(message, uow)
        submitting.stock_reserved(order, now=uow.now, policy=self._desk.policy)
        await self._desk.conclude(order, uow)

    async def on_stock_refused(self, message: shop_v1.StockRefused, uow: Uow) -> None:
        """There are not enough goods."""
        order = await self._order(message, uow)
        submitting.stock_refused(order, sku=message.sku, asked=message.asked, available=message.available, now=uow.now)
        await self._desk.conclude(order, uow)

    async def on_priced(self, message: pricing_v1.OrderPriced, uow: Uow) -> None:
        """Every line has a firm quote."""
        order = await self._order(message, uow)
        prices: dict[UUID, Price] = {
            line.line_id: Price(
                line.quote_id, line.total.money(), line.weight_g, line.valid_until, tuple(line.remade_because)
            )
            for line in message.lines
        }
        submitting.priced(
            order,
            attempt=message.attempt,
            prices=prices,
            total=message.total.money(),
            now=uow.now,
            policy=self._desk.policy,
        )
        await self._desk.conclude(order, uow)

    async def on_unpriceable(self, message: pricing_v1.OrderUnpriceable, uow: Uow) -> None:
        """A line cannot be priced."""
        order = await self._order(message, uow)
        submitting.unpriceable(order, attempt=message.attempt, code=message.code, detail=message.detail, now=uow.now)
        await self._desk.conclude(order, uow)

    async def on_price_accepted(self, message: shop_v1.PriceAccepted, uow: Uow) -> None:
        """The customer agreed to the new price."""
        order = await self._order(message, uow)
        submitting.price_accepted(
            order,
            total=message.total.money(),
            accepted_at=message.accepted_at,
            now=uow.now,
            policy=self._desk.policy,
        )
        await self._desk.conclude(order, uow)

    async def on_price_declined(self, message: shop_v1.PriceDeclined, uow: Uow) -> None:
        """The customer did not agree to the new price."""
        order = await self._order(message, uow)
        submitting.price_declined(order, now=uow.now)
        await self._desk.conclude(order, uow)

    async def on_approved(self, message: crm_v1.OrderApproved, uow: Uow) -> None:
        """A seller confirmed the order."""
        order = await self._order(message, uow)
        submitting.approved(
            order,
            seller=message.seller_name,
            approved_at=message.approved_at,
            now=uow.now,
            policy=self._desk.policy,
        )
        await self._desk.conclude(order, uow)

    async def on_rejected(self, message: crm_v1.OrderRejected, uow: Uow) -> None:
        """A seller refused the order."""
        order = await self._order(message, uow)
        submitting.rejected(order, seller=message.seller_name, reason=message.reason, now=uow.now)
        await self._desk.conclude(order, uow)

    async def on_work(self, message: Any, uow: Uow) -> None:
        """A work order moved."""
        order = await self._order(message, uow)
        shipped = isinstance(message, mes_v1.WorkOrderShipped)
        making.work_order_moved(
            order,
            WORK_FACTS[type(message)],
            work_order_id=message.work_order_id,
            operator=message.operator_name,
            now=uow.now,
            policy=self._desk.policy,
            parcel=Parcel(message.carrier, message.tracking_number) if shipped else None,
            reason=getattr(message, "reason", None),
        )
        await self._desk.conclude(order, uow)

    async def on_withdrawal_decided(self, message: mes_v1.WithdrawalDecided, uow: Uow) -> None:
        """MES decided about a cancellation."""
        order = await self._order(message, uow)
        ending.withdrawal_decided(
            order,
            withdrawal_id=message.withdrawal_id,
            accepted=message.accepted,
            held_by=message.held_by,
            now=uow.now,
        )
        await self._desk.conclude(order, uow)

    async def on_delivered(self, message: crm_v1.ShipmentDelivered, uow: Uow) -> None:
        """The carrier reported a parcel."""
        order = await self._order(message, uow)
        making.delivered(
            order,
            carrier=message.carrier,
            tracking_number=message.tracking_number,
            delivered_at=message.delivered_at,
            now=uow.now,
        )
        await self._desk.conclude(order, uow)

    async def _order(self, message: Message, uow: Uow) -> Order:
        order = await uow.orders.find(message.order_id)
        if order is None:
            raise FactDoesNotApply(type(message).__name__, str(message.order_id))
        return order
