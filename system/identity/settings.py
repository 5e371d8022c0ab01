"""Identity's settings."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from system.identity.domain.session import SessionTerms
from system.identity.domain.throttle import ThrottleTerms
from system.plumbing.settings import ServiceSettings


class IdentitySettings(ServiceSettings):
    """What identity is told at start, beside what every service is told."""

    service: str = "identity"
    roles: str = Field("api,timer", description="what this process does; identity neither sends nor receives messages")
    demo_password: SecretStr = Field(SecretStr(""), description="the password of the seeded demo staff")

    hashing_time_cost: int = Field(2, ge=1, description="passes of Argon2id")
    hashing_memory_kib: int = Field(19_456, ge=8, description="memory of one hash")
    hashing_lanes: int = Field(1, ge=1)
    hashing_at_once: int = Field(2, ge=1, description="hashes that run at the same time in one process")
    hashing_waiting_max: int = Field(200, ge=0, description="sign-ins that may wait for a hash before 503 is answered")

    session_lifetime_s: int = Field(30 * 86_400, description="a session ends after this, however busy")
    refresh_idle_s: int = Field(7 * 86_400, description="a session ends after this without a refresh")

    sign_in_free_failures: int = Field(5, description="wrong passwords in a row that cost no waiting")
    sign_in_wait_first_s: float = Field(5.0, description="the wait after the next wrong password; then it doubles")
    sign_in_wait_max_s: float = 900.0
    sign_in_forget_after_s: float = Field(3600.0, description="without a wrong password for this long all is forgiven")

    prune_every_s: float = 3600.0
    ended_sessions_kept_s: int = Field(30 * 86_400, description="how long an ended session stays to be looked up")

    @property
    def session_terms(self) -> SessionTerms:
        """How long sessions and refresh tokens live."""
        return SessionTerms(
            session_lifetime=timedelta(seconds=self.session_lifetime_s),
            refresh_idle=timedelta(seconds=self.refresh_idle_s),
        )

    @property
    def throttle_terms(self) -> ThrottleTerms:
        """How guessing passwords is slowed down."""
        return ThrottleTerms(
            free_failures=self.sign_in_free_failures,
            wait_first=timedelta(seconds=self.sign_in_wait_first_s),
            wait_max=timedelta(seconds=self.sign_in_wait_max_s),
            forget_after=timedelta(seconds=self.sign_in_forget_after_s),
        )
