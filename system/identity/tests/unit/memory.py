"""Identity without a database: what it keeps is in memory, and its API and pages are asked as browsers and services do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast
from uuid import UUID

import httpx

from system.identity.adapters.tokens import SignedAccessTokens
from system.identity.application.handlers import Tools
from system.identity.domain.errors import EmailTaken, UserUnknown
from system.identity.domain.password_reset import PasswordReset
from system.identity.domain.session import Ending, RefreshToken, Session
from system.identity.domain.throttle import Attempts
from system.identity.domain.user import User
from system.identity.entrypoints import account_pages, api, forgotten, notices, pages
from system.identity.settings import IdentitySettings
from system.plumbing.mail.notice import KeptNotice, Notice, NoticeState, Written, can_be_written_to
from system.plumbing.mail.sealing import Seal
from system.plumbing.tests.unit.test_web import authority, settings_of
from system.plumbing.web import make_app

ORIGIN = "https://localhost:8443"
API = "/api/identity/v1"


@dataclass(slots=True)
class Kept:
    """What is kept. A unit of work that is left without a commit puts back what there was."""

    users: dict[UUID, User] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    links: dict[bytes, RefreshToken] = field(default_factory=dict)
    attempts: dict[str, Attempts] = field(default_factory=dict)
    resets: dict[bytes, PasswordReset] = field(default_factory=dict)
    notices: dict[UUID, KeptNotice] = field(default_factory=dict)
    audited: list[str] = field(default_factory=list)


class MemoryUsers:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def add(self, user: User) -> None:
        self._refuse_taken(user)
        self._kept.users[user.user_id] = user

    async def get(self, user_id: UUID) -> User:
        if user_id not in self._kept.users:
            raise UserUnknown()
        return self._kept.users[user_id]

    async def with_email(self, email: str) -> User | None:
        return next((user for user in self._kept.users.values() if user.email == email), None)

    async def save_account(self, user: User) -> None:
        self._refuse_taken(user)
        self._kept.users[user.user_id] = user

    async def save_password_hash(self, user_id: UUID, password_hash: str) -> None:
        self._kept.users[user_id] = replace(self._kept.users[user_id], password_hash=password_hash)

    def _refuse_taken(self, user: User) -> None:
        if any(other.email == user.email and other.user_id != user.user_id for other in self._kept.users.values()):
            raise EmailTaken()


class MemorySessions:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def add(self, session: Session) -> None:
        self._kept.sessions[session.session_id] = session

    async def get(self, session_id: UUID) -> Session | None:
        return self._kept.sessions.get(session_id)

    async def add_token(self, token: RefreshToken) -> None:
        self._kept.links[token.digest] = token

    async def token(self, digest: bytes) -> RefreshToken | None:
        return self._kept.links.get(digest)

    async def spend_token(self, digest: bytes, now: datetime, *, resumes: bool) -> bool:
        token = self._kept.links[digest]
        if token.spent_at is None:
            self._kept.links[digest] = replace(token, spent_at=now, resumed=resumes)
        return token.spent_at is None

    async def revoke(self, session_id: UUID, *, because: Ending, now: datetime) -> bool:
        session = self._kept.sessions[session_id]
        self._kept.sessions[session_id] = replace(session, revoked_at=now, revoked_because=because)
        return session.revoked_at is None

    async def revoke_all_of(
        self, user_id: UUID, *, because: Ending, now: datetime, but: UUID | None = None
    ) -> list[UUID]:
        live = [one for one in self._kept.sessions.values() if one.user_id == user_id and one.is_live(now)]
        ended = [session.session_id for session in live if session.session_id != but]
        for session_id in ended:
            await self.revoke(session_id, because=because, now=now)
        return ended


class MemoryAttempts:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def of(self, subject: str) -> Attempts:
        return self._kept.attempts.get(subject, Attempts())

    async def keep(self, subject: str, attempts: Attempts) -> None:
        self._kept.attempts[subject] = attempts

    async def forget(self, subject: str) -> None:
        self._kept.attempts.pop(subject, None)


class MemoryResets:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def add(self, reset: PasswordReset) -> None:
        self._kept.resets[reset.digest] = reset

    async def with_digest(self, digest: bytes) -> PasswordReset | None:
        return self._kept.resets.get(digest)

    async def use(self, digest: bytes, *, now: datetime) -> bool:
        reset = self._kept.resets[digest]
        self._kept.resets[digest] = replace(reset, over_at=reset.over_at or now)
        return reset.is_live(now)

    async def end_all_of(self, user_id: UUID, *, now: datetime) -> None:
        for reset in list(self._kept.resets.values()):
            if reset.user_id == user_id:
                self._kept.resets[reset.digest] = replace(reset, over_at=reset.over_at or now)


class MemoryNotices:
    def __init__(self, kept: Kept, now: datetime) -> None:
        self._kept = kept
        self._now = now

    async def post(self, notice: Notice) -> bool:
        if notice.id in self._kept.notices or not can_be_written_to(notice.to):
            return False
        self._kept.notices[notice.id] = KeptNotice(notice, NoticeState.WAITING, self._now)
        return True

    async def withdraw(self, kind: str, *, about: UUID) -> int:
        found = [
            each
            for each in self._kept.notices.values()
            if (each.notice.kind, each.notice.about, each.state) == (kind, about, NoticeState.WAITING)
        ]
        for each in found:
            self._kept.notices[each.notice.id] = replace(each, state=NoticeState.WITHDRAWN, settled_at=self._now)
        return len(found)


class MemoryUnitOfWork:
    def __init__(self, identity: MemoryIdentity) -> None:
        self._identity = identity
        self.now = datetime.now(UTC)

    async def __aenter__(self) -> Self:
        kept = self._identity.kept
        self._before = Kept(
            dict(kept.users),
            dict(kept.sessions),
            dict(kept.links),
            dict(kept.attempts),
            dict(kept.resets),
            dict(kept.notices),
            list(kept.audited),
        )
        self.resets, self.notices = MemoryResets(kept), MemoryNotices(kept, self.now)
        self.users, self.sessions = MemoryUsers(kept), MemorySessions(kept)
        self.attempts = MemoryAttempts(kept)
        self._committed = False
        return self

    async def __aexit__(self, *exc: Any) -> None:
        if not self._committed:
            self._identity.kept = self._before

    async def lock(self, *subjects: UUID | str) -> None:
        """Nobody else is here."""

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None:
        self._identity.kept.audited.append(action)

    async def commit(self) -> None:
        self._committed = True


@dataclass(slots=True)
class PlainHashing:
    """Hashes that anybody can read, and what was compared with."""

    compared: list[str | None] = field(default_factory=list)

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def matches(self, password: str, password_hash: str | None) -> bool:
        self.compared.append(password_hash)
        return password_hash == f"hash of {password}"

    def is_outdated(self, password_hash: str) -> bool:
        return False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[PlainHashing]:
        yield self


class MemoryIdentity:
    """Identity, whose sessions end at once when it says so."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.hashing = PlainHashing()
        self.told: set[str] = set()
        settings, terms = settings_of("identity"), IdentitySettings()
        shown = pages.pages_of(settings)
        self.seal = Seal(settings.signing_key)
        self.letters = notices.letters_of(shown, self.seal, public_url=ORIGIN)
        self._app = make_app(
            settings,
            routers=[api.router, api.internal, forgotten.api],
            pages=[shown.router(), pages.router, account_pages.router, forgotten.router],
        )
        shown.install(self._app)
        self._app.state.revocations = self
        self._app.state.tools = Tools(
            begin=cast(Any, lambda: MemoryUnitOfWork(self)),
            passwords=self.hashing,
            tokens=SignedAccessTokens(authority("identity")),
            revoked=self,
            session_terms=terms.session_terms,
            throttle_terms=replace(terms.throttle_terms, free_failures=2, wait_first=timedelta(minutes=5)),
            badge_terms=terms.badge_terms,
            reset_terms=terms.reset_terms,
            seal=self.seal,
        )

    def written_to(self, email: str, *, waiting: bool = True) -> list[Written]:
        """The letters that an address gets, the oldest first; with those that were withdrawn, if it is not about waiting ones."""
        return [
            self.letters.write(each.notice)
            for each in self.kept.notices.values()
            if each.notice.to == email and (each.state is NoticeState.WAITING or not waiting)
        ]

    async def tell(self, session_ids: list[UUID]) -> None:
        self.told |= {str(session_id) for session_id in session_ids}

    async def is_revoked(self, session_id: str) -> bool:
        return session_id in self.told

    def browser(self, language: str = "en") -> httpx.AsyncClient:
        """A browser of its own, with its own cookies."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url=ORIGIN,
            headers={"origin": ORIGIN, "accept": "text/html", "accept-language": language},
        )

    async def opens_guest(self, *, service: str = "shop", **body: str) -> httpx.Response:
        """What identity answers to a service that asks for a guest."""
        token = authority(service).issue_for_service(to="identity", acting_for=None)
        async with self.browser() as asking:
            headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
            return await asking.post("/internal/guests", json=body or None, headers=headers)

    async def guest(self, language: str = "en") -> httpx.AsyncClient:
        """A browser that was given a guest's cookies."""
        answer = await self.opens_guest()
        return self.given(answer.json()["cookies"], language)

    def given(self, lines: list[str], language: str = "en") -> httpx.AsyncClient:
        """A browser that was given these Set-Cookie lines."""
        browser = self.browser(language)
        headers = [("set-cookie", line) for line in lines]
        browser.cookies.extract_cookies(httpx.Response(200, headers=headers, request=httpx.Request("GET", ORIGIN)))
        return browser

    def user(self, email: str) -> User:
        """The account with this e-mail. Raises StopIteration."""
        return next(user for user in self.kept.users.values() if user.email == email)

    @property
    def live(self) -> list[Session]:
        """The sessions that still let somebody in."""
        return [session for session in self.kept.sessions.values() if session.is_live(datetime.now(UTC))]
