from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.kernel.money import Money

AMOUNTS = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=2)


def test_float_never_becomes_money() -> None:
    with pytest.raises(ValueError, match="Decimal"):
        Money(0.1, "RUB")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="never by a float"):
        Money.of(1, "RUB") * 0.5  # type: ignore[operator]


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix RUB with EUR"):
        Money.of(1, "RUB") + Money.of(1, "EUR")


def test_infinite_money_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        Money(Decimal("Infinity"), "RUB")


def test_half_kopecks_round_to_even() -> None:
    assert Money.of("0.125", "RUB").amount == Decimal("0.12")
    assert Money.of("0.135", "RUB").amount == Decimal("0.14")


@given(st.lists(AMOUNTS, max_size=20))
def test_total_does_not_depend_on_order(amounts: list[Decimal]) -> None:
    parts = [Money(amount, "RUB") for amount in amounts]
    assert Money.total(parts, "RUB") == Money.total(reversed(parts), "RUB")
    assert Money.total(parts, "RUB").amount == sum(amounts, Decimal(0))
