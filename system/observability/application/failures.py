"""What people say of a failure: that it is known, that it is resolved, or that it is new again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from system.observability.domain.failures import FailureUnknown, State

MARKED = "failure_marked"


class Failures(Protocol):
    """The ways of failing, one by one."""

    async def mark(self, fingerprint: str, state: State, *, by: str, note: str, at: datetime) -> State | None:
        """Sets the state; returns the one before, None when nothing fails in this way."""


class FailuresUnitOfWork(Protocol):
    """One transaction with the failures on it."""

    failures: Failures
    now: datetime

    async def __aenter__(self) -> Self:
        """Opens it."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Undoes what was not committed."""

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None:
        """Writes down who did what."""

    async def commit(self) -> Any:
        """Makes it so."""


@dataclass(frozen=True, slots=True)
class MarkFailure:
    """Says of a failure how it stands."""

    fingerprint: str
    state: State
    actor: str
    note: str = ""


async def mark_failure(command: MarkFailure, uow: FailuresUnitOfWork) -> None:
    """Marks the failure and writes down who did. Raises FailureUnknown."""
    async with uow:
        before = await uow.failures.mark(
            command.fingerprint, command.state, by=command.actor, note=command.note, at=uow.now
        )
        if before is None:
            raise FailureUnknown(command.fingerprint)
        await uow.audit(
            actor=command.actor,
            action=MARKED,
            subject=command.fingerprint,
            details={"from": before, "to": command.state, "note": command.note},
        )
        await uow.commit()
