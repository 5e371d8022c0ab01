"""What is read without a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from system.identity.adapters.badges import workstation_of
from system.identity.adapters.repositories import user_of
from system.identity.adapters.tables import badge, pin, user_account, workstation
from system.identity.domain.errors import UserUnknown
from system.identity.domain.user import Role, User
from system.identity.domain.workstation import Workstation
from system.kernel.guests import GUEST_DOMAIN

_ORDER = (user_account.c.created_at, user_account.c.user_id)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the last user on it."""

    created_at: datetime
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Page:
    """Some users, newest first, and where the next page begins; None on the last one."""

    users: Sequence[User]
    after: Place | None


@dataclass(frozen=True, slots=True)
class BadgeState:
    """How it is with somebody's badge and PIN; what is None never was, or is no more."""

    badge_id: UUID | None = None
    issued_at: datetime | None = None
    issued_by: str | None = None
    last_used_at: datetime | None = None
    has_pin: bool = False
    one_time_until: datetime | None = None
    locked_at: datetime | None = None


class IdentityQueries:
    """Reads of identity."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def user(self, user_id: UUID) -> User:
        """The user. Raises UserUnknown."""
        async with self._engine.connect() as connection:
            found = await connection.execute(select(user_account).where(user_account.c.user_id == user_id))
            row = found.one_or_none()
        if row is None:
            raise UserUnknown()
        return user_of(row)

    async def users(self, *, after: Place | None, limit: int, role: Role | None, email: str | None) -> Page:
        """At most `limit` users, newest first; only those with the role, or whose e-mail begins with `email`.

        Guests are among them only when an e-mail is asked for: they would hide everybody else.
        """
        wanted = select(user_account).order_by(*(column.desc() for column in _ORDER)).limit(limit + 1)
        if after is not None:
            wanted = wanted.where(tuple_(*_ORDER) < tuple_(literal(after.created_at), literal(after.user_id)))
        if role is not None:
            wanted = wanted.where(user_account.c.roles.contains([role.value]))
        if email is None:
            wanted = wanted.where(user_account.c.email.not_like(f"%@{GUEST_DOMAIN}"))
        else:
            wanted = wanted.where(user_account.c.email.startswith(email.strip().lower(), autoescape=True))
        async with self._engine.connect() as connection:
            users = [user_of(row) for row in await connection.execute(wanted)]
        if len(users) <= limit:
            return Page(users=users, after=None)
        last = users[limit - 1]
        return Page(users=users[:limit], after=Place(created_at=last.created_at, user_id=last.user_id))

    async def workstations(self) -> Sequence[Workstation]:
        """Those that were not revoked, by name. There are as many as there are benches."""
        wanted = select(workstation).where(workstation.c.revoked_at.is_(None)).order_by(workstation.c.name)
        async with self._engine.connect() as connection:
            return [workstation_of(row) for row in await connection.execute(wanted)]

    async def badges_of(self, user_ids: Sequence[UUID]) -> Mapping[UUID, BadgeState]:
        """The state of these people's badges and PINs; one who has neither is there too."""
        badges = select(badge).where(badge.c.user_id.in_(user_ids), badge.c.revoked_at.is_(None))
        pins = select(pin).where(pin.c.user_id.in_(user_ids))
        async with self._engine.connect() as connection:
            badge_of = {row.user_id: row for row in await connection.execute(badges)}
            pin_of = {row.user_id: row for row in await connection.execute(pins)}
        return {user_id: _state(badge_of.get(user_id), pin_of.get(user_id)) for user_id in user_ids}


def _state(carried: Row[Any] | None, known: Row[Any] | None) -> BadgeState:
    return BadgeState(
        badge_id=carried.badge_id if carried else None,
        issued_at=carried.issued_at if carried else None,
        issued_by=carried.issued_by if carried else None,
        last_used_at=carried.last_used_at if carried else None,
        has_pin=known is not None and known.pin_hash is not None,
        one_time_until=known.one_time_until if known else None,
        locked_at=known.locked_at if known else None,
    )
