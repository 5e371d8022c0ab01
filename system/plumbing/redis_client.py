"""Redis, which may be away: whoever can do without it does not wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis.asyncio as redis
from redis.exceptions import RedisError

from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import SpanKind, log, said_by, tracing

ANSWER_TIMEOUT_S = 0.25
AWAY_S = 2.0
WORTH_A_SPAN_NS = 1_000_000
"""Answers that come sooner are not told apart from the request's own time."""
_REDIS = {"db.system.name": "redis"}
Answer = TypeVar("Answer")


class RedisClient:
    """One process's connections. `redis` is the library's own client, for what cannot be done without."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.redis = redis.Redis(
            host=settings.redis_host,
            port=settings.redis_port,
            password=settings.redis_password.get_secret_value() or None,
            socket_connect_timeout=ANSWER_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
        )
        self._away_until = 0.0

    async def ask(
        self, question: Callable[[redis.Redis], Awaitable[Answer]], *, otherwise: Answer, lost: str
    ) -> Answer:
        """What Redis answers; with Redis away `otherwise`, and a warning that says what is lost."""
        if time.monotonic() < self._away_until:
            return otherwise
        started_ns = tracing.now_ns()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await question(self.redis)
        except (RedisError, OSError, TimeoutError) as error:
            # Not every request waits to find out the same.
            self._away_until = time.monotonic() + AWAY_S
            tracing.add(
                "redis", started_ns=started_ns, kind=SpanKind.CLIENT, attributes=_REDIS | {"lost": lost}, error=error
            )
            log.warning(lost, error=said_by(error))
            return otherwise
        if tracing.now_ns() - started_ns >= WORTH_A_SPAN_NS:
            tracing.add("redis", started_ns=started_ns, kind=SpanKind.CLIENT, attributes=_REDIS)
        return answer

    async def close(self) -> None:
        """Closes the connections."""
        await self.redis.aclose()
