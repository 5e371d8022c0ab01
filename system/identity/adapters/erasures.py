"""People's ways out in PostgreSQL, what identity itself knows of somebody, and the other services over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError
from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.identity.adapters.tables import erasure, erasure_step, password_reset, pin, session, user_account
from system.identity.application.erasures import Answered
from system.identity.domain.erasure import FIRST, SERVICES, Erasure, OrdersOpen, Step
from system.identity.domain.errors import UserUnknown
from system.identity.domain.user import NO_PASSWORD
from system.kernel.errors import Unavailable
from system.plumbing.erasure import Erased, Reach
from system.plumbing.mail.schema import notice
from system.plumbing.service_client import ServiceClient
from system.plumbing.telemetry import log


class ErasureRepository:
    """Ways out that are not over."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, one: Erasure) -> None:
        await self._connection.execute(
            insert(erasure).values(user_id=one.user_id, requested_at=one.requested_at, order_ids=[], model_ids=[])
        )
        await self._connection.execute(insert(erasure_step), [_row(one.user_id, step) for step in one.steps])
        # Letters that wait are not sent any more, and no link leads into an account that is nobody's.
        await self._connection.execute(delete(notice).where(notice.c.about == one.user_id))
        await self._connection.execute(delete(password_reset).where(password_reset.c.user_id == one.user_id))

    async def of(self, user_id: UUID) -> Erasure | None:
        unfinished = select(erasure).where(erasure.c.user_id == user_id, erasure.c.finished_at.is_(None))
        row = (await self._connection.execute(unfinished)).one_or_none()
        if row is None:
            return None
        steps = select(erasure_step).where(erasure_step.c.user_id == user_id)
        steps = steps.order_by(erasure_step.c.round, erasure_step.c.service)
        return Erasure(
            user_id=row.user_id,
            requested_at=row.requested_at,
            steps=tuple(_step(each) for each in await self._connection.execute(steps)),
            order_ids=tuple(row.order_ids),
            model_ids=tuple(row.model_ids),
        )

    async def due(self, now: datetime, *, limit: int) -> list[UUID]:
        # As `Erasure.due` has it: people who wait for one service must not keep others from their turn.
        before = erasure_step.alias("before")
        comes_first = or_(
            before.c.round < erasure_step.c.round,
            and_(before.c.round == erasure_step.c.round, before.c.service == FIRST, erasure_step.c.service != FIRST),
        )
        waits_for = select(before.c.user_id).where(
            before.c.user_id == erasure_step.c.user_id, before.c.done_at.is_(None), comes_first
        )
        waiting = (
            select(erasure_step.c.user_id)
            .where(erasure_step.c.done_at.is_(None), erasure_step.c.next_attempt_at <= now, ~waits_for.exists())
            .order_by(erasure_step.c.next_attempt_at)
            .limit(limit * len(SERVICES))
        )
        over = select(erasure.c.user_id).where(
            erasure.c.finished_at.is_(None),
            ~select(erasure_step.c.user_id)
            .where(erasure_step.c.user_id == erasure.c.user_id, erasure_step.c.done_at.is_(None))
            .exists(),
        )
        found = [
            *(await self._connection.execute(waiting)).scalars(),
            *(await self._connection.execute(over.limit(limit))).scalars(),
        ]
        return list(dict.fromkeys(found))[:limit]

    async def save(self, before: Erasure, after: Erasure) -> None:
        if (before.order_ids, before.model_ids) != (after.order_ids, after.model_ids):
            await self._connection.execute(
                update(erasure)
                .where(erasure.c.user_id == after.user_id)
                .values(order_ids=list(after.order_ids), model_ids=list(after.model_ids))
            )
        for old, new in zip(before.steps, after.steps, strict=True):
            if old != new:
                await self._connection.execute(
                    update(erasure_step)
                    .where(
                        erasure_step.c.user_id == after.user_id,
                        erasure_step.c.round == new.round,
                        erasure_step.c.service == new.service,
                    )
                    .values(_row(after.user_id, new))
                )

    async def finish(self, user_id: UUID, *, now: datetime) -> None:
        # A session's refresh tokens go with it.
        for table in (session, pin, user_account):
            await self._connection.execute(delete(table).where(table.c.user_id == user_id))
        await self._connection.execute(update(erasure).where(erasure.c.user_id == user_id).values(finished_at=now))


def _row(user_id: UUID, step: Step) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "round": step.round,
        "service": step.service,
        "next_attempt_at": step.next_attempt_at,
        "attempts": step.attempts,
        "done_at": step.done_at,
        "told": step.told,
    }


def _step(row: Any) -> Step:
    return Step(row.round, row.service, row.next_attempt_at, row.attempts, row.done_at, row.told)


class OwnAccount:
    """What identity knows of somebody, for their own copy."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def data(self, user_id: UUID) -> dict[str, Any]:
        """The account and its sessions, in words that people read. Raises UserUnknown."""
        sessions = select(session).where(session.c.user_id == user_id).order_by(session.c.created_at)
        async with self._engine.connect() as connection:
            found = await connection.execute(select(user_account).where(user_account.c.user_id == user_id))
            user = found.one_or_none()
            if user is None:
                raise UserUnknown()
            visits = (await connection.execute(sessions)).all()
        return {
            "user_id": str(user.user_id),
            "email": user.email,
            "name": user.name,
            "phone": user.phone,
            "language": user.language,
            "roles": list(user.roles),
            "created_at": user.created_at.isoformat(),
            "signs_in_by": "nothing"
            if user.password_hash == NO_PASSWORD
            else "a password, kept as a hash that nobody reads",
            "sessions": [
                {
                    "signed_in_at": visit.created_at.isoformat(),
                    "ends_at": visit.expires_at.isoformat(),
                    "ended_at": visit.revoked_at.isoformat() if visit.revoked_at else None,
                }
                for visit in visits
            ],
        }


class _Open(BaseModel):
    numbers: list[str]


class HttpPeers:
    """The other services at their internal addresses."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def open_orders(self, person: UUID) -> list[str]:
        """The numbers of their orders that are on their way. Raises Unavailable."""
        answer = await self._client.request("GET", "shop", f"/internal/people/{person}/open-orders")
        try:
            return _Open.model_validate_json(_well("shop", answer).content).numbers
        except ValidationError as error:
            raise _unusable("shop", answer) from error

    async def data(self, service: str, person: UUID) -> Any:
        """Everything that a service holds of them. Raises Unavailable."""
        answer = _well(service, await self._client.request("GET", service, f"/internal/people/{person}/data"))
        try:
            return answer.json()
        except ValueError as error:
            raise _unusable(service, answer) from error

    async def erase(
        self, service: str, person: UUID, *, order_ids: Sequence[UUID], model_ids: Sequence[UUID]
    ) -> Answered:
        """Has a service forget them. Raises OrdersOpen, Unavailable."""
        reach = Reach(order_ids=list(order_ids), model_ids=list(model_ids)).model_dump(mode="json")
        answer = await self._client.request("POST", service, f"/internal/people/{person}/erasure", json=reach)
        if answer.status_code == httpx.codes.CONFLICT and "orders-open" in answer.text:
            raise OrdersOpen([str(number) for number in answer.json().get("numbers", [])])
        try:
            erased = Erased.model_validate_json(_well(service, answer).content)
        except ValidationError as error:
            raise _unusable(service, answer) from error
        return Answered(erased.remaining, tuple(erased.order_ids), tuple(erased.model_ids))


def _well(service: str, answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise _unusable(service, answer)
    return answer


def _unusable(service: str, answer: httpx.Response) -> Unavailable:
    log.error("another service answered what identity cannot use", to=service, status=answer.status_code)
    return Unavailable(f"{service}-unavailable", f"The {service} service gave no usable answer; try again in a moment.")
