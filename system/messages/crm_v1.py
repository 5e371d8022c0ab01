"""What CRM says: the sellers' decisions and the carrier's messages."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from system.messages.envelope import Message


class OrderApproved(Message):
    """A seller confirmed the order for production."""

    TYPE: ClassVar[str] = "crm.order_approved.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    seller_id: UUID
    seller_name: str
    approved_at: datetime


class OrderRejected(Message):
    """A seller refused the order, with the reason the customer reads."""

    TYPE: ClassVar[str] = "crm.order_rejected.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    seller_id: UUID
    seller_name: str
    reason: str
    rejected_at: datetime


class ShipmentDelivered(Message):
    """The carrier reported that a parcel arrived."""

    TYPE: ClassVar[str] = "crm.shipment_delivered.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    carrier: str
    tracking_number: str
    delivered_at: datetime
