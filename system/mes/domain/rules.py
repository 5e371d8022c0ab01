"""The rules of the board, each under one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from system.mes.domain.work_order import WorkOrder


@dataclass(frozen=True, slots=True)
class Terms:
    """What the workshop has agreed on: data of an installation, never code."""

    claim_budget_s: int
    """How long released work may stay unclaimed."""
    claims_max: int
    """How many work orders that are not made yet an operator may have taken."""
    idle_s: int
    """How long nothing may happen to a claim before it lapses; 0: it never does."""
    undo_s: int
    """How long a piece that was marked as made may be said not to be; 0: not at all."""
    weighing_required: bool = False
    """Whether a piece counts as made only when its finished weight is known."""


ACTIONS: Mapping[str, tuple[str, ...]] = {
    "RELEASED": ("claim", "assignment"),
    "CLAIMED": ("return", "completion", "progress", "handover", "weighing"),
    "COMPLETED": ("packing", "rework", "undo", "weighing"),
    "PACKING": ("shipment", "rework", "weighing"),
    "SHIPPED": (),
    "WITHDRAWN": (),
}
"""What may be done in each state."""

LAPSED = "nothing happened to it for too long"
"""Why a claim ended that nobody gave back."""
GOES_ON = "it is still being made"
"""What a holder says whose piece takes longer than a claim may lie idle."""
UNDONE = "undone: marked as made by mistake"
"""Why a piece is on the bench again that was never made."""

ENDED_ORDER_STATUSES = frozenset({"CANCELLED", "REJECTED", "CLOSED"})
"""An order in one of these is not made any more, whatever message comes late."""


def claim_is_free(state: str) -> bool:
    """A work order may be claimed while it is on the board, and only then."""
    return "claim" in ACTIONS[state]


def has_a_hand_free(in_hand: int, *, claims_max: int) -> bool:
    """Who has taken `in_hand` work orders that are not made yet may take one more. What is made waits for nobody's hands."""
    return in_hand < claims_max


def lapses_at(state: str, state_since: datetime, *, idle_s: int) -> datetime | None:
    """When a claim ends by itself unless something happens to it before: while the piece is on the bench, and claims lapse at all."""
    return state_since + timedelta(seconds=idle_s) if state == "CLAIMED" and idle_s else None


def undo_ends_at(state: str, state_since: datetime, *, undo_s: int) -> datetime | None:
    """Until when its holder may say that a piece is not made after all: before packing begins, and where that may be said at all."""
    return state_since + timedelta(seconds=undo_s) if state == "COMPLETED" and undo_s else None


def escalates_at(released_at: datetime, claim_budget_s: int) -> datetime:
    """When an unclaimed work order becomes somebody's problem."""
    return released_at + timedelta(seconds=claim_budget_s)


def is_escalated(state: str, released_at: datetime, *, now: datetime, claim_budget_s: int) -> bool:
    """Unclaimed for longer than its budget."""
    return claim_is_free(state) and escalates_at(released_at, claim_budget_s) < now


def release_moment(*, now: datetime, approved_at: datetime) -> datetime:
    """A work order is never released before it was approved, even when two machines' clocks disagree.

    The board's escalation filter relies on it: approved_at <= released_at lets one index serve both."""
    return max(now, approved_at)


def what_blocks_withdrawal(work_orders: Iterable[WorkOrder], *, by_seller: bool) -> WorkOrder | None:
    """The work order that forbids a withdrawal, or None.

    A customer may withdraw while nothing is being made; a seller until the first parcel left."""
    blocking = {"SHIPPED"} if by_seller else {"CLAIMED", "COMPLETED", "PACKING", "SHIPPED"}
    for work_order in sorted(work_orders, key=lambda each: each.id):
        if work_order.state in blocking:
            return work_order
    return None
