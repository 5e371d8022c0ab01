"""A shop on a bench: the real handlers over a chosen database, with the services around it faked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from system.kernel.ids import new_id
from system.kernel.money import Money
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import OrderChanged
from system.plumbing.mail.notice import KeptNotice
from system.plumbing.tokens import Principal
from system.plumbing.unit_of_work import Answer, IdempotencyKey
from system.shop.application import handlers, reactions
from system.shop.application.commands import AddCustomLine, AddReadyMadeLine, StartOrder, SubmitOrder
from system.shop.application.ports import Begin, ModelFile, Tools
from system.shop.domain.order import Customer, Delivery, Order, Terms
from system.shop.domain.quote import Quote
from system.shop.tests.fakes import (
    FakeFiles,
    FakeLetters,
    FakeOrchestrator,
    FakePricing,
    MemoryKeptNotices,
    MemoryUnitOfWork,
    MovingClock,
    Shelf,
)

ESTIMATE = Money.of("10000.00", "RUB")


def customer(name: str = "Anna", *, roles: frozenset[str] = frozenset({"customer"})) -> Principal:
    """Somebody who buys."""
    return Principal(new_id(), roles, name, f"{name.lower()}@example.org", session_id="s")


def key(name: str | None = None, *, fingerprint: str = "f" * 64) -> IdempotencyKey:
    """A fresh idempotency key, or the one of this name."""
    return IdempotencyKey("anna POST /orders", name or str(new_id()), fingerprint)


def terms(total: Money, **changes: Any) -> Terms:
    """Anna's terms."""
    values: dict[str, Any] = {
        "customer": Customer("Anna", "anna@example.org", None, "ru"),
        "delivery": Delivery("Anna", "Lenina 1", "Perm", "614000", "RU"),
        "agreed_total": total,
    }
    return Terms(**(values | changes))


def rub(amount: str) -> Money:
    """Roubles."""
    return Money.of(amount, "RUB")


@dataclass
class Bench:
    """What the tests hold. `published` returns what was committed to the outbox, oldest first, `notices` the letters about a thing."""

    tools: Tools
    pricing: FakePricing
    files: FakeFiles
    orchestrator: FakeOrchestrator
    letters: FakeLetters
    published: Callable[[], Awaitable[Sequence[Message]]]
    notices: Callable[[UUID], Awaitable[list[KeptNotice]]]
    forget_notices: Callable[[], Awaitable[None]]
    anna: Principal = field(default_factory=customer)

    @classmethod
    def over(
        cls,
        begin: Begin,
        published: Callable[[], Awaitable[Sequence[Message]]],
        notices: Callable[[UUID], Awaitable[list[KeptNotice]]],
        forget_notices: Callable[[], Awaitable[None]],
    ) -> Bench:
        """A bench over a database."""
        pricing, files, orchestrator, letters = FakePricing(), FakeFiles(), FakeOrchestrator(), FakeLetters()
        tools = Tools(begin, pricing, files, orchestrator, letters)
        return cls(tools, pricing, files, orchestrator, letters, published, notices, forget_notices)

    @classmethod
    def in_memory(cls, shelf: Shelf | None = None) -> Bench:
        """A bench over nothing but memory, which a test may look into."""
        shelf, clock = shelf or Shelf(), MovingClock()

        async def published() -> Sequence[Message]:
            return list(shelf.published)

        async def forget_notices() -> None:
            shelf.notices.clear()

        return cls.over(lambda: MemoryUnitOfWork(shelf, clock), published, MemoryKeptNotices(shelf).of, forget_notices)

    # -- given -------------------------------------------------------------------------------------------------------

    async def cart(self, *, who: Principal | None = None) -> UUID:
        """An empty cart."""
        answer = await handlers.start_order(StartOrder(who or self.anna, key()), self.tools)
        assert answer.body is not None
        return UUID(answer.body["order"]["order_id"])

    def model(self, *, status: str = "VERIFIED", who: Principal | None = None) -> ModelFile:
        """An uploaded model."""
        return self.files.has(ModelFile(new_id(), (who or self.anna).subject, status, "pave-ring.stl"))

    def quote(self, model: ModelFile, **changes: Any) -> Quote:
        """A quote for one piece of the model in gold, with an estimate."""
        values: dict[str, Any] = {
            "id": new_id(),
            "owner_id": model.owner_id,
            "kind": "custom",
            "material": "gold_585",
            "quantity": 1,
            "file_id": model.id,
            "estimate": ESTIMATE,
        }
        return self.pricing.has(Quote(**(values | changes)))

    async def custom_line(self, order_id: UUID, quote: Quote, **changes: Any) -> Order:
        """The quoted piece in the cart."""
        values: dict[str, Any] = {
            "file_id": quote.file_id,
            "quote_id": quote.id,
            "material": quote.material,
            "quantity": quote.quantity,
        }
        command = AddCustomLine(order_id, self.anna, **(values | changes))
        order, _ = await handlers.add_custom_line(command, self.tools)
        return order

    async def ready_made_line(self, order_id: UUID, sku: str = "pendant-drop-925", **changes: Any) -> Order:
        """A good in the cart."""
        values: dict[str, Any] = {"quantity": 1, "ring_size": None}
        command = AddReadyMadeLine(order_id, self.anna, sku, **(values | changes))
        order, _ = await handlers.add_ready_made_line(command, self.tools)
        return order

    async def submitted(self) -> Order:
        """A submitted order of one estimated piece."""
        order_id = await self.cart()
        await self.custom_line(order_id, self.quote(self.model()))
        await self.submit(order_id, terms(ESTIMATE))
        return await self.order(order_id)

    async def submit(self, order_id: UUID, agreed: Terms, *, with_key: IdempotencyKey | None = None) -> Answer:
        """Submission on these terms."""
        return await handlers.submit_order(SubmitOrder(order_id, self.anna, agreed, with_key or key()), self.tools)

    # -- then --------------------------------------------------------------------------------------------------------

    async def order(self, order_id: UUID) -> Order:
        """The order as it is kept."""
        async with self.tools.begin() as uow:
            order = await uow.orders.get(order_id)
        assert order is not None
        return order

    async def tells(self, *messages: Message) -> None:
        """Messages that arrive, each with its transaction, as the consumer does it."""
        by_type: dict[str, Callable[[Any, Any], Awaitable[None]]] = {
            "orchestrator.order_changed.v1": reactions.on_order_changed,
            "orchestrator.reserve_stock.v1": reactions.on_reserve_stock,
            "orchestrator.release_stock.v1": reactions.on_release_stock,
        }
        for message in messages:
            async with self.tools.begin() as uow:
                await uow.lock(message.order_id)
                await by_type[message.TYPE](message, uow)
                await uow.commit()

    async def available(self, sku: str) -> int:
        """Pieces that nobody has reserved."""
        async with self.tools.begin() as uow:
            good = await uow.catalogue.product(sku)
        assert good is not None
        return good.in_stock


def changed(order: Order, status: str, *, version: int, **more: Any) -> OrderChanged:
    """The orchestrator's word."""
    at = datetime(2026, 11, 22, 10, 0, tzinfo=UTC) + timedelta(minutes=version)
    values: dict[str, Any] = {
        "order_id": order.id,
        "number": order.number,
        "version": version,
        "status": status,
        "status_since": at,
        "promise_at": at + timedelta(days=21),
        "history": [{"version": version, "from_status": None, "to_status": status, "at": at, "actor": "test"}],
    }
    return OrderChanged.model_validate(values | more)


def money(amount: str) -> dict[str, str]:
    """Roubles on the wire."""
    return {"amount": amount, "currency": "RUB"}
