"""CRM's ports in memory, for the unit tests: the same promises, rolled back by copying."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from system.crm.application.ports import Letters, Parcels, SalesOrders
from system.crm.domain.errors import OrderNotFound
from system.crm.domain.letter import Letter
from system.crm.domain.parcel import DELIVERED, CarrierEvent, ParcelKey, Shipment
from system.crm.domain.sales_order import Content, Decision, SalesOrder
from system.crm.tests.harness import START
from system.kernel.clock import FixedClock
from system.kernel.errors import Invalid
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import OrderChanged, OrderStatus
from system.messages.shop_v1 import OrderSubmitted
from system.plumbing.unit_of_work import Answer, IdempotencyKey


class Store:
    """Everything that a commit keeps."""

    def __init__(self) -> None:
        self.orders: dict[UUID, SalesOrder] = {}
        self.shipments: list[Shipment] = []
        self.events: dict[str, CarrierEvent] = {}
        self.letters: dict[UUID, Letter] = {}
        self.deliveries: dict[tuple[UUID, ParcelKey], str] = {}
        self.messages: list[Message] = []
        self.answers: dict[IdempotencyKey, Answer] = {}


class InMemorySalesOrders:
    """Orders in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, order_id: UUID) -> SalesOrder:
        if order_id not in self._store.orders:
            raise OrderNotFound(str(order_id))
        return self._store.orders[order_id]

    async def take_content(self, submitted: OrderSubmitted) -> bool:
        known = self._store.orders.get(submitted.order_id)
        if known is not None and known.content is not None:
            return False
        content = Content(
            channel=submitted.channel,
            customer=submitted.customer.model_dump(mode="json"),
            delivery=submitted.delivery.model_dump(mode="json"),
            lines=tuple(line.model_dump(mode="json") for line in submitted.lines),
            agreed_total=submitted.agreed_total.money(),
            submitted_at=submitted.submitted_at,
            partner_reference=submitted.partner_reference,
        )
        blank = _blank(submitted.order_id, submitted.number, submitted.submitted_at)
        self._store.orders[submitted.order_id] = replace(known or blank, content=content)
        return True

    async def take_status(self, changed: OrderChanged) -> bool:
        known = self._store.orders.get(changed.order_id)
        if known is not None and known.version >= changed.version:
            return False
        self._store.orders[changed.order_id] = replace(
            known or _blank(changed.order_id, changed.number, changed.status_since),
            number=changed.number,
            version=changed.version,
            status=changed.status,
            status_since=changed.status_since,
            promise_at=changed.promise_at,
            budget_until=changed.budget_until,
            allowed=tuple(str(each) for each in changed.allowed),
            reason=changed.reason,
            cancellation_requested=changed.cancellation_requested,
            total=changed.total.money() if changed.total else None,
            priced_lines=tuple(line.model_dump(mode="json") for line in changed.lines),
            consent=changed.consent.model_dump(mode="json") if changed.consent else None,
            shipments=tuple(each.model_dump(mode="json") for each in changed.shipments),
            history=tuple(step.model_dump(mode="json") for step in changed.history),
        )
        return True

    async def decide(self, order_id: UUID, decision: Decision, *, seen_version: int | None) -> SalesOrder | None:
        known = self._store.orders.get(order_id)
        if known is None or known.refusal_of_decision(seen_version=seen_version) is not None:
            return None
        self._store.orders[order_id] = replace(known, decision=decision)
        return self._store.orders[order_id]

    async def wait_for_customer(self, order_id: UUID, *, since: datetime | None) -> bool:
        known = self._store.orders.get(order_id)
        if known is None or known.content is None:
            return False
        self._store.orders[order_id] = replace(known, waits_for_customer_since=since)
        return True


class InMemoryLetters:
    """Letters in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, letter: Letter) -> bool:
        is_new = letter.id not in self._store.letters
        self._store.letters.setdefault(letter.id, letter)
        return is_new

    async def of(self, order_id: UUID) -> list[Letter]:
        return sorted(
            (each for each in self._store.letters.values() if each.order_id == order_id), key=lambda one: one.at
        )


class InMemoryParcels:
    """Parcels in lists."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add_shipments(self, shipments: list[Shipment]) -> None:
        self._store.shipments += [each for each in shipments if each not in self._store.shipments]

    async def add_event(self, event: CarrierEvent) -> bool:
        is_new = event.webhook_id not in self._store.events
        self._store.events.setdefault(event.webhook_id, event)
        return is_new

    async def shipments_of(self, key: ParcelKey) -> list[Shipment]:
        return [each for each in self._store.shipments if each.key == key]

    async def delivery_of(self, key: ParcelKey) -> CarrierEvent | None:
        return next((e for e in self._store.events.values() if e.key == key and e.event == DELIVERED), None)

    async def report_delivery(self, order_id: UUID, event: CarrierEvent, *, at: datetime) -> bool:
        if (order_id, event.key) in self._store.deliveries:
            return False
        self._store.deliveries[order_id, event.key] = event.webhook_id
        return True


class InMemoryUnitOfWork:
    """Works on a copy of the store, which replaces it on commit."""

    orders: SalesOrders
    parcels: Parcels
    letters: Letters

    def __init__(self, crm: InMemoryCrm) -> None:
        self._crm = crm
        self._key: IdempotencyKey | None = None

    async def __aenter__(self) -> Self:
        self.now = self._crm.clock.now()
        self._store = copy.copy(self._crm.store)
        for name, held in vars(self._crm.store).items():
            setattr(self._store, name, held.copy())
        self.orders = InMemorySalesOrders(self._store)
        self.parcels = InMemoryParcels(self._store)
        self.letters = InMemoryLetters(self._store)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def publish(self, message: Message) -> None:
        self._store.messages.append(message)

    async def lock(self, *subjects: UUID | str) -> None:
        return None

    async def answer_to(self, key: IdempotencyKey | None) -> Answer | None:
        for known, answer in self._store.answers.items():
            if key and (known.scope, known.key) == (key.scope, key.key):
                if known.fingerprint != key.fingerprint:
                    raise Invalid("idempotency-key-reused", "Send a fresh key for a new request.")
                return answer
        self._key = key
        return None

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None:
        return None

    async def commit(self, answer: Answer | None = None) -> Any:
        if self._key and answer:
            self._store.answers[self._key] = answer
        self._crm.store = self._store
        return answer


class InMemoryCrm:
    """CRM without a database."""

    def __init__(self) -> None:
        self.clock = FixedClock(START)
        self.store = Store()

    def make_uow(self) -> InMemoryUnitOfWork:
        return InMemoryUnitOfWork(self)

    async def order(self, order_id: UUID) -> SalesOrder:
        return self.store.orders[order_id]

    async def messages(self, order_id: UUID) -> list[dict[str, Any]]:
        found = (each for each in self.store.messages if each.order_id == order_id)
        return [each.model_dump(mode="json") | {"type": each.TYPE} for each in found]


def _blank(order_id: UUID, number: str, opened_at: datetime) -> SalesOrder:
    return SalesOrder(
        order_id=order_id,
        number=number,
        opened_at=opened_at,
        version=0,
        status=OrderStatus.SUBMITTED,
        status_since=opened_at,
        promise_at=None,
        budget_until=None,
        allowed=(),
        reason=None,
        cancellation_requested=False,
        total=None,
        priced_lines=(),
        consent=None,
        shipments=(),
        history=(),
        content=None,
        decision=None,
    )
