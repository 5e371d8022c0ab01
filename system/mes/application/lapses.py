"""Claims on which nothing happens for too long: they end by themselves, so that no work order lies forgotten in a drawer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter

from system.mes.application import handlers
from system.mes.application.ports import MesUnitOfWork
from system.mes.domain.rules import Terms
from system.plumbing.telemetry import doing, log, said_by

LAPSED = Counter("alexandrite_mes_claims_lapsed_total", "Claims that ended because nothing happened to them.")
AT_ONCE_MAX = 100


class Claims(Protocol):
    """Finds what may be due; whether it is, is decided when it is held."""

    async def claimed_since_before(self, moment: datetime, *, limit: int) -> list[UUID]:
        """Work orders that have been on somebody's bench since before the moment, the longest first."""


async def lapse_idle_claims(
    make_uow: Callable[[], MesUnitOfWork], claims: Claims, *, terms: Terms, now: datetime
) -> int:
    """Ends them, each in a transaction of its own. Returns how many it ended; one that fails stops no other."""
    if not terms.idle_s:
        return 0
    lapsed = 0
    idle_since = now - timedelta(seconds=terms.idle_s)
    for work_order_id in await claims.claimed_since_before(idle_since, limit=AT_ONCE_MAX):
        try:
            with doing("lapse claim", work_order__id=str(work_order_id)):
                lapsed += await handlers.lapse_claim(work_order_id, make_uow(), terms=terms)
        except Exception as error:
            log.exception("claim not lapsed", error=said_by(error), work_order=str(work_order_id))
    LAPSED.inc(lapsed)
    return lapsed
