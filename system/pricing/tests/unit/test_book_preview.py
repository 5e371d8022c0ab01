"""What a proposed book would do: each figure from quotes worked out beforehand."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from system.kernel.errors import Invalid, Stale
from system.kernel.money import Money
from system.pricing.application.book_views import preview_view
from system.pricing.application.commands import PreviewPriceBook
from system.pricing.application.price_books import preview_price_book
from system.pricing.domain.costing import Extras, cost_piece
from system.pricing.domain.mesh import MeshMeasure
from system.pricing.domain.preview import (
    BARS,
    LARGEST_SHOWN,
    TORUS,
    Effect,
    Move,
    bar_of,
    catalogue_moves,
    price_under,
    torus_moves,
)
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Asked, Quote, QuoteKind
from system.pricing.tests.fake_books import FakeBooks

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def with_values(data: dict[str, Any], **values: str) -> PriceBook:
    """The first book with `section__name__...` set; the empty text takes an entry out."""
    made = copy.deepcopy(data)
    for path, value in values.items():
        *outer, last = path.split("__")
        place = made
        for name in outer:
            place = place[name]
        if value:
            place[last] = value
        else:
            del place[last]
    return PriceBook.from_data(made, version=2)


def custom(
    book: PriceBook, torus: MeshMeasure, material: str = "gold_585", *, quantity: int = 1, extras: Extras | None = None
) -> Quote:
    asked = Asked(
        QuoteKind.CUSTOM, material, quantity, file_id=uuid4(), mesh_sha256="0" * 64, extras=extras or Extras({})
    )
    quote = Quote(uuid4(), uuid4(), asked, NOW, book.version, book.spot_of(book.alloy(material)))
    return quote.ready(torus, book, now=NOW, valid_for=DAY)


def ready_made(book: PriceBook, sku: str, *, quantity: int = 1) -> Quote:
    item = book.catalogue[sku]
    asked = Asked(QuoteKind.READY_MADE, item.material, quantity, sku=sku)
    quote = Quote(uuid4(), uuid4(), asked, NOW, book.version, book.spot_of(book.alloy(item.material)))
    price = book.catalogue_price(sku)
    assert price is not None
    return quote.ready_from_catalogue(price, now=NOW, valid_for=DAY)


def test_a_quote_costs_under_its_own_book_what_it_says(book: PriceBook, torus: MeshMeasure) -> None:
    for quote in (
        custom(book, torus, quantity=3, extras=Extras({"diamond_1_3mm": 4}, "rhodium")),
        custom(book, torus, "platinum_950"),
        ready_made(book, "ring-band-750", quantity=2),
    ):
        assert price_under(quote, book) == quote.total


def test_a_new_price_is_the_costings_own(book: PriceBook, book_data: dict[str, Any], torus: MeshMeasure) -> None:
    dearer = with_values(book_data, spot_per_g__gold="9350.00")
    quote = custom(book, torus, quantity=2)
    made = cost_piece(measure=torus, alloy=dearer.alloys["gold_585"], book=dearer, extras=Extras({}), quantity=2)
    assert price_under(quote, dearer) == made.total
    assert price_under(custom(book, torus, "silver_925"), dearer) == custom(book, torus, "silver_925").total


@pytest.mark.parametrize(
    "changed",
    [
        {"catalogue__ring-band-750": "", "alloys__gold_750": ""},
        {"stones__diamond_1_3mm": ""},
        {"platings__rhodium": ""},
        {"size__extent_mm_max": "20"},
    ],
)
def test_what_could_not_be_made_any_more_has_no_price(
    book: PriceBook, book_data: dict[str, Any], torus: MeshMeasure, changed: dict[str, str]
) -> None:
    quote = custom(book, torus, "gold_750", extras=Extras({"diamond_1_3mm": 1}, "rhodium"))
    assert price_under(quote, with_values(book_data, **changed)) is None


def test_a_good_out_of_the_catalogue_has_no_price(book: PriceBook, book_data: dict[str, Any]) -> None:
    quote = ready_made(book, "ring-band-750")
    assert price_under(quote, with_values(book_data, **{"catalogue__ring-band-750": ""})) is None


def test_prices_in_two_currencies_are_not_compared(
    book: PriceBook, book_data: dict[str, Any], torus: MeshMeasure
) -> None:
    with pytest.raises(Invalid, match="currency-differs"):
        price_under(custom(book, torus), with_values(book_data, currency="EUR"))


def test_quotes_are_counted_where_they_go(book: PriceBook, book_data: dict[str, Any], torus: MeshMeasure) -> None:
    # Gold 3 % up, beyond the tolerance; silver 1 % down, within it; platinum stays.
    proposed = with_values(book_data, spot_per_g__gold="8755", spot_per_g__silver="103.95")
    quotes = [
        custom(book, torus),
        custom(book, torus, "gold_750", quantity=2),
        custom(book, torus, "silver_925"),
        custom(book, torus, "platinum_950"),
        ready_made(book, "ring-classic-585"),
    ]
    effect = Effect(proposed)
    for quote in quotes:
        effect.add(quote)
    found = effect.all
    assert (found.up, found.down, found.same, found.gone, found.count) == (2, 1, 2, 0, 5)
    assert found.remade == 3, "the metal of the good moved as well, though not its price"
    assert found.before == Money.total((quote.total for quote in quotes if quote.total), "RUB")
    after = [price_under(quote, proposed) for quote in quotes]
    assert found.after == Money.total((price for price in after if price), "RUB")
    assert set(effect.by_material) == {"gold_585", "gold_750", "silver_925", "platinum_950"}
    gold = effect.by_material["gold_585"]
    assert (gold.count, gold.up, gold.same) == (2, 1, 1) and gold.least == 0 and gold.most is not None and gold.most > 0


def test_what_has_no_price_any_more_is_in_neither_sum(
    book: PriceBook, book_data: dict[str, Any], torus: MeshMeasure
) -> None:
    effect = Effect(with_values(book_data, **{"catalogue__ring-solitaire-950": "", "alloys__platinum_950": ""}))
    kept = custom(book, torus)
    for quote in (kept, custom(book, torus, "platinum_950")):
        effect.add(quote)
    assert (effect.all.gone, effect.all.remade, effect.all.same) == (1, 1, 1)
    assert effect.all.before == effect.all.after == kept.total


def test_the_largest_changes_are_kept_and_no_more(
    book: PriceBook, book_data: dict[str, Any], torus: MeshMeasure
) -> None:
    effect = Effect(with_values(book_data, spot_per_g__gold="9350", spot_per_g__silver="50"))
    for _ in range(LARGEST_SHOWN):
        effect.add(custom(book, torus, "silver_925"))
    first = custom(book, torus, "gold_750")
    effect.add(first)
    for _ in range(30):
        effect.add(custom(book, torus, "gold_750", quantity=7))
        effect.add(custom(book, torus, "platinum_950"))
    shares = [found.move.share for found in effect.largest]
    assert len(shares) == LARGEST_SHOWN and effect.largest[0].material == "gold_750"
    assert [abs(share) for share in shares if share] == sorted((abs(share) for share in shares if share), reverse=True)
    assert effect.largest[0].quote_id == first.quote_id, "of equals the first"
    assert sum(effect.bars) == LARGEST_SHOWN + 31, "what does not move is in no bar"


@pytest.mark.parametrize(
    ("share", "bar"),
    [("-0.5", 0), ("-0.10", 1), ("-0.05", 2), ("-0.0001", 3), ("0.0001", 4), ("0.02", 5), ("0.05", 6), ("0.10", 7)],
)
def test_each_change_belongs_to_one_bar(share: str, bar: int) -> None:
    assert bar_of(Decimal(share)) == bar <= len(BARS)


def test_a_price_from_nothing_or_to_nothing_has_no_share() -> None:
    ruble = Money.of("1", "RUB")
    assert Move(None, ruble).share is None and Move(None, ruble).direction == "up"
    assert Move(ruble, None).share is None and Move(ruble, None).direction == "gone"


def test_the_golden_ring_and_the_goods_are_in_both_books(
    book: PriceBook, book_data: dict[str, Any], torus: MeshMeasure
) -> None:
    assert abs(TORUS.volume_cm3 - torus.volume_cm3) < Decimal("0.0001")
    proposed = with_values(book_data, spot_per_g__gold="9350", **{"catalogue__ring-band-750__price": "26000"})
    rings = torus_moves(book, proposed)
    assert {code: move.direction for code, move in rings.items()} == {
        "gold_585": "up", "gold_750": "up", "silver_925": "same", "platinum_950": "same",
    }  # fmt: skip
    goods = catalogue_moves(book, proposed)
    assert goods["ring-band-750"].direction == "up" and goods["ring-classic-585"].direction == "same"


async def test_a_preview_keeps_nothing_and_says_what_it_counted(
    book: PriceBook, book_data: dict[str, Any], torus: MeshMeasure
) -> None:
    books = FakeBooks(book)
    books.quotes = [custom(book, torus) for _ in range(120)]
    proposed = with_values(book_data, spot_per_g__gold="9350").to_data()
    exact = preview_view(await preview_price_book(PreviewPriceBook(1, proposed), books, now=NOW))
    assert (exact["quotes"]["open"], exact["quotes"]["recalculated"], exact["quotes"]["every"]) == (120, 120, 1)
    share = preview_view(await preview_price_book(PreviewPriceBook(1, proposed), books, now=NOW, quotes_max=50))
    assert (share["quotes"]["open"], share["quotes"]["recalculated"], share["quotes"]["every"]) == (120, 40, 3)
    assert len(books.books) == 1 and not books.deeds
    assert exact["changes"] == [
        {"path": "spot_per_g.gold", "before": "8500.00", "after": "9350", "share": "0.1000"},
    ]


async def test_only_the_book_in_force_is_the_ground_of_a_preview(book: PriceBook, book_data: dict[str, Any]) -> None:
    class Empty(FakeBooks):
        async def open_quotes(self, *, now: datetime, step: int = 1) -> AsyncIterator[Quote]:
            raise AssertionError("nothing is read for a stale book")
            yield

    with pytest.raises(Stale):
        await preview_price_book(PreviewPriceBook(7, book_data), Empty(book), now=NOW)
