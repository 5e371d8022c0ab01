"""Timers: work that falls due by time, done only for the buckets of orders that this process leases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from system.plumbing.leases import Leases
from system.plumbing.telemetry import log, said_by


@dataclass(frozen=True, slots=True)
class Timer:
    """Runs `tick(make_uow, buckets)` every `every_s`; it returns how many things it did, and runs again at once if any."""

    name: str
    every_s: float
    tick: Callable[[Callable[[], Any], frozenset[int]], Awaitable[int]]


async def run_timer(timer: Timer, make_uow: Callable[[], Any], leases: Leases) -> None:
    """Ticks until cancelled; a failed tick is logged and tried again at the next."""
    while True:
        done = 0
        buckets = leases.held()
        if buckets:
            try:
                done = await timer.tick(make_uow, buckets)
            except Exception as error:
                log.exception("timer failed", timer=timer.name, error=said_by(error))
        await asyncio.sleep(0 if done else timer.every_s)
