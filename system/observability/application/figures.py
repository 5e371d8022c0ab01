"""The figures as they are now and were lately, read from Prometheus; one reading serves everybody who looks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from system.kernel.errors import Unavailable
from system.observability.domain.figure import SERIES_MAX, Figure, Period, Query, Section
from system.observability.domain.figures import BY_KEY, NOW, figures_of
from system.plumbing.sparing import Kept

SCRAPED_EVERY_S = 5
NOW_WINDOW = "1m"


@dataclass(frozen=True, slots=True)
class Series:
    """One answer of Prometheus: its labels, and its values by the moment in Unix seconds."""

    labels: Mapping[str, str]
    values: Mapping[int, float]


class Measures(Protocol):
    """Prometheus."""

    async def course(self, promql: str, *, begins: int, ends: int, step_s: int) -> list[Series]:
        """The series between two moments. Raises Unavailable."""

    async def latest(self, promql: str) -> list[Series]:
        """The series now, of one value each. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: `query` says how it is called, with the labels of its series; None where nothing was measured."""

    query: Query
    labels: Mapping[str, str]
    values: Sequence[float | None]

    @property
    def highest(self) -> float:
        """The highest of its values."""
        return max((value for value in self.values if value is not None), default=0.0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure as it is drawn. `lines` is None when it could not be asked for; `left_out` lines are lower than all of them."""

    figure: Figure
    lines: Sequence[Line] | None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """One part of the page over one period. `is_silent`: nothing could be asked."""

    as_of: datetime
    times: Sequence[datetime]
    figures: Sequence[Drawn]

    @property
    def is_silent(self) -> bool:
        """Whether Prometheus answered nothing at all."""
        return all(drawn.lines is None for drawn in self.figures)


@dataclass(frozen=True, slots=True)
class Told:
    """One figure in one number; None where nothing is measured, or nobody could be asked."""

    figure: Figure
    value: float | None


class Figures:
    """Reads figures. What somebody reads within `refreshed_s` of somebody else is the same reading."""

    def __init__(self, measures: Measures, *, refreshed_s: float) -> None:
        self._measures, self._refreshed_s = measures, refreshed_s
        self._kept: dict[tuple[Section, str], Kept[Reading]] = {}
        self._now = Kept(self._read_now, refreshed_s)

    async def reading(self, section: Section, period: Period) -> Reading:
        """One part over one period."""
        key = (section, period.key)
        if key not in self._kept:
            self._kept[key] = Kept(lambda: self._read(section, period), self._refreshed_s)
        return await self._kept[key].get()

    async def now(self) -> Sequence[Told]:
        """What is told above all charts."""
        return await self._now.get()

    async def _read(self, section: Section, period: Period) -> Reading:
        now = datetime.now(UTC)
        step_s = int(period.step.total_seconds())
        # Moments that everybody's points lie on, so that a line does not change its shape from one look to the next.
        ends = int(now.timestamp()) // SCRAPED_EVERY_S * SCRAPED_EVERY_S
        begins = ends - int(period.length.total_seconds())
        moments = range(begins, ends + 1, step_s)
        figures = await asyncio.gather(*(self._drawn(figure, moments, period.window) for figure in figures_of(section)))
        start = datetime.fromtimestamp(begins, UTC)
        times = [start + timedelta(seconds=step_s * place) for place in range(len(moments))]
        return Reading(now, times, figures)

    async def _drawn(self, figure: Figure, moments: range, window: str) -> Drawn:
        asked = [
            self._measures.course(query.asked(window), begins=moments[0], ends=moments[-1], step_s=moments.step)
            for query in figure.queries
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        lines: list[Line] = []
        for query, answer in zip(figure.queries, answers, strict=True):
            if isinstance(answer, Unavailable):
                return Drawn(figure, None)
            if isinstance(answer, BaseException):
                raise answer
            lines += [_line(query, series, moments) for series in answer]
        return shown_of(figure, lines)

    async def _read_now(self) -> Sequence[Told]:
        return await asyncio.gather(*(self._told(BY_KEY[key]) for key in NOW))

    async def _told(self, figure: Figure) -> Told:
        try:
            answers = await asyncio.gather(
                *(self._measures.latest(query.asked(NOW_WINDOW)) for query in figure.queries)
            )
        except Unavailable:
            return Told(figure, None)
        values = [
            value for series in answers for one in series for value in one.values.values() if math.isfinite(value)
        ]
        if not values:
            return Told(figure, None)
        adds_up = figure.is_stacked or figure.key in ADD_UP
        return Told(figure, sum(values) if adds_up else max(values))


ADD_UP = frozenset({"set_aside", "processes"})
"""Figures that are drawn as lines, and whose lines add up all the same."""


def shown_of(figure: Figure, lines: Sequence[Line]) -> Drawn:
    """As many lines as can be told apart: the highest, in the order they came in."""
    if len(lines) <= SERIES_MAX:
        return Drawn(figure, lines)
    least = sorted((line.highest for line in lines), reverse=True)[SERIES_MAX - 1]
    above = [line for line in lines if line.highest > least]
    level = [line for line in lines if line.highest == least][: SERIES_MAX - len(above)]
    kept = [line for line in lines if line in above or line in level]
    return Drawn(figure, kept, len(lines) - len(kept))


def _line(query: Query, series: Series, moments: range) -> Line:
    values = (series.values.get(moment) for moment in moments)
    return Line(
        query, series.labels, [value if value is not None and math.isfinite(value) else None for value in values]
    )
