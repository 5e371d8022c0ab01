"""What one piece costs: the formulas of costing, each a small function of a measure, an alloy and the rates.

weight_g = volume_cm3 x density
metal    = weight x (1 + loss) x fineness x spot x (1 + premium), plus the sprue, of which a share is charged
cost     = metal + (print + casting) / yield + labour + stones x (1 + breakage) + plating + engraving + hallmark + overhead
price    = cost / (1 - margin), less the discount for so many pieces, + tax
Every item is rounded to kopecks first, so the breakdown adds up to the price exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from math import pi
from typing import Any

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.pricing.domain.engraving import Engraving, engraving_cost
from system.pricing.domain.mesh import MeshMeasure
from system.pricing.domain.price_book import Alloy, Plating, PriceBook, Rates

_MINUTES_PER_HOUR = Decimal(60)
_UM_PER_CM = Decimal(10_000)
_SPHERE = (36 * Decimal(str(pi))) ** (Decimal(1) / 3)
"""A sphere of volume V has the area (36 pi V^2)^(1/3): the least area any solid of that volume can have."""

COST_ITEMS = ("metal", "print", "casting", "labour", "stones", "plating", "engraving", "hallmark", "overhead")


@dataclass(frozen=True, slots=True)
class Extras:
    """What a piece gets besides its metal: stones by code and count, at most one plating, and at most one text."""

    stones: Mapping[str, int]
    plating: str | None = None
    engraving: Engraving | None = None

    @property
    def stone_count(self) -> int:
        """How many stones are set."""
        return sum(self.stones.values())


PLAIN = Extras(stones={})


@dataclass(frozen=True, slots=True)
class Costing:
    """The price of one piece and of all pieces, with the items it consists of. Weight is of one piece.

    `discount` is what so many pieces take off each; `step` says from how many on, and which share.
    """

    weight_g: Decimal
    items: Mapping[str, Money]
    margin: Money
    tax: Money
    unit_price: Money
    quantity: int
    discount: Money
    step: tuple[int, Decimal] | None = None

    @property
    def total(self) -> Money:
        """The price of all pieces."""
        return self.unit_price * self.quantity

    def breakdown(self) -> dict[str, Any]:
        """The stored explanation of the price: amounts per piece as text, which add up to `unit_price`."""
        return {
            "currency": self.unit_price.currency,
            "per_piece": {
                **{name: f"{amount.amount:.2f}" for name, amount in self.items.items()},
                "margin": f"{self.margin.amount:.2f}",
                **({"discount": f"{-self.discount.amount:.2f}"} if self.step else {}),
                "tax": f"{self.tax.amount:.2f}",
            },
            "unit_price": f"{self.unit_price.amount:.2f}",
            "quantity": self.quantity,
            "weight_g": str(self.weight_g),
            **({"quantity_step": {"from": self.step[0], "share": str(self.step[1])}} if self.step else {}),
        }


def weight_of(volume_cm3: Decimal, alloy: Alloy) -> Decimal:
    """The weight of the finished piece in g, to hundredths. The print's shrinkage scale is not added: the casting shrinks back."""
    return (volume_cm3 * alloy.density_g_cm3).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


def cost_piece(*, measure: MeshMeasure, alloy: Alloy, book: PriceBook, extras: Extras, quantity: int) -> Costing:
    """The price of `quantity` custom pieces. Raises Invalid on a stone, plating or engraving the book does not know."""
    rates = book.rates
    volume_cm3 = measure.volume_cm3
    weight_g = weight_of(volume_cm3, alloy)
    exact = {
        "metal": metal_cost(weight_g, alloy, book.spot_of(alloy), rates),
        "print": print_cost(volume_cm3, rates) / alloy.casting_yield,
        "casting": casting_cost(weight_g, rates) / alloy.casting_yield,
        "labour": labour_cost(measure, extras.stone_count, rates),
        "stones": stones_cost(extras.stones, book),
        "plating": plating_cost(measure.area_cm2, _plating(extras.plating, book)),
        **({"engraving": engraving_cost(extras.engraving, book.engraving)} if extras.engraving else {}),
        "hallmark": rates.hallmark,
        "overhead": rates.overhead,
    }
    items = {name: Money(amount, book.currency) for name, amount in exact.items()}
    return _priced(items, weight_g=weight_g, book=book, quantity=quantity)


def cost_ready_made(*, price: Money, quantity: int) -> dict[str, Any]:
    """The breakdown of a ready-made good: its catalogue price, taxes included."""
    return {
        "currency": price.currency,
        "per_piece": {"catalogue_price": f"{price.amount:.2f}"},
        "unit_price": f"{price.amount:.2f}",
        "quantity": quantity,
    }


def metal_cost(weight_g: Decimal, alloy: Alloy, spot_per_g: Decimal, rates: Rates) -> Decimal:
    """The pure metal in the piece and its casting loss, and what the recoverable sprue costs."""
    price_per_g = alloy.fineness * spot_per_g * (1 + alloy.premium)
    piece = weight_g * (1 + alloy.casting_loss) * price_per_g
    sprue = weight_g * rates.sprue_share * rates.sprue_charged * price_per_g
    return piece + sprue


def print_cost(volume_cm3: Decimal, rates: Rates) -> Decimal:
    """The printed pattern: it is larger than the piece, because the casting shrinks."""
    return rates.print_per_piece + volume_cm3 * rates.print_scale**3 * rates.print_per_cm3


def casting_cost(weight_g: Decimal, rates: Rates) -> Decimal:
    """The piece's share of a flask, and the furnace's work by weight."""
    return rates.casting_per_piece + weight_g * rates.casting_per_g


def labour_cost(measure: MeshMeasure, stone_count: int, rates: Rates) -> Decimal:
    """Preparing the print, finishing the surface (more where it is intricate) and setting stones, in hours at one rate."""
    finishing = rates.finishing_minutes + measure.area_cm2 * rates.finishing_minutes_per_cm2 * (
        1
        + rates.complexity_weight * (complexity_of(measure, rates.complexity_max) - 1)
        + rates.roughness_weight * (roughness_of(measure, rates.complexity_max) - 1)
    )
    minutes = rates.preparation_minutes + finishing + rates.setting_minutes_per_stone * stone_count
    return minutes / _MINUTES_PER_HOUR * rates.labour_per_hour


def complexity_of(measure: MeshMeasure, largest: Decimal) -> Decimal:
    """How intricate a surface is: its area over that of a sphere of the same volume. 1 is a sphere, a plain ring about 2.4."""
    if measure.volume_mm3 <= 0:
        return largest
    sphere_mm2 = _SPHERE * measure.volume_mm3 ** (Decimal(2) / 3)
    return min(max(measure.area_mm2 / sphere_mm2, Decimal(1)), largest)


def roughness_of(measure: MeshMeasure, largest: Decimal) -> Decimal:
    """How much a surface bends, 1 for a sphere; 1 also where nobody measured it, so that a first look promises nothing for it."""
    roughness = measure.character.roughness if measure.character else None
    return Decimal(1) if roughness is None else min(max(roughness, Decimal(1)), largest)


def stones_cost(stones: Mapping[str, int], book: PriceBook) -> Decimal:
    """The stones of one piece, and those that break while being set."""
    total = Decimal(0)
    for code, count in stones.items():
        stone = book.stones.get(code)
        if stone is None:
            raise Invalid(
                "stone-unknown", f"There is no stone {code!r}. Choose one of: {', '.join(sorted(book.stones))}."
            )
        total += stone.price * count
    return total * (1 + book.rates.stone_breakage)


def plating_cost(area_cm2: Decimal, plating: Plating | None) -> Decimal:
    """area x thickness x density x price, and the bath."""
    if plating is None:
        return Decimal(0)
    weight_g = area_cm2 * (plating.thickness_um / _UM_PER_CM) * plating.density_g_cm3
    return weight_g * plating.price_per_g + plating.bath


def _plating(code: str | None, book: PriceBook) -> Plating | None:
    if code is None:
        return None
    try:
        return book.platings[code]
    except KeyError:
        raise Invalid(
            "plating-unknown", f"There is no plating {code!r}. Choose one of: {', '.join(sorted(book.platings))}."
        ) from None


def _priced(items: Mapping[str, Money], *, weight_g: Decimal, book: PriceBook, quantity: int) -> Costing:
    rates, currency = book.rates, book.currency
    cost = Money.total(items.values(), currency)
    before_tax = Money(cost.amount / (1 - rates.margin), currency)
    step = book.quantity_step(quantity)
    discount = Money(before_tax.amount * step[1], currency) if step else Money.zero(currency)
    charged = before_tax - discount
    tax = Money(charged.amount * rates.tax, currency)
    return Costing(
        weight_g=weight_g,
        items=items,
        margin=before_tax - cost,
        tax=tax,
        unit_price=charged + tax,
        quantity=quantity,
        discount=discount,
        step=step,
    )
