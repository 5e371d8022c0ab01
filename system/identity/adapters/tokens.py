"""Access tokens by plumbing's authority, and the list of revoked sessions in Redis."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from redis.exceptions import RedisError

from system.identity.domain.user import User
from system.plumbing.auth import Revocations
from system.plumbing.telemetry import log, said_by
from system.plumbing.tokens import ACCESS_TOKEN_LIFETIME, CLOCK_SKEW_S, Principal, TokenAuthority


class SignedAccessTokens:
    """Signs with identity's key; every service verifies offline with the public one."""

    def __init__(self, authority: TokenAuthority) -> None:
        self._authority = authority

    @property
    def lifetime(self) -> timedelta:
        return ACCESS_TOKEN_LIFETIME

    def issue(self, user: User, *, session_id: UUID, idle: timedelta | None = None) -> str:
        return self._authority.issue_for_user(
            Principal(
                subject=user.user_id,
                roles=frozenset(user.roles),
                name=user.name,
                email=user.email,
                session_id=str(session_id),
                idle_s=int(idle.total_seconds()) if idle else None,
            )
        )


class RedisRevokedSessions:
    """Tells all services through Redis; the entry outlives every access token of the session."""

    def __init__(self, revocations: Revocations) -> None:
        self._revocations = revocations

    async def tell(self, session_ids: list[UUID]) -> None:
        lifetime_s = int(ACCESS_TOKEN_LIFETIME.total_seconds()) + CLOCK_SKEW_S
        for session_id in session_ids:
            try:
                await self._revocations.revoke(str(session_id), lifetime_s=lifetime_s)
            except (RedisError, OSError, TimeoutError) as error:
                # The refresh is revoked in the database already; what is left ends with the token.
                log.warning("revoked session not told", session_id=str(session_id), error=said_by(error))
                return
