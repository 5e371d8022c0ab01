"""Observability's unit of work."""

from __future__ import annotations

from system.observability.adapters.failure_repository import FailureRepository
from system.observability.adapters.watch import WatchRepository
from system.observability.application.failures import Failures
from system.observability.application.watch import Watches
from system.plumbing.mail.box import NoticeBox
from system.plumbing.mail.notice import Notices
from system.plumbing.unit_of_work import UnitOfWork


class ObservabilityUnitOfWork(UnitOfWork):
    """One transaction over observability's tables."""

    failures: Failures
    watch: Watches
    notices: Notices

    async def on_enter(self) -> None:
        self.failures = FailureRepository(self.connection)
        self.watch = WatchRepository(self.connection)
        self.notices = NoticeBox(self.connection, now=lambda: self.now)
