"""Periods of the workshop's calendar: a day, a week, a month, or the thirty days up to one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["day", "week", "month", "30days"]
DEFAULT: Kind = "30days"
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both in it."""

    kind: Kind
    first: date
    last: date

    @property
    def earlier(self) -> date:
        """A day of the period of this kind before it."""
        return self.first - A_DAY

    @property
    def later(self) -> date:
        """A day by which the period of this kind after it is named."""
        return self.last + (timedelta(days=30) if self.kind == "30days" else A_DAY)

    def moments(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """When it begins, and when it is over, in a time zone."""
        return tuple(datetime.combine(day, time(), zone) for day in (self.first, self.last + A_DAY))  # type: ignore[return-value]


def period_of(kind: Kind, day: date) -> Period:
    """The period of a kind that holds the day; thirty days end with it. A week begins on Monday (ISO 8601)."""
    if kind == "day":
        return Period(kind, day, day)
    if kind == "week":
        first = day - timedelta(days=day.weekday())
        return Period(kind, first, first + timedelta(days=6))
    if kind == "month":
        first = day.replace(day=1)
        return Period(kind, first, (first + timedelta(days=31)).replace(day=1) - A_DAY)
    return Period(kind, day - timedelta(days=29), day)
