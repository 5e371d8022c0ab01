"""What is read without a unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from system.identity.adapters.repositories import user_of
from system.identity.adapters.tables import user_account
from system.identity.domain.errors import UserUnknown
from system.identity.domain.user import Role, User

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
        """At most `limit` users, newest first; only those with the role, or whose e-mail begins with `email`."""
        wanted = select(user_account).order_by(*(column.desc() for column in _ORDER)).limit(limit + 1)
        if after is not None:
            wanted = wanted.where(tuple_(*_ORDER) < tuple_(literal(after.created_at), literal(after.user_id)))
        if role is not None:
            wanted = wanted.where(user_account.c.roles.contains([role.value]))
        if email is not None:
            wanted = wanted.where(user_account.c.email.startswith(email.strip().lower(), autoescape=True))
        async with self._engine.connect() as connection:
            users = [user_of(row) for row in await connection.execute(wanted)]
        if len(users) <= limit:
            return Page(users=users, after=None)
        last = users[limit - 1]
        return Page(users=users[:limit], after=Place(created_at=last.created_at, user_id=last.user_id))
