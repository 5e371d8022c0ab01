"""Alerts: what fires, since when, how soon it was told, and who takes care of it.

Refused
├── NotFound    AlertUnknown, RunbookMissing
└── Conflict    AlertIsOver, AlertTaken
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from system.kernel.errors import Conflict, NotFound


class AlertState(StrEnum):
    """`unheard`: it should have been told of again or resolved, and neither came."""

    FIRING = "firing"
    RESOLVED = "resolved"
    UNHEARD = "unheard"


@dataclass(frozen=True, slots=True)
class Told:
    """What Alertmanager says of one alert. Without `ended_at` it fires."""

    fingerprint: str
    name: str
    severity: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, from its beginning to its end."""

    alert_id: UUID
    fingerprint: str
    name: str
    severity: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None
    told_at: datetime
    last_told_at: datetime
    end_told_at: datetime | None
    taken_by_id: UUID | None
    taken_by: str | None
    taken_at: datetime | None

    @property
    def told_after(self) -> timedelta:
        """How long it fired before we were told."""
        return max(self.told_at - self.started_at, timedelta())

    @property
    def where(self) -> Mapping[str, str]:
        """The labels that say what it is about."""
        return {name: value for name, value in self.labels.items() if name not in ("alertname", "severity")}

    def state(self, *, now: datetime, unheard_after: timedelta) -> AlertState:
        """What it is now. Alertmanager tells again of what goes on firing: silence for longer means that it was lost."""
        if self.ended_at is not None:
            return AlertState.RESOLVED
        return AlertState.UNHEARD if now - self.last_told_at > unheard_after else AlertState.FIRING


class AlertUnknown(NotFound):
    """There is no such alert, or it is too long ago."""

    def __init__(self, alert_id: UUID) -> None:
        super().__init__("alert-unknown", f"There is no alert {alert_id}. It may be too long ago.", id=str(alert_id))


class AlertIsOver(Conflict):
    """It ended: there is nothing to take any more."""

    def __init__(self, *, ended_at: datetime) -> None:
        super().__init__("alert-is-over", f"This alert ended at {ended_at.isoformat()}.", ended_at=ended_at.isoformat())


class AlertTaken(Conflict):
    """Somebody else takes care of it."""

    def __init__(self, *, taken_by: str, taken_at: datetime) -> None:
        super().__init__(
            "alert-taken",
            f"{taken_by} took it at {taken_at.isoformat()}. Ask them, or let them hand it back.",
            taken_by=taken_by,
            taken_at=taken_at.isoformat(),
        )


class RunbookMissing(NotFound):
    """Nobody wrote down what to do about this."""

    def __init__(self, name: str) -> None:
        super().__init__("runbook-missing", f"There is no runbook {name!r}. All are at /observability/runbooks.")


def may_take(alert: Alert, who: UUID) -> None:
    """An alert that fires is taken by one person; by the same one again it stays theirs. Raises AlertIsOver, AlertTaken."""
    if alert.ended_at is not None:
        raise AlertIsOver(ended_at=alert.ended_at)
    if alert.taken_by_id not in (None, who) and alert.taken_at is not None:
        raise AlertTaken(taken_by=alert.taken_by or "", taken_at=alert.taken_at)


def runbook_of(name: str) -> str:
    """The name of an alert's runbook: `OrderPastBudget` has `order-past-budget`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
