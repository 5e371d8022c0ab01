"""Accounts of customers: guests, signing up, and what somebody does with the own account. One function for each command."""

from __future__ import annotations

from uuid import UUID

from system.identity.application.commands import (
    ChangePassword,
    OpenGuest,
    Register,
    SignIn,
    SignOutEverywhere,
    UpgradeGuest,
)
from system.identity.application.handlers import (
    SignedIn,
    Tools,
    begin_session,
    customer_of,
    hash_of_new,
    keep_new,
    prove,
    sign_in,
)
from system.identity.application.password_resets import tell_of_change
from system.identity.domain import rules
from system.identity.domain.errors import EmailTaken, InvalidCredentials, NotAGuest, TooManyAttempts
from system.identity.domain.session import Ending
from system.identity.domain.user import guest
from system.kernel.ids import new_id


async def open_guest(command: OpenGuest, tools: Tools) -> SignedIn:
    """Makes a guest and opens their session. It costs no hash: there is no password, and none ever fits."""
    async with tools.begin() as uow:
        user = guest(user_id=new_id(), language=command.language, now=uow.now)
        await uow.users.add(user)
        signed_in = await begin_session(user, uow, tools)
        await uow.commit()
    return signed_in


async def sign_up(command: Register, tools: Tools) -> SignedIn:
    """Makes a customer's account and opens a session of it. Raises EmailTaken, Invalid.

    The same registration sent twice makes one account and opens a session both times.
    """
    email = rules.normal_email(command.email)
    # Hashed before looking whether the e-mail is free: the time of the answer tells nothing.
    password_hash = await hash_of_new(command.password, tools)
    try:
        async with tools.begin() as uow:
            user = await keep_new(customer_of(command), uow, email=email, password_hash=password_hash)
            signed_in = await begin_session(user, uow, tools)
            await uow.commit()
    except EmailTaken:
        return await sent_again(email, command.password, tools)
    return signed_in


async def sign_up_guest(command: UpgradeGuest, tools: Tools) -> SignedIn:
    """Makes an account of a guest, as `upgrade_guest` does; sent twice it opens a session both times. Raises EmailTaken, Invalid."""
    try:
        return await upgrade_guest(command, tools)
    except NotAGuest:
        return await sent_again(command.email, command.password, tools, user_id=command.user_id)


async def upgrade_guest(command: UpgradeGuest, tools: Tools) -> SignedIn:
    """Makes an account of a guest, who keeps the user id, and opens a session of it. Raises NotAGuest, EmailTaken, Invalid.

    The guest's sessions end: whoever else holds one must not find themselves in the account. With an account that was there
    before a guest is not signed in, whatever the password: what is in the cart would be left behind unsaid.
    """
    email = rules.normal_email(command.email)
    password_hash = await hash_of_new(command.password, tools)
    async with tools.begin() as uow:
        # Locked: of a form that was sent twice at once, the second one finds an account and no guest.
        await uow.lock(command.user_id)
        user = (await uow.users.get(command.user_id)).registered(
            email=email,
            name=command.name.strip(),
            phone=command.phone,
            language=command.language,
            password_hash=password_hash,
        )
        await uow.users.save_account(user)
        # Not an ending of its own: the release before this one could not read it.
        ended = await uow.sessions.revoke_all_of(user.user_id, because=Ending.SIGNED_OUT, now=uow.now)
        signed_in = await begin_session(user, uow, tools)
        await uow.audit(
            actor="registration",
            action="guest-registered",
            subject=str(user.user_id),
            details={"roles": sorted(user.roles), "sessions_ended": len(ended)},
        )
        await uow.commit()
    await tools.revoked.tell(ended)
    return signed_in


async def sent_again(email: str, password: str, tools: Tools, *, user_id: UUID | None = None) -> SignedIn:
    """Whoever knows the password of the account that is there has made it a moment ago. Raises EmailTaken for all others.

    With `user_id` it must be that account: the one that a guest became.
    """
    if user_id is not None:
        async with tools.begin() as uow:
            there = await uow.users.with_email(rules.normal_email(email))
        if there is None or there.user_id != user_id:
            raise EmailTaken()
    try:
        return await sign_in(SignIn(email, password), tools)
    except (InvalidCredentials, TooManyAttempts) as refusal:
        raise EmailTaken() from refusal


async def change_password(command: ChangePassword, tools: Tools) -> None:
    """Sets another password, ends the other sessions, tells the owner by a letter.

    Raises InvalidCredentials, TooManyAttempts, Invalid.
    """
    # Looked at first: whoever chooses a bad one has not spent a try at the present one.
    rules.acceptable_password(command.password)
    proven, _ = await prove(command.email, command.present, tools)
    password_hash = await hash_of_new(command.password, tools)
    async with tools.begin() as uow:
        await uow.lock(proven.user_id)
        await uow.attempts.forget(command.email)
        await uow.users.save_password_hash(proven.user_id, password_hash)
        await uow.resets.end_all_of(proven.user_id, now=uow.now)
        await tell_of_change(proven, uow.now.isoformat(), uow)
        ended = await uow.sessions.revoke_all_of(
            proven.user_id, because=Ending.SIGNED_OUT, now=uow.now, but=command.session_id
        )
        await uow.audit(
            actor=str(proven.user_id),
            action="password-changed",
            subject=str(proven.user_id),
            details={"sessions_ended": len(ended)},
        )
        await uow.commit()
    await tools.revoked.tell(ended)


async def sign_out_everywhere(command: SignOutEverywhere, tools: Tools) -> None:
    """Ends all sessions of a user. Doing it again changes nothing."""
    async with tools.begin() as uow:
        # Locked, as a sign-in does: one that runs at this moment is either ended or begins afterwards.
        await uow.lock(command.user_id)
        ended = await uow.sessions.revoke_all_of(command.user_id, because=Ending.SIGNED_OUT, now=uow.now)
        await uow.audit(
            actor=str(command.user_id),
            action="signed-out-everywhere",
            subject=str(command.user_id),
            details={"sessions_ended": len(ended)},
        )
        await uow.commit()
    await tools.revoked.tell(ended)
