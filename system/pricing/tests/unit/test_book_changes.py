"""What differs between two books, and the same put on top of a third."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from system.kernel.errors import Invalid
from system.pricing.domain.book_changes import Change, changes_between, falls_with, leaves, with_changes
from system.pricing.domain.price_book import PriceBook

GOLD = ("spot_per_g", "gold")


def changed(data: dict[str, Any], version: int = 2, **sections: dict[str, Any]) -> PriceBook:
    made = copy.deepcopy(data)
    for name, values in sections.items():
        made[name] = made[name] | values
    return PriceBook.from_data(made, version=version)


def test_a_value_that_moved_is_named_with_its_share(book: PriceBook, book_data: dict[str, Any]) -> None:
    (change,) = changes_between(book, changed(book_data, spot_per_g={"gold": "8670.00"}))
    assert change == Change(GOLD, "8500.00", "8670.00")
    assert change.share == Decimal("0.02")


def test_the_same_number_written_otherwise_is_no_change(book: PriceBook, book_data: dict[str, Any]) -> None:
    assert changes_between(book, changed(book_data, rates={"margin": "0.3"}, spot_per_g={"gold": "8500"})) == ()


def test_what_is_new_and_what_is_taken_out_have_one_side_only(book: PriceBook, book_data: dict[str, Any]) -> None:
    without = copy.deepcopy(book_data)
    del without["stones"]["diamond_1_3mm"]
    without["platings"]["ruthenium"] = without["platings"]["rhodium"]
    found = {change.path: change for change in changes_between(book, PriceBook.from_data(without, version=2))}
    gone, new = found["stones", "diamond_1_3mm", "price"], found["platings", "ruthenium", "bath"]
    assert (gone.before, gone.after, gone.share) == ("1450.00", None, None)
    assert (new.before, new.after, new.share) == (None, "300.00", None)
    assert list(found)[-1][:2] == ("platings", "ruthenium"), "what is new comes last"


def test_changes_lead_from_one_book_to_the_other(book: PriceBook, book_data: dict[str, Any]) -> None:
    other = copy.deepcopy(book_data)
    del other["stones"]["diamond_1_3mm"], other["catalogue"]["ring-solitaire-950"], other["alloys"]["platinum_950"]
    other["spot_per_g"] |= {"gold": "9000", "palladium": "3900"}
    other["alloys"]["palladium_850"] = other["alloys"]["gold_585"] | {"metal": "palladium"}
    after = PriceBook.from_data(other, version=2)
    made = with_changes(book, changes_between(book, after), version=2)
    assert changes_between(made, after) == () and leaves(made).keys() == leaves(after).keys()


def test_with_a_metal_goes_what_is_made_of_it(book: PriceBook) -> None:
    alloys = {code for code, alloy in book.alloys.items() if alloy.metal == "gold"}
    goods = {sku for sku, item in book.catalogue.items() if item.material in alloys}
    assert len(alloys) > 1 and goods
    falls = falls_with(book, ["gold"])
    assert set(falls) == {f"alloys.{code}" for code in alloys} | {f"catalogue.{sku}" for sku in goods}
    assert len(falls) == len(set(falls)) and falls_with(book, []) == falls_with(book, ["lead"]) == ()


def test_a_section_stays_when_its_last_entry_goes(book: PriceBook) -> None:
    gone = [Change(path, value, None) for path, value in leaves(book).items() if path[0] == "stones"]
    assert with_changes(book, gone, version=2).stones == {}


def test_changes_leave_alone_what_others_changed_meanwhile(book: PriceBook, book_data: dict[str, Any]) -> None:
    mine = changes_between(book, changed(book_data, rates={"labour_per_hour": "1300.00"}))
    meanwhile = changed(book_data, spot_per_g={"gold": "9000.00"})
    made = with_changes(meanwhile, mine, version=3)
    assert (made.spot_per_g["gold"], made.rates.labour_per_hour) == (Decimal("9000.00"), Decimal("1300.00"))


def test_changes_that_no_longer_fit_are_refused(book: PriceBook, book_data: dict[str, Any]) -> None:
    without = copy.deepcopy(book_data)
    del without["stones"]["diamond_1_3mm"]
    dearer = [Change(("stones", "diamond_1_3mm", "price"), "1450.00", "1500.00")]
    with pytest.raises(Invalid, match="diamond_1_3mm"):
        with_changes(PriceBook.from_data(without, version=2), dearer, version=3)
