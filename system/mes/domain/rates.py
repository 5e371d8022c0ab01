"""Pay rates through time: which one holds, which are planned, what a new one would mean, and how one is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from system.kernel.money import Money
from system.mes.domain.errors import (
    PayRateBegan,
    PayRateInThePast,
    PayRateMomentTaken,
    PayRateNotFound,
    PayRatePaysNothing,
    PayRateTooFarAhead,
)
from system.mes.domain.pay import PayRate, pay_of, rate_for
from system.mes.domain.work_order import Operator

AHEAD_MAX = timedelta(days=366)
"""Further ahead is a slip of the keyboard, and not a plan."""
EXAMPLE_G = Decimal("3.00")
"""The piece by which a rate is explained."""
NEXT_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RateWithdrawal:
    """A planned rate was taken back before it began: by whom, when and why."""

    rate: PayRate
    withdrawn_by: Operator
    withdrawn_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All rates as they stand at a moment. A past one comes with the moment that ended it."""

    in_force: tuple[PayRate, ...]
    planned: tuple[PayRate, ...]
    past: tuple[tuple[PayRate, datetime], ...]


@dataclass(frozen=True, slots=True)
class Lot:
    """So many work orders on the board that pay alike."""

    material: str
    quantity: int
    weight_g: Decimal | None
    work_orders: int


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a new rate would mean: to a piece of EXAMPLE_G and to the work on the board, by today's rate and by the new one.

    `until`: when the rate that is planned after it takes over."""

    rate: PayRate
    before: PayRate
    until: datetime | None
    example_before: Money
    example_after: Money
    board_before: Money
    board_after: Money
    work_orders: int


def standing(rates: Sequence[PayRate], *, at: datetime) -> Standing:
    """Rates by material and then the youngest first; what is planned comes in the order in which it begins."""
    in_force, past = [], []
    for material in sorted({rate.material for rate in rates}):
        ends: datetime | None = None
        for rate in sorted(_of(material, rates), key=lambda each: each.valid_from, reverse=True):
            if rate.valid_from <= at:
                if ends is None or ends > at:
                    in_force.append(rate)
                else:
                    past.append((rate, ends))
            ends = rate.valid_from
    planned = sorted((rate for rate in rates if rate.valid_from > at), key=lambda each: each.valid_from)
    past.sort(key=lambda each: each[1], reverse=True)
    return Standing(tuple(in_force), tuple(planned), tuple(past))


def planned_for(
    wanted: PayRate, rates: Sequence[PayRate], withdrawals: Sequence[RateWithdrawal], *, now: datetime
) -> PayRate:
    """The rate as it may be kept: from now on, or from a later moment.

    Raises PayRateInThePast, since what was earned is not computed anew; PayRateTooFarAhead, PayRatePaysNothing, PayRateMomentTaken.
    """
    if wanted.valid_from < now:
        raise PayRateInThePast(valid_from=wanted.valid_from)
    if wanted.valid_from > now + AHEAD_MAX:
        raise PayRateTooFarAhead(until=now + AHEAD_MAX)
    if not wanted.per_piece.amount and not wanted.per_gram.amount:
        raise PayRatePaysNothing()
    gone = {each.rate.valid_from for each in withdrawals if each.rate.material == wanted.material}
    begins = wanted.valid_from
    # A moment is the key of a rate, and a row that was withdrawn keeps its own: the next try begins a microsecond after it.
    while begins in gone:
        begins += NEXT_MOMENT
    if any(rate.valid_from == begins for rate in _of(wanted.material, rates)):
        raise PayRateMomentTaken(valid_from=begins)
    return replace(wanted, valid_from=begins)


def withdrawal_of(
    material: str,
    valid_from: datetime,
    rates: Sequence[PayRate],
    *,
    by: Operator,
    because: str,
    now: datetime,
) -> RateWithdrawal:
    """The withdrawal of a planned rate. Raises PayRateNotFound; PayRateBegan, since somebody may have earned by it."""
    for rate in _of(material, rates):
        if rate.valid_from == valid_from:
            if rate.valid_from <= now:
                raise PayRateBegan(valid_from=valid_from)
            return RateWithdrawal(rate, by, now, because)
    raise PayRateNotFound(material)


def meaning_of(new: PayRate, rates: Sequence[PayRate], lots: Sequence[Lot], *, now: datetime) -> Meaning:
    """Of the lots only those count that the new rate would pay: with the rate of any material, those without a rate of their own."""
    present, following = tuple(rates), (*rates, new)
    before = rate_for(new.material, present, at=now)
    its_own = [lot for lot in lots if rate_for(lot.material, following, at=new.valid_from) is new]
    later = [rate.valid_from for rate in _of(new.material, rates) if rate.valid_from > new.valid_from]
    currency = new.per_piece.currency
    return Meaning(
        rate=new,
        before=before,
        until=min(later, default=None),
        example_before=pay_of(before, quantity=1, weight_g=EXAMPLE_G),
        example_after=pay_of(new, quantity=1, weight_g=EXAMPLE_G),
        board_before=Money.total((_lot_pay(lot, rate_for(lot.material, present, at=now)) for lot in its_own), currency),
        board_after=Money.total((_lot_pay(lot, new) for lot in its_own), currency),
        work_orders=sum(lot.work_orders for lot in its_own),
    )


def change_percent(before: Money, after: Money) -> Decimal | None:
    """By how much more, or less, `after` is, in percent of `before`; None where there was nothing before."""
    if not before.amount:
        return None
    return ((after.amount - before.amount) / before.amount * 100).quantize(Decimal("0.1"))


def _of(material: str, rates: Sequence[PayRate]) -> list[PayRate]:
    return [rate for rate in rates if rate.material == material]


def _lot_pay(lot: Lot, rate: PayRate) -> Money:
    return pay_of(rate, quantity=lot.quantity, weight_g=lot.weight_g) * lot.work_orders
