"""What an operator earns for a claim: entries of the pay ledger, which is only ever added to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from system.kernel.money import Money
from system.mes.domain.work_order import Operator, WorkOrder

ANY_MATERIAL = "*"
"""The rate of a material that has none of its own: a new alloy in the price book must not stop production."""


class PayKind(StrEnum):
    """An earning, or its reversal."""

    EARN = "earn"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class PayRate:
    """What making one piece of a material pays, from a moment on. Who set it is not known of the first ones."""

    material: str
    valid_from: datetime
    per_piece: Money
    per_gram: Money
    set_by: Operator | None = None
    set_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PayEntry:
    """One line of the ledger; its key is (work_order_id, claim_no, kind). A reversal's amount is negative."""

    work_order_id: UUID
    claim_no: int
    kind: PayKind
    operator: Operator
    order_id: UUID
    order_number: str
    title: str
    amount: Money
    at: datetime


def rate_for(material: str, rates: tuple[PayRate, ...], *, at: datetime) -> PayRate:
    """The youngest rate of the material valid at `at`, else that of any material. Raises LookupError without either."""
    for wanted in (material, ANY_MATERIAL):
        valid = [rate for rate in rates if rate.material == wanted and rate.valid_from <= at]
        if valid:
            return max(valid, key=lambda rate: rate.valid_from)
    raise LookupError(f"no pay rate for {material} at {at.isoformat()}, nor one for any material")


def pay_for(work_order: WorkOrder, rate: PayRate) -> Money:
    """What the work order pays by this rate."""
    return pay_of(rate, quantity=work_order.quantity, weight_g=work_order.weight_g)


def pay_of(rate: PayRate, *, quantity: int, weight_g: Decimal | None) -> Money:
    """quantity * (per piece + per gram * weight of a piece); an unknown weight counts as nothing."""
    grams = weight_g if weight_g is not None else Decimal(0)
    exact = (rate.per_piece.amount + rate.per_gram.amount * grams) * quantity
    return Money(exact, rate.per_piece.currency)


def earning(work_order: WorkOrder, rate: PayRate, *, operator: Operator, at: datetime) -> PayEntry:
    """The entry for the claim that `work_order` has just got."""
    return PayEntry(
        work_order_id=work_order.id,
        claim_no=work_order.claim_no,
        kind=PayKind.EARN,
        operator=operator,
        order_id=work_order.order_id,
        order_number=work_order.order_number,
        title=work_order.title,
        amount=pay_for(work_order, rate),
        at=at,
    )


def reversal(entry: PayEntry, *, at: datetime) -> PayEntry:
    """The entry that undoes an earning: the same claim, the opposite amount."""
    return PayEntry(
        work_order_id=entry.work_order_id,
        claim_no=entry.claim_no,
        kind=PayKind.REVERSE,
        operator=entry.operator,
        order_id=entry.order_id,
        order_number=entry.order_number,
        title=entry.title,
        amount=entry.amount * -1,
        at=at,
    )
