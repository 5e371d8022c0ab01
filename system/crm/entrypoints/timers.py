"""What CRM does when nobody asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from system.crm.application.escalations import Waiting, escalate_waiting
from system.crm.application.news import Teller, Untold, tell_news
from system.crm.domain.escalation import EscalationTerms
from system.plumbing.timers import Timer


def news(untold: Callable[[], Untold], shop: Callable[[], Teller], *, every_s: float) -> Timer:
    """Has customers told that a seller wrote to them, in one process at a time."""

    async def tick(make_uow: Callable[[], Any], buckets: frozenset[int]) -> int:
        # One process is enough, and a second one for a moment does no harm: the shop knows a letter again.
        if 0 in buckets:
            await tell_news(untold(), shop())
        return 0

    return Timer("news", every_s, tick)


def escalations(waiting: Callable[[], Waiting], terms: EscalationTerms, *, every_s: float) -> Timer:
    """Escalates the orders that wait for a seller for too long, in one process at a time."""

    async def tick(make_uow: Callable[[], Any], buckets: frozenset[int]) -> int:
        # One process is enough: whoever leases the first bucket. Two for a moment do no harm, since each holds what it escalates.
        if 0 not in buckets:
            return 0
        return await escalate_waiting(make_uow, waiting(), terms=terms, now=datetime.now(UTC))

    return Timer("escalations", every_s, tick)
