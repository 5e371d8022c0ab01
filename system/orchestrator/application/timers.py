"""The saga's clock: steps whose answer is overdue are asked again, or shown as stuck."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from system.orchestrator.application.desk import Desk
from system.orchestrator.application.ports import OrchestratorUnitOfWork
from system.orchestrator.domain import ending
from system.plumbing.telemetry import in_order, log, said_by


class OverdueSteps(Protocol):
    """Finds what is due."""

    async def due(self, *, buckets: frozenset[int], now: datetime, limit: int) -> list[tuple[UUID, str]]:
        """Orders of these buckets with a step whose deadline has passed, the oldest first."""


async def ask_again(
    make_uow: Callable[[], OrchestratorUnitOfWork],
    overdue: OverdueSteps,
    desk: Desk,
    *,
    buckets: frozenset[int],
    now: datetime,
    limit: int = 100,
) -> int:
    """Handles the overdue steps, each in a transaction of its own. Returns how many went well; one that fails stops no other."""
    found = await overdue.due(buckets=buckets, now=now, limit=limit)
    done = 0
    for order_id, step in found:
        try:
            # Nobody's request began this: it is the order's own clock.
            with in_order(order_id, "ask again", saga__step=step):
                await _ask_again_one(make_uow, desk, order_id, step)
            done += 1
        except Exception as error:
            log.exception("overdue step not handled", step=step, error=said_by(error), **{"order.id": str(order_id)})
    return done


async def _ask_again_one(make_uow: Callable[[], OrchestratorUnitOfWork], desk: Desk, order_id: UUID, step: str) -> None:
    async with make_uow() as uow:
        await uow.lock(order_id)
        order = await uow.orders.get(order_id)
        ending.step_overdue(order, step, now=uow.now, policy=desk.policy)
        await desk.conclude(order, uow)
        await uow.commit()
