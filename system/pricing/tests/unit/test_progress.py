"""How far a quote is told to be: the stage it is at, and a share of the time only where the end is foretold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from system.kernel.money import Money
from system.pricing.application.views import quote_now
from system.pricing.domain.mesh import MeshMeasure, Problem
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.progress import PERCENT_MAX, Place, Progress, Stage, progress_of
from system.pricing.domain.quote import UNFINISHED, Asked, Quote, QuoteKind, QuoteStatus

ASKED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = ASKED_AT + timedelta(seconds=3)


def quote_of(book: PriceBook) -> Quote:
    asked = Asked(QuoteKind.CUSTOM, "gold_585", 1, file_id=uuid4(), mesh_sha256="a" * 64)
    return Quote(uuid4(), uuid4(), asked, ASKED_AT, 1, book.spot_of(book.alloy("gold_585")))


@pytest.mark.parametrize(
    ("waited_s", "eta_s", "percent"),
    [
        (0.0, 8.0, 0),
        (2.0, 6.0, 25),
        (7.99, 0.01, PERCENT_MAX),
        (60.0, 0.0, PERCENT_MAX),
        (0.0, 0.0, 0),
        (-1.0, 4.0, 0),
        (5.0, None, None),
    ],
)
def test_the_share_is_of_the_time_until_the_end(waited_s: float, eta_s: float | None, percent: int | None) -> None:
    assert progress_of(QuoteStatus.ANALYSING, waited_s=waited_s, eta_s=eta_s) == Progress(Stage.FIRST_LOOK, percent)


def test_every_status_on_the_way_has_a_stage_and_the_end_has_none() -> None:
    for status in UNFINISHED:
        assert progress_of(status, waited_s=1.0, eta_s=None) is not None
    for status in (QuoteStatus.READY, QuoteStatus.FAILED):
        assert progress_of(status, waited_s=1.0, eta_s=0.0) is None


def test_a_quote_that_waits_tells_its_place(book: PriceBook) -> None:
    shown = quote_now(quote_of(book), Place(3, 9.0), now=NOW)
    assert (shown["queue_position"], shown["eta_s"]) == (3, 9.0)
    assert shown["progress"] == {"stage": "waiting", "percent": 25}


def test_a_quote_that_is_in_no_queue_tells_its_stage_alone(book: PriceBook, torus: MeshMeasure) -> None:
    shown = quote_now(quote_of(book).estimated(replace(torus, checked=False), book), None, now=NOW)
    assert shown["progress"] == {"stage": "surface", "percent": None}
    assert "queue_position" not in shown


def test_a_finished_quote_is_no_further(book: PriceBook, torus: MeshMeasure) -> None:
    ready = quote_of(book).ready(torus, book, now=NOW, valid_for=timedelta(days=1))
    failed = quote_of(book).failed(Problem.of("file-unavailable"), now=NOW)
    for quote in (ready, failed):
        shown = quote_now(quote, Place(0, 0.0), now=NOW)
        assert "progress" not in shown and "eta_s" not in shown
    assert isinstance(ready.total, Money)
