"""How many workers there are: processes come while work waits, and go when none does."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system.plumbing.metrics_of_others import OTHERS
from system.pricing.domain.crew import Bounds, workers_wanted
from system.pricing.entrypoints.crew import Crew

BOUNDS = Bounds(least=1, most=4, target_s=2.0, resting_s=60.0)
MATE = """
import json, socket, sys
pipe = socket.socket(fileno=int(sys.argv[1]))
counted = {"name": "alexandrite_mates", "help": "", "type": "counter", "samples": [["alexandrite_mates_total", {}, 1.0]]}
pipe.sendall(json.dumps([counted]).encode() + b"\\n")
pipe.recv(1)
"""


@pytest.mark.parametrize(
    ("waiting_s", "workers", "calm_for_s", "wanted"),
    [
        (0.0, 1, 1000.0, 1),
        (1.9, 1, 0.0, 1),
        (2.1, 1, 0.0, 2),
        (7.0, 1, 0.0, 4),
        (500.0, 1, 0.0, 4),
        (3.0, 3, 0.0, 3),
        (0.0, 3, 59.0, 3),
        (0.0, 3, 60.0, 2),
    ],
    ids=[
        "nothing-to-do",
        "little",
        "more-than-one-does",
        "as-many-as-it-is-worth",
        "no-more-than-the-most",
        "those-there-are-will-do-it",
        "a-short-pause",
        "a-long-pause",
    ],
)
def test_workers_follow_the_work_that_waits(waiting_s: float, workers: int, calm_for_s: float, wanted: int) -> None:
    assert workers_wanted(waiting_s, workers=workers, calm_for_s=calm_for_s, bounds=BOUNDS) == wanted


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(0, 9), st.floats(0, 1e5))
def test_there_are_never_fewer_or_more_than_the_bounds_and_more_work_never_means_fewer(
    less_s: float, more_s: float, workers: int, calm_for_s: float
) -> None:
    fewer, more = (
        workers_wanted(waiting_s, workers=workers, calm_for_s=calm_for_s, bounds=BOUNDS)
        for waiting_s in sorted((less_s, more_s))
    )
    assert BOUNDS.least <= fewer <= more <= BOUNDS.most


@dataclass
class Queue:
    """The work that waits, and the time of day."""

    waiting_s: float = 0.0
    now: float = 0.0
    crew: Crew = field(init=False)

    def __post_init__(self) -> None:
        async def waiting_s() -> float:
            return self.waiting_s

        self.crew = Crew(waiting_s, BOUNDS, command=(sys.executable, "-S", "-c", MATE), clock=lambda: self.now)

    async def look(self, waiting_s: float, *, after_s: float = 0.0) -> int:
        """The supervisor looks; how many workers there are then, itself among them."""
        self.waiting_s, self.now = waiting_s, self.now + after_s
        await self.crew.look()
        return 1 + len(self.crew.pids)


@asynccontextmanager
async def queue() -> AsyncIterator[Queue]:
    made = Queue()
    try:
        yield made
    finally:
        await made.crew.dismiss()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


def mates_counted() -> float:
    from prometheus_client import CollectorRegistry

    value = OTHERS.added_to(CollectorRegistry()).get_sample_value("alexandrite_mates_total")
    return value or 0.0


async def test_processes_come_while_work_waits_and_go_one_by_one() -> None:
    before = mates_counted()
    async with queue() as there:
        assert await there.look(5.0) == 3
        await until(lambda: mates_counted() == before + 2)
        assert await there.look(0.0) == 3, "nothing waits since just now"
        assert await there.look(0.0, after_s=59) == 3
        assert await there.look(0.0, after_s=2) == 2
        assert await there.look(0.0, after_s=2) == 2, "the next one has its own pause"
        assert await there.look(0.0, after_s=60) == 1
    assert mates_counted() == before + 2, "what they counted stays counted"


async def test_one_that_was_killed_is_replaced_while_it_is_wanted() -> None:
    async with queue() as there:
        await there.look(5.0)
        first = there.crew.pids
        await there.crew.signal(first[0], signal.SIGKILL)
        assert await there.look(5.0) == 3
        assert first[0] not in there.crew.pids and first[1] in there.crew.pids


async def test_all_are_gone_with_their_supervisor() -> None:
    there = Queue()
    there.waiting_s = 9.0
    running = asyncio.create_task(there.crew.run())
    await until(lambda: len(there.crew.pids) == 3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert there.crew.pids == []
