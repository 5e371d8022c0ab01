"""Workstations, and who gets a badge: what administrators do. One function for each command; each commits once, here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from system.identity.application.commands import (
    GiveOneTimeCode,
    IssueBadge,
    RegisterWorkstation,
    RevokeBadge,
    RevokeWorkstation,
    UnlockBadge,
)
from system.identity.application.handlers import Tools, digest_of
from system.identity.application.ports import IdentityUnitOfWork
from system.identity.domain.badge import CODE_NUMBERS, ONE_TIME_CODE_DIGITS, Badge, Pin, code_of
from system.identity.domain.errors import (
    BadgeChanged,
    BadgeUnknown,
    NotAnOperator,
    WorkstationTaken,
    WorkstationUnknown,
)
from system.identity.domain.user import User
from system.identity.domain.workstation import Workstation, roles_at
from system.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Registered:
    """A new workstation, and the secret of its device cookie, which nobody can read again."""

    workstation: Workstation
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """What lets somebody choose a PIN, once and until then. It is told, never printed on the badge."""

    code: str = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """A new badge with its code, which nobody can read again; a one-time code too for somebody without a PIN."""

    user: User
    badge: Badge
    code: str = field(repr=False)
    one_time: OneTimeCode | None


async def workstation_here(device_secret: str | None, tools: Tools) -> Workstation | None:
    """The workstation that the device is, if it is one; somebody is before it."""
    if not device_secret:
        return None
    async with tools.begin() as uow:
        found = await uow.workstations.with_secret(digest_of(device_secret))
        if found is not None and found.is_news(uow.now):
            await uow.workstations.seen(found.workstation_id, uow.now)
            await uow.commit()
    return found


async def register_workstation(command: RegisterWorkstation, tools: Tools) -> Registered:
    """Makes the administrator's browser a workstation. Raises WorkstationTaken."""
    secret = secrets.token_urlsafe(32)
    async with tools.begin() as uow:
        if command.device_secret:
            here = await uow.workstations.with_secret(digest_of(command.device_secret))
            if here is not None:
                raise WorkstationTaken(name=here.name, here=True)
        registered = Workstation(
            workstation_id=new_id(),
            name=command.name,
            secret_digest=digest_of(secret),
            registered_at=uow.now,
            registered_by=command.by,
            last_seen_at=uow.now,
        )
        await uow.workstations.add(registered)
        await uow.audit(
            actor=command.by,
            action="workstation-registered",
            subject=str(registered.workstation_id),
            details={"name": registered.name},
        )
        await uow.commit()
    return Registered(registered, secret)


async def revoke_workstation(command: RevokeWorkstation, tools: Tools) -> None:
    """Takes a workstation away and ends the sessions at it. Raises WorkstationUnknown."""
    async with tools.begin() as uow:
        name = await uow.workstations.revoke(command.workstation_id, by=command.by, now=uow.now)
        if name is None:
            raise WorkstationUnknown()
        ended = await uow.sessions.revoke_all_at(command.workstation_id, now=uow.now)
        await uow.audit(
            actor=command.by,
            action="workstation-revoked",
            subject=str(command.workstation_id),
            details={"name": name, "sessions_ended": len(ended)},
        )
        await uow.commit()
    await tools.revoked.tell(ended)


async def issue_badge(command: IssueBadge, tools: Tools) -> Issued:
    """Gives an operator a badge; the one that it replaces ends, with its sessions.

    Raises UserUnknown, NotAnOperator, BadgeChanged when `replaces` is not the badge that the person has.
    """
    one_time = _one_time_code()
    async with tools.passwords.turn() as hashing:
        one_time_hash = await hashing.hash(one_time)
    async with tools.begin() as uow:
        await uow.lock(f"badge:{command.user_id}")
        user = await uow.users.get(command.user_id)
        if not roles_at(user):
            raise NotAnOperator()
        former = await uow.badges.of(user.user_id)
        if (former.badge_id if former else None) != command.replaces:
            raise BadgeChanged()
        ended = await _end(former, by=command.by, uow=uow) if former else []
        code = code_of(secrets.randbelow(CODE_NUMBERS))
        badge = Badge(
            badge_id=new_id(),
            user_id=user.user_id,
            code_digest=digest_of(code),
            issued_at=uow.now,
            issued_by=command.by,
        )
        await uow.badges.add(badge)
        pin = await uow.badges.pin_of(user.user_id)
        needs_pin = pin.pin_hash is None
        if needs_pin:
            pin = pin.given_one_time_code(one_time_hash, now=uow.now, terms=tools.badge_terms)
            await uow.badges.keep_pin(pin)
        details = {
            "badge": str(badge.badge_id),
            "replaces": str(command.replaces or ""),
            "one_time_code": needs_pin,
            "sessions_ended": len(ended),
        }
        await uow.audit(actor=command.by, action="badge-issued", subject=str(user.user_id), details=details)
        await uow.commit()
    await tools.revoked.tell(ended)
    return Issued(user, badge, code, _told(one_time, pin) if needs_pin else None)


async def revoke_badge(command: RevokeBadge, tools: Tools) -> None:
    """Ends somebody's badge and its sessions. Raises BadgeUnknown."""
    async with tools.begin() as uow:
        badge = await _badge_of(command.user_id, uow)
        ended = await _end(badge, by=command.by, uow=uow)
        await uow.audit(
            actor=command.by,
            action="badge-revoked",
            subject=str(command.user_id),
            details={"badge": str(badge.badge_id), "sessions_ended": len(ended)},
        )
        await uow.commit()
    await tools.revoked.tell(ended)


async def give_one_time_code(command: GiveOneTimeCode, tools: Tools) -> OneTimeCode:
    """Lets somebody choose a PIN anew: the old one ends, and so does a lock. Raises BadgeUnknown."""
    code = _one_time_code()
    async with tools.passwords.turn() as hashing:
        code_hash = await hashing.hash(code)
    async with tools.begin() as uow:
        await _badge_of(command.user_id, uow)
        pin = await uow.badges.pin_of(command.user_id)
        details = {"had_pin": pin.pin_hash is not None, "was_locked": pin.locked_at is not None}
        pin = pin.given_one_time_code(code_hash, now=uow.now, terms=tools.badge_terms)
        await uow.badges.keep_pin(pin)
        await uow.audit(actor=command.by, action="one-time-code-given", subject=str(command.user_id), details=details)
        await uow.commit()
    return _told(code, pin)


async def unlock_badge(command: UnlockBadge, tools: Tools) -> None:
    """Forgives the wrong PINs of somebody; of one that is not locked too. Raises BadgeUnknown."""
    async with tools.begin() as uow:
        await _badge_of(command.user_id, uow)
        pin = await uow.badges.pin_of(command.user_id)
        await uow.badges.keep_pin(pin.forgiven())
        await uow.audit(
            actor=command.by,
            action="badge-unlocked",
            subject=str(command.user_id),
            details={"was_locked": pin.locked_at is not None, "tries": pin.tries},
        )
        await uow.commit()


async def _badge_of(user_id: UUID, uow: IdentityUnitOfWork) -> Badge:
    await uow.lock(f"badge:{user_id}")
    badge = await uow.badges.of(user_id)
    if badge is None:
        raise BadgeUnknown()
    return badge


async def _end(badge: Badge, *, by: str, uow: IdentityUnitOfWork) -> list[UUID]:
    """Ends a badge and its sessions; the ids of those, which are to be told."""
    await uow.badges.revoke(badge.badge_id, by=by, now=uow.now)
    return await uow.sessions.revoke_all_by(badge.badge_id, now=uow.now)


def _one_time_code() -> str:
    return f"{secrets.randbelow(10**ONE_TIME_CODE_DIGITS):0{ONE_TIME_CODE_DIGITS}d}"


def _told(code: str, pin: Pin) -> OneTimeCode:
    assert pin.one_time_until is not None
    return OneTimeCode(code, pin.one_time_until)
