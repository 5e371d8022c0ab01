"""Whether alerts reach us. One that always fires is told of every minute; while it is not, nobody would hear of any other.

listening ──heard──> heard ──not heard for too long──> silent, a letter ──heard──> heard, another letter
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

WATCHDOG = "Watchdog"
"""The alert that always fires (system/deploy/prometheus/watching.rules.yaml)."""


class Reaching(StrEnum):
    """`listening`: it was not heard lately, and we have not listened for long enough to say that it is silent."""

    LISTENING = "listening"
    HEARD = "heard"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Silence:
    """A time without it that people were told of."""

    silence_id: UUID
    since: datetime


@dataclass(frozen=True, slots=True)
class Watch:
    """When it was last heard, and the silence that people were told of, while that lasts."""

    heard_at: datetime | None = None
    silence: Silence | None = None

    def quiet_since(self, listening_since: datetime) -> datetime:
        """Since when it could have been heard and was not. What was before we listened says nothing."""
        return max(self.heard_at or listening_since, listening_since)

    def is_silent(self, *, now: datetime, listening_since: datetime, silent_after: timedelta) -> bool:
        """Whether alerts do not reach us. Whoever starts meanwhile believes those who have listened before."""
        return self.silence is not None or now - self.quiet_since(listening_since) > silent_after

    def state(self, *, now: datetime, listening_since: datetime, silent_after: timedelta) -> Reaching:
        """How it stands."""
        if self.is_silent(now=now, listening_since=listening_since, silent_after=silent_after):
            return Reaching.SILENT
        is_heard = self.heard_at is not None and now - self.heard_at <= silent_after
        return Reaching.HEARD if is_heard else Reaching.LISTENING


class Listening:
    """Since when this process would have heard: its start, or the first look after a while in which it could not look.

    A process that was stopped, or had no database, could not hear either: that is no silence of the others.
    """

    def __init__(self, *, now: datetime, pause_max: timedelta) -> None:
        self.since = self._looked_at = now
        self._pause_max = pause_max

    def looks(self, now: datetime) -> None:
        """Says that it can hear now."""
        if now - self._looked_at > self._pause_max:
            self.since = now
        self._looked_at = now
