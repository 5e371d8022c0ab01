"""What the orchestrator last said about an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from system.kernel.money import Money
from system.shop.domain.status import Status


@dataclass(frozen=True, slots=True)
class Moment:
    """One status of the history, and when it began."""

    status: Status
    at: datetime


@dataclass(frozen=True, slots=True)
class Parcel:
    """A shipment, as the customer can follow it."""

    carrier: str
    tracking_number: str


@dataclass(frozen=True, slots=True)
class PriceQuestion:
    """A new price that needs the customer's word, and why."""

    reasons: tuple[str, ...]
    agreed_total: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole state of an order at one `version`; a higher version replaces it."""

    version: int
    status: Status
    status_since: datetime
    promise_at: datetime
    reason: str | None = None
    reason_code: str | None = None
    cancellation_requested: bool = False
    total: Money | None = None
    line_totals: Mapping[UUID, Money] = field(default_factory=dict)
    question: PriceQuestion | None = None
    parcels: tuple[Parcel, ...] = ()
    history: tuple[Moment, ...] = ()
