"""Two systems under the same load in turn: base, candidate, candidate, base, ... so that a machine that slows down favours neither."""

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
from perf.rounds import SIDES, Pair, Round
from perf.system import Target

RATE = 25.0
SECONDS = 4.0
PAUSE_S = 0.3
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
            for side in range(2):
                await self._round(side, -1 - number)
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
        """So many more pairs of rounds. The order within a pair turns from one pair to the next."""
        for _ in range(pairs):
            number = len(self.pairs)
            order = (0, 1) if number % 2 == 0 else (1, 0)
            played = {side: await self._round(side, number) for side in order}
            self.pairs.append(Pair(played[0], played[1]))

    async def _round(self, side: int, number: int) -> Round:
        # Who cannot sign in any more shows as failures of the round.
        with contextlib.suppress(Undone, TimeoutError):
            async with asyncio.timeout(SIGN_IN_S_MAX):
                await self.benches[side].stay_signed_in()
        self.watch.start()
        played, said = await play(self.benches[side], number, rate=self.rate, seconds=self.seconds)
        played = replace(played, foreign=self.watch.foreign())
        self.said[side].update(said)
        # The services finish what the round left in their queues before the other side's turn.
        await asyncio.sleep(PAUSE_S)
        return played


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
