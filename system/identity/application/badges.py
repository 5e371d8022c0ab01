"""Signing in by badge, and the PIN that goes with it. One function for each command; each commits once, or once for each try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from system.identity.application.commands import ChoosePin, SignInByBadge
from system.identity.application.handlers import SignedIn, Tools, continue_session, digest_of
from system.identity.application.ports import IdentityUnitOfWork
from system.identity.domain.badge import Badge, Pin, read_code
from system.identity.domain.errors import (
    BadgeLocked,
    BadgeRefused,
    NotAnOperator,
    NotAWorkstation,
    TooManyWrongPins,
)
from system.identity.domain.pin import acceptable_pin
from system.identity.domain.session import Ending, open_session
from system.identity.domain.workstation import Workstation, roles_at
from system.kernel.errors import Refused
from system.kernel.ids import new_id

SIGN_INS = Counter("alexandrite_identity_badge_sign_ins_total", "Sign-ins by badge, by how they ended.", ["ended"])
UNKNOWN = "unknown badge"


@dataclass(frozen=True, slots=True)
class Try:
    """One try at a workstation: the badge, if it is known, and the hash that the typed digits must fit."""

    workstation: Workstation
    badge: Badge | None
    fitting_hash: str | None


async def sign_in_by_badge(command: SignInByBadge, tools: Tools) -> SignedIn:
    """Opens an operator's session at a workstation, and ends the one that was open in its browser.

    Raises NotAWorkstation, BadgeUnreadable, BadgeRefused, BadgeLocked, TooManyWrongPins, NotAnOperator; Invalid for a PIN
    that cannot be chosen. How each ended is counted; what tells of a known badge is audited too, and never the code.
    """
    try:
        signed_in = await _sign_in(command, tools)
    except Refused as refusal:
        SIGN_INS.labels(refusal.code).inc()
        raise
    SIGN_INS.labels("signed-in").inc()
    return signed_in


async def _sign_in(command: SignInByBadge, tools: Tools) -> SignedIn:
    code = read_code(command.code)
    if command.one_time_code is not None:
        # Looked at first: whoever chooses a bad PIN has not spent the one-time code, nor a try.
        acceptable_pin(command.pin)
    typed = command.pin if command.one_time_code is None else command.one_time_code
    tried = await _spend_try(command, digest_of(code), tools)
    async with tools.passwords.turn() as hashing:
        # An unknown badge, and one without a PIN, cost a hash as well: time tells nothing.
        fits = await hashing.matches(typed, tried.fitting_hash)
        new_hash = await hashing.hash(command.pin) if fits and command.one_time_code is not None else None
    if tried.badge is None or not fits:
        await _remember_failure(tried, tools)
        raise BadgeRefused()
    return await _open(command, tried.workstation, tried.badge, new_hash, tools)


async def _spend_try(command: SignInByBadge, code_digest: bytes, tools: Tools) -> Try:
    async with tools.begin() as uow:
        secret = command.device_secret
        here = await uow.workstations.with_secret(digest_of(secret)) if secret else None
        if here is None:
            raise NotAWorkstation()
        wait_s = (await uow.attempts.of(_at(here))).wait_s(uow.now)
        if wait_s:
            raise TooManyWrongPins(retry_after_s=wait_s)
        badge = await uow.badges.with_code(code_digest)
        if badge is None:
            return Try(here, None, None)
        pin = await uow.badges.pin_of(badge.user_id)
        try:
            spent = pin.tried(now=uow.now, tries_max=tools.badge_terms.tries_max)
        except BadgeLocked:
            await _audit_refusal(uow, badge, here, because="locked")
            await uow.commit()
            raise
        await uow.badges.keep_pin(spent)
        await uow.commit()
        return Try(here, badge, _fitting(pin, command, uow.now))


def _fitting(pin: Pin, command: SignInByBadge, now: datetime) -> str | None:
    return pin.pin_hash if command.one_time_code is None else pin.one_time_hash_at(now)


async def _remember_failure(tried: Try, tools: Tools) -> None:
    """A wrong one counts at its workstation too, so that many badges cannot be tried there one after another.

    Raises BadgeLocked when it was the badge's last.
    """
    async with tools.begin() as uow:
        here = _at(tried.workstation)
        await uow.lock(f"attempts:{here}")
        attempts = (await uow.attempts.of(here)).failed(now=uow.now, terms=tools.badge_terms.workstation)
        await uow.attempts.keep(here, attempts)
        locked = False
        if tried.badge is not None:
            locked = (await uow.badges.pin_of(tried.badge.user_id)).locked_at is not None
        await _audit_refusal(uow, tried.badge, tried.workstation, because="locks" if locked else "wrong")
        await uow.commit()
    if locked:
        raise BadgeLocked()


async def _open(
    command: SignInByBadge, here: Workstation, badge: Badge, new_hash: str | None, tools: Tools
) -> SignedIn:
    async with tools.begin() as uow:
        # Read again behind the locks: a badge, a workstation or a role that was taken away meanwhile opens nothing.
        await uow.lock(badge.user_id, f"badge:{badge.user_id}")
        user = await uow.users.get(badge.user_id)
        if await uow.badges.with_code(badge.code_digest) is None:
            raise BadgeRefused()
        if await uow.workstations.with_secret(here.secret_digest) is None:
            raise NotAWorkstation()
        if not roles_at(user):
            await _audit_refusal(uow, badge, here, because="not-an-operator")
            await uow.commit()
            raise NotAnOperator()
        # The workstation's row before the PIN's, as a failure does it: the other way round two tries could wait for each other.
        await uow.attempts.forget(_at(here))
        pin = (await uow.badges.pin_of(user.user_id)).forgiven()
        await uow.badges.keep_pin(pin.chosen(new_hash) if new_hash else pin)
        await uow.badges.used(badge.badge_id, uow.now)
        await uow.workstations.seen(here.workstation_id, uow.now)
        if command.ends is not None:
            await uow.sessions.revoke(command.ends, because=Ending.SIGNED_OUT, now=uow.now)
        session = open_session(
            session_id=new_id(), user_id=user.user_id, now=uow.now, terms=tools.badge_terms.session,
            badge_id=badge.badge_id, workstation_id=here.workstation_id,
        )  # fmt: skip
        await uow.sessions.add(session)
        signed_in = await continue_session(session, user, uow, tools)
        await uow.audit(
            actor=f"{user.name[:120]} ({user.user_id})",
            action="signed-in-by-badge",
            subject=str(user.user_id),
            details={"badge": str(badge.badge_id), "workstation": here.name, "pin_chosen": new_hash is not None},
        )
        await uow.commit()
    if command.ends is not None:
        await tools.revoked.tell([command.ends])
    return signed_in


async def choose_pin(command: ChoosePin, tools: Tools) -> None:
    """Sets an operator's own PIN. Raises Invalid with what is wrong with it, NotAnOperator. A lock stays."""
    acceptable_pin(command.pin)
    async with tools.passwords.turn() as hashing:
        pin_hash = await hashing.hash(command.pin)
    async with tools.begin() as uow:
        user = await uow.users.get(command.user_id)
        if not roles_at(user):
            raise NotAnOperator()
        pin = await uow.badges.pin_of(user.user_id)
        await uow.badges.keep_pin(pin.chosen(pin_hash))
        await uow.audit(
            actor=f"{user.name[:120]} ({user.user_id})", action="pin-chosen", subject=str(user.user_id), details={}
        )
        await uow.commit()


def _at(workstation: Workstation) -> str:
    """Under which name wrong PINs at a workstation are counted; no e-mail looks like it."""
    return f"workstation {workstation.workstation_id}"


async def _audit_refusal(uow: IdentityUnitOfWork, badge: Badge | None, here: Workstation, *, because: str) -> None:
    await uow.audit(
        actor=f"workstation {here.name}",
        action="badge-refused",
        subject=str(badge.user_id) if badge else UNKNOWN,
        details={"because": because, "badge": str(badge.badge_id) if badge else "", "workstation": here.name},
    )
