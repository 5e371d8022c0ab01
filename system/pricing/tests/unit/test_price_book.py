"""The price book is data that holds together; what does not is refused with its place."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.pricing.domain.price_book import PriceBook


def test_first_book_has_the_agreed_alloys_and_goods(book: PriceBook) -> None:
    densities = {code: alloy.density_g_cm3 for code, alloy in book.alloys.items()}
    assert densities == {
        "gold_585": Decimal("13.7"),
        "gold_750": Decimal("15.5"),
        "silver_925": Decimal("10.36"),
        "platinum_950": Decimal("20.7"),
    }
    assert set(book.catalogue) == {
        "ring-classic-585", "ring-band-750", "earrings-drop-925", "pendant-drop-925", "bracelet-chain-585",
        "ring-solitaire-950",
    }  # fmt: skip
    assert book.catalogue_price("ring-classic-585") == Money.of("10450.00", "RUB")
    assert book.catalogue_price("ring-of-power") is None


def test_book_survives_a_round_trip_through_plain_data(book: PriceBook) -> None:
    assert PriceBook.from_data(book.to_data(), version=1) == book


def test_new_alloy_is_only_data(book_data: dict[str, Any]) -> None:
    changed = copy.deepcopy(book_data)
    changed["spot_per_g"]["palladium"] = "3900.00"
    changed["alloys"]["palladium_850"] = changed["alloys"]["platinum_950"] | {
        "metal": "palladium",
        "density_g_cm3": "11.0",
        "fineness": "0.850",
    }
    book = PriceBook.from_data(changed, version=2)
    assert book.spot_of(book.alloy("palladium_850")) == Decimal("3900.00")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("currency", "roubles"),
        ("metal_tolerance", "1.5"),
        ("metal_tolerance", 0.02),
        ("rates.margin", "1"),
        ("rates.margin", None),
        ("rates.labour_per_hour", "-1"),
        ("rates.labour_per_hour", "much"),
        ("rates.labour_per_hour", "NaN"),
        ("rates.labour_per_hour", True),
        ("alloys.gold_585.density_g_cm3", "0"),
        ("alloys.gold_585.fineness", "1.2"),
        ("alloys.gold_585.title", {"ru": "Золото"}),
        ("alloys.gold_585.metal", "tin"),
        ("alloys", {}),
        ("catalogue.ring-band-750.material", "wood"),
        ("size.extent_mm_max", "1"),
        ("stones", "none"),
    ],
)
def test_unusable_book_is_refused_with_its_place(book_data: dict[str, Any], path: str, value: object) -> None:
    changed = copy.deepcopy(book_data)
    *outer, last = path.split(".")
    place = changed
    for name in outer:
        place = place[name]
    place[last] = value
    with pytest.raises(Invalid, match="price-book-invalid") as refusal:
        PriceBook.from_data(changed, version=2)
    assert refusal.value.extra["path"].startswith(path.split(".")[0])


def test_missing_section_is_refused(book_data: dict[str, Any]) -> None:
    changed = {name: part for name, part in book_data.items() if name != "rates"}
    with pytest.raises(Invalid, match="`rates` is missing"):
        PriceBook.from_data(changed, version=2)


def test_unknown_material_is_refused_with_the_known_ones(book: PriceBook) -> None:
    with pytest.raises(Invalid, match="gold_585, gold_750, platinum_950, silver_925"):
        book.alloy("mithril")
