"""What a customer and our sellers write to each other about an order. Nothing of it is ever changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Side(StrEnum):
    """Who writes."""

    SELLER = "seller"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. While a seller's is the last one, the order waits for the customer."""

    id: UUID
    order_id: UUID
    side: Side
    author: str
    text: str
    at: datetime
