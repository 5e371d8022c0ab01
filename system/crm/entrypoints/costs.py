"""What a seller reads of a price: the items of a piece, and what is earned on the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MARGIN, DISCOUNT, TAX = "margin", "discount", "tax"
Money = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Costs:
    """The items of one piece, nothing that is zero; the margin of all pieces, and its share of the price before tax (0 to 1).

    A ready-made good has one item, its catalogue price, and no margin: what it cost to make is not known here.
    """

    items: tuple[tuple[str, Money], ...]
    margin: Money | None
    share: Decimal | None


def costs_of(breakdown: Mapping[str, Any]) -> Costs:
    """Costs from a quote's breakdown, whose amounts are of one piece."""
    currency, quantity = breakdown["currency"], int(breakdown["quantity"])
    amounts = {name: Decimal(amount) for name, amount in breakdown["per_piece"].items()}
    items = tuple((name, _money(amount, currency)) for name, amount in amounts.items() if amount)
    if MARGIN not in amounts:
        return Costs(items, None, None)
    before_tax = Decimal(breakdown["unit_price"]) - amounts.get(TAX, Decimal(0))
    # What many pieces take off is below zero, and is taken off what is earned.
    margin = amounts[MARGIN] + amounts.get(DISCOUNT, Decimal(0))
    share = margin / before_tax if before_tax else None
    return Costs(items, _money(margin * quantity, currency), share)


def margin_of(costs: Iterable[Costs | None]) -> Money | None:
    """What is earned on all lines; None when it is not known of each."""
    margins = [each.margin if each is not None else None for each in costs]
    known = [margin for margin in margins if margin is not None]
    if not known or len(known) < len(margins):
        return None
    return _money(sum((Decimal(margin["amount"]) for margin in known), Decimal(0)), known[0]["currency"])


def _money(amount: Decimal, currency: str) -> Money:
    return {"amount": f"{amount:.2f}", "currency": currency}
