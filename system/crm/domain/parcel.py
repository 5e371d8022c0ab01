"""Parcels and what carriers say of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, order=True)
class ParcelKey:
    """A parcel, however people and carriers spell it: without spaces, hyphens and case."""

    carrier: str
    tracking_number: str

    @classmethod
    def of(cls, carrier: str, tracking_number: str) -> ParcelKey:
        """The key of a parcel as it was written."""
        return cls(plain(carrier), plain(tracking_number))

    def __str__(self) -> str:
        return f"parcel {self.carrier} {self.tracking_number}"


@dataclass(frozen=True, slots=True)
class Shipment:
    """A parcel of an order, as the operator wrote its label."""

    order_id: UUID
    work_order_id: UUID
    carrier: str
    tracking_number: str

    @property
    def key(self) -> ParcelKey:
        """What it is matched by."""
        return ParcelKey.of(self.carrier, self.tracking_number)


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """One message of a carrier. `webhook_id` is the carrier's: the same id again is the same message."""

    webhook_id: str
    carrier: str
    tracking_number: str
    event: str
    occurred_at: datetime
    received_at: datetime
    body: dict[str, Any]

    @property
    def key(self) -> ParcelKey:
        """What it is matched by."""
        return ParcelKey.of(self.carrier, self.tracking_number)


def plain(text: str) -> str:
    """As parcels are compared: without spaces, hyphens and case."""
    return "".join(character for character in text.casefold() if character not in " -\t\u00a0")
