"""What a proposed price book would do, before anybody publishes it: to open quotes, to ready-made goods, to a well-known ring.

Nothing here is kept. A quote's new price comes from the functions that priced it, over what the quote itself stores.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Literal
from uuid import UUID

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.pricing.domain.costing import PLAIN, cost_piece
from system.pricing.domain.mesh import MeshMeasure
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Quote, QuoteKind, metal_has_moved, no_longer_offered, size_problem

LARGEST_SHOWN = 10
# Lower ends of the bars, as shares; a change of nothing at all is a bar of its own.
BARS = tuple(Decimal(each) for each in ("-0.10", "-0.05", "-0.02", "0", "0.02", "0.05", "0.10"))

TORUS = MeshMeasure(
    # Inner diameter 17.35 mm, wire 2 mm: 2 pi^2 R r^2 and 4 pi^2 R r with R = 9.675 mm and r = 1 mm.
    volume_mm3=Decimal("190.977"),
    area_mm2=Decimal("381.954"),
    extents_mm=(Decimal("21.35"), Decimal("21.35"), Decimal("2")),
    triangle_count=0,
    shell_count=1,
    checked=True,
)

Direction = Literal["up", "down", "same", "gone"]


@dataclass(frozen=True, slots=True)
class Move:
    """One price before and after; None is a thing that has no price."""

    before: Money | None
    after: Money | None

    @property
    def share(self) -> Decimal | None:
        """By which share the price moves; None where one of both is missing or nothing."""
        if self.before is None or self.after is None or not self.before.amount:
            return None
        return (self.after.amount - self.before.amount) / self.before.amount

    @property
    def direction(self) -> Direction:
        """Where the price goes; `gone` is one that there is no more."""
        if self.after is None:
            return "gone"
        if self.before is None or self.after > self.before:
            return "up"
        return "down" if self.after < self.before else "same"


@dataclass(frozen=True, slots=True)
class QuoteMove:
    """An open quote that would be priced otherwise, were it made now. The quote itself keeps its price."""

    quote_id: UUID
    material: str
    sku: str | None
    quantity: int
    weight_g: Decimal | None
    move: Move
    remade: bool


@dataclass(slots=True)
class Tally:
    """Open quotes counted: where they go, how many would be made again when ordered, and what they come to."""

    currency: str
    up: int = 0
    down: int = 0
    same: int = 0
    gone: int = 0
    remade: int = 0
    before: Money = field(init=False)
    after: Money = field(init=False)
    least: Decimal | None = None
    most: Decimal | None = None

    def __post_init__(self) -> None:
        self.before = self.after = Money.zero(self.currency)

    @property
    def count(self) -> int:
        """All of them."""
        return self.up + self.down + self.same + self.gone

    @property
    def share(self) -> Decimal | None:
        """By which share they move together."""
        return Move(self.before, self.after).share

    def add(self, move: Move, *, remade: bool) -> None:
        """One quote more. One that can be priced no more is in the counts and in neither sum."""
        direction = move.direction
        setattr(self, direction, getattr(self, direction) + 1)
        self.remade += remade
        if move.before is not None and move.after is not None:
            self.before, self.after = self.before + move.before, self.after + move.after
        share = move.share
        if share is not None:
            self.least = share if self.least is None else min(self.least, share)
            self.most = share if self.most is None else max(self.most, share)


class Effect:
    """What a proposed book does to open quotes, one at a time and in bounded memory."""

    def __init__(self, proposed: PriceBook) -> None:
        self._proposed = proposed
        self._order = count()
        self._largest: list[tuple[Decimal, int, QuoteMove]] = []
        self.all = Tally(proposed.currency)
        self.by_material: dict[str, Tally] = {}
        self.bars = [0] * (len(BARS) + 1)

    def add(self, quote: Quote) -> None:
        """Counts one READY quote. Raises Invalid for one in another currency."""
        assert quote.total is not None, "only firm quotes are open"
        move = Move(quote.total, price_under(quote, self._proposed))
        remade = metal_has_moved(quote, self._proposed)
        material = quote.asked.material
        self.all.add(move, remade=remade)
        self.by_material.setdefault(material, Tally(self._proposed.currency)).add(move, remade=remade)
        share = move.share
        if not share:
            return
        self.bars[bar_of(share)] += 1
        found = QuoteMove(quote.quote_id, material, quote.asked.sku, quote.asked.quantity, quote.weight_g, move, remade)
        # The counter decides between equals: moves themselves have no order. The first of equals stays.
        entry = (abs(share), -next(self._order), found)
        if len(self._largest) < LARGEST_SHOWN:
            heapq.heappush(self._largest, entry)
        else:
            heapq.heappushpop(self._largest, entry)

    @property
    def largest(self) -> list[QuoteMove]:
        """Those that move by the largest share, up or down, the largest first."""
        return [found for _, _, found in sorted(self._largest, key=lambda entry: entry[:2], reverse=True)]


def bar_of(share: Decimal) -> int:
    """Which bar a change belongs to: 0 is below the first end, and each end begins the bar above it."""
    return sum(share >= end for end in BARS)


def price_under(quote: Quote, book: PriceBook) -> Money | None:
    """What a READY quote would cost, were it made with this book; None when it could not be made any more.

    Raises Invalid when the quote is in another currency: those two cannot be compared.
    """
    assert quote.total is not None, "only firm quotes are compared"
    check_currency(quote.total.currency, book)
    asked = quote.asked
    if no_longer_offered(asked, book) is not None:
        return None
    if asked.kind is QuoteKind.READY_MADE:
        price = book.catalogue_price(asked.sku or "")
        return None if price is None else price * asked.quantity
    assert quote.mesh is not None, "a firm custom quote has a measure"
    if size_problem(quote.mesh, book) is not None:
        return None
    return cost_piece(
        measure=quote.mesh,
        alloy=book.alloy(asked.material),
        book=book,
        extras=asked.extras,
        quantity=asked.quantity,
    ).total


def check_currency(currency: str, book: PriceBook) -> None:
    """Prices in two currencies are not compared. Raises Invalid."""
    if currency != book.currency:
        raise Invalid(
            "currency-differs", f"The proposed book is in {book.currency}, and prices in force are in {currency}."
        )


def catalogue_moves(present: PriceBook, proposed: PriceBook) -> Mapping[str, Move]:
    """Every ready-made good of either book, with its price in both."""
    skus = [*present.catalogue, *(sku for sku in proposed.catalogue if sku not in present.catalogue)]
    return {sku: Move(present.catalogue_price(sku), proposed.catalogue_price(sku)) for sku in skus}


def torus_moves(present: PriceBook, proposed: PriceBook) -> Mapping[str, Move]:
    """The golden ring, plain, in every material of either book."""
    codes = [*present.alloys, *(code for code in proposed.alloys if code not in present.alloys)]
    return {code: Move(_torus(code, present), _torus(code, proposed)) for code in codes}


def _torus(material: str, book: PriceBook) -> Money | None:
    alloy = book.alloys.get(material)
    if alloy is None or size_problem(TORUS, book) is not None:
        return None
    return cost_piece(measure=TORUS, alloy=alloy, book=book, extras=PLAIN, quantity=1).total


@dataclass(frozen=True, slots=True)
class Preview:
    """The whole effect. `open_count` is exact; `step` above 1 says that every so-manieth open quote was recalculated."""

    present: PriceBook
    proposed: PriceBook
    open_count: int
    step: int
    effect: Effect
    catalogue: Mapping[str, Move]
    torus: Mapping[str, Move]

    @property
    def goods(self) -> Sequence[tuple[str, Move]]:
        """The ready-made goods whose price changes."""
        return [(sku, move) for sku, move in self.catalogue.items() if move.direction != "same"]
