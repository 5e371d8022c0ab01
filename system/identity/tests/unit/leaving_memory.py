"""Identity in memory, with people's ways out, and the services around it as a test wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self, cast
from uuid import UUID

from system.identity.adapters.erasures import OwnAccount
from system.identity.application.erasures import Answered, ErasureTools
from system.identity.domain.erasure import FIRST, Erasure, ErasureTerms, OrdersOpen
from system.identity.domain.user import User
from system.identity.entrypoints import leaving
from system.identity.tests.unit.memory import MemoryIdentity, MemoryUnitOfWork
from system.kernel.errors import Unavailable

ORDER, MODEL = UUID(int=1), UUID(int=2)


class Peers:
    """Who was asked, and with what; those in `silent` do not answer."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.reached: dict[str, tuple[tuple[UUID, ...], tuple[UUID, ...]]] = {}

    async def open_orders(self, person: UUID) -> list[str]:
        self._answers(FIRST)
        return self.open

    async def data(self, service: str, person: UUID) -> Any:
        self._answers(service)
        return {"kept_by": service}

    async def erase(
        self, service: str, person: UUID, *, order_ids: Sequence[UUID], model_ids: Sequence[UUID]
    ) -> Answered:
        self.asked.append(service)
        self._answers(service)
        if service == FIRST:
            if self.open:
                raise OrdersOpen(self.open)
            return Answered(order_ids=(ORDER,), model_ids=(MODEL,))
        self.reached[service] = (tuple(order_ids), tuple(model_ids))
        return Answered()

    def _answers(self, service: str) -> None:
        if service in self.silent:
            raise Unavailable(f"{service}-unavailable", f"The {service} service does not answer just now.")


class MemoryErasures:
    """Ways out; what is over is taken away."""

    def __init__(self, identity: LeavingIdentity) -> None:
        self._identity = identity

    async def add(self, erasure: Erasure) -> None:
        self._identity.ways[erasure.user_id] = erasure

    async def of(self, user_id: UUID) -> Erasure | None:
        return self._identity.ways.get(user_id)

    async def due(self, now: datetime, *, limit: int) -> list[UUID]:
        found = [each.user_id for each in self._identity.ways.values() if each.due(now) or each.is_over]
        return found[:limit]

    async def save(self, before: Erasure, after: Erasure) -> None:
        self._identity.ways[after.user_id] = after

    async def finish(self, user_id: UUID, *, now: datetime) -> None:
        kept = self._identity.kept
        kept.users.pop(user_id)
        kept.sessions = {key: one for key, one in kept.sessions.items() if one.user_id != user_id}
        self._identity.ways.pop(user_id)


class LeavingUnitOfWork(MemoryUnitOfWork):
    def __init__(self, identity: LeavingIdentity) -> None:
        super().__init__(identity)
        self._leaving = identity
        self.now = self.now + identity.passed

    async def __aenter__(self) -> Self:
        entered = await super().__aenter__()
        self.users = cast(Any, _WithRoles(self.users, self._leaving))
        self.erasures = MemoryErasures(self._leaving)
        self._ways = dict(self._leaving.ways)
        return entered

    async def __aexit__(self, *exc: Any) -> None:
        await super().__aexit__(*exc)
        if not self._committed:
            self._leaving.ways = self._ways

    async def commit(self) -> None:
        self._leaving.may_crash()
        await super().commit()


class _WithRoles:
    """The users in memory, whose roles can be kept too."""

    def __init__(self, users: Any, identity: LeavingIdentity) -> None:
        self._users, self._identity = users, identity

    def __getattr__(self, name: str) -> Any:
        return getattr(self._users, name)

    async def save_roles(self, user: User) -> None:
        users = self._identity.kept.users
        users[user.user_id] = replace(users[user.user_id], roles=user.roles)


class _Account:
    """What identity itself tells of somebody."""

    def __init__(self, identity: LeavingIdentity) -> None:
        self._identity = identity

    async def data(self, user_id: UUID) -> dict[str, Any]:
        return {"email": self._identity.kept.users[user_id].email}


class LeavingIdentity(MemoryIdentity):
    """Identity whose customers can leave. Time passes when a test says so, and a commit fails when it wants that."""

    def __init__(self) -> None:
        super().__init__()
        self.ways: dict[UUID, Erasure] = {}
        self.peers = Peers()
        self.passed = timedelta()
        self._commits_until_crash: int | None = None
        terms = ErasureTerms(timedelta(minutes=30), timedelta(seconds=5), timedelta(hours=1))
        identity = replace(self._app.state.tools, begin=cast(Any, lambda: LeavingUnitOfWork(self)))
        self.tools = ErasureTools(identity, self.peers, terms)
        self._app.include_router(leaving.router, prefix="/api/identity/v1")
        self._app.include_router(leaving.pages)
        self._app.state.leaving = leaving.Leaving(self.tools, cast(OwnAccount, _Account(self)))

    def later(self, by: timedelta) -> None:
        """So much time passes."""
        self.passed += by

    def crashes_at(self, commit: int) -> None:
        """The commit after so many others fails, once."""
        self._commits_until_crash = commit

    def may_crash(self) -> None:
        """Raises RuntimeError when it is time for it."""
        if self._commits_until_crash is None:
            return
        self._commits_until_crash -= 1
        if self._commits_until_crash == 0:
            self._commits_until_crash = None
            raise RuntimeError("the process ends here")
