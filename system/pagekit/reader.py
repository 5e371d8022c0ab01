"""Who looks at a page, and how it is written for them: language, numbers, times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal

Language = Literal["ru", "en"]
KEPT = 4096


@dataclass(frozen=True, slots=True)
class Writing:
    """How one language writes what a machine keeps. Moments come with a time zone, and are shown in the workshop's."""

    language: Language
    zone: ZoneInfo

    def money(self, money: dict[str, str]) -> str:
        """`{"amount": "1250.00", "currency": "RUB"}` for people; kopecks only where there are some."""
        return _money(self.language, money["amount"], money["currency"])

    def grams(self, weight: str | None) -> str:
        """A weight to a hundredth of a gram; a dash where it is not known."""
        if weight is None:
            return "—"
        return _grams(self.language, weight)

    def number(self, value: float | int) -> str:
        """A whole or broken number with the language's separators."""
        return str(format_decimal(value, locale=self.language))

    def file_size(self, size_bytes: int) -> str:
        """A file's size in whole kilobytes, from a million bytes on in tenths of a megabyte."""
        kilo, mega = ("КБ", "МБ") if self.language == "ru" else ("kB", "MB")
        if size_bytes < 1_000_000:
            return f"{self.number(max(1, round(size_bytes / 1000)))} {kilo}"
        return f"{format_decimal(Decimal(size_bytes) / 1_000_000, '#,##0.0', locale=self.language)} {mega}"

    def moment(self, value: str | datetime) -> str:
        """Day, month and time, without the year."""
        return _moment(self.language, self.zone, value)

    def dated(self, value: str | datetime) -> str:
        """Day, month, year and time, for what may lie years back."""
        return _dated(self.language, self.zone, value)

    def dated_day(self, value: date) -> str:
        """Day, month and year."""
        return str(format_date(value, "d MMM y" if self.language == "ru" else "MMM d, y", locale=self.language))

    def clock(self, value: str | datetime) -> str:
        """The time of day."""
        return _clock(self.language, self.zone, value)

    def day(self, value: str | datetime | date) -> str:
        """Day and month; a moment's day is the workshop's."""
        if isinstance(value, (str, datetime)):
            value = _parsed(value).astimezone(self.zone).date()
        return _day(self.language, value)

    def month(self, value: date) -> str:
        """Month and year, as a heading has them."""
        named = str(format_date(value, "LLLL y", locale=self.language))
        return named[:1].upper() + named[1:]

    @staticmethod
    def is_past(value: str | datetime, *, now: datetime) -> bool:
        """Whether the moment is over."""
        return _parsed(value) < now

    def since(self, value: str | datetime, *, now: datetime) -> str:
        """How long ago, or how long until, in the largest unit that fits."""
        return str(format_timedelta(_parsed(value) - now, add_direction=True, threshold=1.2, locale=self.language))


def _parsed(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


# A list shows the same rows again and again, to everybody; Babel reads its patterns anew for each.


@lru_cache(KEPT)
def _money(language: Language, amount: str, currency: str) -> str:
    number = "#,##0.00" if Decimal(amount) % 1 else "#,##0"
    pattern = f"{number} ¤" if language == "ru" else f"¤¤ {number}"
    return str(format_currency(Decimal(amount), currency, pattern, locale=language, currency_digits=False))


@lru_cache(KEPT)
def _grams(language: Language, weight: str) -> str:
    unit = "г" if language == "ru" else "g"
    return f"{format_decimal(Decimal(weight), '0.00', locale=language)} {unit}"


@lru_cache(KEPT)
def _moment(language: Language, zone: ZoneInfo, value: str | datetime) -> str:
    pattern = "d MMM, HH:mm" if language == "ru" else "MMM d, HH:mm"
    return str(format_datetime(_parsed(value), pattern, tzinfo=zone, locale=language))


@lru_cache(KEPT)
def _dated(language: Language, zone: ZoneInfo, value: str | datetime) -> str:
    pattern = "d MMM y, HH:mm" if language == "ru" else "MMM d, y, HH:mm"
    return str(format_datetime(_parsed(value), pattern, tzinfo=zone, locale=language))


@lru_cache(KEPT)
def _clock(language: Language, zone: ZoneInfo, value: str | datetime) -> str:
    return str(format_time(_parsed(value), "HH:mm", tzinfo=zone, locale=language))


@lru_cache(KEPT)
def _day(language: Language, value: date) -> str:
    return str(format_date(value, "d MMM" if language == "ru" else "MMM d", locale=language))
