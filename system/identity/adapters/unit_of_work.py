"""Identity's unit of work: plumbing's transaction with identity's repositories on it."""

from __future__ import annotations

from system.identity.adapters.badges import BadgeRepository, WorkstationRepository
from system.identity.adapters.erasures import ErasureRepository
from system.identity.adapters.repositories import AttemptsRepository, SessionRepository, UserRepository
from system.identity.application.erasures import Erasures
from system.identity.application.ports import AttemptsLog, Badges, Sessions, Users, Workstations
from system.plumbing.unit_of_work import UnitOfWork


class SqlIdentityUnitOfWork(UnitOfWork):
    """One transaction over identity's tables."""

    users: Users
    sessions: Sessions
    attempts: AttemptsLog
    workstations: Workstations
    badges: Badges
    erasures: Erasures

    async def on_enter(self) -> None:
        self.users = UserRepository(self.connection)
        self.sessions = SessionRepository(self.connection)
        self.attempts = AttemptsRepository(self.connection)
        self.workstations = WorkstationRepository(self.connection)
        self.badges = BadgeRepository(self.connection)
        self.erasures = ErasureRepository(self.connection)
