"""When a work order will be shipped, and what is never foretold."""

from __future__ import annotations

from datetime import timedelta
from math import sqrt

import pytest

from system.mes.domain.flow import STAGES
from system.mes.domain.forecast import Forecast, Pace, Rate, Risk, forecast, pace_of, risk_of
from system.mes.tests.harness import START as NOW

NOTHING: dict[str, int] = {}


def day(number: int) -> dict[str, int]:
    """As many left every stage."""
    return dict.fromkeys(STAGES, number)


def steady(per_day: int, days: int = 10, *, finished_min: int = 10) -> Pace:
    return pace_of([day(per_day)] * days + [NOTHING], days_max=days, finished_min=finished_min)


def foretold(state: str, position: int, standing: dict[str, int], pace: Pace) -> Forecast:
    told = forecast(state, position, standing, pace, now=NOW)
    assert told is not None
    return told


def test_the_forty_first_in_the_queue_at_twelve_a_day_waits_for_three_and_a_half_days() -> None:
    told = foretold("RELEASED", 41, {}, steady(12))
    assert told.likely - NOW == pytest.approx(timedelta(days=41 / 12), abs=timedelta(seconds=1))
    assert (told.stage, told.position, told.per_day) == ("RELEASED", 41, 12)


def test_every_later_stage_adds_what_stands_there_now() -> None:
    told = foretold("CLAIMED", 6, {"RELEASED": 500, "CLAIMED": 60, "COMPLETED": 24, "PACKING": 6}, steady(12))
    assert told.likely - NOW == pytest.approx(timedelta(days=(6 + 24 + 6) / 12), abs=timedelta(seconds=1))
    assert (told.stage, told.position) == ("COMPLETED", 24)


def test_the_band_is_that_of_the_first_passage() -> None:
    pace = Pace({stage: Rate(4.0, 9.0, 16, 64) for stage in STAGES}, 1.0, 10)
    told = foretold("PACKING", 8, {}, pace)
    sigma = sqrt(8 * 9 / 4**3 + (8 / 4) ** 2 * 9 / (16 * 4**2))
    assert (told.late - told.likely).total_seconds() == pytest.approx(1.0364 * sigma * 86400, rel=1e-3)
    assert (told.likely - told.early).total_seconds() == pytest.approx(1.0364 * sigma * 86400, rel=1e-3)


def test_nothing_is_shipped_before_now() -> None:
    assert foretold("PACKING", 1, {}, steady(1)).early == NOW


def test_days_that_were_alike_prove_no_certainty() -> None:
    assert steady(12).rates["PACKING"].variance == 12


def test_who_stands_further_back_is_shipped_later() -> None:
    pace = steady(12)
    moments = [foretold("RELEASED", position, {"CLAIMED": 3}, pace).likely for position in range(1, 50)]
    assert moments == sorted(set(moments))


def test_fewer_than_the_minimum_finished_give_no_forecast() -> None:
    pace = pace_of([day(9), NOTHING], days_max=10, finished_min=10)
    assert (pace.finished, pace.is_known) == (9, False)
    assert forecast("RELEASED", 1, {}, pace, now=NOW) is None
    assert pace_of([day(10), NOTHING], days_max=10, finished_min=10).is_known


def test_one_stage_that_nothing_left_gives_no_forecast() -> None:
    pace = pace_of([day(50) | {"PACKING": 0}, NOTHING], days_max=10, finished_min=1)
    assert forecast("RELEASED", 1, {}, pace, now=NOW) is None


@pytest.mark.parametrize("days", [[], [NOTHING], [NOTHING] * 30])
def test_where_nothing_was_ever_finished_nothing_is_foretold(days: list[dict[str, int]]) -> None:
    pace = pace_of(days, days_max=10, finished_min=1)
    assert (pace.finished, forecast("PACKING", 1, {}, pace, now=NOW)) == (0, None)


def test_today_is_not_over_and_does_not_count_beside_other_days() -> None:
    assert pace_of([day(12), day(12), day(1)], days_max=10, finished_min=1).rates["CLAIMED"].per_day == 12


def test_today_counts_where_there_is_no_other_day() -> None:
    assert pace_of([NOTHING, NOTHING, day(3)], days_max=10, finished_min=1).rates["CLAIMED"].per_day == 3


def test_weekends_stretch_the_calendar_and_do_not_slow_the_pace() -> None:
    week = [day(12)] * 5 + [NOTHING] * 2
    pace = pace_of([*week, *week, NOTHING], days_max=10, finished_min=1)
    assert pace.rates["RELEASED"].per_day == 12
    assert pace.calendar_days == pytest.approx(14 / 10)
    assert foretold("RELEASED", 12, {}, pace).likely - NOW == pytest.approx(
        timedelta(days=1.4), abs=timedelta(seconds=1)
    )


def test_only_the_last_working_days_count() -> None:
    pace = pace_of([day(100), day(2), day(4), NOTHING], days_max=2, finished_min=1)
    assert (pace.rates["PACKING"].per_day, pace.rates["PACKING"].days) == (3, 2)


def test_a_day_on_which_more_went_back_than_forward_counts_as_none() -> None:
    pace = pace_of([day(6) | {"CLAIMED": -3}, day(6), NOTHING], days_max=10, finished_min=1)
    assert pace.rates["CLAIMED"].per_day == 3


def test_a_queue_without_end_is_told_as_such() -> None:
    assert foretold("RELEASED", 10**9, {}, steady(1)).likely == NOW + timedelta(days=36_500)


def told_for(days: float, *, margin: float) -> Forecast:
    likely = NOW + timedelta(days=days)
    return Forecast(likely - timedelta(days=margin), likely, likely + timedelta(days=margin), "RELEASED", 1, 1.0)


@pytest.mark.parametrize(
    ("promised_in_days", "risk"),
    [(-1, Risk.LATE), (0, Risk.LATE), (9, Risk.LATE), (11, Risk.AT_RISK), (13, Risk.ON_TIME)],
)
def test_the_risk_is_where_the_promise_lies_in_the_band(promised_in_days: int, risk: Risk) -> None:
    promise = NOW + timedelta(days=promised_in_days)
    assert risk_of(promise, told_for(10, margin=2), now=NOW) is risk


def test_without_a_forecast_only_what_is_past_its_day_is_late() -> None:
    assert risk_of(NOW + timedelta(seconds=1), None, now=NOW) is Risk.UNKNOWN
    assert risk_of(NOW, None, now=NOW) is Risk.LATE
