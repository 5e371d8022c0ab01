"""Identity's settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pydantic import Field, SecretStr

from system.identity.domain.badge import BadgeTerms
from system.identity.domain.erasure import ErasureTerms
from system.identity.domain.password_reset import ResetTerms
from system.identity.domain.session import SessionTerms
from system.identity.domain.throttle import ThrottleTerms
from system.plumbing.mail.settings import MailSettings


class IdentitySettings(MailSettings):
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

    password_reset_lifetime_s: int = Field(3600, ge=60, description="how long the link for a new password holds")
    password_reset_free_asks: int = Field(
        3, description="links for a new password in a row that cost no waiting; forgiven as wrong passwords are"
    )
    password_reset_answer_s: float = Field(
        0.4, ge=0, description="what asking for such a link takes at least, so that its time tells nothing"
    )

    badge_session_idle_s: int = Field(
        600, ge=60, le=900, description="a session by badge ends when nobody touched the workstation for this long"
    )
    badge_session_lifetime_s: int = Field(12 * 3600, description="a session by badge ends after this, however busy")
    badge_tries_max: int = Field(5, ge=1, description="wrong PINs in a row that lock a badge")
    badge_one_time_code_s: int = Field(86_400, description="how long an administrator's one-time code holds")
    workstation_free_failures: int = Field(
        10, description="wrong PINs in a row at one workstation that cost no waiting"
    )
    workstation_kept_s: int = Field(400 * 86_400, description="how long a browser that nobody uses stays a workstation")

    erasure_every_s: float = Field(5.0, gt=0, description="how often it is looked for people whose data is to leave")
    erasure_second_round_s: int = Field(
        1800, ge=0, description="when services forget somebody once more; above the life of an access token"
    )
    erasure_retry_max_s: int = Field(3600, gt=0, description="the longest break before a silent service is asked again")

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

    @property
    def reset_terms(self) -> ResetTerms:
        """How long links for a new password live, and how asking for them is slowed down."""
        return ResetTerms(
            lifetime=timedelta(seconds=self.password_reset_lifetime_s),
            asking=replace(self.throttle_terms, free_failures=self.password_reset_free_asks),
        )

    @property
    def erasure_terms(self) -> ErasureTerms:
        """When services are asked to forget somebody."""
        return ErasureTerms(
            second_round_after=timedelta(seconds=self.erasure_second_round_s),
            retry_first=timedelta(seconds=min(5, self.erasure_retry_max_s)),
            retry_max=timedelta(seconds=self.erasure_retry_max_s),
        )

    @property
    def badge_terms(self) -> BadgeTerms:
        """How sessions by badge live, and how guessing PINs ends."""
        return BadgeTerms(
            session=SessionTerms(
                session_lifetime=timedelta(seconds=self.badge_session_lifetime_s),
                refresh_idle=timedelta(seconds=self.badge_session_idle_s),
            ),
            tries_max=self.badge_tries_max,
            one_time_code_lifetime=timedelta(seconds=self.badge_one_time_code_s),
            workstation=replace(self.throttle_terms, free_failures=self.workstation_free_failures),
        )
