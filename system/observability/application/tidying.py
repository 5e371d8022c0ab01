"""Days are made before they come and dropped when they are over, and earlier when there is no room for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from system.observability.application.ports import Days
from system.observability.application.receiving import Room
from system.observability.domain.telemetry import oldest_day

# Tomorrow is used an hour before midnight by a clock that is ahead; the rest is for a timer that does not run for a while.
AHEAD = timedelta(days=3)
BEHIND = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept."""

    kept_days: int
    failures_kept_days: int
    bytes_max: int


async def tidy(days: Days, room: Room, bounds: Bounds, *, now: datetime) -> int:
    """Makes, drops, forgets; says whether there is room. Returns how many days it dropped before their time."""
    today = now.astimezone(UTC).date()
    await days.make(today - BEHIND, today + AHEAD)
    await days.drop(oldest_day(now, bounds.kept_days))
    await days.forget_failures(
        hits_before=now - timedelta(days=bounds.kept_days + 1),
        failures_before=now - timedelta(days=bounds.failures_kept_days),
    )
    early = days_too_many(await days.sizes(), today=today, bytes_max=bounds.bytes_max)
    if early:
        await days.drop(max(early) + timedelta(days=1))
    room.is_full = sum((await days.sizes()).values()) > bounds.bytes_max
    return len(early)


def days_too_many(sizes: dict[date, int], *, today: date, bytes_max: int) -> list[date]:
    """The oldest days without which the others take no more than `bytes_max`; never today, nor a day to come."""
    too_many: list[date] = []
    total = sum(sizes.values())
    for day in sorted(day for day in sizes if day < today):
        if total <= bytes_max:
            break
        total -= sizes[day]
        too_many.append(day)
    return too_many
