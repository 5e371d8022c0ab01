"""The clock of the sagas, over the leased buckets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from system.orchestrator.application.desk import Desk
from system.orchestrator.application.timers import OverdueSteps, ask_again
from system.plumbing.timers import Timer


def saga_timer(overdue: Callable[[], OverdueSteps], desk: Desk, *, every_s: float) -> Timer:
    """Asks again what was not answered in time, for the orders whose buckets this process holds."""

    async def tick(make_uow: Callable[[], Any], buckets: frozenset[int]) -> int:
        return await ask_again(make_uow, overdue(), desk, buckets=buckets, now=datetime.now(UTC))

    return Timer("saga", every_s, tick)
