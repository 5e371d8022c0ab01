"""One function for each command; each commits once, here."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from system.identity.application.commands import (
    AddUser,
    GiveRoles,
    RefreshSession,
    Register,
    SeedStaff,
    SignIn,
    SignOut,
)
from system.identity.application.ports import (
    AccessTokens,
    Begin,
    Hashing,
    IdentityUnitOfWork,
    Passwords,
    RevokedSessions,
)
from system.identity.domain import rules
from system.identity.domain.badge import BadgeTerms
from system.identity.domain.errors import (
    EmailTaken,
    InvalidCredentials,
    LastAdministrator,
    NotSignedIn,
    SessionGoesOnElsewhere,
    TooManyAttempts,
)
from system.identity.domain.password_reset import ResetTerms
from system.identity.domain.session import Ending, RefreshToken, Session, SessionTerms, next_token, open_session
from system.identity.domain.staff import DEMO_STAFF
from system.identity.domain.throttle import ThrottleTerms
from system.identity.domain.user import Language, Role, User
from system.identity.domain.workstation import roles_at
from system.kernel.ids import derived_id, new_id
from system.plumbing.mail.sealing import Seal

STAFF_NAMESPACE = uuid.UUID("5f6a1c1e-7d0b-4f57-9a53-0a5d6f1c2b11")
"""Demo staff keep their ids over every new start, so that other services' demo data may name them."""

BY_BADGE = "badge."
"""How the refresh token of a session by badge begins, so that it is kept apart from the others."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the handlers work with."""

    begin: Begin
    passwords: Passwords
    tokens: AccessTokens
    revoked: RevokedSessions
    session_terms: SessionTerms
    throttle_terms: ThrottleTerms
    badge_terms: BadgeTerms
    reset_terms: ResetTerms
    seal: Seal
    reset_answer_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that goes on: its user with the roles that they have in it, the access token, and the secret that continues it."""

    user: User
    session: Session
    access_token: str
    lifetime: timedelta
    refresh: RefreshToken
    refresh_secret: str


async def register(command: Register, tools: Tools) -> User:
    """Makes a customer. Raises EmailTaken after just as long as it takes to succeed."""
    return await _add(customer_of(command), tools)


def customer_of(command: Register) -> AddUser:
    """The account that a registration asks for."""
    return AddUser(
        email=command.email,
        password=command.password,
        name=command.name,
        phone=command.phone,
        language=command.language,
        roles=frozenset({Role.CUSTOMER}),
        by="registration",
    )


async def add_user(command: AddUser, tools: Tools) -> User:
    """Makes a user with any roles. Raises EmailTaken."""
    return await _add(command, tools)


async def _add(command: AddUser, tools: Tools) -> User:
    email = rules.normal_email(command.email)
    # Hashed before looking whether the e-mail is free: the time of the answer tells nothing.
    password_hash = await hash_of_new(command.password, tools)
    async with tools.begin() as uow:
        user = await keep_new(command, uow, email=email, password_hash=password_hash)
        await uow.commit()
    return user


async def keep_new(command: AddUser, uow: IdentityUnitOfWork, *, email: str, password_hash: str) -> User:
    """Keeps a new user, audited. Raises EmailTaken."""
    user = User(
        user_id=new_id(),
        email=email,
        name=command.name.strip(),
        phone=command.phone,
        language=command.language,
        password_hash=password_hash,
        roles=command.roles,
        created_at=uow.now,
    )
    await uow.users.add(user)
    await uow.audit(
        actor=command.by, action="user-added", subject=str(user.user_id), details={"roles": sorted(user.roles)}
    )
    return user


async def hash_of_new(password: str, tools: Tools) -> str:
    """What is kept of a password that somebody chose. Raises Invalid with what is wrong with it."""
    rules.acceptable_password(password)
    async with tools.passwords.turn() as hashing:
        return await hashing.hash(password)


async def give_roles(command: GiveRoles, tools: Tools) -> User:
    """Sets a user's roles and ends their sessions, so that no token tells of the old ones.

    Raises UserUnknown, LastAdministrator.
    """
    async with tools.begin() as uow:
        # Two administrators who dismiss each other at once must not both succeed.
        await uow.lock("roles", command.user_id)
        before = await uow.users.get(command.user_id)
        removed = before.loses_administrator(command.roles)
        administrators = await uow.users.count_administrators()
        if not rules.leaves_an_administrator(administrators=administrators, removed=removed):
            raise LastAdministrator()
        if before.roles == command.roles:
            return before
        user = before.given_roles(command.roles)
        await uow.users.save_roles(user)
        ended = await uow.sessions.revoke_all_of(user.user_id, because=Ending.ROLES_CHANGED, now=uow.now)
        await uow.audit(
            actor=command.by,
            action="roles-given",
            subject=str(user.user_id),
            details={"before": sorted(before.roles), "after": sorted(user.roles), "sessions_ended": len(ended)},
        )
        await uow.commit()
    await tools.revoked.tell(ended)
    return user


async def sign_in(command: SignIn, tools: Tools) -> SignedIn:
    """Opens a session. Raises InvalidCredentials, TooManyAttempts."""
    email = command.email.strip().lower()
    user, renewed_hash = await prove(email, command.password, tools)
    async with tools.begin() as uow:
        # Locked and read again: roles given while the password was hashed must show in the token, or end the session.
        await uow.lock(user.user_id)
        user = await uow.users.get(user.user_id)
        await uow.attempts.forget(email)
        if renewed_hash:
            await uow.users.save_password_hash(user.user_id, renewed_hash)
        signed_in = await begin_session(user, uow, tools)
        await uow.commit()
    return signed_in


async def prove(email: str, password: str, tools: Tools) -> tuple[User, str | None]:
    """Whose e-mail and password these are, and a new hash when the kept one is outdated.

    Raises InvalidCredentials, which counts, and TooManyAttempts.
    """
    await _refuse_when_blocked(email, tools)
    async with tools.passwords.turn() as hashing:
        # Looked at again when the turn comes: guesses that came in one burst are limited like any others.
        user = await _refuse_when_blocked(email, tools)
        fits = await hashing.matches(password, user.password_hash if user and not user.is_guest else None)
        if user is None or not fits:
            await _remember_failure(email, tools)
            raise InvalidCredentials()
        return user, await hashing.hash(password) if hashing.is_outdated(user.password_hash) else None


async def _refuse_when_blocked(email: str, tools: Tools) -> User | None:
    async with tools.begin() as uow:
        wait_s = (await uow.attempts.of(email)).wait_s(uow.now)
        if wait_s:
            raise TooManyAttempts(retry_after_s=wait_s)
        return await uow.users.with_email(email)


async def _remember_failure(email: str, tools: Tools) -> None:
    async with tools.begin() as uow:
        await uow.lock(f"attempts:{email}")
        attempts = (await uow.attempts.of(email)).failed(now=uow.now, terms=tools.throttle_terms)
        await uow.attempts.keep(email, attempts)
        await uow.commit()


async def begin_session(user: User, uow: IdentityUnitOfWork, tools: Tools) -> SignedIn:
    """A session of somebody who has shown who they are, or of a guest."""
    session = open_session(session_id=new_id(), user_id=user.user_id, now=uow.now, terms=tools.session_terms)
    await uow.sessions.add(session)
    return await continue_session(session, user, uow, tools)


async def continue_session(session: Session, user: User, uow: IdentityUnitOfWork, tools: Tools) -> SignedIn:
    """The next access token and the next refresh token of a live session."""
    secret = secrets.token_urlsafe(32)
    terms, idle = tools.session_terms, None
    if session.is_by_badge:
        secret, terms = BY_BADGE + secret, tools.badge_terms.session
        user, idle = user.given_roles(roles_at(user)), terms.refresh_idle
    token = next_token(session, digest=digest_of(secret), now=uow.now, terms=terms)
    await uow.sessions.add_token(token)
    return SignedIn(
        user=user,
        session=session,
        access_token=tools.tokens.issue(user, session_id=session.session_id, idle=idle),
        lifetime=min(tools.tokens.lifetime, idle or tools.tokens.lifetime),
        refresh=token,
        refresh_secret=secret,
    )


def digest_of(secret: str) -> bytes:
    """What is kept of a refresh secret, or of a workstation's. It has 256 random bits, so that a plain hash cannot be searched."""
    # A release that knows no badges must not find a session by badge: it would continue it with all of the person's roles.
    apart = b"by badge\x00" if secret.startswith(BY_BADGE) else b""
    return hashlib.sha256(apart + secret.encode()).digest()


async def refresh_session(command: RefreshSession, tools: Tools) -> SignedIn:
    """Exchanges a refresh token. Raises NotSignedIn; a token used twice ends its session for everybody, unless pages of one
    browser came with it at one moment: then SessionGoesOnElsewhere."""
    digest = digest_of(command.refresh_secret)
    async with tools.begin() as uow:
        token = await uow.sessions.token(digest)
        if token is None:
            raise NotSignedIn()
        # The session's row is locked first, so that a sign-out and a refresh at one moment cannot pass each other.
        session = await uow.sessions.get(token.session_id)
        if session is None or not session.is_live(uow.now):
            raise NotSignedIn()
        if session.is_by_badge and not await _is_at(session, command.device_secret, uow):
            raise NotSignedIn()
        if await uow.sessions.spend_token(digest, uow.now, resumes=command.resumes):
            if not token.is_due(uow.now):
                raise NotSignedIn()
            signed_in = await continue_session(session, await uow.users.get(session.user_id), uow, tools)
            await uow.commit()
            return signed_in
        # Read again: whoever was faster has written it meanwhile.
        spent = await uow.sessions.token(digest)
        if spent is not None and spent.is_forgiven(uow.now, resumes=command.resumes):
            raise SessionGoesOnElsewhere()
        await uow.sessions.revoke(session.session_id, because=Ending.REUSED, now=uow.now)
        await uow.audit(
            actor=str(session.user_id), action="refresh-reused", subject=str(session.session_id), details={}
        )
        await uow.commit()
    await tools.revoked.tell([session.session_id])
    raise NotSignedIn("This refresh token was used before; the session was ended for safety: sign in again.")


async def _is_at(session: Session, device_secret: str | None, uow: IdentityUnitOfWork) -> bool:
    """Whether whoever holds this is the workstation at which the session was opened."""
    here = await uow.workstations.with_secret(digest_of(device_secret)) if device_secret else None
    return here is not None and here.workstation_id == session.workstation_id


async def sign_out(command: SignOut, tools: Tools) -> None:
    """Ends a session. Ending it again, or ending none, changes nothing."""
    async with tools.begin() as uow:
        ended = {command.session_id} if command.session_id else set()
        if command.refresh_secret:
            token = await uow.sessions.token(digest_of(command.refresh_secret))
            if token is not None:
                ended.add(token.session_id)
        for session_id in ended:
            await uow.sessions.revoke(session_id, because=Ending.SIGNED_OUT, now=uow.now)
        await uow.commit()
    # Told also when it had ended before: the first telling may have been lost.
    await tools.revoked.tell(sorted(ended))


async def prune(begin: Begin, *, ended_kept: timedelta, failures_kept: timedelta) -> int:
    """Forgets sessions and links that ended long ago, and e-mails whose wrong passwords are forgiven; how many of all."""
    async with begin() as uow:
        sessions = await uow.sessions.prune(ended_before=uow.now - ended_kept)
        attempts = await uow.attempts.prune(failed_before=uow.now - failures_kept)
        resets = await uow.resets.prune(expired_before=uow.now - ended_kept)
        await uow.commit()
    return sessions + attempts + resets


async def seed_staff(command: SeedStaff, tools: Tools) -> list[str]:
    """Makes the demo staff exist and sign in with this password; what it changed, a line for each."""
    rules.acceptable_password(command.password)
    changes: list[str] = []
    for email, name, roles in DEMO_STAFF:
        async with tools.passwords.turn() as hashing:
            changes += await _seed_one(email, name, roles, command.password, hashing, tools)
    return changes


async def _seed_one(
    email: str, name: str, roles: frozenset[Role], password: str, hashing: Hashing, tools: Tools
) -> list[str]:
    async with tools.begin() as uow:
        present = await uow.users.with_email(email)
    if present and await hashing.matches(password, present.password_hash):
        return []
    password_hash = await hashing.hash(password)
    async with tools.begin() as uow:
        if present:
            await uow.users.save_password_hash(present.user_id, password_hash)
            await uow.audit(actor="seed", action="password-set", subject=str(present.user_id), details={})
            await uow.commit()
            return [f"{email}: password set"]
        user = User(
            user_id=derived_id(STAFF_NAMESPACE, email),
            email=email,
            name=name,
            phone=None,
            language=Language.RUSSIAN,
            password_hash=password_hash,
            roles=roles,
            created_at=uow.now,
        )
        try:
            await uow.users.add(user)
        except EmailTaken:
            # Two seeds at one moment: the other one has made the same user.
            return []
        await uow.audit(actor="seed", action="user-added", subject=str(user.user_id), details={"roles": sorted(roles)})
        await uow.commit()
    return [f"{email}: added"]
