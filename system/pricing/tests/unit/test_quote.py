"""A quote's life, and the rules about when it still holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.pricing.adapters.rows import quote_from_row, quote_to_row
from system.pricing.domain.costing import Extras
from system.pricing.domain.mesh import Analysis, LengthUnit, MeshMeasure, Problem
from system.pricing.domain.order_pricing import PriceRequest, RequestedLine, first_unpriceable, is_waiting
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import (
    Asked,
    Quote,
    QuoteKind,
    QuoteStatus,
    check_asked,
    firm_price,
    first_price,
    has_expired,
    metal_has_moved,
    price_by_analysis,
    price_by_catalogue,
    reasons_to_remake,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
A_DAY = timedelta(hours=24)
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


def custom(book: PriceBook, material: str = "gold_585", **more: Any) -> Quote:
    asked = Asked(QuoteKind.CUSTOM, material, quantity=1, file_id=TWO, mesh_sha256="0" * 64)
    return Quote(
        quote_id=ONE,
        owner_id=THREE,
        asked=replace(asked, **more),
        created_at=NOW,
        price_book_version=book.version,
        spot_per_g=book.spot_of(book.alloy(material)),
    )


def scaled_extents(measure: MeshMeasure, factor: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    x, y, z = measure.extents_mm
    return (x * factor, y * factor, z * factor)


def moved(book: PriceBook, metal: str, factor: str) -> PriceBook:
    prices = dict(book.spot_per_g)
    prices[metal] *= Decimal(factor)
    return replace(book, version=book.version + 1, spot_per_g=prices)


def test_quote_goes_from_queued_to_ready(book: PriceBook, torus: MeshMeasure) -> None:
    quote = custom(book)
    assert quote.status is QuoteStatus.QUEUED
    assert quote.started().status is QuoteStatus.ANALYSING
    estimated = quote.started().estimated(replace(torus, checked=False), book)
    assert (estimated.status, estimated.total) == (QuoteStatus.ESTIMATED, None)
    ready = estimated.ready(torus, book, now=NOW, valid_for=A_DAY)
    assert ready.status is QuoteStatus.READY
    assert ready.total == ready.estimate == estimated.estimate
    assert ready.valid_until == NOW + A_DAY
    assert ready.weight_g == Decimal("2.62")


def test_estimate_survives_a_worker_that_starts_again(book: PriceBook, torus: MeshMeasure) -> None:
    estimated = custom(book).estimated(replace(torus, checked=False), book)
    assert estimated.started() == estimated


def test_firm_price_needs_a_checked_measure(book: PriceBook, torus: MeshMeasure) -> None:
    with pytest.raises(ValueError, match="checked"):
        custom(book).ready(replace(torus, checked=False), book, now=NOW, valid_for=A_DAY)


def test_repaired_model_may_cost_more_than_its_estimate(book: PriceBook, torus: MeshMeasure) -> None:
    first_look = replace(torus, volume_mm3=torus.volume_mm3 * Decimal("0.4"), checked=False)
    done = price_by_analysis(custom(book), Analysis("0" * 64, first_look, torus), book, now=NOW, valid_for=A_DAY)
    assert done.estimate is not None
    assert done.total is not None
    assert done.total.amount > done.estimate.amount * Decimal("1.05")


def test_unpriceable_mesh_fails_with_its_reason_and_keeps_the_estimate(book: PriceBook, torus: MeshMeasure) -> None:
    problem = Problem.of("mesh-not-closed", open_edge_count=19)
    estimated = custom(book).estimated(replace(torus, checked=False), book)
    failed = firm_price(estimated, problem, book, now=NOW, valid_for=A_DAY)
    assert (failed.status, failed.total, failed.problem) == (QuoteStatus.FAILED, None, problem)
    assert failed.estimate == estimated.estimate
    assert "19 edges" in problem.detail


@pytest.mark.parametrize(
    ("named", "said", "unit", "discloses"),
    [
        (None, None, LengthUnit.MM, ()),
        (None, LengthUnit.MM, LengthUnit.MM, ()),
        (None, LengthUnit.M, LengthUnit.M, ("unit-of-file",)),
        (LengthUnit.CM, LengthUnit.M, LengthUnit.CM, ()),
        (LengthUnit.INCH, None, LengthUnit.INCH, ()),
    ],
    ids=["nobody", "file, mm", "file, m", "both", "customer"],
)
def test_the_customers_unit_counts_then_the_files(
    book: PriceBook,
    torus: MeshMeasure,
    named: LengthUnit | None,
    said: LengthUnit | None,
    unit: LengthUnit,
    discloses: tuple[str, ...],
) -> None:
    length = 1 / unit.in_mm
    as_drawn = replace(
        torus,
        unit=said,
        volume_mm3=torus.volume_mm3 * length**3,
        area_mm2=torus.area_mm2 * length**2,
        extents_mm=scaled_extents(torus, length),
    )

    done = firm_price(custom(book, unit=named), as_drawn, book, now=NOW, valid_for=A_DAY)

    assert (done.status, done.unit, done.weight_g) == (QuoteStatus.READY, unit, Decimal("2.62"))
    assert done.mesh is not None
    assert tuple(found.code for found in done.mesh.disclosures) == discloses
    assert all(found.detail for found in done.mesh.disclosures)


def test_a_size_in_the_files_own_unit_is_asked_about_too(book: PriceBook, torus: MeshMeasure) -> None:
    done = firm_price(custom(book), replace(torus, unit=LengthUnit.M), book, now=NOW, valid_for=A_DAY)

    assert done.problem is not None
    assert (done.problem.code, done.unit) == ("size-implausible", LengthUnit.M)
    assert done.problem.sizes_mm["mm"] == ("21.4", "21.4", "2.0")


def test_a_row_knows_who_named_the_unit(book: PriceBook, torus: MeshMeasure) -> None:
    asked = firm_price(custom(book), replace(torus, unit=LengthUnit.MM), book, now=NOW, valid_for=A_DAY)
    kept = quote_from_row(SimpleNamespace(**quote_to_row(asked)))
    assert (kept.asked.unit, kept.unit, kept) == (None, LengthUnit.MM, asked)
    named = custom(book, unit=LengthUnit.INCH)
    assert quote_from_row(SimpleNamespace(**quote_to_row(named))) == named


@pytest.mark.parametrize(
    ("factor", "code"), [("0.03937", "size-implausible"), ("25.4", "size-implausible"), ("1", None)]
)
def test_size_that_makes_no_sense_is_asked_about(
    book: PriceBook, torus: MeshMeasure, factor: str, code: str | None
) -> None:
    scaled = replace(torus, extents_mm=scaled_extents(torus, Decimal(factor)))
    done = firm_price(custom(book), scaled, book, now=NOW, valid_for=A_DAY)
    assert (done.problem.code if done.problem else None) == code
    assert (first_price(custom(book), scaled, book) is None) == (code is not None)


@pytest.mark.parametrize(
    ("section", "code"), [("alloys", "material-unknown"), ("stones", "stone-unknown"), ("platings", "plating-unknown")]
)
def test_what_is_sold_no_more_when_the_price_is_due_has_none(
    book: PriceBook, torus: MeshMeasure, section: str, code: str
) -> None:
    waiting = custom(book)
    waiting = replace(waiting, asked=replace(waiting.asked, extras=Extras({"diamond_1_3mm": 2}, "rhodium")))
    assert firm_price(waiting, torus, book, now=NOW, valid_for=A_DAY).problem is None
    nothing: dict[str, Any] = {section: {}}
    without = replace(book, **nothing)
    done = firm_price(waiting, torus, without, now=NOW, valid_for=A_DAY)
    assert done.problem is not None and done.problem.code == code
    assert first_price(waiting, torus, without) is None


def test_unit_answers_the_question_about_the_size(book: PriceBook, torus: MeshMeasure) -> None:
    inch = Decimal("25.4")
    drawn = replace(
        torus,
        volume_mm3=torus.volume_mm3 / inch**3,
        area_mm2=torus.area_mm2 / inch**2,
        extents_mm=scaled_extents(torus, 1 / inch),
    )
    asked_in_inches = custom(book, unit=LengthUnit.INCH)
    done = firm_price(asked_in_inches, drawn, book, now=NOW, valid_for=A_DAY)
    assert done.total == custom(book).ready(torus, book, now=NOW, valid_for=A_DAY).total


def test_ready_made_good_is_priced_from_the_catalogue(book: PriceBook) -> None:
    asked = Asked(QuoteKind.READY_MADE, "gold_585", quantity=2, sku="ring-classic-585")
    quote = replace(custom(book), asked=asked)
    done = price_by_catalogue(quote, book, now=NOW, valid_for=A_DAY)
    assert done.total == Money.of("20900.00", "RUB")
    gone = price_by_catalogue(replace(quote, asked=replace(asked, sku="gone")), book, now=NOW, valid_for=A_DAY)
    assert gone.problem is not None
    assert gone.problem.code == "sku-unknown"


def test_quote_expires_at_the_end_of_its_validity_and_not_before(book: PriceBook, torus: MeshMeasure) -> None:
    ready = custom(book).ready(torus, book, now=NOW, valid_for=A_DAY)
    assert not has_expired(ready, now=NOW + A_DAY - timedelta(microseconds=1))
    assert has_expired(ready, now=NOW + A_DAY)
    assert has_expired(custom(book), now=NOW), "a quote that was never firm promises nothing"


@pytest.mark.parametrize(
    ("factor", "has_moved"), [("1.02", False), ("0.98", False), ("1.0201", True), ("0.9799", True), ("1", False)]
)
def test_metal_moves_when_it_leaves_two_percent(
    book: PriceBook, torus: MeshMeasure, factor: str, has_moved: bool
) -> None:
    ready = custom(book).ready(torus, book, now=NOW, valid_for=A_DAY)
    assert metal_has_moved(ready, moved(book, "gold", factor)) is has_moved


def test_another_metal_may_move_as_it_likes(book: PriceBook, torus: MeshMeasure) -> None:
    ready = custom(book).ready(torus, book, now=NOW, valid_for=A_DAY)
    assert not metal_has_moved(ready, moved(book, "silver", "3"))


def test_metal_counts_as_moved_when_its_alloy_is_gone(book: PriceBook, torus: MeshMeasure) -> None:
    ready = custom(book).ready(torus, book, now=NOW, valid_for=A_DAY)
    assert metal_has_moved(ready, replace(book, alloys={"silver_925": book.alloy("silver_925")}))


def test_reasons_to_remake_are_named(book: PriceBook, torus: MeshMeasure) -> None:
    ready = custom(book).ready(torus, book, now=NOW, valid_for=A_DAY)
    assert reasons_to_remake(ready, book, now=NOW) == ()
    later = NOW + 2 * A_DAY
    assert reasons_to_remake(ready, moved(book, "gold", "1.1"), now=later) == ("expired", "metal_moved")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"quantity": 0}, "quantity-out-of-range"),
        ({"quantity": 1001}, "quantity-out-of-range"),
        ({"sku": "ring-classic-585"}, "quote-ambiguous"),
        ({"file_id": None}, "quote-ambiguous"),
        ({"ring_size": "medium"}, "ring-size-unknown"),
        ({"material": "mithril"}, "material-unknown"),
        ({"extras": Extras({"ruby": 1})}, "stone-unknown"),
        ({"extras": Extras({"diamond_1_3mm": 0})}, "stone-count"),
        ({"extras": Extras({"diamond_1_3mm": 2001})}, "stone-count"),
        ({"extras": Extras({}, "chrome")}, "plating-unknown"),
    ],
)
def test_what_cannot_be_quoted_is_refused_before_measuring(book: PriceBook, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_asked(replace(custom(book).asked, **asked), book)
    assert refusal.value.code == code


def request_for(*quotes: Quote) -> PriceRequest:
    return PriceRequest(THREE, 1, tuple(RequestedLine(UUID(int=90 + at), q.quote_id) for at, q in enumerate(quotes)))


def test_order_waits_while_a_quote_is_calculated_unless_another_failed(book: PriceBook, torus: MeshMeasure) -> None:
    going = custom(book).started()
    ready = replace(custom(book), quote_id=TWO).ready(torus, book, now=NOW, valid_for=A_DAY)
    failed = replace(custom(book), quote_id=THREE).failed(Problem.of("mesh-empty"), now=NOW)
    request = request_for(going, ready)
    assert is_waiting(request, {ONE: going, TWO: ready})
    assert not is_waiting(request_for(ready), {TWO: ready})
    assert not is_waiting(request_for(going, failed), {ONE: going, THREE: failed})
    assert not is_waiting(request, {ONE: going}), "a quote nobody made is an answer too"


def test_first_unpriceable_line_is_named(book: PriceBook, torus: MeshMeasure) -> None:
    ready = custom(book).ready(torus, book, now=NOW, valid_for=A_DAY)
    failed = replace(custom(book), quote_id=TWO).failed(Problem.of("mesh-empty"), now=NOW)
    request = request_for(ready, failed)
    refusal = first_unpriceable(request.lines, {ONE: ready, TWO: failed})
    assert refusal is not None
    assert (refusal.line.quote_id, refusal.problem.code) == (TWO, "mesh-empty")
    unknown = first_unpriceable(request.lines, {ONE: ready})
    assert unknown is not None
    assert unknown.problem.code == "quote-unknown"
    assert first_unpriceable(request_for(ready).lines, {ONE: ready}) is None
