"""The prices that the newest book learns make a book that can be read, and change none that it has."""

from __future__ import annotations

import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any

from system.pricing.domain.price_book import PriceBook

MIGRATION = Path(__file__).parents[2] / "migrations" / "versions" / "0004_goods_of_new_designs.py"


def goods() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("goods_of_new_designs", MIGRATION)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Any] = module.GOODS
    return found


def test_the_first_book_and_the_new_goods_are_a_book(book: PriceBook) -> None:
    data = book.to_data()
    filled = PriceBook.from_data(data | {"catalogue": goods() | data["catalogue"]}, version=1)
    assert len(filled.catalogue) == 40 and not goods().keys() & data["catalogue"].keys()
    assert all(filled.catalogue[sku] == item for sku, item in book.catalogue.items())


def test_a_design_costs_most_in_gold_750_and_least_in_silver(book: PriceBook) -> None:
    prices = {sku: item.price for sku, item in book.catalogue.items()}
    prices |= {sku: Decimal(good["price"]) for sku, good in goods().items()}
    for design in {sku.rsplit("-", 1)[0] for sku in prices}:
        of = {end: prices[f"{design}-{end}"] for end in ("585", "750", "925", "950")}
        assert of["925"] == min(of.values()) and of["585"] < of["750"], design
