"""A workstation: a browser at a known place, made one by an administrator who stood before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from system.identity.domain.user import Role, User

SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Workstation:
    """One that was not revoked lets operators in by badge. Only the digest of its device cookie is kept."""

    workstation_id: UUID
    name: str
    secret_digest: bytes
    registered_at: datetime
    registered_by: str
    last_seen_at: datetime

    def is_news(self, now: datetime) -> bool:
        """Whether seeing it now is worth being written down."""
        return now - self.last_seen_at >= SEEN_EVERY


def roles_at(user: User) -> frozenset[Role]:
    """What somebody may do who came in by badge: an operator's work, and nothing else, whatever more the person may do.

    A badge and a few digits are weaker than a password, so that they open less.
    """
    return user.roles & {Role.OPERATOR}
