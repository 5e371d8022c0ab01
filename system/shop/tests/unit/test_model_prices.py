"""What a price consists of in a customer's words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from system.kernel.ids import new_id
from system.kernel.money import Money
from system.pagekit.words import NAMES as KIT_NAMES
from system.shop.domain.quote import Difference, Quote, Reason
from system.shop.entrypoints import sentences
from system.shop.entrypoints.model_prices import METALS, PARTS_OF_PRICE, UNITS, noticed_in, parts_of_price
from system.shop.tests.bench import rub

ITEMS = {
    "metal": "100.10",
    "print": "20.00",
    "casting": "30.00",
    "labour": "40.00",
    "stones": "0.00",
    "plating": "0.00",
    "hallmark": "5.00",
    "overhead": "6.00",
    "margin": "70.00",
    "tax": "54.22",
}


def test_the_parts_are_the_whole_price_and_none_is_nothing() -> None:
    parts = parts_of_price({name: rub(amount) for name, amount in ITEMS.items()})
    assert [name for name, _ in parts] == ["metal", "work", "hallmark", "tax"]
    assert sum(Decimal(amount["amount"]) for _, amount in parts) == sum(Decimal(amount) for amount in ITEMS.values())
    assert dict(parts)["work"]["amount"] == "166.00"


def test_an_item_that_came_later_is_shown_by_its_own_name() -> None:
    assert parts_of_price({"engraving": Money.of("9.00", "RUB")}) == [
        ("engraving", {"amount": "9.00", "currency": "RUB"})
    ]


def test_what_the_difference_tells_of_the_model_is_not_told_twice() -> None:
    found = Quote(
        new_id(), new_id(), "custom", "gold_585", 1,
        disclosures=("unit-of-file", "facets-turned"),
        difference=Difference(rub("9.00"), (Reason("facets-turned", {}, ""),)),
    )  # fmt: skip
    assert noticed_in(found) == ["unit-of-file"]
    assert noticed_in(replace(found, difference=None)) == ["unit-of-file", "facets-turned"]


def test_everything_has_a_name() -> None:
    assert set(PARTS_OF_PRICE.values()) == set(sentences.NAMES["price_part"])
    assert set(UNITS) == set(sentences.NAMES["unit"])
    assert set(METALS) <= set(KIT_NAMES["material"])
