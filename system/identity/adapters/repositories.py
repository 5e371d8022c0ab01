"""Rows to domain objects and back."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from system.identity.adapters.tables import refresh_token, session, sign_in_attempts, user_account
from system.identity.domain.errors import EmailTaken, UserUnknown
from system.identity.domain.session import Ending, RefreshToken, Session
from system.identity.domain.throttle import Attempts
from system.identity.domain.user import Language, Role, User

UNIQUE_VIOLATION = "23505"


def user_of(row: Row[Any]) -> User:
    """The user that a row of `user_account` holds."""
    return User(
        user_id=row.user_id,
        email=row.email,
        name=row.name,
        phone=row.phone,
        language=Language(row.language),
        password_hash=row.password_hash,
        roles=frozenset(Role(role) for role in row.roles),
        created_at=row.created_at,
    )


class UserRepository:
    """Users in PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        added = await self._connection.execute(
            upsert(user_account)
            .values(
                user_id=user.user_id,
                email=user.email,
                name=user.name,
                phone=user.phone,
                language=user.language.value,
                password_hash=user.password_hash,
                roles=sorted(user.roles),
                created_at=user.created_at,
            )
            .on_conflict_do_nothing(index_elements=["email"])
            .returning(user_account.c.user_id)
        )
        if added.first() is None:
            raise EmailTaken()

    async def get(self, user_id: UUID) -> User:
        row = (
            await self._connection.execute(select(user_account).where(user_account.c.user_id == user_id))
        ).one_or_none()
        if row is None:
            raise UserUnknown()
        return user_of(row)

    async def with_email(self, email: str) -> User | None:
        row = (await self._connection.execute(select(user_account).where(user_account.c.email == email))).one_or_none()
        return user_of(row) if row is not None else None

    async def save_roles(self, user: User) -> None:
        await self._connection.execute(
            update(user_account).where(user_account.c.user_id == user.user_id).values(roles=sorted(user.roles))
        )

    async def save_account(self, user: User) -> None:
        try:
            await self._connection.execute(
                update(user_account)
                .where(user_account.c.user_id == user.user_id)
                .values(
                    email=user.email,
                    name=user.name,
                    phone=user.phone,
                    language=user.language.value,
                    password_hash=user.password_hash,
                )
            )
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
                raise
            raise EmailTaken() from error

    async def save_password_hash(self, user_id: UUID, password_hash: str) -> None:
        await self._connection.execute(
            update(user_account).where(user_account.c.user_id == user_id).values(password_hash=password_hash)
        )

    async def count_administrators(self) -> int:
        count = await self._connection.scalar(
            select(func.count()).select_from(user_account).where(user_account.c.roles.contains([Role.ADMINISTRATOR]))
        )
        return int(count or 0)


class SessionRepository:
    """Sessions and refresh tokens in PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, opened: Session) -> None:
        await self._connection.execute(
            insert(session).values(
                session_id=opened.session_id,
                user_id=opened.user_id,
                created_at=opened.created_at,
                expires_at=opened.expires_at,
                badge_id=opened.badge_id,
                workstation_id=opened.workstation_id,
            )
        )

    async def get(self, session_id: UUID) -> Session | None:
        row = (
            await self._connection.execute(select(session).where(session.c.session_id == session_id).with_for_update())
        ).one_or_none()
        if row is None:
            return None
        return Session(
            session_id=row.session_id,
            user_id=row.user_id,
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            revoked_because=Ending(row.revoked_because) if row.revoked_because else None,
            badge_id=row.badge_id,
            workstation_id=row.workstation_id,
        )

    async def add_token(self, token: RefreshToken) -> None:
        await self._connection.execute(
            insert(refresh_token).values(
                digest=token.digest,
                session_id=token.session_id,
                issued_at=token.issued_at,
                expires_at=token.expires_at,
            )
        )

    async def token(self, digest: bytes) -> RefreshToken | None:
        row = (
            await self._connection.execute(select(refresh_token).where(refresh_token.c.digest == digest))
        ).one_or_none()
        if row is None:
            return None
        return RefreshToken(
            digest=row.digest,
            session_id=row.session_id,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            spent_at=row.spent_at,
            resumed=row.resumed,
        )

    async def spend_token(self, digest: bytes, now: datetime, *, resumes: bool) -> bool:
        spent = await self._connection.execute(
            update(refresh_token)
            .where(refresh_token.c.digest == digest, refresh_token.c.spent_at.is_(None))
            .values(spent_at=now, resumed=resumes)
            .returning(refresh_token.c.digest)
        )
        return spent.first() is not None

    async def revoke(self, session_id: UUID, *, because: Ending, now: datetime) -> bool:
        revoked = await self._connection.execute(
            update(session)
            .where(session.c.session_id == session_id, session.c.revoked_at.is_(None))
            .values(revoked_at=now, revoked_because=because.value)
            .returning(session.c.session_id)
        )
        return revoked.first() is not None

    async def revoke_all_of(
        self, user_id: UUID, *, because: Ending, now: datetime, but: UUID | None = None
    ) -> list[UUID]:
        theirs = session.c.user_id == user_id
        if but is not None:
            theirs &= session.c.session_id != but
        return await self._revoke_live(theirs, because=because, now=now)

    async def revoke_all_by(self, badge_id: UUID, *, now: datetime) -> list[UUID]:
        return await self._revoke_live(session.c.badge_id == badge_id, because=Ending.BADGE_REVOKED, now=now)

    async def revoke_all_at(self, workstation_id: UUID, *, now: datetime) -> list[UUID]:
        at_it = session.c.workstation_id == workstation_id
        return await self._revoke_live(at_it, because=Ending.WORKSTATION_REVOKED, now=now)

    async def _revoke_live(self, which: ColumnElement[bool], *, because: Ending, now: datetime) -> list[UUID]:
        revoked = await self._connection.execute(
            update(session)
            .where(which, session.c.revoked_at.is_(None), session.c.expires_at > now)
            .values(revoked_at=now, revoked_because=because.value)
            .returning(session.c.session_id)
        )
        return list(revoked.scalars())

    async def prune(self, *, ended_before: datetime) -> int:
        pruned = await self._connection.execute(
            delete(session).where(or_(session.c.expires_at < ended_before, session.c.revoked_at < ended_before))
        )
        return pruned.rowcount


class AttemptsRepository:
    """Wrong passwords per digest of an e-mail, wrong PINs per digest of a workstation, in PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, subject: str) -> Attempts:
        row = (
            await self._connection.execute(
                select(sign_in_attempts).where(sign_in_attempts.c.email_digest == _digest(subject))
            )
        ).one_or_none()
        if row is None:
            return Attempts()
        return Attempts(failures=row.failures, last_failed_at=row.last_failed_at, blocked_until=row.blocked_until)

    async def keep(self, subject: str, attempts: Attempts) -> None:
        values = {
            "failures": attempts.failures,
            "last_failed_at": attempts.last_failed_at,
            "blocked_until": attempts.blocked_until,
        }
        await self._connection.execute(
            upsert(sign_in_attempts)
            .values(email_digest=_digest(subject), **values)
            .on_conflict_do_update(index_elements=["email_digest"], set_=values)
        )

    async def forget(self, subject: str) -> None:
        await self._connection.execute(
            delete(sign_in_attempts).where(sign_in_attempts.c.email_digest == _digest(subject))
        )

    async def prune(self, *, failed_before: datetime) -> int:
        pruned = await self._connection.execute(
            delete(sign_in_attempts).where(sign_in_attempts.c.last_failed_at < failed_before)
        )
        return pruned.rowcount


def _digest(subject: str) -> bytes:
    return hashlib.sha256(subject.encode()).digest()
