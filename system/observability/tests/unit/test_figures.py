"""Figures: what is asked, what is drawn of the answer, and what becomes of a Prometheus that does not answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from system.kernel.errors import Unavailable
from system.observability.adapters.prometheus import HttpMeasures
from system.observability.application.figures import Figures, Line, Series, shown_of
from system.observability.domain.figure import (
    PERIODS,
    SECTIONS,
    SERIES_MAX,
    WINDOW,
    Figure,
    Query,
    Section,
    Unit,
    series_name,
)
from system.observability.domain.figures import BY_KEY, FIGURES, NOW, figures_of
from system.observability.entrypoints.measured import measure_of

HOUR = PERIODS[1]
A_FIGURE = Figure("a", Section.ORDERS, "A", "A.", Unit.COUNT, (Query("a", "{x}"),))


class FakeMeasures:
    """Answers every question with the same; or does not."""

    def __init__(self, *series: Series, silent: Sequence[str] = ()) -> None:
        self.series, self.silent = series, silent
        self.asked: list[str] = []

    def _answer(self, promql: str) -> list[Series]:
        self.asked.append(promql)
        if any(word in promql for word in self.silent):
            raise Unavailable("prometheus-unavailable", "away")
        return list(self.series)

    async def course(self, promql: str, *, begins: int, ends: int, step_s: int) -> list[Series]:
        moments = range(begins, ends + 1, step_s)
        return [Series(one.labels, dict.fromkeys(moments, one.values[0])) for one in self._answer(promql)]

    async def latest(self, promql: str) -> list[Series]:
        return self._answer(promql)


def test_every_figure_is_described_once_and_whole() -> None:
    assert len(BY_KEY) == len(FIGURES)
    assert {figure.section for figure in FIGURES} == set(Section) == set(SECTIONS)
    for figure in FIGURES:
        assert figure.title and figure.description.endswith(".") and figure.runbook, figure.key
        assert all(query.name and query.promql for query in figure.queries), figure.key
    assert set(NOW) <= BY_KEY.keys()


def test_a_rate_is_always_over_the_window_of_the_period() -> None:
    for figure in FIGURES:
        for query in figure.queries:
            assert set(re.findall(r"\[([^\]]+)\]", query.promql)) <= {WINDOW}, figure.key
            assert "$" not in query.asked("1m").replace("${1}", ""), figure.key


def test_a_window_holds_four_scrapes_and_every_point_is_within_a_chart() -> None:
    for period in PERIODS:
        number, unit = int(period.window[:-1]), period.window[-1]
        assert unit == "m" and number * 60 >= 4 * 5
        assert 40 <= period.length / period.step <= 80


def test_series_are_called_by_their_labels() -> None:
    assert series_name("{datname} {queryid}", {"datname": "shop", "queryid": "7"}) == "shop 7"
    assert series_name("{service}", {}) == "—"
    assert series_name("p95", {"service": "shop"}) == "p95"


async def test_a_reading_has_a_value_for_each_of_its_times() -> None:
    figures = Figures(FakeMeasures(Series({"status": "SUBMITTED"}, {0: 3.0})), refreshed_s=60)
    reading = await figures.reading(Section.ORDERS, HOUR)
    assert not reading.is_silent and len(reading.times) == 61
    assert [drawn.figure for drawn in reading.figures] == list(figures_of(Section.ORDERS))
    [first, *_] = reading.figures
    assert first.lines and list(first.lines[0].values) == [3.0] * 61


async def test_who_looks_at_the_same_within_a_moment_is_shown_the_same_reading() -> None:
    measures = FakeMeasures()
    figures = Figures(measures, refreshed_s=60)
    await figures.reading(Section.BROKER, HOUR)
    asked = len(measures.asked)
    await figures.reading(Section.BROKER, HOUR)
    assert len(measures.asked) == asked
    await figures.reading(Section.BROKER, PERIODS[0])
    assert len(measures.asked) > asked


async def test_what_is_no_number_is_a_gap() -> None:
    figures = Figures(FakeMeasures(Series({}, {0: float("nan")})), refreshed_s=60)
    [first, *_] = (await figures.reading(Section.ORDERS, HOUR)).figures
    assert first.lines and set(first.lines[0].values) == {None}


async def test_a_figure_that_is_not_answered_leaves_the_others_alone() -> None:
    figures = Figures(FakeMeasures(Series({}, {0: 1.0}), silent=["alexandrite_orders_at_risk"]), refreshed_s=60)
    reading = await figures.reading(Section.ORDERS, HOUR)
    assert [drawn.figure.key for drawn in reading.figures if drawn.lines is None] == ["orders_at_risk"]
    assert not reading.is_silent


async def test_without_prometheus_everything_is_silent_and_nothing_is_a_nought() -> None:
    figures = Figures(FakeMeasures(silent=[""]), refreshed_s=60)
    assert (await figures.reading(Section.HOST, HOUR)).is_silent
    assert {told.value for told in await figures.now()} == {None}


async def test_what_is_told_in_one_number_adds_up_or_is_the_highest() -> None:
    figures = Figures(FakeMeasures(Series({"a": "1"}, {0: 2.0}), Series({"a": "2"}, {0: 3.0})), refreshed_s=60)
    told = {one.figure.key: one.value for one in await figures.now()}
    assert told["orders_past_budget"] == 5 and told["outbox_age"] == 3
    assert told["set_aside"] == 10, "both of its questions count"


def test_of_many_lines_the_highest_are_drawn_in_their_own_order() -> None:
    query = A_FIGURE.queries[0]
    lines = [Line(query, {"x": str(n)}, [float(n % 7), None]) for n in range(SERIES_MAX + 3)]
    drawn = shown_of(A_FIGURE, lines)
    assert drawn.lines is not None and len(drawn.lines) == SERIES_MAX and drawn.left_out == 3
    assert [int(line.labels["x"]) for line in drawn.lines] == sorted(int(line.labels["x"]) for line in drawn.lines)
    assert "0" not in {line.labels["x"] for line in drawn.lines} and "6" in {line.labels["x"] for line in drawn.lines}


@pytest.mark.parametrize(
    ("unit", "value", "shown", "name"),
    [
        (Unit.SECONDS, 0.0123456, 12.3, "ms"),
        (Unit.SECONDS, 5.0, 5.0, "s"),
        (Unit.SECONDS, 7200.0, 2.0, "h"),
        (Unit.SECONDS, 0.0, 0.0, "s"),
        (Unit.BYTES, 2_500_000_000.0, 2.5, "GB"),
        (Unit.BYTES, 12.0, 12.0, "B"),
        (Unit.BYTES_PER_SECOND, 1500.0, 1.5, "kB/s"),
        (Unit.SHARE, 0.1234, 12.3, "%"),
        (Unit.COUNT, 123456.0, 123456.0, ""),
        (Unit.PER_SECOND, 1234.56, 1234.6, "per second"),
    ],
)
def test_values_are_written_in_a_unit_that_people_read(unit: Unit, value: float, shown: float, name: str) -> None:
    measure = measure_of(unit, [None, value])
    assert (measure.of(value), measure.name, measure.of(None)) == (shown, name, None)


# -- Prometheus over HTTP ---------------------------------------------------------------------------------------------


async def ask(answer: Any, promql: str = "up") -> list[Series]:
    measures = HttpMeasures("http://prometheus", timeout_s=1, transport=httpx.MockTransport(answer))
    try:
        return await measures.course(promql, begins=0, ends=120, step_s=60)
    finally:
        await measures.close()


async def test_a_range_is_asked_for_and_read() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v1/query_range"
        assert dict(request.url.params) == {"query": "up", "start": "0", "end": "120", "step": "60"}
        found = [{"metric": {"job": "a"}, "values": [[0, "1"], [60, "NaN"], [120, "2.5"]]}]
        return httpx.Response(200, json={"status": "success", "data": {"resultType": "matrix", "result": found}})

    [series] = await ask(answer)
    assert series.labels == {"job": "a"} and series.values[0] == 1 and series.values[120] == 2.5


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_prometheus_that_is_not_well_is_unavailable(status: int) -> None:
    with pytest.raises(Unavailable):
        await ask(lambda _: httpx.Response(status))


async def test_a_prometheus_that_is_away_is_unavailable() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("away", request=request)

    with pytest.raises(Unavailable):
        await ask(answer)


async def test_a_question_that_makes_no_sense_is_a_bug_and_not_an_outage() -> None:
    with pytest.raises(ValueError, match="does not understand"):
        await ask(lambda _: httpx.Response(400, json={"status": "error", "error": "parse error"}), "sum(")
