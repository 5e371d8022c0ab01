"""The statuses of an order as the shop shows them. The orchestrator decides them; the shop only states the first three facts."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The ten public statuses, and the four of the unhappy roads."""

    INITIATED = "INITIATED"
    FILE_UPLOADED = "FILE_UPLOADED"
    SUBMITTED = "SUBMITTED"
    PRICE_CALCULATED = "PRICE_CALCULATED"
    MANUFACTURING_APPROVED = "MANUFACTURING_APPROVED"
    MANUFACTURING_STARTED = "MANUFACTURING_STARTED"
    MANUFACTURING_COMPLETED = "MANUFACTURING_COMPLETED"
    PACKAGING = "PACKAGING"
    SHIPPED = "SHIPPED"
    CLOSED = "CLOSED"
    AWAITING_CUSTOMER = "AWAITING_CUSTOMER"
    PRICE_FAILED = "PRICE_FAILED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


UNHAPPY = frozenset({Status.AWAITING_CUSTOMER, Status.PRICE_FAILED, Status.REJECTED, Status.CANCELLED})
"""Where an order stands aside of its road."""

PUBLIC: tuple[Status, ...] = tuple(each for each in Status if each not in UNHAPPY)
"""The ten of the usual road, in its order."""

OWN_WORDS: tuple[Status, ...] = (Status.INITIATED, Status.FILE_UPLOADED, Status.SUBMITTED)
"""The facts that begin in the shop, in the order in which they happen."""

ENDED = frozenset({Status.CLOSED, Status.PRICE_FAILED, Status.REJECTED, Status.CANCELLED})
"""An order here never moves again."""

CUSTOMER_MAY_CANCEL = frozenset(
    {*OWN_WORDS, Status.AWAITING_CUSTOMER, Status.PRICE_CALCULATED, Status.MANUFACTURING_APPROVED}
)
"""Until an operator starts. The shop shows the button by it; whether it happens is the orchestrator's word."""
