"""What a cart's page says of each line: what it costs now, and what is not as it was when it was put in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from system.kernel.money import Money
from system.messages.envelope import MoneyV1
from system.shop.domain.catalogue import Product
from system.shop.domain.order import Line, Order
from system.shop.domain.quote import Quote, QuoteProblem


class Trouble(StrEnum):
    """What is not as it was. All but PRICE_MOVED keep the cart from being ordered."""

    NONE = ""
    GONE = "gone"
    SOLD_OUT = "sold-out"
    TOO_FEW = "too-few"
    NOT_MAKEABLE = "not-makeable"
    PRICE_COMING = "price-coming"
    PRICE_MISSING = "price-missing"
    PRICE_MOVED = "price-moved"

    @property
    def stops(self) -> bool:
        """Whether nothing can be ordered before this is mended."""
        return self not in (Trouble.NONE, Trouble.PRICE_MOVED)


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line as the page shows it. `price` is for all its pieces, `now` what they would cost if they were put in now.

    `problem_code` is pricing's, of a line that is NOT_MAKEABLE.
    """

    line: Line
    trouble: Trouble
    price: dict[str, str] | None
    each: dict[str, str] | None
    now: dict[str, str] | None
    left: int
    is_estimate: bool = False
    """The price is what the model seems to cost; the exact one is being calculated."""
    problem: QuoteProblem | None = None
    """Why it cannot be made, of a model that cannot."""

    @property
    def quote_to_follow(self) -> UUID | None:
        """The quote of which more is to be heard."""
        return self.line.quote_id if self.is_estimate or self.trouble is Trouble.PRICE_COMING else None


def lines_of(
    order: Order, quotes: Mapping[UUID, Quote], goods: Sequence[Product], prices: Mapping[str, Money]
) -> list[CartLine]:
    """The cart's lines; `quotes` are by line, `prices` are of one piece by sku."""
    shelf = {good.sku: good for good in goods}
    wanted: Counter[str] = Counter()
    for line in order.lines:
        if line.sku is not None:
            wanted[line.sku] += line.quantity
    return [_shown(line, quotes.get(line.id), shelf, prices, wanted) for line in order.lines]


def _shown(
    line: Line,
    quote: Quote | None,
    shelf: Mapping[str, Product],
    prices: Mapping[str, Money],
    wanted: Mapping[str, int],
) -> CartLine:
    good = shelf.get(line.sku) if line.sku is not None else None
    price = quote.shown_now if quote is not None else None
    each = prices.get(line.sku) if line.sku is not None else None
    now = each * line.quantity if each is not None else None
    return CartLine(
        line=line,
        trouble=_trouble(line, quote, good, now, wanted),
        price=_told(price),
        each=_told(Money(price.amount / line.quantity, price.currency) if price is not None else None),
        now=_told(now),
        left=good.in_stock if good is not None else 0,
        is_estimate=quote is not None and price is not None and not quote.is_final,
        problem=quote.problem if quote is not None else None,
    )


def _trouble(
    line: Line, quote: Quote | None, good: Product | None, now: Money | None, wanted: Mapping[str, int]
) -> Trouble:
    if line.sku is not None:
        if good is None:
            return Trouble.GONE
        if good.in_stock == 0:
            return Trouble.SOLD_OUT
        if wanted[line.sku] > good.in_stock:
            return Trouble.TOO_FEW
    if quote is not None and quote.problem is not None:
        return Trouble.NOT_MAKEABLE
    if quote is None:
        return Trouble.PRICE_MISSING
    if quote.shown_now is None:
        return Trouble.PRICE_COMING
    return Trouble.PRICE_MOVED if now is not None and now != quote.shown_now else Trouble.NONE


def _told(money: Money | None) -> dict[str, str] | None:
    return MoneyV1.of(money).model_dump() if money is not None else None
