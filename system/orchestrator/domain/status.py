"""The statuses of an order and the one table of legal steps between them.

The migration fills `legal_edge` from EDGES, the API answers a refused command from it, every screen shows its buttons from it.
"""

from __future__ import annotations

from dataclasses import dataclass
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


class Who(StrEnum):
    """On whose word an order moves."""

    CUSTOMER = "customer"
    SELLER = "seller"
    OPERATOR = "operator"
    PRICING = "pricing"
    STOCK = "stock"
    CARRIER = "carrier"


@dataclass(frozen=True, slots=True)
class Edge:
    """An order in `start` may move to `end` on the word of any of `who`. `start` is None for an order's birth."""

    start: Status | None
    end: Status
    who: frozenset[Who]


def _edge(start: Status | None, end: Status, *who: Who) -> Edge:
    return Edge(start, end, frozenset(who))


_S = Status

EDGES: tuple[Edge, ...] = (
    # The road every order takes.
    _edge(None, _S.INITIATED, Who.CUSTOMER),
    _edge(_S.INITIATED, _S.FILE_UPLOADED, Who.CUSTOMER),
    _edge(_S.INITIATED, _S.SUBMITTED, Who.CUSTOMER),  # Ready-made goods have no model.
    _edge(_S.FILE_UPLOADED, _S.SUBMITTED, Who.CUSTOMER),
    _edge(_S.SUBMITTED, _S.PRICE_CALCULATED, Who.PRICING),
    _edge(_S.PRICE_CALCULATED, _S.MANUFACTURING_APPROVED, Who.SELLER),
    _edge(_S.MANUFACTURING_APPROVED, _S.MANUFACTURING_STARTED, Who.OPERATOR),
    _edge(_S.MANUFACTURING_STARTED, _S.MANUFACTURING_COMPLETED, Who.OPERATOR),
    _edge(_S.MANUFACTURING_COMPLETED, _S.PACKAGING, Who.OPERATOR),
    _edge(_S.PACKAGING, _S.SHIPPED, Who.OPERATOR),
    _edge(_S.SHIPPED, _S.CLOSED, Who.CARRIER, Who.SELLER),
    # Back to the bench.
    _edge(_S.MANUFACTURING_STARTED, _S.MANUFACTURING_APPROVED, Who.OPERATOR),  # The only claim was returned.
    _edge(_S.MANUFACTURING_COMPLETED, _S.MANUFACTURING_STARTED, Who.OPERATOR),  # Rework.
    _edge(_S.PACKAGING, _S.MANUFACTURING_STARTED, Who.OPERATOR),  # Rework of a piece that was being packed.
    # The price needs the customer's word, or there is none.
    _edge(_S.SUBMITTED, _S.AWAITING_CUSTOMER, Who.PRICING),
    _edge(_S.AWAITING_CUSTOMER, _S.PRICE_CALCULATED, Who.CUSTOMER, Who.PRICING),
    _edge(_S.SUBMITTED, _S.PRICE_FAILED, Who.PRICING),
    _edge(_S.AWAITING_CUSTOMER, _S.PRICE_FAILED, Who.PRICING),  # A price accepted too late could not be made again.
    # A seller says no.
    _edge(_S.PRICE_CALCULATED, _S.REJECTED, Who.SELLER),
    # The customer may cancel until an operator starts, a seller until the parcel is with the carrier.
    _edge(_S.INITIATED, _S.CANCELLED, Who.CUSTOMER, Who.SELLER),
    _edge(_S.FILE_UPLOADED, _S.CANCELLED, Who.CUSTOMER, Who.SELLER),
    _edge(_S.SUBMITTED, _S.CANCELLED, Who.CUSTOMER, Who.SELLER, Who.STOCK),  # Stock: the goods are sold out.
    _edge(_S.AWAITING_CUSTOMER, _S.CANCELLED, Who.CUSTOMER, Who.SELLER),
    _edge(_S.PRICE_CALCULATED, _S.CANCELLED, Who.CUSTOMER, Who.SELLER),
    _edge(_S.MANUFACTURING_APPROVED, _S.CANCELLED, Who.CUSTOMER, Who.SELLER),
    _edge(_S.MANUFACTURING_STARTED, _S.CANCELLED, Who.SELLER),
    _edge(_S.MANUFACTURING_COMPLETED, _S.CANCELLED, Who.SELLER),
    _edge(_S.PACKAGING, _S.CANCELLED, Who.SELLER),
)

TERMINAL: frozenset[Status] = frozenset({_S.CLOSED, _S.PRICE_FAILED, _S.REJECTED, _S.CANCELLED})
"""An order here never moves again."""

RELEASED: frozenset[Status] = frozenset(
    {_S.MANUFACTURING_APPROVED, _S.MANUFACTURING_STARTED, _S.MANUFACTURING_COMPLETED, _S.PACKAGING}
)
"""Work orders are with MES: only MES can say whether they can still be taken back."""

_BY_STEP: dict[tuple[Status | None, Status], Edge] = {(edge.start, edge.end): edge for edge in EDGES}


def is_legal(start: Status | None, end: Status) -> bool:
    """Whether an order may ever move from `start` to `end`."""
    return (start, end) in _BY_STEP


def may(who: Who, start: Status, end: Status) -> bool:
    """Whether `who` may ask for this step."""
    edge = _BY_STEP.get((start, end))
    return edge is not None and who in edge.who


def allowed_from(start: Status, who: Who | None = None) -> tuple[Status, ...]:
    """Where an order in `start` may go next, on the word of `who` or of anybody, in the table's order."""
    return tuple(edge.end for edge in EDGES if edge.start is start and (who is None or who in edge.who))
