"""Every formula of costing, by a number worked out on paper, and the rules that hold for all of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.pricing.domain.costing import (
    PLAIN,
    Extras,
    casting_cost,
    complexity_of,
    cost_piece,
    labour_cost,
    metal_cost,
    plating_cost,
    print_cost,
    stones_cost,
    weight_of,
)
from system.pricing.domain.mesh import LengthUnit, MeshMeasure
from system.pricing.domain.price_book import PriceBook


@pytest.mark.parametrize(
    ("material", "weight_g"),
    [("gold_585", "2.62"), ("gold_750", "2.96"), ("silver_925", "1.98"), ("platinum_950", "3.95")],
)
def test_golden_ring_weighs_what_the_bench_weighs(
    book: PriceBook, torus: MeshMeasure, material: str, weight_g: str
) -> None:
    assert round(torus.volume_cm3, 3) == Decimal("0.191")
    assert weight_of(torus.volume_cm3, book.alloy(material)) == Decimal(weight_g)


def test_metal_is_paid_with_its_loss_fineness_premium_and_a_share_of_the_sprue(book: PriceBook) -> None:
    # 10 g x 0.585 x 8500 x 1.03 = 51 217 of pure metal; times 1.05 for loss, plus 0.10 x 0.02 for the sprue.
    paid = metal_cost(Decimal(10), book.alloy("gold_585"), Decimal(8500), book.rates)
    assert paid == Decimal("51216.75") * (Decimal("1.05") + Decimal("0.002"))


def test_platinum_loses_more_than_gold(book: PriceBook) -> None:
    gold, platinum = book.alloy("gold_585"), book.alloy("platinum_950")
    assert (gold.casting_loss, gold.casting_yield) == (Decimal("0.05"), Decimal("0.98"))
    assert (platinum.casting_loss, platinum.casting_yield) == (Decimal("0.08"), Decimal("0.95"))


def test_print_is_larger_than_the_piece(book: PriceBook) -> None:
    assert print_cost(Decimal(1), book.rates) == 190 + Decimal("1.029") ** 3 * 240


def test_casting_pays_a_share_of_the_flask_and_the_weight(book: PriceBook) -> None:
    assert casting_cost(Decimal(5), book.rates) == 280 + 5 * 12


def test_labour_grows_with_area_complexity_and_stones(book: PriceBook, torus: MeshMeasure) -> None:
    plain = labour_cost(torus, 0, book.rates)
    assert labour_cost(torus, 3, book.rates) - plain == pytest.approx(3 * 4 * Decimal(20))
    larger = replace(torus, area_mm2=torus.area_mm2 * 2)
    assert labour_cost(larger, 0, book.rates) > plain
    fuller = replace(torus, volume_mm3=torus.volume_mm3 * 3)
    assert labour_cost(fuller, 0, book.rates) < plain, "the same area around more metal is a simpler surface"


def test_complexity_of_a_sphere_is_one_and_is_capped() -> None:
    sphere = MeshMeasure(Decimal("4.18879"), Decimal("12.56637"), (Decimal(2),) * 3, 1)
    assert complexity_of(sphere, Decimal(6)) == pytest.approx(Decimal(1), abs=Decimal("0.00001"))
    assert complexity_of(replace(sphere, area_mm2=Decimal(10_000)), Decimal(6)) == 6
    assert complexity_of(replace(sphere, volume_mm3=Decimal(0)), Decimal(6)) == 6


def test_stones_are_paid_with_those_that_break(book: PriceBook) -> None:
    assert stones_cost({"cubic_zirconia_1_5mm": 10}, book) == Decimal("463.50")


def test_unknown_stone_is_refused(book: PriceBook) -> None:
    with pytest.raises(Invalid, match="stone-unknown"):
        stones_cost({"ruby": 1}, book)


def test_plating_pays_its_thickness_and_its_bath(book: PriceBook) -> None:
    # 10 cm2 x 0.0001 cm x 19.3 g/cm3 = 0.0193 g at 8500, and 250 for the bath.
    assert plating_cost(Decimal(10), book.platings["gold"]) == Decimal("414.05")
    assert plating_cost(Decimal(10), None) == 0


def test_unknown_plating_is_refused(book: PriceBook, torus: MeshMeasure) -> None:
    with pytest.raises(Invalid, match="plating-unknown"):
        cost_piece(measure=torus, alloy=book.alloy("gold_585"), book=book, extras=Extras({}, "chrome"), quantity=1)


def test_price_is_cost_over_one_minus_margin_plus_tax(book: PriceBook, torus: MeshMeasure) -> None:
    costing = cost_piece(measure=torus, alloy=book.alloy("gold_585"), book=book, extras=PLAIN, quantity=1)
    cost = sum((item.amount for item in costing.items.values()), Decimal(0))
    assert abs(costing.unit_price.amount - cost / Decimal("0.7") * Decimal("1.2")) <= Decimal("0.02")


def test_breakdown_names_every_item_and_adds_up(book: PriceBook, torus: MeshMeasure) -> None:
    extras = Extras({"diamond_1_3mm": 4}, "rhodium")
    costing = cost_piece(measure=torus, alloy=book.alloy("gold_750"), book=book, extras=extras, quantity=3)
    breakdown = costing.breakdown()
    assert set(breakdown["per_piece"]) == {
        "metal", "print", "casting", "labour", "stones", "plating", "hallmark", "overhead", "margin", "tax",
    }  # fmt: skip
    assert sum(map(Decimal, breakdown["per_piece"].values())) == Decimal(breakdown["unit_price"])
    assert costing.total == Money.of(breakdown["unit_price"], "RUB") * 3


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    volume=st.decimals("0.1", "100000", places=4),
    area=st.decimals("1", "100000", places=4),
    quantity=st.integers(1, 1000),
    material=st.sampled_from(["gold_585", "gold_750", "silver_925", "platinum_950"]),
)
def test_every_breakdown_adds_up_to_the_price(
    book: PriceBook, volume: Decimal, area: Decimal, quantity: int, material: str
) -> None:
    measure = MeshMeasure(volume, area, (Decimal(20),) * 3, 1000)
    costing = cost_piece(measure=measure, alloy=book.alloy(material), book=book, extras=PLAIN, quantity=quantity)
    parts = [item.amount for item in costing.items.values()] + [costing.margin.amount, costing.tax.amount]
    assert sum(parts, Decimal(0)) == costing.unit_price.amount
    assert costing.total.amount == costing.unit_price.amount * quantity
    assert all(part >= 0 for part in parts)


def test_unit_of_the_model_scales_volume_area_and_extents(torus: MeshMeasure) -> None:
    x, y, z = (extent / Decimal("25.4") for extent in torus.extents_mm)
    inches = replace(
        torus,
        volume_mm3=torus.volume_mm3 / Decimal("25.4") ** 3,
        area_mm2=torus.area_mm2 / Decimal("25.4") ** 2,
        extents_mm=(x, y, z),
    )
    scaled = inches.in_unit(LengthUnit.INCH)
    assert scaled.volume_cm3 == torus.volume_cm3
    assert scaled.area_cm2 == torus.area_cm2
    assert round(scaled.largest_extent_mm, 6) == torus.largest_extent_mm
