"""What identity's handlers need from outside, as promises."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol, Self
from uuid import UUID

from system.identity.domain.badge import Badge, Pin
from system.identity.domain.password_reset import PasswordReset
from system.identity.domain.session import Ending, RefreshToken, Session
from system.identity.domain.throttle import Attempts
from system.identity.domain.user import User
from system.identity.domain.workstation import Workstation
from system.plumbing.mail.notice import Notices


class Users(Protocol):
    """The users, found by id or by normal e-mail."""

    async def add(self, user: User) -> None:
        """Keeps a new user. Raises EmailTaken, also when somebody else takes the e-mail at this moment."""

    async def get(self, user_id: UUID) -> User:
        """The user. Raises UserUnknown."""

    async def with_email(self, email: str) -> User | None:
        """The user with this normal e-mail, if there is one."""

    async def save_roles(self, user: User) -> None:
        """Keeps the user's present roles."""

    async def save_account(self, user: User) -> None:
        """Keeps the user's present e-mail, name, phone, language and password hash. Raises EmailTaken."""

    async def save_password_hash(self, user_id: UUID, password_hash: str) -> None:
        """Keeps a new hash of the password."""

    async def count_administrators(self) -> int:
        """How many users are administrators."""


class Sessions(Protocol):
    """The sessions and their refresh tokens."""

    async def add(self, session: Session) -> None:
        """Keeps a new session."""

    async def get(self, session_id: UUID) -> Session | None:
        """The session, if it is still kept; locked until the end of the unit of work."""

    async def add_token(self, token: RefreshToken) -> None:
        """Keeps the next link of a session's chain."""

    async def token(self, digest: bytes) -> RefreshToken | None:
        """The refresh token with this digest, if it is still kept."""

    async def spend_token(self, digest: bytes, now: datetime, *, resumes: bool) -> bool:
        """Marks the token spent; False when somebody has spent it already. Exactly one caller ever gets True."""

    async def revoke(self, session_id: UUID, *, because: Ending, now: datetime) -> bool:
        """Ends one session; False when it had ended already."""

    async def revoke_all_of(
        self, user_id: UUID, *, because: Ending, now: datetime, but: UUID | None = None
    ) -> list[UUID]:
        """Ends every live session of a user, but for one if it is named; the ids of those that ended now."""

    async def revoke_all_by(self, badge_id: UUID, *, now: datetime) -> list[UUID]:
        """Ends every live session of a badge that was revoked; the ids of those that ended now."""

    async def revoke_all_at(self, workstation_id: UUID, *, now: datetime) -> list[UUID]:
        """Ends every live session at a workstation that was revoked; the ids of those that ended now."""

    async def prune(self, *, ended_before: datetime) -> int:
        """Forgets the sessions that ended before this moment; how many."""


class AttemptsLog(Protocol):
    """The wrong passwords per e-mail, and the wrong PINs per workstation. Only a digest of which it was is kept."""

    async def of(self, subject: str) -> Attempts:
        """What is remembered for this e-mail or workstation."""

    async def keep(self, subject: str, attempts: Attempts) -> None:
        """Remembers this from now on."""

    async def forget(self, subject: str) -> None:
        """The right one came: everything is forgiven."""

    async def prune(self, *, failed_before: datetime) -> int:
        """Forgets those without a failure since this moment; how many."""


class Workstations(Protocol):
    """The workstations that were not revoked."""

    async def add(self, workstation: Workstation) -> None:
        """Keeps a new one. Raises WorkstationTaken when another has its name, in whatever case."""

    async def with_secret(self, digest: bytes) -> Workstation | None:
        """The one whose device cookie has this digest."""

    async def revoke(self, workstation_id: UUID, *, by: str, now: datetime) -> str | None:
        """Ends it; its name, or None when there is none any more."""

    async def seen(self, workstation_id: UUID, now: datetime) -> None:
        """Somebody stood before it at this moment."""


class Badges(Protocol):
    """The badges that were not revoked, and the PINs of people."""

    async def of(self, user_id: UUID) -> Badge | None:
        """The one that a person has."""

    async def with_code(self, digest: bytes) -> Badge | None:
        """The one whose code has this digest."""

    async def add(self, badge: Badge) -> None:
        """Keeps a new one of somebody who has none. Raises BadgeChanged when another one came first."""

    async def revoke(self, badge_id: UUID, *, by: str, now: datetime) -> None:
        """Ends it."""

    async def used(self, badge_id: UUID, now: datetime) -> None:
        """It let its owner in at this moment."""

    async def pin_of(self, user_id: UUID) -> Pin:
        """The person's PIN, locked until the end of the unit of work; an empty one for whoever never had any."""

    async def keep_pin(self, pin: Pin) -> None:
        """Keeps it as it is now."""


class Resets(Protocol):
    """The links for forgotten passwords."""

    async def add(self, reset: PasswordReset) -> None:
        """Keeps a new one."""

    async def with_digest(self, digest: bytes) -> PasswordReset | None:
        """The one whose secret has this digest."""

    async def use(self, digest: bytes, *, now: datetime) -> bool:
        """Marks it used; False when it was over already. Exactly one caller ever gets True."""

    async def end_all_of(self, user_id: UUID, *, now: datetime) -> None:
        """Ends those of a user that are not over yet."""

    async def prune(self, *, expired_before: datetime) -> int:
        """Forgets those that expired before this moment; how many."""


class IdentityUnitOfWork(Protocol):
    """One transaction over identity's tables. Left without a commit, it changed nothing."""

    users: Users
    sessions: Sessions
    attempts: AttemptsLog
    workstations: Workstations
    badges: Badges
    resets: Resets
    notices: Notices

    @property
    def now(self) -> datetime:
        """The moment at which the unit of work began."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: Any) -> bool | None: ...

    async def lock(self, *subjects: UUID | str) -> None:
        """Waits until nobody else holds these subjects; held until the end."""

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None:
        """Writes a line that nobody can change."""

    async def commit(self) -> Any:
        """Makes everything done here true at once."""


class Begin(Protocol):
    """Begins a unit of work."""

    def __call__(self) -> IdentityUnitOfWork: ...


class Hashing(Protocol):
    """The right to hash now. Slow on purpose, and never on the event loop."""

    async def hash(self, password: str) -> str:
        """A salted hash with its own parameters."""

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password made this hash. Without a hash it takes as long and says no."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether today's parameters differ from those of this hash."""


class Passwords(Protocol):
    """Hands out turns at hashing: only so many at once, because each takes a core and much memory."""

    def turn(self) -> AbstractAsyncContextManager[Hashing]:
        """Waits for a turn. Raises Unavailable when too many wait already."""


class AccessTokens(Protocol):
    """Signs access tokens."""

    @property
    def lifetime(self) -> timedelta:
        """How long a token is good for, at most."""

    def issue(self, user: User, *, session_id: UUID, idle: timedelta | None = None) -> str:
        """A signed token that says who the user is and which roles they have.

        With `idle` it says so no longer than that, and that the session ends when nobody is there for so long.
        """


class RevokedSessions(Protocol):
    """Tells every service at once that a session has ended, for as long as its access tokens live."""

    async def tell(self, session_ids: list[UUID]) -> None:
        """Best effort: without it the services go by signature and expiry, at most one token lifetime longer."""
