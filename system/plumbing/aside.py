"""Answers that many ask for, kept aside in Redis for a moment; forgotten by all processes at once when something changes.

aside = Aside(settings, lifetime_s=2.0)
seen = await aside.look("counts")
if seen.value is None: await aside.keep(seen, make_it())
await aside.changed()              after a commit

What is kept may be older than the database by the time between a commit and `changed`, and by the lifetime when the process
that committed died between the two: lists are shown from here, nothing is ever decided by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from system.plumbing.redis_client import RedisClient
from system.plumbing.settings import ServiceSettings

LOST = "nothing is kept aside, the database is asked"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found under a key; `generation` is how often everything was forgotten before that, None with Redis away."""

    key: str
    generation: bytes | None
    value: bytes | None


class Aside:
    """Cache-aside of one service. Keys are the service's and the release's own: another release may show a list otherwise."""

    def __init__(self, settings: ServiceSettings, *, lifetime_s: float) -> None:
        self._client = RedisClient(settings)
        self._generation = f"aside:{settings.service}:generation"
        self._prefix = f"aside:{settings.service}:{settings.release}:"
        self._lifetime_ms = int(lifetime_s * 1000)

    async def look(self, key: str) -> Seen:
        """What is kept under a key, unless something changed since."""
        name = self._prefix + key
        found: Any = await self._client.ask(lambda redis: redis.mget(self._generation, name), otherwise=None, lost=LOST)
        if found is None:
            return Seen(key, None, None)
        generation: bytes = found[0] or b"0"
        made_in, _, value = (found[1] or b"").partition(b"\n")
        return Seen(key, generation, value if found[1] and made_in == generation else None)

    async def keep(self, seen: Seen, value: bytes) -> None:
        """Keeps what was made after looking. Made before a change and kept after it, it is of a generation that nobody asks for."""
        if seen.generation is None:
            return
        stored = seen.generation + b"\n" + value
        name = self._prefix + seen.key
        await self._client.ask(lambda redis: redis.set(name, stored, px=self._lifetime_ms), otherwise=None, lost=LOST)

    async def changed(self) -> None:
        """Forgets all that is kept, for every process and release."""
        await self._client.ask(lambda redis: redis.incr(self._generation), otherwise=0, lost=LOST)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()
