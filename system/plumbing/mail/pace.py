"""The pace of letters: at once while there are few, evenly when many wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

AT_ONCE_S = 1.0
"""After a pause, the letters of so long a time go out without waiting."""


class Pace:
    """At most `per_second` turns in a second, taken in the order in which they are asked for."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._every_s = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next_at = clock() - AT_ONCE_S

    async def turn(self) -> None:
        """Returns when it is one's turn."""
        now = self._clock()
        turn_at = max(self._next_at, now - AT_ONCE_S)
        # Taken before the wait, so that whoever asks meanwhile comes after.
        self._next_at = turn_at + self._every_s
        if turn_at > now:
            await self._sleep(turn_at - now)
