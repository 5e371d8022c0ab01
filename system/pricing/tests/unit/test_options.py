"""What a piece gets besides its metal, how many of it take something off its price, and why a firm price is not the estimate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from system.kernel.errors import Invalid
from system.pricing.adapters.rows import (
    difference_from_json,
    difference_to_json,
    engraving_from_json,
    engraving_to_json,
)
from system.pricing.application.views import materials_view, quote_view
from system.pricing.domain.costing import PLAIN, Extras, cost_piece
from system.pricing.domain.difference import reason_codes
from system.pricing.domain.engraving import Engraving, EngravingTerms, check_engraving, engraving_cost
from system.pricing.domain.mesh import Disclosure, MeshMeasure
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Asked, Quote, QuoteKind, check_asked, firm_price, first_price, no_longer_offered
from system.pricing.entrypoints.book_form import read_form

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
A_DAY = timedelta(hours=24)
TERMS = {
    "setup": "300",
    "per_character": "40",
    "characters_max": "12",
    "height_mm_min": "1",
    "height_mm_max": "6",
    "alphabet": "ABCabcЯя+♥é",
}


@pytest.fixture
def rich(book_data: dict[str, Any]) -> PriceBook:
    """A book with engraving, and two steps of quantity."""
    return PriceBook.from_data(
        book_data | {"engraving": TERMS, "quantity_steps": {"10": "0.05", "50": "0.10"}}, version=2
    )


def engraved(text: str, height_mm: str = "2") -> Engraving:
    return Engraving.of(text, Decimal(height_mm))


def quote_of(book: PriceBook, **more: Any) -> Quote:
    asked = replace(Asked(QuoteKind.CUSTOM, "gold_585", 1, file_id=UUID(int=2), mesh_sha256="0" * 64), **more)
    return Quote(UUID(int=1), UUID(int=3), asked, NOW, book.version, book.spot_of(book.alloy("gold_585")))


# -- engraving -------------------------------------------------------------------------------------------------------------


def test_an_engraving_costs_its_setting_up_and_each_character_but_blanks(rich: PriceBook) -> None:
    assert engraving_cost(engraved("A + B"), rich.engraving) == 300 + 3 * 40
    assert engraving_cost(None, rich.engraving) == 0


def test_a_text_is_engraved_composed_and_without_needless_blanks() -> None:
    assert engraved("  A \t e\u0301 ") == Engraving(Decimal(2), 2, "A \u00e9")


@pytest.mark.parametrize(
    ("text", "height_mm", "code", "facts"),
    [
        pytest.param("", "2", "engraving-empty", {}, id="nothing"),
        pytest.param("\u00a0 ", "2", "engraving-empty", {}, id="blanks"),
        pytest.param("A" * 13, "2", "engraving-too-long", {"characters": 13, "characters_max": 12}, id="too-long"),
        pytest.param("A!b?!", "2", "engraving-characters", {"refused": "!?"}, id="strange-characters"),
        pytest.param("A", "0.9", "engraving-height", {"height_mm_min": "1", "height_mm_max": "6"}, id="too-small"),
        pytest.param("A", "6.1", "engraving-height", {"height_mm_min": "1", "height_mm_max": "6"}, id="too-large"),
    ],
)
def test_what_cannot_be_engraved_is_refused_with_what_to_change(
    rich: PriceBook, text: str, height_mm: str, code: str, facts: dict[str, Any]
) -> None:
    asked = quote_of(rich).asked
    with pytest.raises(Invalid) as refusal:
        check_asked(replace(asked, extras=Extras({}, None, engraved(text, height_mm))), rich)
    assert (refusal.value.code, refusal.value.extra) == (code, facts)


def test_without_terms_nothing_is_engraved(book: PriceBook) -> None:
    with pytest.raises(Invalid, match="do not engrave"):
        check_engraving(engraved("A"), book.engraving)
    with pytest.raises(Invalid, match="do not engrave"):
        engraving_cost(engraved("A"), None)


def test_an_engraving_that_is_offered_no_more_is_told(rich: PriceBook, book: PriceBook) -> None:
    asked = replace(quote_of(rich).asked, extras=Extras({}, None, engraved("A")))
    gone = no_longer_offered(asked, book)
    assert gone is not None and gone.code == "engraving-not-offered"
    assert no_longer_offered(asked, rich) is None


def test_the_words_are_in_no_repr_and_may_leave_while_the_price_stays(rich: PriceBook, torus: MeshMeasure) -> None:
    extras = Extras({}, None, engraved("Abc"))
    assert "Abc" not in repr(quote_of(rich, extras=extras))
    assert extras.engraving is not None
    nameless = replace(extras, engraving=extras.engraving.without_text())
    prices = [
        cost_piece(measure=torus, alloy=rich.alloy("gold_585"), book=rich, extras=each, quantity=1).total
        for each in (extras, nameless)
    ]
    assert prices[0] == prices[1]


@pytest.mark.parametrize(
    "engraving", [None, engraved("Я + я", "1.5"), engraved("A").without_text()], ids=["none", "text", "gone"]
)
def test_an_engraving_is_kept_and_read_back(engraving: Engraving | None) -> None:
    assert engraving_from_json(engraving_to_json(engraving)) == engraving


# -- the book --------------------------------------------------------------------------------------------------------------


def test_a_book_tells_what_it_was_read_from(rich: PriceBook, book: PriceBook) -> None:
    assert PriceBook.from_data(rich.to_data(), version=2) == rich
    assert not {"engraving", "quantity_steps"} & set(book.to_data())


@pytest.mark.parametrize(
    ("section", "value", "path"),
    [
        pytest.param("quantity_steps", {"1": "0.05"}, "quantity_steps.1", id="from-one-piece"),
        pytest.param("quantity_steps", {"ten": "0.05"}, "quantity_steps.ten", id="from-a-word"),
        pytest.param("quantity_steps", {"10": "1"}, "quantity_steps.10", id="all-of-it"),
        pytest.param("engraving", TERMS | {"characters_max": "1.5"}, "engraving.characters_max", id="half-a-character"),
        pytest.param("engraving", TERMS | {"height_mm_max": "0.5"}, "engraving.height_mm_max", id="upside-down"),
        pytest.param("engraving", {"setup": "1"}, "engraving.per_character", id="half-told"),
    ],
)
def test_a_book_that_is_not_usable_names_the_place(
    book_data: dict[str, Any], section: str, value: dict[str, str], path: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        PriceBook.from_data(book_data | {section: value}, version=2)
    assert refusal.value.extra["path"] == path


def test_what_can_be_chosen_is_told(rich: PriceBook, book: PriceBook) -> None:
    told = materials_view(rich)
    assert told["quantity_steps"] == [{"from": 10, "share": "0.05"}, {"from": 50, "share": "0.10"}]
    assert told["engraving"] == {
        "setup": "300.00",
        "per_character": "40.00",
        "characters_max": 12,
        "height_mm_min": "1",
        "height_mm_max": "6",
        "alphabet": TERMS["alphabet"],
    }
    assert materials_view(book)["engraving"] is None


# -- many pieces -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "step"),
    [(1, None), (9, None), (10, (10, Decimal("0.05"))), (49, (10, Decimal("0.05"))), (50, (50, Decimal("0.10")))],
)
def test_the_largest_step_that_is_reached_counts(
    rich: PriceBook, quantity: int, step: tuple[int, Decimal] | None
) -> None:
    assert rich.quantity_step(quantity) == step


def test_many_pieces_take_a_share_off_before_tax_and_the_breakdown_still_adds_up(
    rich: PriceBook, torus: MeshMeasure
) -> None:
    def breakdown(quantity: int) -> dict[str, Any]:
        return cost_piece(
            measure=torus, alloy=rich.alloy("gold_585"), book=rich, extras=PLAIN, quantity=quantity
        ).breakdown()

    one, ten = breakdown(1), breakdown(10)
    items = {name: Decimal(amount) for name, amount in ten["per_piece"].items()}
    assert sum(items.values()) == Decimal(ten["unit_price"])
    before_tax = Decimal(one["unit_price"]) - Decimal(one["per_piece"]["tax"])
    assert items["discount"] == -(before_tax * Decimal("0.05")).quantize(Decimal("0.01"))
    assert ten["quantity_step"] == {"from": 10, "share": "0.05"}
    assert "discount" not in one["per_piece"] and "quantity_step" not in one


def test_what_is_not_asked_for_is_not_in_the_breakdown(rich: PriceBook, book: PriceBook, torus: MeshMeasure) -> None:
    plain = [
        cost_piece(measure=torus, alloy=each.alloy("gold_585"), book=each, extras=PLAIN, quantity=1).breakdown()
        for each in (rich, book)
    ]
    assert plain[0] == plain[1]
    with_text = cost_piece(
        measure=torus, alloy=rich.alloy("gold_585"), book=rich, extras=Extras({}, None, engraved("AB")), quantity=1
    ).breakdown()
    assert with_text["per_piece"]["engraving"] == "380.00"


# -- estimate and firm price -----------------------------------------------------------------------------------------------


def priced(book: PriceBook, looked: MeshMeasure, checked: MeshMeasure, later: PriceBook | None = None) -> Quote:
    estimated = first_price(quote_of(book), replace(looked, checked=False), book)
    assert estimated is not None
    return firm_price(estimated, checked, later or book, now=NOW, valid_for=A_DAY)


def test_a_firm_price_that_is_the_estimate_has_no_difference(book: PriceBook, torus: MeshMeasure) -> None:
    quote = priced(book, torus, torus)
    assert quote.difference is None and quote_view(quote)["difference"] is None


def test_a_cheaper_firm_price_says_what_is_not_charged(book: PriceBook, torus: MeshMeasure) -> None:
    hollow = replace(
        torus,
        volume_mm3=torus.volume_mm3 - 40,
        disclosures=(Disclosure("cavity-found", {"cavities": 2, "volume_mm3": "40.000"}),),
    )
    quote = priced(book, torus, hollow)
    assert quote.difference is not None and quote.estimate is not None and quote.total is not None
    assert quote.difference.amount == quote.total - quote.estimate
    assert quote.difference.amount.amount < 0
    told = quote_view(quote)["difference"]
    assert [reason["code"] for reason in told["reasons"]] == ["cavity-found", "weight-differs", "surface-work"]
    assert told["reasons"][0]["detail"] == "2 hollow spaces, 40.000 mm3 together, are not charged."
    assert told["reasons"][1]["facts"] == {"before_g": "2.62", "after_g": "2.07"}
    assert difference_from_json(difference_to_json(quote.difference)) == quote.difference


def test_another_book_meanwhile_is_a_reason_and_no_matter_of_the_surface(book: PriceBook, torus: MeshMeasure) -> None:
    dearer = replace(book, version=2, rates=replace(book.rates, labour_per_hour=book.rates.labour_per_hour * 2))
    quote = priced(book, torus, torus, dearer)
    assert quote.difference is not None
    assert [reason.code for reason in quote.difference.reasons] == ["book-changed"]
    assert quote.difference.reasons[0].facts == {"before": "1", "after": "2"}


FACTS: dict[str, dict[str, str]] = {
    "cavity-found": {"cavities": "1", "volume_mm3": "3.100"},
    "overlap-counted-once": {"volume_mm3": "3.100"},
    "facets-turned": {"facets": "12"},
    "bodies-turned": {"bodies": "2"},
    "weight-differs": {"before_g": "2.62", "after_g": "2.07"},
    "surface-work": {"before": "780.00", "after": "790.00", "currency": "RUB"},
    "book-changed": {"before": "1", "after": "2"},
}


@pytest.mark.parametrize("code", sorted(reason_codes()))
def test_every_reason_is_said_in_both_languages_with_its_facts(code: str) -> None:
    from system.pagekit.differences import reason_words
    from system.pricing.domain.difference import Reason
    from system.pricing.tests.unit.test_problem_words import russian

    facts = FACTS.get(code, {})
    said = [Reason(code, facts).detail, reason_words(code, facts, str), reason_words(code, facts, russian)]
    for sentence in said:
        assert sentence is not None and "%(" not in sentence and "{" not in sentence
        assert all(fact in sentence for fact in facts.values())
    assert said[1] != said[2]


def test_terms_are_plain_data() -> None:
    terms = EngravingTerms(Decimal(1), Decimal(1), Decimal(1), Decimal(1), Decimal(1), "A")
    assert engraving_cost(engraved("A"), terms) == 2


# -- the administrator's form ----------------------------------------------------------------------------------------------


def test_steps_and_engraving_are_typed_like_everything_else(rich: PriceBook) -> None:
    fields = {
        "v:quantity_steps.10": "7,5",
        "x:quantity_steps.50": "yes",
        "n:quantity_steps.pieces": "100",
        "n:quantity_steps.share": "12",
        "v:engraving.per_character": "55,5",
        "v:engraving.alphabet": "A B\u00a0BЯ",
    }
    typed = read_form(rich, fields, "ru")
    assert typed.flaws == {}
    made = PriceBook.from_data(typed.data, version=3)
    assert made.quantity_steps == {10: Decimal("0.075"), 100: Decimal("0.12")}
    assert made.engraving is not None
    assert (made.engraving.per_character, made.engraving.alphabet) == (Decimal("55.5"), "ABЯ")


def test_the_first_step_of_a_book_without_any_is_added(book: PriceBook) -> None:
    typed = read_form(book, {"n:quantity_steps.pieces": "10", "n:quantity_steps.share": "5"}, "en")
    assert PriceBook.from_data(typed.data, version=2).quantity_steps == {10: Decimal("0.05")}


@pytest.mark.parametrize(
    ("pieces", "share", "place", "flaw"),
    [
        pytest.param("1", "5", "n:quantity_steps.pieces", "not-a-count", id="one-piece"),
        pytest.param("10", "5", "n:quantity_steps.pieces", "code-taken", id="there-already"),
        pytest.param("20", "100", "n:quantity_steps.share", "not-below-one", id="all-of-it"),
    ],
)
def test_a_step_that_is_wrong_says_so_beside_its_field(
    rich: PriceBook, pieces: str, share: str, place: str, flaw: str
) -> None:
    typed = read_form(rich, {"n:quantity_steps.pieces": pieces, "n:quantity_steps.share": share}, "en")
    assert typed.flaws == {place: flaw}
