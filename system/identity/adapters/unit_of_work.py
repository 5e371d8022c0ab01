"""Identity's unit of work: plumbing's transaction with identity's repositories on it."""

from __future__ import annotations

from system.identity.adapters.badges import BadgeRepository, WorkstationRepository
from system.identity.adapters.erasures import ErasureRepository
from system.identity.adapters.password_resets import PasswordResetRepository
from system.identity.adapters.repositories import AttemptsRepository, SessionRepository, UserRepository
from system.identity.application.erasures import Erasures
from system.identity.application.ports import AttemptsLog, Badges, Resets, Sessions, Users, Workstations
from system.plumbing.mail.box import NoticeBox
from system.plumbing.mail.notice import Notices
from system.plumbing.unit_of_work import UnitOfWork


class SqlIdentityUnitOfWork(UnitOfWork):
    """One transaction over identity's tables."""

    users: Users
    sessions: Sessions
    attempts: AttemptsLog
    workstations: Workstations
    badges: Badges
    resets: Resets
    notices: Notices
    erasures: Erasures

    async def on_enter(self) -> None:
        self.users = UserRepository(self.connection)
        self.sessions = SessionRepository(self.connection)
        self.attempts = AttemptsRepository(self.connection)
        self.workstations = WorkstationRepository(self.connection)
        self.badges = BadgeRepository(self.connection)
        self.resets = PasswordResetRepository(self.connection)
        self.notices = NoticeBox(self.connection, now=lambda: self.now)
        self.erasures = ErasureRepository(self.connection)
