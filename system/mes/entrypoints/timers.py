"""What MES does when nobody asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from system.mes.application.lapses import Claims, lapse_idle_claims
from system.mes.domain.rules import Terms
from system.plumbing.timers import Timer


def lapses(claims: Callable[[], Claims], terms: Terms, *, every_s: float) -> Timer:
    """Ends the claims on which nothing happens, in one process at a time."""

    async def tick(make_uow: Callable[[], Any], buckets: frozenset[int]) -> int:
        # One process is enough: whoever leases the first bucket. Two for a moment do no harm, since each holds what it ends.
        if 0 not in buckets:
            return 0
        return await lapse_idle_claims(make_uow, claims(), terms=terms, now=datetime.now(UTC))

    return Timer("lapses", every_s, tick)
