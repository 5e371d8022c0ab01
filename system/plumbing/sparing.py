"""What is done once for many who ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

KNOWN_MAX = 10_000
Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """An answer that is good for a moment, whoever asks: it is made by one, and the others wait for it."""

    def __init__(self, make: Callable[[], Awaitable[Answer]], for_s: float) -> None:
        self._make, self._for_s = make, for_s
        self._turn = asyncio.Lock()
        self._answer: list[Answer] = []
        self._made_at = float("-inf")

    async def get(self) -> Answer:
        """The answer, made anew when the last one is too old. Raises what making it raises; then the next who asks tries again."""
        async with self._turn:
            if time.monotonic() - self._made_at > self._for_s:
                self._answer = [await self._make()]
                self._made_at = time.monotonic()
        return self._answer[0]


class Seldom:
    """Lets something through once in a while for each of many; KNOWN_MAX of them are known at a time."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._last: dict[Hashable, float] = {}

    def is_due(self, whom: Hashable) -> bool:
        """Whether it is time for this one again; if so, it counts from now on."""
        now = time.monotonic()
        if now - self._last.get(whom, float("-inf")) < self._every_s:
            return False
        if len(self._last) >= KNOWN_MAX:
            self._last.clear()
        self._last[whom] = now
        return True
