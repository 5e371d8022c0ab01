"""The price book: every constant of costing, as versioned data. A quote names the version that priced it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, Self

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.pricing.domain.engraving import EngravingTerms

WALLS_MM: Mapping[str, tuple[str, str]] = {"platinum": ("1.0", "0.5")}
WALLS_MM_OF_OTHERS = ("0.8", "0.4")
"""Walls that pass, and walls that do not, by metal, where a book says nothing of them."""
FLASK_DIAMETER_MM, FLASK_HEIGHT_MM = "100", "150"


@dataclass(frozen=True, slots=True)
class Alloy:
    """A material customers choose. Density in g/cm3; fineness, loss, yield and premium are shares of one.

    Walls are cast without reserve from `wall_min_mm`, and not at all below `wall_reject_mm`.
    """

    code: str
    title: Mapping[str, str]
    metal: str
    density_g_cm3: Decimal
    fineness: Decimal
    casting_loss: Decimal
    casting_yield: Decimal
    premium: Decimal
    wall_min_mm: Decimal
    wall_reject_mm: Decimal


@dataclass(frozen=True, slots=True)
class Stone:
    """A stone we set: its price each."""

    code: str
    title: Mapping[str, str]
    price: Decimal


@dataclass(frozen=True, slots=True)
class Plating:
    """A thin coat of another metal: price and density of that metal, thickness in micrometres, and the bath per piece."""

    code: str
    title: Mapping[str, str]
    price_per_g: Decimal
    density_g_cm3: Decimal
    thickness_um: Decimal
    bath: Decimal


@dataclass(frozen=True, slots=True)
class Rates:
    """What work and machines cost, per piece unless the name says otherwise. Shares are of one, money is in the book's currency."""

    sprue_share: Decimal
    sprue_charged: Decimal
    casting_per_piece: Decimal
    casting_per_g: Decimal
    print_per_piece: Decimal
    print_per_cm3: Decimal
    print_scale: Decimal
    labour_per_hour: Decimal
    preparation_minutes: Decimal
    finishing_minutes: Decimal
    finishing_minutes_per_cm2: Decimal
    complexity_weight: Decimal
    complexity_max: Decimal
    roughness_weight: Decimal
    setting_minutes_per_stone: Decimal
    stone_breakage: Decimal
    hallmark: Decimal
    overhead: Decimal
    margin: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """A ready-made good: its price, taxes included, and what it is made of."""

    sku: str
    price: Decimal
    material: str


@dataclass(frozen=True, slots=True)
class PriceBook:
    """One version of every constant. `metal_tolerance` is the share a metal may move before a quote is made again.

    `quantity_steps` are shares taken off the price of a custom piece, from so many pieces on. Books of earlier days have none, and no
    engraving. What is larger than the flask is cast in parts.
    """

    version: int
    currency: str
    metal_tolerance: Decimal
    extent_mm_min: Decimal
    extent_mm_max: Decimal
    flask_diameter_mm: Decimal
    flask_height_mm: Decimal
    spot_per_g: Mapping[str, Decimal]
    alloys: Mapping[str, Alloy]
    stones: Mapping[str, Stone]
    platings: Mapping[str, Plating]
    rates: Rates
    catalogue: Mapping[str, CatalogueItem]
    engraving: EngravingTerms | None = None
    quantity_steps: Mapping[int, Decimal] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: Mapping[str, Any], *, version: int) -> Self:
        """Reads a book from plain data (TOML or JSON; decimals as text). Raises Invalid (`price-book-invalid`) naming the place."""
        page = _Page(data, "")
        spot, size = page.section("spot_per_g"), page.section("size")
        book = cls(
            version=version,
            currency=page.text("currency"),
            metal_tolerance=page.share("metal_tolerance"),
            extent_mm_min=size.positive("extent_mm_min"),
            extent_mm_max=size.positive("extent_mm_max"),
            flask_diameter_mm=size.positive("flask_diameter_mm", absent=FLASK_DIAMETER_MM),
            flask_height_mm=size.positive("flask_height_mm", absent=FLASK_HEIGHT_MM),
            spot_per_g={metal: spot.positive(metal) for metal in spot.names()},
            alloys={code: _alloy(code, entry) for code, entry in page.section("alloys").entries()},
            stones={code: _stone(code, entry) for code, entry in page.section("stones").entries()},
            platings={code: _plating(code, entry) for code, entry in page.section("platings").entries()},
            rates=_rates(page.section("rates")),
            catalogue={sku: _item(sku, entry) for sku, entry in page.section("catalogue").entries()},
            engraving=_engraving(page.section("engraving")) if page.has("engraving") else None,
            quantity_steps=_steps(page.section("quantity_steps")) if page.has("quantity_steps") else {},
        )
        book._hold_together()
        return book

    def to_data(self) -> dict[str, Any]:
        """The book as plain data that `from_data` reads back; decimals are text."""
        return {
            "currency": self.currency,
            "metal_tolerance": str(self.metal_tolerance),
            "size": {
                "extent_mm_min": str(self.extent_mm_min),
                "extent_mm_max": str(self.extent_mm_max),
                "flask_diameter_mm": str(self.flask_diameter_mm),
                "flask_height_mm": str(self.flask_height_mm),
            },
            "spot_per_g": {metal: str(price) for metal, price in self.spot_per_g.items()},
            "alloys": {code: _plain(alloy, "code") for code, alloy in self.alloys.items()},
            "stones": {code: _plain(stone, "code") for code, stone in self.stones.items()},
            "platings": {code: _plain(plating, "code") for code, plating in self.platings.items()},
            "rates": _plain(self.rates),
            "catalogue": {sku: _plain(item, "sku") for sku, item in self.catalogue.items()},
        } | self._later_data()

    def quantity_step(self, quantity: int) -> tuple[int, Decimal] | None:
        """The step that so many pieces reach, and its share; None below the first."""
        return max(
            ((pieces, share) for pieces, share in self.quantity_steps.items() if pieces <= quantity), default=None
        )

    def alloy(self, code: str) -> Alloy:
        """The alloy of this code. Raises Invalid (`material-unknown`) naming those there are."""
        try:
            return self.alloys[code]
        except KeyError:
            raise Invalid(
                "material-unknown", f"There is no material {code!r}. Choose one of: {', '.join(sorted(self.alloys))}."
            ) from None

    def spot_of(self, alloy: Alloy) -> Decimal:
        """The price of a gram of the pure metal behind an alloy."""
        return self.spot_per_g[alloy.metal]

    def catalogue_price(self, sku: str) -> Money | None:
        """The price of one ready-made good, or None when the book does not sell it."""
        item = self.catalogue.get(sku)
        return None if item is None else Money(item.price, self.currency)

    def _later_data(self) -> dict[str, Any]:
        """What a book may lack."""
        engraving = {"engraving": _plain(self.engraving)} if self.engraving else {}
        steps = {str(pieces): str(share) for pieces, share in sorted(self.quantity_steps.items())}
        return engraving | ({"quantity_steps": steps} if steps else {})

    def _hold_together(self) -> None:
        if len(self.currency) != 3 or not self.currency.isupper():
            _wrong("currency", "must be three capital letters (ISO 4217)", flaw="not-a-currency")
        if not self.alloys:
            _wrong("alloys", "must name at least one alloy")
        if self.extent_mm_min >= self.extent_mm_max:
            _wrong("size.extent_mm_max", "must be above extent_mm_min", flaw="not-above-least")
        if self.engraving is not None and self.engraving.height_mm_min > self.engraving.height_mm_max:
            _wrong("engraving.height_mm_max", "must not be below height_mm_min", flaw="not-above-least")
        for alloy in self.alloys.values():
            if alloy.metal not in self.spot_per_g:
                _wrong(f"alloys.{alloy.code}.metal", f"has no spot price: add spot_per_g.{alloy.metal}")
            if alloy.wall_reject_mm >= alloy.wall_min_mm:
                _wrong(f"alloys.{alloy.code}.wall_min_mm", "must be above wall_reject_mm", flaw="not-above-least")
        for item in self.catalogue.values():
            if item.material not in self.alloys:
                _wrong(f"catalogue.{item.sku}.material", f"names no alloy: {item.material!r}")


class _Page:
    """A section of the data that knows its path, so that a refusal names the place."""

    def __init__(self, data: Any, path: str) -> None:
        if not isinstance(data, Mapping):
            _wrong(path, "must be a table of names and values")
        self._data: Mapping[str, Any] = data
        self._path = path

    def has(self, name: str) -> bool:
        return name in self._data

    def names(self) -> list[str]:
        return list(self._data)

    def section(self, name: str) -> _Page:
        if name not in self._data:
            _wrong(self._at(name), "is missing", flaw="missing")
        return _Page(self._data[name], self._at(name))

    def entries(self) -> list[tuple[str, _Page]]:
        return [(name, self.section(name)) for name in self._data]

    def text(self, name: str) -> str:
        value = self._data.get(name)
        if not isinstance(value, str) or not value:
            _wrong(self._at(name), "must be text", flaw="missing")
        return value

    def title(self) -> Mapping[str, str]:
        names = self.section("title")
        return {"ru": names.text("ru"), "en": names.text("en")}

    def decimal(self, name: str, *, absent: str | None = None) -> Decimal:
        """`absent` stands for what books of earlier releases do not say."""
        value = self._data.get(name, absent)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            _wrong(self._at(name), 'must be a decimal written as text, such as "0.05"', flaw="not-a-number")
        try:
            number = Decimal(value)
        except InvalidOperation:
            _wrong(self._at(name), f"is not a decimal: {value!r}", flaw="not-a-number")
        if not number.is_finite():
            _wrong(self._at(name), "must be finite", flaw="not-a-number")
        if number < 0:
            _wrong(self._at(name), "must not be negative", flaw="negative")
        return number

    def positive(self, name: str, *, absent: str | None = None) -> Decimal:
        number = self.decimal(name, absent=absent)
        if number == 0:
            _wrong(self._at(name), "must be above zero", flaw="not-above-zero")
        return number

    def share(self, name: str) -> Decimal:
        """A share below one: dividing by its complement is safe."""
        number = self.decimal(name)
        if number >= 1:
            _wrong(self._at(name), 'must be a share below 1, such as "0.05"', flaw="not-below-one")
        return number

    def count(self, name: str) -> Decimal:
        """A whole number above zero."""
        number = self.positive(name)
        if number != number.to_integral_value():
            _wrong(self._at(name), "must be a whole number", flaw="not-a-count")
        return number

    def portion(self, name: str) -> Decimal:
        """What is there of a whole: above zero, and one at most."""
        number = self.positive(name)
        if number > 1:
            _wrong(self._at(name), "must not exceed 1", flaw="above-one")
        return number

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _alloy(code: str, entry: _Page) -> Alloy:
    fineness, casting_yield = entry.portion("fineness"), entry.portion("casting_yield")
    wall_min_mm, wall_reject_mm = WALLS_MM.get(entry.text("metal"), WALLS_MM_OF_OTHERS)
    return Alloy(
        code=code,
        title=entry.title(),
        metal=entry.text("metal"),
        density_g_cm3=entry.positive("density_g_cm3"),
        fineness=fineness,
        casting_loss=entry.share("casting_loss"),
        casting_yield=casting_yield,
        premium=entry.share("premium"),
        wall_min_mm=entry.positive("wall_min_mm", absent=wall_min_mm),
        wall_reject_mm=entry.positive("wall_reject_mm", absent=wall_reject_mm),
    )


def _stone(code: str, entry: _Page) -> Stone:
    return Stone(code=code, title=entry.title(), price=entry.positive("price"))


def _plating(code: str, entry: _Page) -> Plating:
    return Plating(
        code=code,
        title=entry.title(),
        price_per_g=entry.positive("price_per_g"),
        density_g_cm3=entry.positive("density_g_cm3"),
        thickness_um=entry.positive("thickness_um"),
        bath=entry.decimal("bath"),
    )


def _item(sku: str, entry: _Page) -> CatalogueItem:
    return CatalogueItem(sku=sku, price=entry.positive("price"), material=entry.text("material"))


def _engraving(entry: _Page) -> EngravingTerms:
    return EngravingTerms(
        setup=entry.decimal("setup"),
        per_character=entry.decimal("per_character"),
        characters_max=entry.count("characters_max"),
        height_mm_min=entry.positive("height_mm_min"),
        height_mm_max=entry.positive("height_mm_max"),
        alphabet=entry.text("alphabet"),
    )


def _steps(entry: _Page) -> Mapping[int, Decimal]:
    for pieces in entry.names():
        if not _PIECES.fullmatch(pieces):
            _wrong(f"quantity_steps.{pieces}", "must be named by a number of pieces, at least 2", flaw="not-a-count")
    return {int(pieces): entry.share(pieces) for pieces in entry.names()}


_PIECES = re.compile(r"[2-9]|[1-9][0-9]{1,3}")
_RATES_ABSENT = {"roughness_weight": "0"}
_SHARES = frozenset({"sprue_share", "sprue_charged", "stone_breakage", "margin"})


def _rates(entry: _Page) -> Rates:
    names = Rates.__dataclass_fields__
    values = {
        name: entry.share(name) if name in _SHARES else entry.decimal(name, absent=_RATES_ABSENT.get(name))
        for name in names
    }
    return Rates(**values)


def _plain(record: Any, *without: str) -> dict[str, Any]:
    """A flat record as plain data, its decimals as text."""
    result: dict[str, Any] = {}
    for name in record.__dataclass_fields__:
        if name in without:
            continue
        value = getattr(record, name)
        result[name] = (
            str(value) if isinstance(value, Decimal) else dict(value) if isinstance(value, Mapping) else value
        )
    return result


def _wrong(path: str, what: str, *, flaw: str = "unusable") -> NoReturn:
    """`flaw` is what is wrong in one word, for whoever says it in another language."""
    raise Invalid(
        "price-book-invalid",
        f"The price book is not usable: `{path or 'the book'}` {what}.",
        path=path,
        flaw=flaw,
    )
