"""Moments as a page takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from system.crm.entrypoints.moments import chosen, next_morning, put_off_until
from system.kernel.errors import Invalid

MOSCOW = ZoneInfo("Europe/Moscow")
EVENING = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)


def test_tomorrow_is_the_workshops_day() -> None:
    # Half past one at night in Moscow: its tomorrow is the fourth.
    assert next_morning(EVENING, MOSCOW) == datetime(2026, 3, 4, 7, 0, tzinfo=UTC)


def test_what_is_chosen_is_by_the_workshops_clock() -> None:
    assert chosen(" 2026-03-05T10:15 ", zone=MOSCOW) == datetime(2026, 3, 5, 7, 15, tzinfo=UTC)
    assert chosen("2026-03-05T10:15:30+00:00", zone=MOSCOW) == datetime(2026, 3, 5, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize("at", ["", "tomorrow", "2026-02-30T10:00", "0001-01-01T00:00"])
def test_what_is_no_moment_is_refused(at: str) -> None:
    with pytest.raises(Invalid):
        chosen(at, zone=MOSCOW)


def test_it_is_put_off_for_an_hour_until_tomorrow_or_until_then() -> None:
    assert put_off_until("hour", "", now=EVENING, zone=MOSCOW) == EVENING + timedelta(hours=1)
    assert put_off_until("tomorrow", "", now=EVENING, zone=MOSCOW) == next_morning(EVENING, MOSCOW)
    assert put_off_until("date", "2026-03-05T10:00", now=EVENING, zone=MOSCOW).day == 5
    with pytest.raises(Invalid):
        put_off_until("date", "", now=EVENING, zone=MOSCOW)
