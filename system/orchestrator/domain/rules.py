"""The orchestrator's business rules, each with one name and one test that breaks it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from system.kernel.money import Money
from system.orchestrator.domain.status import Status, Who, may

PRICE_TOLERANCE = Decimal("0.05")
"""How far above the estimate a firm price may lie without asking the customer again."""


def consent_reasons(*, agreed: Money, total: Money, remade_because: Iterable[str]) -> tuple[str, ...]:
    """Why the customer must be asked about `total`; empty when they need not be.

    A price that is not higher than the one agreed to never asks. A higher one asks when it lies above the estimate by more than
    5 %, or when the quote had to be made again: expired, or the metal moved.
    """
    if total <= agreed:
        return ()
    above = ("above_estimate",) if total > agreed * (1 + PRICE_TOLERANCE) else ()
    return (*above, *sorted(set(remade_because)))


def cancellation_is_allowed(status: Status, who: Who) -> bool:
    """The customer until MANUFACTURING_STARTED, a seller until SHIPPED."""
    return may(who, status, Status.CANCELLED)


def closure_is_allowed(status: Status) -> bool:
    """A seller closes by hand what was shipped."""
    return may(Who.SELLER, status, Status.CLOSED)


def all_parcels_delivered(parcels: Iterable[tuple[str, str]], delivered: Iterable[tuple[str, str]]) -> bool:
    """Whether every parcel (carrier, tracking number) of an order has arrived. An order without parcels has not."""
    sent = {_parcel(*parcel) for parcel in parcels}
    return bool(sent) and sent <= {_parcel(*parcel) for parcel in delivered}


def _parcel(carrier: str, tracking_number: str) -> tuple[str, str]:
    """Carriers and operators write the same parcel with different case and spaces."""
    return carrier.strip().casefold(), tracking_number.replace(" ", "").casefold()
