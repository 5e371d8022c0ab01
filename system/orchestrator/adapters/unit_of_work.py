"""The orchestrator's transaction: plumbing's, with the orders open over it."""

from __future__ import annotations

from typing import Any

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
