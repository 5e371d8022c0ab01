"""Setting ready-made goods aside for an order, and putting them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class ReservationState(StrEnum):
    """A reservation is decided once; only a reserved one can be released. Released is also the mark of an undo that came first."""

    RESERVED = "reserved"
    REFUSED = "refused"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Shortage:
    """The first good of which there is not enough."""

    sku: str
    asked: int
    available: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one order holds. A refused or released one holds nothing."""

    order_id: UUID
    state: ReservationState
    pieces: Mapping[str, int] = field(default_factory=dict)
    shortage: Shortage | None = None


def pieces_of(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    """How many pieces of each good, in the order of sku (the order in which rows are locked)."""
    counted: Counter[str] = Counter()
    for sku, quantity in items:
        counted[sku] += quantity
    return dict(sorted(counted.items()))


def shortage_of(wanted: Mapping[str, int], available: Mapping[str, int]) -> Shortage | None:
    """The first good, by sku, of which more is wanted than there is. A good we do not sell has none."""
    for sku, asked in sorted(wanted.items()):
        there = available.get(sku, 0)
        if asked > there:
            return Shortage(sku=sku, asked=asked, available=there)
    return None


def reserve(order_id: UUID, wanted: Mapping[str, int], available: Mapping[str, int]) -> Reservation:
    """All of it, or nothing and the shortage that forbids it."""
    shortage = shortage_of(wanted, available)
    if shortage is not None:
        return Reservation(order_id, ReservationState.REFUSED, {}, shortage)
    return Reservation(order_id, ReservationState.RESERVED, dict(wanted))
