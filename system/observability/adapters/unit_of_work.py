"""Observability's unit of work."""

from __future__ import annotations

from system.observability.adapters.failure_repository import FailureRepository
from system.observability.application.failures import Failures
from system.plumbing.unit_of_work import UnitOfWork


class ObservabilityUnitOfWork(UnitOfWork):
    """One transaction over observability's tables."""

    failures: Failures

    async def on_enter(self) -> None:
        self.failures = FailureRepository(self.connection)
