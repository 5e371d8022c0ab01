"""A forgotten password: a link that its owner gets by e-mail, good for one new password and not for long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from system.identity.domain.throttle import ThrottleTerms


@dataclass(frozen=True, slots=True)
class ResetTerms:
    """How long a link lasts, and how asking for links is slowed down."""

    lifetime: timedelta
    asking: ThrottleTerms


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """One link. Only the digest of its secret is kept; `over_at` is when it was used, or when a newer one took its place."""

    reset_id: UUID
    user_id: UUID
    digest: bytes
    asked_at: datetime
    expires_at: datetime
    over_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it still opens the account."""
        return self.over_at is None and now < self.expires_at


def asked_for(*, reset_id: UUID, user_id: UUID, digest: bytes, now: datetime, terms: ResetTerms) -> PasswordReset:
    """A link that begins now."""
    return PasswordReset(reset_id, user_id, digest, asked_at=now, expires_at=now + terms.lifetime)
