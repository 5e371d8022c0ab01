"""The watch over alerts' way to us: hearing the one that always fires, and writing to whoever is on call when it falls silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Protocol, Self

from system.kernel.ids import new_id
from system.observability.domain.alerts import Told
from system.observability.domain.watch import WATCHDOG, Listening, Reaching, Silence, Watch
from system.plumbing.mail.notice import Language, Notice, Notices
from system.plumbing.telemetry import log

SILENT, HEARD_AGAIN = "alerts-silent", "alerts-heard-again"
"""The letters that are written: one when a silence is noticed, one when it is over."""
LANGUAGE: Language = "en"
"""As Alertmanager's letters are."""


class Watches(Protocol):
    """The watch within a transaction."""

    async def held(self) -> Watch:
        """What is known; nobody else changes it until the end of the transaction."""

    async def keep(self, watch: Watch) -> None:
        """Writes it down."""


class WatchUnitOfWork(Protocol):
    """One transaction with the watch and letters on it."""

    watch: Watches
    notices: Notices
    now: datetime

    async def __aenter__(self) -> Self:
        """Opens it."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Undoes what was not committed."""

    async def commit(self) -> Any:
        """Makes it so."""


class WatchReads(Protocol):
    """The watch as it is."""

    async def now(self) -> Watch:
        """What is known."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the watch stands: since when it is silent, if it is."""

    state: Reaching
    heard_at: datetime | None
    silent_since: datetime | None


class Watching:
    """The watch of this process. `to`: who is on call; nobody is written to where that is empty."""

    def __init__(
        self,
        reads: WatchReads,
        listening: Listening,
        *,
        silent_after: timedelta,
        to: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._reads, self._listening = reads, listening
        self.silent_after, self._to, self._clock = silent_after, to, clock

    async def hear(self, told: Sequence[Told], uow: WatchUnitOfWork) -> list[Told]:
        """Notes that the alert that always fires was heard, if it is among them; returns the others. Ends a silence, with a letter."""
        others = [one for one in told if one.name != WATCHDOG]
        if not any(one.name == WATCHDOG and one.ended_at is None for one in told):
            return others
        async with uow:
            before = await uow.watch.held()
            if before.silence is not None:
                await self._tell_of_the_end(before.silence, uow)
            await uow.watch.keep(Watch(heard_at=max(uow.now, before.heard_at or uow.now)))
            await uow.commit()
        return others

    async def look(self, uow: WatchUnitOfWork) -> bool:
        """Writes to whoever is on call when a silence has begun that nobody was told of; whether it did."""
        async with uow:
            # Held before it is judged: of two processes that look at once, the second one finds what the first one wrote.
            watch = await uow.watch.held()
            self._listening.looks(uow.now)
            since = self._listening.since
            if watch.silence is not None or not watch.is_silent(
                now=uow.now, listening_since=since, silent_after=self.silent_after
            ):
                return False
            silence = Silence(new_id(), watch.heard_at or since)
            await uow.watch.keep(Watch(watch.heard_at, silence))
            await uow.notices.post(self._letter(SILENT, silence))
            await uow.commit()
        log.error("alerts do not reach us", since=silence.since.isoformat())
        return True

    async def standing(self) -> Standing:
        """How it stands now, as this process sees it."""
        watch = await self._reads.now()
        since = self._listening.since
        state = watch.state(now=self._clock(), listening_since=since, silent_after=self.silent_after)
        began = watch.silence.since if watch.silence is not None else watch.heard_at or since
        return Standing(state, watch.heard_at, began if state is Reaching.SILENT else None)

    async def _tell_of_the_end(self, silence: Silence, uow: WatchUnitOfWork) -> None:
        # A letter that the mail server has not taken until now would say what is no longer so.
        await uow.notices.withdraw(SILENT, about=silence.silence_id)
        await uow.notices.post(self._letter(HEARD_AGAIN, silence, heard_at=uow.now.isoformat()))
        log.info("alerts reach us again", silent_since=silence.since.isoformat())

    def _letter(self, kind: str, silence: Silence, **facts: str) -> Notice:
        return Notice(kind, silence.silence_id, self._to, LANGUAGE, {"since": silence.since.isoformat(), **facts})
