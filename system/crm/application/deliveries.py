"""A parcel's delivery is reported once, whichever is known first: the shipment, or the carrier's message."""

from __future__ import annotations

from system.crm.application.ports import CrmUnitOfWork
from system.crm.domain.parcel import ParcelKey
from system.messages.crm_v1 import ShipmentDelivered


async def report_deliveries(key: ParcelKey, uow: CrmUnitOfWork) -> bool:
    """Tells the orchestrator that the parcel arrived, when both halves are known. Returns whether they are.

    The caller holds the lock of the parcel, so that the two halves cannot miss each other."""
    event = await uow.parcels.delivery_of(key)
    if event is None or not (shipments := await uow.parcels.shipments_of(key)):
        return False
    for shipment in {each.order_id: each for each in shipments}.values():
        if await uow.parcels.report_delivery(shipment.order_id, event, at=uow.now):
            # In the words of the operator's label: that is how the orchestrator knows the parcel.
            uow.publish(
                ShipmentDelivered(
                    order_id=shipment.order_id,
                    carrier=shipment.carrier,
                    tracking_number=shipment.tracking_number,
                    delivered_at=event.occurred_at,
                )
            )
    return True
