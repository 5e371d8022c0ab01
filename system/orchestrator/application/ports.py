"""What the orchestrator needs from the world, as promises."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from system.kernel.money import Money
from system.messages.envelope import Message
from system.orchestrator.domain.order import Order
from system.plumbing.unit_of_work import Answer, IdempotencyKey


class Orders(Protocol):
    """The orders of this service."""

    async def get(self, order_id: UUID) -> Order:
        """The order with its lines, saga, history; within a transaction always the same object. Raises OrderUnknown."""

    async def find(self, order_id: UUID) -> Order | None:
        """The same, or None."""

    async def save(self, order: Order) -> None:
        """Stores a new or changed order when nobody changed it since it was read. Raises Unavailable otherwise, at the latest
        when the transaction commits."""


class OrchestratorUnitOfWork(Protocol):
    """One transaction over the orders and the outbox."""

    now: datetime
    orders: Orders

    async def __aenter__(self) -> OrchestratorUnitOfWork: ...

    async def __aexit__(self, *details: Any) -> None: ...

    def publish(self, message: Message) -> None: ...

    async def lock(self, *subjects: UUID | str) -> None: ...

    async def answer_to(self, key: IdempotencyKey | None) -> Answer | None: ...

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None: ...

    async def commit(self, answer: Answer | None = None) -> Any: ...


class Payments(Protocol):
    """The payment provider. Both calls may be repeated for the same order; the second changes nothing."""

    async def authorise(self, order_id: UUID, amount: Money) -> None:
        """Sets the money aside. Raises Unavailable."""

    async def void(self, order_id: UUID) -> None:
        """Lets go of money set aside, if there is any. Raises Unavailable."""


class Peers(Protocol):
    """The other services, asked over their internal addresses. Every call raises Unavailable when one does not answer."""

    async def messages(self, service: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """The messages a service received or sent, by order_id or state."""

    async def setbacks(self, order_id: str) -> list[dict[str, Any]]:
        """What held up the calculations behind an order's prices, as pricing noted it."""

    async def replay(self, service: str, order: dict[str, Any], *, acting_for: Any) -> dict[str, Any]:
        """Asks a service to redeliver messages; it executes and audits the replay itself."""

    async def republish(self, service: str, wish: dict[str, Any]) -> int:
        """Has a service publish again what it published since a moment, and audit it; how many messages."""

    async def audit(self, service: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """Who did what there, the newest first."""

    async def beliefs(self, service: str, since: datetime) -> dict[str, dict[str, Any]]:
        """What a service believes of each order changed since then, by order id."""
