"""Editing a book that everybody shares."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any, cast

import pytest

from step_defs.drivers.http import Door, Refusal, Reply
from step_defs.dsl.price_book import PriceBook
from step_defs.dsl.price_desk import HttpPriceDesk, Seen

BOOK = {
    "spot_per_g": {"silver": "100.0000"},
    "alloys": {"silver_925": {"metal": "silver", "title": {"en": "Silver", "ru": "Серебро"}, "density_g_cm3": "10.36"}},
}


class SharedBook:
    """A door to a price book that somebody else changes just before our first saves."""

    def __init__(self, *, others: int = 0) -> None:
        self.book: dict[str, Any] = copy.deepcopy(BOOK)
        self.version = 1
        self.others = others

    def get(self, path: str) -> Reply:
        body = {"version": self.version, "book": copy.deepcopy(self.book)}
        return Reply(200, body, {"etag": f'"{self.version}"'})

    def ask(self, method: str, path: str, *, json: dict[str, Any], headers: dict[str, str]) -> Reply:
        if self.others:
            self.others -= 1
            self.version += 1
            self.book["spot_per_g"][f"others_{self.version}"] = "1"
        if headers["If-Match"] != f'"{self.version}"':
            raise Refusal("PUT", 412, {"code": "price-book-changed"})
        if path.endswith("/previews"):
            return Reply(200, {"quotes": {"by_material": {"silver": {"count": 3, "up": 2, "remade": 1}}}})
        self.book, self.version = json["book"], self.version + 1
        return Reply(200, {})


def price_book(shared: SharedBook) -> PriceBook:
    return PriceBook(cast(Door, shared))


def test_an_own_alloy_has_a_metal_of_its_own() -> None:
    shared = SharedBook()
    price_book(shared).add_alloy("mine", like="silver_925")
    price_book(shared).move_metal("mine", percent=Decimal("1.5"))
    assert shared.book["alloys"]["mine"]["metal"] == "mine"
    assert shared.book["spot_per_g"] == {"silver": "100.0000", "mine": "101.5000"}


def test_an_edit_keeps_what_others_saved_meanwhile() -> None:
    shared = SharedBook(others=2)
    price_book(shared).add_alloy("mine", like="silver_925")
    assert set(shared.book["spot_per_g"]) == {"silver", "mine", "others_2", "others_3"}


def test_gives_up_when_the_book_never_rests() -> None:
    with pytest.raises(AssertionError, match="changed under every one"):
        price_book(SharedBook(others=1000)).add_alloy("mine", like="silver_925")


def test_an_alloy_is_taken_out_again() -> None:
    shared = SharedBook()
    price_book(shared).add_alloy("mine", like="silver_925")
    price_book(shared).remove_alloy("mine")
    assert shared.book == BOOK


def test_what_was_looked_at_is_published_on_top_of_what_others_saved() -> None:
    shared = SharedBook()
    desk = HttpPriceDesk(cast(Door, shared))
    assert desk.looks("silver", percent=Decimal(10)) == Seen(3, 2, 1)
    shared.others = 2
    desk.publishes("the fixing")
    assert shared.book["spot_per_g"]["silver"] == "110.0000" and len(shared.book["spot_per_g"]) == 3


def test_a_metal_without_open_quotes_moves_none() -> None:
    shared = SharedBook()
    shared.book["spot_per_g"]["tin"] = "5"
    assert HttpPriceDesk(cast(Door, shared)).looks("tin", percent=Decimal(1)) == Seen(0, 0, 0)
