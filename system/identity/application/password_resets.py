"""Forgotten passwords. Whether an e-mail has an account is told to nobody but its owner, by a letter."""

from __future__ import annotations

import asyncio
import hashlib
import secrets

from system.identity.application.commands import AskForReset, ResetPassword
from system.identity.application.handlers import SignedIn, Tools, begin_session, hash_of_new
from system.identity.application.ports import IdentityUnitOfWork
from system.identity.domain import rules
from system.identity.domain.errors import ResetLinkOver, TooManyResets
from system.identity.domain.password_reset import PasswordReset, asked_for
from system.identity.domain.session import Ending
from system.identity.domain.user import User
from system.kernel.ids import new_id
from system.plumbing.mail.notice import Notice

RESET = "password-reset"
CHANGED = "password-changed"
SECRET_BYTES = 32
SECRET_CHARACTERS_MAX = 100


async def ask_for_reset(command: AskForReset, tools: Tools) -> None:
    """Has a link sent to the account with this e-mail, if there is one; the newest alone is good. Raises Invalid, TooManyResets.

    It takes as long, and says as much, when there is none.
    """
    email = rules.normal_email(command.email)
    # A few rows more are written for an account than for none: the answer waits for longer than that takes.
    _, outcome = await asyncio.gather(asyncio.sleep(tools.reset_answer_s), _ask(email, tools), return_exceptions=True)
    if isinstance(outcome, BaseException):
        raise outcome


async def _ask(email: str, tools: Tools) -> None:
    subject = f"reset:{email}"
    async with tools.begin() as uow:
        await uow.lock(f"attempts:{subject}")
        attempts = await uow.attempts.of(subject)
        if wait_s := attempts.wait_s(uow.now):
            raise TooManyResets(retry_after_s=wait_s)
        await uow.attempts.keep(subject, attempts.failed(now=uow.now, terms=tools.reset_terms.asking))
        user = await uow.users.with_email(email)
        if user is not None and not user.is_guest:
            await _send_link(user, uow, tools)
        await uow.commit()


async def _send_link(user: User, uow: IdentityUnitOfWork, tools: Tools) -> None:
    # Locked, so that of two requests at once one is the newest.
    await uow.lock(user.user_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    reset = asked_for(
        reset_id=new_id(), user_id=user.user_id, digest=digest_of(secret), now=uow.now, terms=tools.reset_terms
    )
    await uow.resets.end_all_of(user.user_id, now=uow.now)
    await uow.notices.withdraw(RESET, about=user.user_id)
    await uow.resets.add(reset)
    await uow.notices.post(
        Notice(
            kind=RESET,
            about=user.user_id,
            to=user.email,
            language=user.language.value,
            facts={
                "name": user.name,
                "sealed": tools.seal.closed(secret),
                "until": reset.expires_at.isoformat(),
            },
            occasion=str(reset.reset_id),
        )
    )
    await uow.audit(actor="sign-in", action="password-reset-asked", subject=str(user.user_id), details={})


async def check_link(secret: str, tools: Tools) -> None:
    """Raises ResetLinkOver unless this link still opens an account."""
    async with tools.begin() as uow:
        await _live(secret, uow)


async def reset_password(command: ResetPassword, tools: Tools) -> SignedIn:
    """Sets another password, ends all sessions of the account and opens a new one. Raises ResetLinkOver, Invalid.

    A link works once; whoever it lets in has shown that the account's e-mail is theirs.
    """
    rules.acceptable_password(command.password)
    # Looked at before the hash, which is slow on purpose: a link that is none costs nothing.
    await check_link(command.secret, tools)
    password_hash = await hash_of_new(command.password, tools)
    async with tools.begin() as uow:
        reset = await _live(command.secret, uow)
        await uow.lock(reset.user_id)
        if not await uow.resets.use(reset.digest, now=uow.now):
            raise ResetLinkOver()
        await uow.resets.end_all_of(reset.user_id, now=uow.now)
        user = await uow.users.get(reset.user_id)
        await uow.users.save_password_hash(user.user_id, password_hash)
        await uow.attempts.forget(user.email)
        # Not an ending of its own: the release before this one could not read it.
        ended = await uow.sessions.revoke_all_of(user.user_id, because=Ending.SIGNED_OUT, now=uow.now)
        signed_in = await begin_session(user, uow, tools)
        await tell_of_change(user, str(reset.reset_id), uow)
        await uow.audit(
            actor=str(user.user_id),
            action="password-reset",
            subject=str(user.user_id),
            details={"sessions_ended": len(ended)},
        )
        await uow.commit()
    await tools.revoked.tell(ended)
    return signed_in


async def tell_of_change(user: User, occasion: str, uow: IdentityUnitOfWork) -> None:
    """Tells the account's owner that its password was changed; whoever did not do it learns of it so."""
    await uow.notices.post(
        Notice(
            kind=CHANGED,
            about=user.user_id,
            to=user.email,
            language=user.language.value,
            facts={"name": user.name, "at": uow.now.isoformat()},
            occasion=occasion,
        )
    )


def digest_of(secret: str) -> bytes:
    """What is kept of a link. It has 256 random bits, so that a plain hash cannot be searched."""
    return hashlib.sha256(b"password reset\x00" + secret.encode()).digest()


async def _live(secret: str, uow: IdentityUnitOfWork) -> PasswordReset:
    reset = await uow.resets.with_digest(digest_of(secret)) if len(secret) <= SECRET_CHARACTERS_MAX else None
    if reset is None or not reset.is_live(uow.now):
        raise ResetLinkOver()
    return reset
