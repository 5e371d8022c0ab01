"""The orchestrator's transaction: plumbing's, with the orders open over it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from system.orchestrator.adapters.people import PeopleRepository
from system.orchestrator.adapters.repositories import OrderRepository
from system.orchestrator.application.people import People
from system.orchestrator.domain.order import Policy
from system.plumbing.unit_of_work import UnitOfWork


class OrchestratorUnitOfWork(UnitOfWork):
    """One transaction over orders and outbox."""

    orders: OrderRepository
    people: People

    def __init__(self, *arguments: Any, policy: Policy, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._policy = policy

    async def on_enter(self) -> None:
        """Opens the orders."""
        self.people = PeopleRepository(self)
        self.orders = OrderRepository(self.connection, policy=self._policy, now=self.now)

    async def prepare(self, subjects: Collection[str]) -> None:
        """Reads these orders at once, and collects what is saved."""
        await self.orders.prepare([UUID(subject) for subject in subjects])

    async def flush(self) -> None:
        """Writes the saved orders."""
        await self.orders.flush()

    def discard(self) -> None:
        """Forgets the orders, too."""
        super().discard()
        self.orders.discard()
