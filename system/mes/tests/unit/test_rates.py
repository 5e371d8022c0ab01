"""Rates through time, and what a new one would mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from system.kernel.money import Money
from system.mes.domain.pay import PayRate
from system.mes.domain.rates import EXAMPLE_G, Lot, change_percent, meaning_of, standing
from system.mes.tests.harness import START

LONG_AGO = START - timedelta(days=900)


def rubles(amount: str) -> Money:
    return Money.of(amount, "RUB")


def a_rate(material: str, *, days: int = 0, per_piece: str = "100.00", per_gram: str = "10.00") -> PayRate:
    return PayRate(material, START + timedelta(days=days), rubles(per_piece), rubles(per_gram))


def test_of_each_material_one_rate_holds_and_the_others_are_past_or_planned() -> None:
    oldest, older, present = (a_rate("gold_585", days=days) for days in (-30, -20, 0))
    later, any_other = a_rate("gold_585", days=1), a_rate("*", days=-900)
    found = standing((later, older, any_other, present, oldest), at=START)
    assert found.in_force == (any_other, present)
    assert found.planned == (later,)
    assert found.past == ((older, present.valid_from), (oldest, older.valid_from))


def test_a_material_with_a_planned_rate_alone_has_none_in_force() -> None:
    planned = a_rate("gold_900", days=1)
    assert standing((planned,), at=START) == replace(standing((), at=START), planned=(planned,))


def test_a_new_rate_is_explained_by_a_piece_and_by_the_board() -> None:
    rates = (a_rate("*", days=-900), a_rate("gold_585", days=-30, per_piece="900.00", per_gram="60.00"))
    lots = (
        Lot("gold_585", 1, Decimal("2.50"), 3),
        Lot("gold_585", 2, None, 1),
        Lot("silver_925", 1, Decimal("2.00"), 5),
    )
    new = a_rate("gold_585", days=1, per_piece="1000.00", per_gram="80.00")
    meaning = meaning_of(new, rates, lots, now=START)
    assert EXAMPLE_G == 3
    assert (meaning.example_before, meaning.example_after) == (rubles("1080.00"), rubles("1240.00"))
    # 3 x (900 + 2.5 x 60) + 2 x 900; 3 x (1000 + 2.5 x 80) + 2 x 1000
    assert (meaning.board_before, meaning.board_after) == (rubles("4950.00"), rubles("5600.00"))
    assert (meaning.work_orders, meaning.until) == (4, None)


def test_the_rate_of_any_material_is_for_what_has_none_of_its_own_when_it_begins() -> None:
    rates = (
        a_rate("*", days=-900),
        a_rate("gold_585", days=-30),
        a_rate("silver_925", days=1),
        a_rate("*", days=9),
    )
    lots = (Lot("gold_585", 1, None, 1), Lot("silver_925", 1, None, 10), Lot("brass", 1, None, 100))
    new = a_rate("*", days=2, per_piece="200.00")
    meaning = meaning_of(new, rates, lots, now=START)
    assert (meaning.work_orders, meaning.until) == (100, START + timedelta(days=9))
    assert (meaning.board_before, meaning.board_after) == (rubles("10000.00"), rubles("20000.00"))


def test_a_change_is_told_in_percent_where_there_was_something() -> None:
    assert change_percent(rubles("400.00"), rubles("500.00")) == Decimal("25.0")
    assert change_percent(rubles("300.00"), rubles("200.00")) == Decimal("-33.3")
    assert change_percent(rubles("0.00"), rubles("200.00")) is None
