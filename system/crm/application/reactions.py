"""What CRM does when shop and orchestrator speak. The consumer commits; nothing here does."""

from __future__ import annotations

from system.crm.application.deliveries import report_deliveries
from system.crm.application.ports import CrmUnitOfWork
from system.crm.domain.parcel import Shipment
from system.messages.orchestrator_v1 import OrderChanged
from system.messages.shop_v1 import OrderSubmitted


async def on_order_submitted(message: OrderSubmitted, uow: CrmUnitOfWork) -> None:
    """Keeps what was ordered, before or after the orchestrator's word on it."""
    await uow.orders.take_content(message)


async def on_order_changed(message: OrderChanged, uow: CrmUnitOfWork) -> None:
    """Keeps the newest state, and matches its parcels with what carriers already said."""
    shipments = [
        Shipment(message.order_id, each.work_order_id, each.carrier, each.tracking_number) for each in message.shipments
    ]
    if not await uow.orders.take_status(message):
        return
    # A shipment that was added before met then what carriers had said, and meets in the webhook what they say later.
    fresh = await uow.parcels.unknown(shipments)
    if not fresh:
        return
    keys = sorted({shipment.key for shipment in fresh})
    # Before any row is touched, as the webhook does: both then wait in the same order.
    await uow.lock(*(str(key) for key in keys))
    await uow.parcels.add_shipments(fresh)
    for key in keys:
        await report_deliveries(key, uow)
