"""A session: one sign-in of one user on one device, kept alive by rotating refresh tokens.

Each refresh spends the token it came with and gives the next one. A spent token that comes back means that two
parties hold it, one of them a thief; which one cannot be told, so the session ends for both. Tabs of one browser that
come at one moment are two parties too, and are told apart by that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

FORGIVEN_FOR = timedelta(seconds=10)


class Ending(StrEnum):
    """Why a session was revoked."""

    SIGNED_OUT = "signed_out"
    REUSED = "refresh_reused"
    ROLES_CHANGED = "roles_changed"
    # Only sessions by badge end for these, which a release that knows no badges never reads.
    BADGE_REVOKED = "badge_revoked"
    WORKSTATION_REVOKED = "workstation_revoked"


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in, with a password or with a badge. It ends at `expires_at` whatever happens, or earlier when revoked."""

    session_id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_because: Ending | None = None
    badge_id: UUID | None = None
    workstation_id: UUID | None = None

    @property
    def is_by_badge(self) -> bool:
        """Whether it was opened with a badge; then it belongs to its workstation and lets an operator work, no more."""
        return self.workstation_id is not None

    def is_live(self, now: datetime) -> bool:
        """Whether the session still lets its user in."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a session's chain. Only the digest of the secret is kept."""

    digest: bytes
    session_id: UUID
    issued_at: datetime
    expires_at: datetime
    spent_at: datetime | None = None
    resumed: bool = False
    """Whether it was spent by a page that led through identity by itself."""

    def is_forgiven(self, now: datetime, *, resumes: bool) -> bool:
        """Whether it may come twice: pages lead here by themselves, several at one moment when a browser opens its tabs again.

        Whoever is second gets nothing, and ends nothing. Scripts take turns, so of two of them one is a thief.
        """
        by_a_page = self.resumed or resumes
        return by_a_page and self.spent_at is not None and now - self.spent_at < FORGIVEN_FOR

    def is_due(self, now: datetime) -> bool:
        """Whether it may still be exchanged: neither spent nor too old."""
        return self.spent_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """How long things live: a session in all, and a refresh token that nobody uses."""

    session_lifetime: timedelta
    refresh_idle: timedelta


def open_session(
    *,
    session_id: UUID,
    user_id: UUID,
    now: datetime,
    terms: SessionTerms,
    badge_id: UUID | None = None,
    workstation_id: UUID | None = None,
) -> Session:
    """A session that begins now; one by badge names the badge and the workstation."""
    return Session(
        session_id=session_id,
        user_id=user_id,
        created_at=now,
        expires_at=now + terms.session_lifetime,
        badge_id=badge_id,
        workstation_id=workstation_id,
    )


def next_token(session: Session, *, digest: bytes, now: datetime, terms: SessionTerms) -> RefreshToken:
    """The next link of the chain; it never outlives its session."""
    expires_at = min(now + terms.refresh_idle, session.expires_at)
    return RefreshToken(digest=digest, session_id=session.session_id, issued_at=now, expires_at=expires_at)
