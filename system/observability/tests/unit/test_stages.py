"""The report on where time goes, and how durations are written."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from system.kernel.errors import Invalid, Unavailable
from system.observability.application.stages import stage_report
from system.observability.domain.stages import WAITS_FOR, ServiceTime, Stage
from system.observability.entrypoints.failures_pages import bars_of
from system.observability.entrypoints.pages import NAMES, lasting
from system.observability.entrypoints.stages_api import COLUMNS, period_of, table_of, view_of
from system.pagekit import words

SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)


class Times:
    async def service_times(self, since: datetime, until: datetime) -> list[ServiceTime]:
        return [ServiceTime("shop", 2, 0, 5, 9, 10), ServiceTime("pricing", 1, 1, 30, 30, 30)]


class Orders:
    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away

    async def timeline(self, order: str) -> None:
        return None

    async def stages(self, since: datetime, until: datetime) -> list[Stage]:
        if self.is_away:
            raise Unavailable("orchestrator-unavailable", "away")
        return [Stage("PRICE_CALCULATED", 2, 100, 200, 300), Stage("SUBMITTED", 2, 1, 2, 100)]


async def test_the_report_goes_along_the_road_and_says_whom_orders_waited_for() -> None:
    report = await stage_report(Times(), Orders(), SINCE, UNTIL)
    assert [(stage.status, stage.waits_for, report.share_of(stage)) for stage in report.stages] == [
        ("SUBMITTED", "machine", 0.25),
        ("PRICE_CALCULATED", "seller", 0.75),
    ]
    assert report.waited_s() == {"seller": 300, "machine": 100}
    assert [(each.service, report.share_of_service(each)) for each in report.services] == [
        ("pricing", 0.75),
        ("shop", 0.25),
    ]
    rows = list(csv.reader(io.StringIO(table_of(view_of(report, SINCE, UNTIL)))))
    assert rows[0] == list(COLUMNS) and rows[2][:4] == ["stage", "PRICE_CALCULATED", "seller", "2"]
    assert rows[3] == ["service", "pricing", "", "1", "0.030", "0.030", "0.030", "0.7500"]


async def test_without_the_orchestrator_the_rest_is_told_and_said_to_be_a_part() -> None:
    report = await stage_report(Times(), Orders(is_away=True), SINCE, UNTIL)
    assert not report.is_whole and report.stages == () and len(report.services) == 2


def test_periods() -> None:
    since, until = period_of(None, None)
    assert until - since == timedelta(days=7)
    for wrong in ((UNTIL, SINCE), (SINCE.replace(tzinfo=None), UNTIL), (SINCE - timedelta(days=400), UNTIL)):
        with pytest.raises(Invalid):
            period_of(*wrong)


def test_every_status_of_the_road_has_a_name_and_everybody_waited_for_too() -> None:
    assert set(WAITS_FOR) <= set(words.NAMES["status"]) and set(WAITS_FOR.values()) == set(NAMES["waits_for"])


@pytest.mark.parametrize(
    ("seconds", "language", "said"),
    [
        (0.0000005, "en", "0 µs"),
        (0.00042, "en", "420 µs"),
        (0.0123, "ru", "12,3 мс"),
        (0.5, "en", "500 ms"),
        (1.25, "en", "1.2 s"),
        (75, "ru", "1 мин 15 с"),
        (7200, "en", "2 h"),
        (90_000, "ru", "1 дн 1 ч"),
    ],
)
def test_durations(seconds: float, language: Literal["ru", "en"], said: str) -> None:
    assert lasting(language, seconds) == lasting(language, timedelta(seconds=seconds)) or seconds < 1e-6
    assert lasting(language, seconds) == said


def test_bars_cover_the_period_the_newest_last() -> None:
    bars = bars_of({UNTIL: 4, UNTIL - timedelta(hours=23): 2, UNTIL - timedelta(hours=30): 1}, hours=24, now=UNTIL)
    assert (bars[-1], bars[0]) == ((4, 24.0), (3, 18.0)) and sum(count for count, _ in bars) == 7
    assert {height for _, height in bars_of({}, hours=1, now=UNTIL)} == {0.0}
