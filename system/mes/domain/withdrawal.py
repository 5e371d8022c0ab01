"""Taking an order's work orders back, and remembering what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What MES decided about one request. An accepted one forbids every later release of the same order."""

    id: UUID
    order_id: UUID
    requested_by: str
    by_seller: bool
    reason: str | None
    accepted: bool
    held_by: str | None
    decided_at: datetime
