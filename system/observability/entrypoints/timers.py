"""The clock of the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from system.observability.application.ports import Days
from system.observability.application.receiving import Room
from system.observability.application.tidying import Bounds, tidy
from system.observability.application.watch import Watching
from system.plumbing.telemetry import log
from system.plumbing.timers import Timer


def tidying_timer(days: Callable[[], Days], room: Room, bounds: Bounds, *, every_s: float) -> Timer:
    """Makes and drops days. Every process does it: the database sees to it that a day is made once, and each knows of its room."""

    async def tick(_: Callable[[], Any], __: frozenset[int]) -> int:
        early = await tidy(days(), room, bounds, now=datetime.now(UTC))
        if early or room.is_full:
            log.warning("telemetry has no room", days_dropped_early=early, is_full=room.is_full)
        return 0

    return Timer("telemetry days", every_s, tick)


def watch_timer(watching: Callable[[], Watching], *, every_s: float) -> Timer:
    """Looks whether alerts still reach us. Every process does: the first one writes the letter, and all know that they listen."""

    async def tick(make_uow: Callable[[], Any], _: frozenset[int]) -> int:
        await watching().look(make_uow())
        return 0

    return Timer("watch over alerts", every_s, tick)
