"""Numbers as people type them, and a plan's moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from system.kernel.errors import Invalid
from system.pagekit.reader import Language
from system.pricing.domain.book_changes import changes_between, leaves, number_of
from system.pricing.domain.plan import check_reason, check_start
from system.pricing.domain.price_book import PriceBook
from system.pricing.entrypoints.book_form import Mistyped, read_form, read_number, typed_text
from system.pricing.entrypoints.book_sheet import percent
from system.pricing.entrypoints.book_words import SHARES
from system.pricing.entrypoints.proposals import read_start

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("8500", "en", "8500"),
        ("8500.50", "en", "8500.50"),
        (" 8\u00a0500,50 ", "ru", "8500.50"),
        ("8\u202f500.50", "ru", "8500.50"),
        ("0,03", "ru", "0.03"),
    ],
)
def test_a_number_is_read_as_it_is_written(text: str, language: Language, number: str) -> None:
    assert read_number(text, language) == number


@pytest.mark.parametrize(
    ("text", "share"), [("5", "0.05"), ("5 %", "0.05"), ("2.5%", "0.025"), ("100", "1"), ("0", "0")]
)
def test_a_share_is_typed_in_percent(text: str, share: str) -> None:
    assert read_number(text, "en", is_share=True) == share


@pytest.mark.parametrize(
    ("text", "language", "flaw"),
    [
        ("", "en", "missing"),
        ("  ", "ru", "missing"),
        ("1,500", "en", "comma"),
        ("1,500.5", "en", "comma"),
        ("-5", "en", "negative"),
        ("−5", "ru", "negative"),
        ("1e5", "en", "not-a-number"),
        ("NaN", "en", "not-a-number"),
        ("1.2.3", "en", "not-a-number"),
        ("1,2,3", "ru", "not-a-number"),
        ("-", "en", "not-a-number"),
        ("٣", "en", "not-a-number"),
        ("12345678901", "en", "too-long"),
        ("0.1234567", "en", "too-long"),
    ],
)
def test_what_is_no_number_says_what_is_wrong(text: str, language: Language, flaw: str) -> None:
    with pytest.raises(Mistyped) as mistyped:
        read_number(text, language)
    assert mistyped.value.flaw == flaw


@pytest.mark.parametrize("language", ["ru", "en"])
def test_what_a_form_shows_it_reads_back_as_the_same_book(book: PriceBook, language: Language) -> None:
    fields = {
        "v:" + ".".join(path): typed_text(value, language, is_share=path[-1] in SHARES)
        for path, value in leaves(book).items()
        if number_of(value) is not None
    }
    typed = read_form(book, fields, language)
    assert not typed.flaws and len(typed.texts) == len(fields) > 50
    assert changes_between(book, PriceBook.from_data(typed.data, version=2)) == ()


def test_everything_that_is_wrong_is_named_at_once(book: PriceBook) -> None:
    typed = read_form(
        book,
        {
            "v:rates.margin": "100",
            "v:alloys.gold_585.fineness": "1.2",
            "v:alloys.gold_585.density_g_cm3": "0",
            "v:size.extent_mm_max": "1",
            "v:spot_per_g.gold": "much",
            "v:spot_per_g.silver": "110",
            "v:spot_per_g.tin": "5",
            "v:alloys.gold_585.metal": "tin",
        },
        "en",
    )
    assert typed.flaws == {
        "rates.margin": "not-below-one",
        "alloys.gold_585.fineness": "above-one",
        "alloys.gold_585.density_g_cm3": "not-above-zero",
        "size.extent_mm_max": "not-above-least",
        "spot_per_g.gold": "not-a-number",
    }
    made = PriceBook.from_data(typed.data, version=2)
    assert made.spot_per_g == {**book.spot_per_g, "silver": Decimal(110)}, "the rest is as it was typed; words stay"


def test_something_new_is_read_with_all_it_needs(book: PriceBook) -> None:
    fields = {
        "n:spot_per_g.code": "palladium", "n:spot_per_g.price": "3900",
        "n:alloys.code": "palladium_850", "n:alloys.title.ru": "Палладий 850", "n:alloys.title.en": "Palladium 850",
        "n:alloys.metal": "palladium", "n:alloys.density_g_cm3": "11", "n:alloys.fineness": "0.85",
        "n:alloys.casting_loss": "6", "n:alloys.casting_yield": "96", "n:alloys.premium": "4",
        "n:catalogue.code": "ring-palladium", "n:catalogue.price": "19900", "n:catalogue.material": "palladium_850",
    }  # fmt: skip
    typed = read_form(book, fields, "en")
    assert not typed.flaws
    made = PriceBook.from_data(typed.data, version=2)
    assert made.spot_of(made.alloys["palladium_850"]) == 3900 and made.alloys["palladium_850"].casting_loss == Decimal(
        "0.06"
    )
    assert made.catalogue["ring-palladium"].material == "palladium_850"


@pytest.mark.parametrize(
    ("fields", "flaws"),
    [
        (
            {"n:stones.code": "Ruby"},
            {"code": "not-a-code", "title.ru": "no-words", "title.en": "no-words", "price": "missing"},
        ),
        (
            {"n:stones.code": "diamond_1_3mm", "n:stones.price": "0"},
            {"code": "code-taken", "title.ru": "no-words", "title.en": "no-words"},
        ),
        (
            {"n:stones.code": "ruby", "n:stones.title.ru": "Р", "n:stones.title.en": "x" * 101, "n:stones.price": "1"},
            {"title.en": "too-many-words"},
        ),
        (
            {"n:stones.code": "ruby", "n:stones.title.ru": "Р", "n:stones.title.en": "R", "n:stones.price": "0"},
            {"price": "not-above-zero"},
        ),
    ],
)
def test_something_new_says_what_it_lacks(book: PriceBook, fields: dict[str, str], flaws: dict[str, str]) -> None:
    typed = read_form(book, fields, "en")
    assert typed.flaws == {f"n:stones.{name}": flaw for name, flaw in flaws.items()}
    assert PriceBook.from_data(typed.data, version=1).stones == book.stones


def test_a_new_good_of_an_unknown_material_is_wrong_there(book: PriceBook) -> None:
    fields = {"n:catalogue.code": "ring-of-power", "n:catalogue.price": "1", "n:catalogue.material": "mithril"}
    assert read_form(book, fields, "en").flaws == {"n:catalogue.material": "unusable"}
    refused = read_form(book, fields | {"n:catalogue.code": "ring_of_power"}, "en")
    assert refused.flaws == {"n:catalogue.code": "not-a-sku"}


def test_a_rule_over_several_values_is_said_of_the_whole_form(book: PriceBook) -> None:
    typed = read_form(book, {"v:size.extent_mm_min": "500"}, "en")
    assert typed.flaws, "the smallest above the largest"
    assert typed.flaws[""] == "size.extent_mm_max"


@pytest.mark.parametrize(
    ("share", "text"), [(None, "—"), ("0", "0 %"), ("0.1", "+10.0 %"), ("-0.0234", "−2.3 %"), ("0.0004", "+0.04 %")]
)
def test_a_move_has_its_sign(share: str | None, text: str) -> None:
    assert percent("en", share) == text


def test_a_moment_is_on_the_workshops_clock() -> None:
    zone = ZoneInfo("Europe/Moscow")
    assert read_start("2026-03-02T09:00", zone) == datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert read_start("  ", zone) is None
    with pytest.raises(Invalid, match="start-unreadable"):
        read_start("Monday", zone)


def test_a_plan_starts_later_and_within_a_year() -> None:
    check_start(NOW + timedelta(seconds=1), now=NOW)
    for moment, code in ((NOW, "start-is-past"), (NOW + timedelta(days=400), "start-is-too-far")):
        with pytest.raises(Invalid, match=code):
            check_start(moment, now=NOW)


def test_a_reason_is_words() -> None:
    assert check_reason("  the fixing ") == "the fixing"
    for text, code in ((" \n", "reason-missing"), ("x" * 501, "reason-too-long")):
        with pytest.raises(Invalid, match=code):
            check_reason(text)
