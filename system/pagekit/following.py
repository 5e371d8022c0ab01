"""One thing followed until its end: its whole state at once, again whenever it is another, and then nothing more.

Who comes back is told the state as it is then: there is nothing to catch up with, and nothing to miss.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from system.kernel.errors import Refused
from system.pagekit import live
from system.pagekit.live import Change, Watch, event
from system.plumbing.telemetry import log, said_by

STREAMS_EACH_MAX = 8


@dataclass(frozen=True, slots=True)
class State:
    """How the thing stands, as it is told (one line of JSON), since when, and whether it ever changes again."""

    text: str
    at: datetime
    is_final: bool


class TooManyStreams(Refused):
    """This person listens to as much as one may."""

    status = 429


class Streams:
    """How many streams each person has open in this process."""

    def __init__(self, each_max: int = STREAMS_EACH_MAX) -> None:
        self._each_max = each_max
        self._open: Counter[Hashable] = Counter()

    def check(self, whom: Hashable) -> None:
        """Raises TooManyStreams when one more is too many."""
        if self._open[whom] >= self._each_max:
            raise TooManyStreams(
                "too-many-streams",
                f"You listen to {self._each_max} streams already. Close one of them, or ask without a stream.",
                streams_max=self._each_max,
            )

    @contextlib.contextmanager
    def opened(self, whom: Hashable) -> Iterator[bool]:
        """Counts a stream while it is open; false for one that came at the same moment as too many others."""
        self._open[whom] += 1
        try:
            yield self._open[whom] <= self._each_max
        finally:
            self._open[whom] -= 1
            if not self._open[whom]:
                del self._open[whom]


def follow(
    request: Request,
    watch: Watch,
    streams: Streams,
    *,
    whom: Hashable,
    name: str,
    about: Callable[[Change], bool],
    look: Callable[[bool], Awaitable[State]],
) -> Response:
    """The answer that ends with its thing, when the page is left, the process stops, or STREAM_S_MAX passed: then one comes again.

    `look` tells the state; it is asked with true when the thing changed, and with false once in a while, for what is only estimated
    beside it. Raises TooManyStreams.
    """
    streams.check(whom)

    async def events() -> AsyncIterator[str]:
        # Counted here and not before: of an answer that is never begun nobody would hear that it ended.
        with streams.opened(whom) as has_room:
            if has_room:
                async with contextlib.aclosing(_told(request, watch, name=name, about=about, look=look)) as told:
                    async for part in told:
                        yield part

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def has_heard(request: Request, state: State) -> bool:
    """Whether whoever comes back was told this end already. Answered with 204, a browser asks no more."""
    return state.is_final and request.headers.get("last-event-id") == state.at.isoformat()


async def _told(
    request: Request,
    watch: Watch,
    *,
    name: str,
    about: Callable[[Change], bool],
    look: Callable[[bool], Awaitable[State]],
) -> AsyncGenerator[str, None]:
    # Before the state is read: what changes from now on is told, and what changed just before may be told twice.
    since = datetime.now(UTC)
    ends_at = time.monotonic() + live.STREAM_S_MAX
    yield f"retry: {live.RECONNECT_MS}\n\n"
    try:
        state = await look(True)
        yield event(name, state.text, moment=state.at)
        looked_at = spoken_at = time.monotonic()
        if state.is_final:
            return
        async with contextlib.aclosing(watch.batches(since)) as batches:
            async for batch in batches:
                changed = any(about(one) for one in batch)
                now = time.monotonic()
                if changed or now - looked_at >= live.PAUSE_S:
                    before, state, looked_at = state, await look(changed), now
                    if state.text != before.text:
                        spoken_at = now
                        yield event(name, state.text, moment=state.at)
                    if state.is_final:
                        return
                if now - spoken_at > live.BEAT_EVERY_S:
                    spoken_at = now
                    yield event("beat", "")
                if now > ends_at or request.app.state.is_stopping():
                    return
    except live.TooMuch:
        # Whoever comes again is told everything: that is all that loading again would do.
        return
    except Refused:
        # It is gone, or theirs no more.
        return
    except (DBAPIError, PoolTimeout) as error:
        log.warning("a followed state is not readable", state=name, error=said_by(error))
