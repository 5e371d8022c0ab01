"""Moments as people choose them on a page: by the workshop's clock, to the minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from system.kernel.errors import Invalid

MORNING = time(10)
Until = Literal["hour", "tomorrow", "date"]


def next_morning(now: datetime, zone: ZoneInfo) -> datetime:
    """Tomorrow, when people can be called."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, MORNING, zone)


def chosen(at: str, *, zone: ZoneInfo) -> datetime:
    """What a field of day and time holds, in the workshop's zone. Raises Invalid when that is nothing."""
    try:
        moment = datetime.fromisoformat(at.strip())
        # A year that no clock can show in another zone is no moment either.
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("reminder-moment-missing", "Choose a day and a time.") from error


def put_off_until(until: Until, at: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    """An hour from now, tomorrow morning, or the moment chosen. Raises Invalid when none was."""
    if until == "hour":
        return now + timedelta(hours=1)
    return next_morning(now, zone) if until == "tomorrow" else chosen(at, zone=zone)
