"""The past: what is missing is written once, whatever was there; the command line is read strictly."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from perf import seed

SCRIPTS = sorted(path.name for path in seed.PAST.glob("*.sql"))


@pytest.mark.parametrize(
    ("present", "wanted", "missing"),
    [
        (0, 10, [(1, 4), (5, 8), (9, 10)]),
        (4, 10, [(5, 8), (9, 10)]),
        (9, 10, [(10, 10)]),
        (10, 10, []),
        (20, 10, []),
    ],
)
def test_what_is_there_is_not_written_again(present: int, wanted: int, missing: list[tuple[int, int]]) -> None:
    assert seed.batches(present, wanted, size=4) == missing


@pytest.mark.parametrize("text", ["0", "-5", "1000001", "many"])
def test_a_number_of_orders_that_is_none_is_refused(text: str) -> None:
    with pytest.raises((argparse.ArgumentTypeError, ValueError)):
        seed.count(text)


@pytest.mark.parametrize(("text", "orders"), [("20000", 20_000), ("1_000_000", 1_000_000), ("10,000", 10_000)])
def test_a_number_may_be_written_as_people_do(text: str, orders: int) -> None:
    assert seed.count(text) == orders


def test_a_past_ends_before_anything_on_an_open_board() -> None:
    now = datetime(2026, 5, 3, 12, 0, 1, tzinfo=UTC)
    assert seed.last_hour(now) == datetime(2026, 5, 3, 11, tzinfo=UTC)
    assert seed.moment("2026-05-03T12:00") == datetime(2026, 5, 3, 12, tzinfo=UTC)
    assert seed.moment("2026-05-03T12:00+03:00").tzinfo == timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("written", "seconds", "met"),
    [(1_000_000, 300, True), (1_000_000, 301, False), (500_000, 151, False), (20_000, 30, True), (20_000, 31, False)],
)
def test_the_bar_is_for_a_million(written: int, seconds: float, met: bool) -> None:
    assert seed.verdict(written, seconds) is met


def test_the_shares_name_scripts_that_exist() -> None:
    named = {name for share in (seed.PAID_MES, seed.CRM) for name in share.scripts}
    assert {f"{name}.sql" for name in named | {"orders", "session"}} == set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_percent_sign_in_a_script_is_a_value_that_is_given(name: str) -> None:
    text = (seed.PAST / name).read_text(encoding="utf-8")
    assert text.count("%") == len(re.findall(r"%\((?:first|last|newest)\)s", text))


def test_numbers_of_the_past_are_never_the_shops() -> None:
    assert re.match(seed.NUMBERED, "A-268999999") and re.match(seed.NUMBERED, "A-238000000")
    assert not re.match(seed.NUMBERED, "A-26899999")
    assert not re.match(seed.NUMBERED, "A-26000123")
