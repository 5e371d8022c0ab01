"""Who looks at a page, and how it is written for them: language, numbers, times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal

Language = Literal["ru", "en"]


@dataclass(frozen=True, slots=True)
class Writing:
    """How one language writes what a machine keeps. Moments come with a time zone, and are shown in the workshop's."""

    language: Language
    zone: ZoneInfo

    def money(self, money: dict[str, str]) -> str:
        """`{"amount": "1250.00", "currency": "RUB"}` for people; kopecks only where there are some."""
        amount = Decimal(money["amount"])
        number = "#,##0.00" if amount % 1 else "#,##0"
        pattern = f"{number} ¤" if self.language == "ru" else f"¤¤ {number}"
        return str(format_currency(amount, money["currency"], pattern, locale=self.language, currency_digits=False))

    def grams(self, weight: str | None) -> str:
        """A weight to a hundredth of a gram; a dash where it is not known."""
        if weight is None:
            return "—"
        unit = "г" if self.language == "ru" else "g"
        return f"{format_decimal(Decimal(weight), '0.00', locale=self.language)} {unit}"

    def number(self, value: float | int) -> str:
        """A whole or broken number with the language's separators."""
        return str(format_decimal(value, locale=self.language))

    def moment(self, value: str | datetime) -> str:
        """Day, month and time, without the year."""
        pattern = "d MMM, HH:mm" if self.language == "ru" else "MMM d, HH:mm"
        return str(format_datetime(_parsed(value), pattern, tzinfo=self.zone, locale=self.language))

    def clock(self, value: str | datetime) -> str:
        """The time of day."""
        return str(format_time(_parsed(value), "HH:mm", tzinfo=self.zone, locale=self.language))

    def day(self, value: str | datetime | date) -> str:
        """Day and month; a moment's day is the workshop's."""
        if isinstance(value, (str, datetime)):
            value = _parsed(value).astimezone(self.zone).date()
        return str(format_date(value, "d MMM" if self.language == "ru" else "MMM d", locale=self.language))

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
