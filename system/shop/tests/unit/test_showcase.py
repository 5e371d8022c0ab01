"""Which goods a visitor is shown, and in which order."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from system.shop.domain.catalogue import Product
from system.shop.domain.showcase import Wish, chosen, featured, same_design, sizes_in_stock
from system.shop.tests.bench import rub
from system.shop.tests.shelf import goods, priced

GOODS = goods()


def skus(found: list[Product]) -> list[str]:
    return [good.sku for good in found]


def wished(**wish: str) -> list[str]:
    return skus(chosen(GOODS, {}, Wish(**wish)))


def test_ten_designs_are_there_in_four_metals() -> None:
    assert len(set(skus(GOODS))) == 40
    by_design = {good.design: skus(same_design(GOODS, good)) for good in GOODS}
    assert len(by_design) == 10
    for design, found in by_design.items():
        assert set(found) == {f"{design}-{end}" for end in ("585", "750", "925", "950")}
    assert all(good.about.ru and good.about.en and good.about.ru != good.about.en for good in GOODS)
    assert {good.kind for good in GOODS} == {"ring", "earrings", "pendant", "bracelet"}
    assert all(bool(good.ring_sizes) is (good.kind == "ring") for good in GOODS)


def test_the_first_six_goods_are_as_they_were_and_the_new_ones_are_few() -> None:
    assert skus(GOODS)[:6] == [
        "ring-classic-585", "ring-band-750", "earrings-drop-925", "pendant-drop-925", "bracelet-chain-585",
        "ring-solitaire-950",
    ]  # fmt: skip
    new = [good.in_stock for good in GOODS[6:]]
    assert new.count(0) == 1 and all(5 <= pieces <= 60 for pieces in new if pieces)


def test_every_good_has_its_pictures_and_every_picture_its_good() -> None:
    root = Path(__file__).parents[4]
    manifest = tomllib.loads((root / "fixtures/showroom/pictures.toml").read_text(encoding="utf-8"))
    names = {f"{sku}-{width}.webp" for sku in skus(GOODS) for width in (320, 640, 1280)}
    assert set(manifest["pictures"]) == names, "make the pictures of new goods: python -m fixtures.showroom"


def test_nothing_wished_is_everything_in_the_order_of_the_catalogue() -> None:
    assert wished() == wished(order="by the moon") == skus(GOODS)
    assert not Wish(order="cheapest", words="  ").narrows and Wish(metal="gold_585").narrows


def test_wishes_narrow_together() -> None:
    assert wished(kind="bracelet", metal="silver_925") == ["bracelet-chain-925"]
    assert len(wished(kind="ring")) == 20 and len(wished(metal="gold_750")) == 10
    assert wished(kind="ring", metal="no such metal") == []


def test_a_ring_size_is_one_that_can_be_had_now() -> None:
    found = wished(ring_size="17.5")
    assert "ring-classic-585" in found and len(found) == 19
    assert "ring-pave-950" not in found, "it is sold out"
    assert "pendant-drop-925" not in found and wished(ring_size="40") == []


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("кольца", {"ring"}),
        ("СЕРЕЖКИ серьги", set()),
        ("серьга", {"earrings"}),
        ("браслеты", {"bracelet"}),
        ("rings", {"ring"}),
        ("Earring", {"earrings"}),
        ("подвеска медальон", {"pendant"}),
        ("bracelet золото", {"bracelet"}),
        ("тиара", set()),
        ("<script>", set()),
    ],
)
def test_words_are_found_in_either_language_whatever_their_ending(words: str, kinds: set[str]) -> None:
    found = chosen(GOODS, {}, Wish(words=words))
    assert kinds <= {good.kind for good in found}
    assert kinds or not found


def test_every_word_counts() -> None:
    assert wished(words="classic 585") == ["ring-classic-585"]
    assert set(wished(words="платиновый солитер")) == {"ring-solitaire-950"}
    assert wished(words="ring") and not [sku for sku in wished(words="hoop rin") if "earrings" in sku]


def test_the_order_of_prices_leaves_the_unpriced_for_the_end() -> None:
    prices = {"ring-classic-585": rub("300"), "ring-band-750": rub("100"), "earrings-drop-925": rub("200")}
    some = GOODS[:4]
    cheapest = skus(chosen(some, prices, Wish(order="cheapest")))
    assert cheapest == ["ring-band-750", "earrings-drop-925", "ring-classic-585", "pendant-drop-925"]
    dearest = skus(chosen(some, prices, Wish(order="dearest")))
    assert dearest == ["ring-classic-585", "earrings-drop-925", "ring-band-750", "pendant-drop-925"]
    assert skus(chosen(some, priced(some), Wish(order="dearest"))) == skus(some)[::-1]


def test_sizes_are_those_in_stock_by_number() -> None:
    assert sizes_in_stock(GOODS)[0] == "15" and sizes_in_stock(GOODS)[-1] == "22"
    ring = next(good for good in GOODS if good.kind == "ring")
    assert sizes_in_stock([replace(ring, ring_sizes=("9.5", "10"))]) == ["9.5", "10"]
    assert sizes_in_stock([replace(ring, in_stock=0)]) == []


def test_the_window_shows_each_design_once_and_nothing_that_is_sold_out() -> None:
    window = featured(GOODS, at_most=8)
    assert len({good.design for good in window}) == len(window) == 8
    assert window[0].design == "pendant-medallion", "the newest comes first"
    assert featured([replace(good, in_stock=0) for good in GOODS], at_most=8) == []
