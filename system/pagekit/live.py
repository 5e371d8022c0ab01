"""Server-sent events: one reader of the database for everybody who watches, and a stream for each of them.

Changes are read by time, not told by a message: what is committed is seen, whichever process committed it, and nothing that
a dead process forgot to tell is missed. The reader rests while nobody watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from system.pagekit.reader import Language
from system.plumbing.telemetry import log, said_by

READ_EVERY_S = 0.3
# A row's time is written before its transaction commits: it may appear this much later than rows that are younger.
COMMITTED_WITHIN = timedelta(seconds=10)
PAUSE_S = 1.0
# A browser that hears nothing for a few of these says that the connection is gone.
BEAT_EVERY_S = 5.0
# Signing out, losing a role: a stream is asked for again, and answers for it, after this long at the latest.
STREAM_S_MAX = 300.0
WAITING_MAX = 1000
# So many changes are kept as they were written: everybody who comes back at once, after a restart, catches up with the same ones.
KNOWN_MAX = 1000
# Told to so many streams at once, then others have their turn: a page that is asked for meanwhile does not wait for all of them.
TOLD_AT_ONCE = 10
TOLD_PAUSE_S = 0.005
RECONNECT_MS = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed: which version of it, since when. `words` by language, written once for all who watch."""

    version: Hashable
    at: datetime
    name: str
    words: Mapping[Language, str]
    _wire: dict[Language, bytes] = field(default_factory=dict, compare=False, repr=False)

    def wire(self, language: Language) -> bytes:
        """The event as streams in a language send it; the same bytes for all of them."""
        if language not in self._wire:
            self._wire[language] = event(self.name, self.words[language], moment=self.at).encode()
        return self._wire[language]


Found = tuple[Hashable, datetime]
Find = Callable[[datetime], Awaitable[Sequence[Found]]]
Load = Callable[[Sequence[Found]], Awaitable[Sequence[Change]]]


class TooMuch(Exception):
    """More changed than a page can catch up with: it is loaded again."""


class Watch:
    """One reader for all who watch. `find` tells the versions since a moment, oldest first, or raises TooMuch; `load` writes them."""

    def __init__(self, find: Find, load: Load, *, now: Callable[[], datetime]) -> None:
        self._find, self._load, self._now = find, load, now
        self._watchers: set[asyncio.Queue[Change | None]] = set()
        self._seen: dict[Hashable, datetime] = {}
        self._known: dict[Hashable, Change] = {}
        self._writing = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return len(self._watchers)

    async def rests(self) -> None:
        """Returns when the reader has stopped because nobody watches any more."""
        if self._reading is not None:
            await self._reading

    async def changes(self, since: datetime) -> AsyncGenerator[Change | None, None]:
        """Every change after `since`, for ever; None every second in which nothing changes. Raises TooMuch.

        The same change may come twice, but none is missed.
        """
        async with contextlib.aclosing(self.batches(since)) as batches:
            async for batch in batches:
                if not batch:
                    yield None
                for change in batch:
                    yield change

    async def batches(self, since: datetime) -> AsyncGenerator[Sequence[Change], None]:
        """As `changes`: what came together, together, since whoever writes to many pays for each writing. Nothing: an empty one."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue(WAITING_MAX)
        # First in line, then what was before: whatever is committed meanwhile comes through the queue.
        self._watchers.add(queue)
        try:
            self._start()
            # The reader looks first, and tells what it does not find then: whatever it does find, this finds as well.
            await self._begun.wait()
            if before := await self._written(await self._find(since - COMMITTED_WITHIN)):
                yield before
            while True:
                try:
                    async with asyncio.timeout(PAUSE_S):
                        arrived = [await queue.get()]
                except TimeoutError:
                    yield ()
                    continue
                while not queue.empty():
                    arrived.append(queue.get_nowait())
                told = [change for change in arrived if change is not None]
                if len(told) < len(arrived):
                    raise TooMuch
                yield told
        finally:
            self._watchers.discard(queue)

    def _start(self) -> None:
        if self._reading is None or self._reading.done():
            self._begun = asyncio.Event()
            self._reading = asyncio.create_task(self._keep_reading(), name="live")

    async def _keep_reading(self) -> None:
        """Reads while somebody watches; a database that is away is asked again."""
        # What is there before the first round, every watcher reads itself.
        try:
            self._seen = dict(await self._quietly(self._find, self._now() - COMMITTED_WITHIN))
        finally:
            self._begun.set()
        while self._watchers:
            await asyncio.sleep(READ_EVERY_S)
            found = await self._quietly(self._find, self._now() - COMMITTED_WITHIN)
            news = [one for one in found if one[0] not in self._seen]
            if not news:
                continue
            changes = await self._quietly(self._written, news)
            self._seen |= {change.version: change.at for change in changes}
            await self._tell(changes)
            forgotten = self._now() - 2 * COMMITTED_WITHIN
            self._seen = {version: at for version, at in self._seen.items() if at > forgotten}

    async def _written(self, found: Sequence[Found]) -> Sequence[Change]:
        """These versions in words, each written once; of one that changed meanwhile, the newer version if this is the first to ask."""
        # One at a time: whoever asks for the same finds it written.
        async with self._writing:
            known = {version: self._known[version] for version, _ in found if version in self._known}
            news = [one for one in found if one[0] not in known]
            fresh = {change.version: change for change in await self._load(news)} if news else {}
            self._known |= fresh
            for version in list(self._known)[: max(0, len(self._known) - KNOWN_MAX)]:
                del self._known[version]
        return sorted((known | fresh).values(), key=lambda change: change.at)

    async def _tell(self, changes: Sequence[Change]) -> None:
        for number, queue in enumerate(list(self._watchers)):
            if number and number % TOLD_AT_ONCE == 0:
                await asyncio.sleep(TOLD_PAUSE_S)
            for change in changes:
                _put(queue, change)

    async def _quietly(self, ask: Callable[[Any], Awaitable[Sequence[Any]]], about: Any) -> Sequence[Any]:
        try:
            return await ask(about)
        except TooMuch:
            for queue in self._watchers:
                _put(queue, None)
        except Exception as error:
            log.warning("live updates not readable", error=said_by(error))
        return ()


def watch_rows(
    changed_since: Callable[..., Awaitable[Sequence[tuple[UUID, datetime]]]],
    write: Callable[[Sequence[UUID]], Awaitable[Sequence[Change]]],
    *,
    at_once: int,
) -> Watch:
    """A watch over rows of a database. `changed_since(moment, limit=...)` tells the ids that changed and when, the oldest first;
    `write` shows them. More than `at_once` of them is no news to be slid in: pages load their list again."""

    async def find(since: datetime) -> Sequence[Found]:
        found = await changed_since(since, limit=at_once + 1)
        if len(found) > at_once:
            raise TooMuch
        return [(version, version[1]) for version in found]

    async def load(found: Sequence[Found]) -> Sequence[Change]:
        return await write([cast(tuple[UUID, datetime], version)[0] for version, _ in found])

    return Watch(find, load, now=lambda: datetime.now(UTC))


def _put(queue: asyncio.Queue[Change | None], change: Change | None) -> None:
    with contextlib.suppress(asyncio.QueueFull):
        queue.put_nowait(change)
        return
    # Too slow to follow: what waits is worth nothing to it any more, it loads its page again.
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)


def event(name: str, data: str, *, moment: datetime | None = None) -> str:
    """One event as the wire has it; `moment` is what a browser that reconnects continues from."""
    lines = [f"id: {moment.isoformat()}"] if moment else []
    lines += [f"event: {name}", *(f"data: {line}" for line in data.splitlines() or [""])]
    return "\n".join(lines) + "\n\n"


def stream(
    request: Request,
    watch: Watch,
    *,
    since: datetime,
    language: Language,
    about: Callable[[Change], bool] = lambda _: True,
) -> Response:
    """The answer that never ends, until the page is left, the process stops, or STREAM_S_MAX passed: then the browser comes again.

    Told is what it is `about`.
    """

    async def events() -> AsyncIterator[str | bytes]:
        ends_at = time.monotonic() + STREAM_S_MAX
        heard_at = 0.0
        yield f"retry: {RECONNECT_MS}\n\n"
        try:
            async with contextlib.aclosing(watch.batches(since)) as batches:
                async for batch in batches:
                    if told := [one for one in batch if about(one)]:
                        yield b"".join(one.wire(language) for one in told)
                    elif time.monotonic() - heard_at > BEAT_EVERY_S:
                        heard_at = time.monotonic()
                        yield event("beat", "")
                    if time.monotonic() > ends_at or request.app.state.is_stopping():
                        return
        except TooMuch:
            yield event("reload", "")

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def moment_of(request: Request, otherwise: datetime) -> datetime:
    """Where a stream goes on: the browser's Last-Event-ID, else the page's own `since`, else now; never a day ago."""
    for wish in (request.headers.get("last-event-id"), request.query_params.get("since")):
        try:
            moment = datetime.fromisoformat(wish or "")
        except ValueError:
            continue
        if moment.tzinfo is not None and moment > otherwise - timedelta(days=1):
            return min(moment, otherwise)
    return otherwise
