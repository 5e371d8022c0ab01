"""A customer takes their data along, and leaves. One function for each command; each step of the way out commits by itself.

    request_erasure ── the account is nobody's, its sessions end ──▶ work_off, by a timer ── each service, twice ──▶ the row is gone

A crash at any line leaves a step that is not marked done, and asking a service once more changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast
from uuid import UUID

from system.identity.application.handlers import Tools, prove
from system.identity.application.ports import IdentityUnitOfWork
from system.identity.domain.erasure import (
    FIRST,
    TELLING,
    DataIncomplete,
    Erasure,
    ErasureTerms,
    OrdersOpen,
    Step,
    WordMissing,
    begin_erasure,
    is_the_word,
    may_leave,
)
from system.identity.domain.session import Ending
from system.kernel.errors import AlexandriteError, Unavailable
from system.plumbing.telemetry import log

AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class RequestErasure:
    """A customer leaves. Who has an account shows it by the password, a guest types the word."""

    user_id: UUID
    password: str = field(repr=False, default="")
    word: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a service said. `remaining` asks to be called again; the shop alone says what the person had."""

    remaining: int = 0
    order_ids: tuple[UUID, ...] = ()
    model_ids: tuple[UUID, ...] = ()


class Peers(Protocol):
    """The other services, about one person. Every call raises Unavailable when one does not answer, or not to the point."""

    async def open_orders(self, person: UUID) -> list[str]:
        """The numbers of their orders that are on their way."""

    async def data(self, service: str, person: UUID) -> Any:
        """Everything that a service holds of them."""

    async def erase(
        self, service: str, person: UUID, *, order_ids: Sequence[UUID], model_ids: Sequence[UUID]
    ) -> Answered:
        """Has a service forget them. Raises OrdersOpen."""


class Erasures(Protocol):
    """The ways out that people are on."""

    async def add(self, erasure: Erasure) -> None:
        """Keeps a new one."""

    async def of(self, user_id: UUID) -> Erasure | None:
        """Somebody's, while it is not over."""

    async def due(self, now: datetime, *, limit: int) -> list[UUID]:
        """Whose have a step that may be taken, the longest waiting first."""

    async def save(self, before: Erasure, after: Erasure) -> None:
        """Keeps what changed."""

    async def finish(self, user_id: UUID, *, now: datetime) -> None:
        """Deletes the account with its sessions, and marks the way as over."""


class ErasureUnitOfWork(IdentityUnitOfWork, Protocol):
    """One transaction over identity's tables, the ways out among them."""

    erasures: Erasures


@dataclass(frozen=True, slots=True)
class ErasureTools:
    """What works on people's ways out."""

    identity: Tools
    peers: Peers
    terms: ErasureTerms

    def begin(self) -> ErasureUnitOfWork:
        """Begins a unit of work."""
        return cast(ErasureUnitOfWork, self.identity.begin())


async def collect_data(
    user_id: UUID, account: dict[str, Any], tools: ErasureTools, *, incomplete: bool
) -> dict[str, Any]:
    """What every service holds of somebody, with `account` as identity's own part.

    Raises DataIncomplete when one does not answer, unless an `incomplete` copy will do: then it names who is missing.
    """
    answers = await asyncio.gather(*(tools.peers.data(service, user_id) for service in TELLING), return_exceptions=True)
    parts: dict[str, Any] = {}
    silent: list[str] = []
    for service, answer in zip(TELLING, answers, strict=True):
        if isinstance(answer, Unavailable):
            silent.append(service)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            parts[service] = answer
    if silent and not incomplete:
        raise DataIncomplete(silent)
    return {"account": account, **parts, "missing": silent}


async def request_erasure(command: RequestErasure, tools: ErasureTools) -> None:
    """Makes the account nobody's, ends its sessions, and has the rest forgotten. Asked twice at once it happens once.

    Raises StaffStays, WordMissing, InvalidCredentials, TooManyAttempts, OrdersOpen, Unavailable; then nothing was changed.
    """
    async with tools.begin() as uow:
        if await uow.erasures.of(command.user_id) is not None:
            # Pressed again after it happened: nobody's account has no roles, and would look like one that stays.
            return
        user = await uow.users.get(command.user_id)
    may_leave(user)
    if not user.is_guest:
        await prove(user.email, command.password, tools.identity)
    elif not is_the_word(command.word):
        raise WordMissing()
    if numbers := await tools.peers.open_orders(command.user_id):
        raise OrdersOpen(numbers)
    async with tools.begin() as uow:
        # Locked, as a sign-in does: one that runs at this moment is either ended or finds nobody.
        await uow.lock(command.user_id)
        if await uow.erasures.of(command.user_id) is not None:
            return
        user = await uow.users.get(command.user_id)
        may_leave(user)
        await uow.attempts.forget(user.email)
        nobody = user.left()
        await uow.users.save_account(nobody)
        await uow.users.save_roles(nobody)
        ended = await uow.sessions.revoke_all_of(user.user_id, because=Ending.SIGNED_OUT, now=uow.now)
        await uow.erasures.add(begin_erasure(user.user_id, now=uow.now, terms=tools.terms))
        await uow.audit(
            actor=str(user.user_id),
            action="erasure-requested",
            subject=str(user.user_id),
            details={"sessions_ended": len(ended)},
        )
        await uow.commit()
    await tools.identity.revoked.tell(ended)


async def work_off(tools: ErasureTools, *, at_most: int = AT_ONCE) -> int:
    """Takes the steps that are due, and ends what is over; how many were done. What failed waits for its next time."""
    async with tools.begin() as uow:
        people = await uow.erasures.due(uow.now, limit=at_most)
    return sum([await _work_on(user_id, tools) for user_id in people])


async def _work_on(user_id: UUID, tools: ErasureTools) -> int:
    async with tools.begin() as uow:
        erasure = await uow.erasures.of(user_id)
        now = uow.now
    if erasure is None:
        return 0
    done = 0
    for step in erasure.due(now):
        done += await _take(step, erasure, tools)
    async with tools.begin() as uow:
        await uow.lock(user_id)
        erasure = await uow.erasures.of(user_id)
        if erasure is not None and erasure.is_over:
            await uow.erasures.finish(user_id, now=uow.now)
            await uow.audit(actor="identity", action="account-erased", subject=str(user_id), details={})
            await uow.commit()
    return done


async def _take(step: Step, erasure: Erasure, tools: ErasureTools) -> int:
    """Asks one service and keeps what came of it. No transaction is open while it is asked."""
    told, answer = "", Answered()
    try:
        answer = await tools.peers.erase(
            step.service, erasure.user_id, order_ids=erasure.order_ids, model_ids=erasure.model_ids
        )
    except AlexandriteError as error:
        told = f"{error.code}: {error.detail}"
        log.warning("a service has not forgotten somebody yet", service=step.service, code=error.code)
    async with tools.begin() as uow:
        await uow.lock(erasure.user_id)
        before = await uow.erasures.of(erasure.user_id)
        if before is None:
            return 0
        if told:
            after = before.failed(step, now=uow.now, told=told, terms=tools.terms)
        else:
            after = before.answered(step, now=uow.now, remaining=answer.remaining)
            if step.service == FIRST:
                after = after.reaching(order_ids=answer.order_ids, model_ids=answer.model_ids)
        await uow.erasures.save(before, after)
        await uow.commit()
    return 0 if told else 1
