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
from system.pricing.domain.progress import PERCENT_MAX, At, Place, Progress, progress_of
from system.pricing.domain.quote import UNFINISHED, Asked, Quote, QuoteKind, QuoteStatus
from system.pricing.domain.stages import Stage

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
    assert progress_of(QuoteStatus.ANALYSING, waited_s=waited_s, eta_s=eta_s) == Progress(Stage.READING, percent)


def test_where_triangles_are_known_the_share_is_of_the_work() -> None:
    reached = [
        progress_of(status, waited_s=2.0, eta_s=None, at=At(stage, since_s, 1_000_000))
        for status, stage, since_s in [
            (QuoteStatus.ANALYSING, Stage.FIRST_LOOK, 0.0),
            (QuoteStatus.ESTIMATED, Stage.SURFACE, 0.0),
            (QuoteStatus.ESTIMATED, Stage.SURFACE, 2.5),
            (QuoteStatus.ESTIMATED, Stage.SURFACE, 250.0),
            (QuoteStatus.ESTIMATED, Stage.THICKNESS, 0.0),
            (QuoteStatus.ESTIMATED, Stage.THICKNESS, 600.0),
        ]
    ]
    percents = [each.percent for each in reached if each is not None and each.percent is not None]
    # 0.5, 0.3, 2.5 and 0.3 of 3.6 seconds: the surface, half of which is over after 2.5 s, begins at 22 % and ends at 91 %.
    assert percents == [13, 22, 56, 91, 91, PERCENT_MAX]
    assert [each.stage for each in reached if each is not None][-1] is Stage.THICKNESS


def test_of_two_ways_to_know_the_farther_one_is_told() -> None:
    at = At(Stage.FIRST_LOOK, 0.0, 1_000_000)
    assert progress_of(QuoteStatus.ANALYSING, waited_s=30.0, eta_s=10.0, at=at) == Progress(Stage.FIRST_LOOK, 75)
    assert progress_of(QuoteStatus.ANALYSING, waited_s=0.1, eta_s=10.0, at=at) == Progress(Stage.FIRST_LOOK, 13)


def test_a_word_of_a_worker_that_is_gone_is_not_the_stage_of_what_waits_again() -> None:
    progress = progress_of(QuoteStatus.QUEUED, waited_s=1.0, eta_s=None, at=At(Stage.SURFACE, 9.0))
    assert progress == Progress(Stage.WAITING, None)


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
