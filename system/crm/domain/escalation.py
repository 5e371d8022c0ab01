"""Orders that wait for a seller beyond their budget: how far beyond, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

_REMINDERS = UUID("6f0f5a43-6f2b-4f0e-9d0a-0f2b8f6a5c11")


class Level(StrEnum):
    """Who is told that an order waits too long; the later one includes the earlier."""

    SELLERS = "sellers"
    ADMINISTRATORS = "administrators"


@dataclass(frozen=True, slots=True)
class Escalation:
    """An order was found waiting too long. `waits_since` is when this wait began: a later wait of the same order is another one."""

    level: Level
    at: datetime
    waits_since: datetime


@dataclass(frozen=True, slots=True)
class EscalationTerms:
    """At how many per cent of its budget an order that waits is marked for all sellers, and shown to the administrators."""

    sellers_percent: int
    administrators_percent: int

    def level_at(self, now: datetime, *, waits_since: datetime, due_at: datetime | None) -> Level | None:
        """How far an order is escalated by now that waits since then and should wait no longer than until `due_at`."""
        if due_at is None:
            return None
        budget = due_at - waits_since
        for level, percent in (
            (Level.ADMINISTRATORS, self.administrators_percent),
            (Level.SELLERS, self.sellers_percent),
        ):
            if now >= waits_since + budget * percent / 100:
                return level
        return None


def reminder_id(order_id: UUID, waits_since: datetime) -> UUID:
    """The administrators' one reminder of this wait: made twice, it is the same."""
    return uuid5(_REMINDERS, f"{order_id} {waits_since.timestamp()}")
