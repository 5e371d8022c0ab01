"""What is done with alerts: Alertmanager tells of them, somebody takes one, and everybody sees both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from system.observability.domain.alerts import Alert, AlertState, AlertUnknown, Told, may_take
from system.plumbing.sparing import Kept

COUNTED_EVERY_S = 2.0
Place = tuple[datetime, UUID]


class Changes(Protocol):
    """Alerts within a transaction."""

    async def note(self, told: Sequence[Told], *, now: datetime) -> None: ...

    async def forget(self, *, before: datetime) -> None: ...

    async def find(self, alert_id: UUID) -> Alert | None: ...

    async def give(self, alert_id: UUID, *, to: UUID | None, called: str | None, at: datetime | None) -> None: ...


class Reads(Protocol):
    """Alerts as they are."""

    async def open(self) -> list[Alert]: ...

    async def past(
        self, *, since: datetime, name: str = "", before: Place | None = None, limit: int
    ) -> list[Alert]: ...

    async def found(
        self, *, name: str = "", state: AlertState | None = None, heard_after: datetime, limit: int
    ) -> list[Alert]: ...


class Alerts:
    """Alerts of this installation. `unheard_after`: silence for longer than this about one that fires means that it was lost."""

    def __init__(
        self,
        reads: Reads,
        changes: Callable[[Any], Changes],
        *,
        kept: timedelta,
        unheard_after: timedelta,
    ) -> None:
        self._reads, self._changes = reads, changes
        self._kept_for, self._unheard_after = kept, unheard_after
        self._count = Kept(self._counted, COUNTED_EVERY_S)

    async def hear(self, told: Sequence[Told], uow: Any) -> None:
        """Keeps what Alertmanager tells, and forgets what is too long ago. The same again is the same."""
        async with uow:
            changes = self._changes(uow.connection)
            await changes.note(told, now=uow.now)
            await changes.forget(before=uow.now - self._kept_for)
            await uow.commit()

    async def take(self, alert_id: UUID, uow: Any, *, who: UUID, called: str) -> Alert:
        """Somebody takes care of it; who, and when, is written down. Raises AlertUnknown, AlertIsOver, AlertTaken."""
        async with uow:
            changes = self._changes(uow.connection)
            alert = await self._held(changes, alert_id)
            may_take(alert, who)
            if alert.taken_by_id is None:
                await changes.give(alert_id, to=who, called=called, at=uow.now)
                await _audit(uow, "take_alert", alert, who, called)
            taken = await self._held(changes, alert_id)
            await uow.commit()
            return taken

    async def hand_back(self, alert_id: UUID, uow: Any, *, who: UUID, called: str) -> Alert:
        """Nobody takes care of it any more. Raises AlertUnknown; AlertTaken, when it is somebody else's."""
        async with uow:
            changes = self._changes(uow.connection)
            alert = await self._held(changes, alert_id)
            may_take(alert, who)
            if alert.taken_by_id is not None:
                await changes.give(alert_id, to=None, called=None, at=None)
                await _audit(uow, "hand_back_alert", alert, who, called)
            free = await self._held(changes, alert_id)
            await uow.commit()
            return free

    async def open(self) -> list[Alert]:
        """What has not ended, the oldest first."""
        return await self._reads.open()

    async def past(self, *, name: str = "", before: Place | None = None, limit: int) -> list[Alert]:
        """What has ended, the newest first."""
        return await self._reads.past(since=self._now() - self._kept_for, name=name, before=before, limit=limit)

    async def found(self, *, name: str = "", state: AlertState | None = None, limit: int) -> list[Alert]:
        """Alerts of a name, in a state, the newest first."""
        heard_after = self._now() - self._unheard_after
        return await self._reads.found(name=name, state=state, heard_after=heard_after, limit=limit)

    async def firing_count(self) -> int:
        """How many fire now, as of a moment ago."""
        return await self._count.get()

    def state_of(self, alert: Alert) -> AlertState:
        """What it is now."""
        return alert.state(now=self._now(), unheard_after=self._unheard_after)

    async def _counted(self) -> int:
        return sum(self.state_of(alert) is AlertState.FIRING for alert in await self._reads.open())

    @staticmethod
    async def _held(changes: Changes, alert_id: UUID) -> Alert:
        alert = await changes.find(alert_id)
        if alert is None:
            raise AlertUnknown(alert_id)
        return alert

    @staticmethod
    def _now() -> datetime:
        return datetime.now(UTC)


async def _audit(uow: Any, action: str, alert: Alert, who: UUID, called: str) -> None:
    await uow.audit(
        actor=f"{called} ({who})",
        action=action,
        subject=str(alert.alert_id),
        details={"name": alert.name, "labels": dict(alert.where), "started_at": alert.started_at.isoformat()},
    )
