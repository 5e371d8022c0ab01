"""Two systems under the same load at the same time, request by request in turn, so that a machine that slows down favours neither.

Whole rounds in turn (base, candidate | candidate, base) were tried first: on 2 cores the medians of neighbouring rounds of one image
differed by a fifth (ADR 0009). What the machine does within a twentieth of a second it does to both.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx

from perf.actors import Undone
from perf.load import Bench, NothingToDo, Refused, connections, play
from perf.machine import Watch
from perf.rounds import SIDES, Pair
from perf.system import Target

RATE = 6.25
"""Requests per second on each side. Two cores also carry the environments: at twice the rate they are saturated, and what is measured
then is the queue before the processors (medians eight times those of a quiet machine)."""
SECONDS = 16.0
SETTLE_S = 0.5
"""The services finish what the round left in their queues; their work counts, for it was the round's."""
SIGN_IN_S_MAX = 15.0
SAMPLE_S = 0.5
WAIT_S = 2.0
WARMING_ROUNDS = 3


class Unprepared(RuntimeError):
    """A system started, but nobody could be signed in or no order got through it. `side` says which system."""

    def __init__(self, side: str, why: BaseException) -> None:
        self.side = side
        super().__init__(f"The {side} cannot be prepared for the load: {why!r}"[:600])


@dataclass
class Duel:
    """Both benches and what they answered so far."""

    benches: tuple[Bench, Bench]
    watch: Watch
    rate: float = RATE
    seconds: float = SECONDS
    pairs: list[Pair] = field(default_factory=list)
    said: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))

    async def warm(self) -> None:
        """Rounds that are not counted: caches, connection pools and query plans are then as they will be."""
        for number in range(WARMING_ROUNDS):
            await self._round(-1 - number)
        for told in self.said:
            told.clear()

    async def quiet_moment(self, foreign_max: float, *, deadline: float) -> None:
        """Waits, without any load, until something else uses no more than so much of the machine; at most until `deadline`."""
        while time.monotonic() < deadline:
            self.watch.start()
            await asyncio.sleep(SAMPLE_S)
            if self.watch.foreign() <= foreign_max:
                return
            await asyncio.sleep(WAIT_S)

    async def play(self, pairs: int) -> None:
        """So many more pairs of rounds."""
        for _ in range(pairs):
            self.pairs.append(await self._round(len(self.pairs)))

    async def _round(self, number: int) -> Pair:
        for bench in self.benches:
            # Who cannot sign in any more shows as failures of the round.
            with contextlib.suppress(Undone, TimeoutError):
                async with asyncio.timeout(SIGN_IN_S_MAX):
                    await bench.stay_signed_in()
        self.watch.start()
        played, said = await play(self.benches, number, rate=self.rate, seconds=self.seconds)
        await asyncio.sleep(SETTLE_S)
        foreign, cpu_s = self.watch.foreign(), self.watch.used_by_each()
        for side in range(2):
            self.said[side].update(said[side])
            played[side] = replace(played[side], foreign=foreign, cpu_s=cpu_s[side])
        return Pair(played[0], played[1])


@contextlib.asynccontextmanager
async def duel(base: Target, candidate: Target, *, rate: float = RATE, seconds: float = SECONDS) -> AsyncIterator[Duel]:
    """Both sides staffed, stocked and warm. Raises Unprepared when one of them cannot be."""
    async with contextlib.AsyncExitStack() as stack:
        benches = []
        for side, target in zip(SIDES, (base, candidate), strict=True):
            http = await stack.enter_async_context(connections(target))
            try:
                benches.append(await Bench.of(target, http))
            except (Undone, Refused, NothingToDo, httpx.HTTPError, KeyError) as error:
                raise Unprepared(side, error) from error
        watch = Watch.over(base.project, candidate.project)
        made = Duel((benches[0], benches[1]), watch, rate=rate, seconds=seconds)
        await made.warm()
        yield made
