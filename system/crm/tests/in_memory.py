"""CRM's ports in memory, for the unit tests: the same promises, rolled back by copying."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from system.crm.application.ports import Cases, Colleagues, Letters, Notes, Parcels, Reminders, SalesOrders
from system.crm.domain.care import Note, Reminder, Subject
from system.crm.domain.case import Case
from system.crm.domain.errors import CaseNotFound, OrderNotFound, ReminderNotFound
from system.crm.domain.escalation import Escalation, EscalationTerms
from system.crm.domain.letter import Letter
from system.crm.domain.parcel import DELIVERED, CarrierEvent, ParcelKey, Shipment
from system.crm.domain.sales_order import Assignment, Content, Decision, SalesOrder, Seller
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
        self.cases: dict[UUID, Case] = {}
        self.to_tell: dict[UUID, UUID] = {}
        self.notes: dict[UUID, Note] = {}
        self.reminders: dict[UUID, Reminder] = {}
        self.colleagues: dict[UUID, Seller] = {}
        self.audited: list[tuple[str, str, dict[str, Any]]] = []
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

    async def hold(self, order_id: UUID) -> SalesOrder:
        return await self.get(order_id)

    async def assign(self, order_id: UUID, assignment: Assignment | None) -> None:
        self._store.orders[order_id] = replace(self._store.orders[order_id], assignment=assignment)

    async def escalate(self, order_id: UUID, escalation: Escalation) -> None:
        self._store.orders[order_id] = replace(self._store.orders[order_id], escalated=escalation)

    async def has_customer(self, customer_id: UUID) -> bool:
        contents = (each.content for each in self._store.orders.values())
        return any(content and content.customer["id"] == str(customer_id) for content in contents)


class InMemoryNotes:
    """Notes in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, note: Note) -> bool:
        if note.corrects is not None and note.corrects in {each.corrects for each in self._store.notes.values()}:
            return False
        self._store.notes[note.id] = note
        return True

    async def is_there(self, note_id: UUID, about: Subject) -> bool:
        return note_id in self._store.notes and self._store.notes[note_id].about == about


class InMemoryReminders:
    """Reminders in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, reminder: Reminder) -> bool:
        is_new = reminder.id not in self._store.reminders
        self._store.reminders.setdefault(reminder.id, reminder)
        return is_new

    async def hold(self, reminder_id: UUID) -> Reminder:
        if reminder_id not in self._store.reminders:
            raise ReminderNotFound(str(reminder_id))
        return self._store.reminders[reminder_id]

    async def save(self, reminder: Reminder) -> None:
        self._store.reminders[reminder.id] = reminder

    async def end_moot(self, now: datetime) -> int:
        moot = [
            each
            for each in self._store.reminders.values()
            if each.for_whom is None and each.done_at is None and each.about.order_id is not None
            if self._store.orders[each.about.order_id].refusal_of_decision() is not None
        ]
        for each in moot:
            self._store.reminders[each.id] = replace(each, done_at=now, version=each.version + 1)
        return len(moot)


class InMemoryColleagues:
    """Colleagues in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def meet(self, who: Seller, *, at: datetime) -> None:
        self._store.colleagues[who.id] = who

    async def find(self, colleague_id: UUID) -> Seller | None:
        return self._store.colleagues.get(colleague_id)


class InMemoryLetters:
    """Letters in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, letter: Letter) -> bool:
        is_new = letter.id not in self._store.letters
        self._store.letters.setdefault(letter.id, letter)
        return is_new

    async def to_be_told(self, letter: Letter) -> None:
        self._store.to_tell.setdefault(letter.id, letter.order_id)

    async def of(self, order_id: UUID) -> list[Letter]:
        return sorted(
            (each for each in self._store.letters.values() if each.order_id == order_id), key=lambda one: one.at
        )


class InMemoryCases:
    """Returns and complaints in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, case: Case) -> None:
        self._store.cases[case.id] = case

    async def of(self, order_id: UUID) -> list[Case]:
        return [each for each in self._store.cases.values() if each.order_id == order_id]

    async def hold(self, case_id: UUID) -> Case:
        if case_id not in self._store.cases:
            raise CaseNotFound(str(case_id))
        return self._store.cases[case_id]

    async def save(self, case: Case) -> None:
        self._store.cases[case.id] = case


class InMemoryParcels:
    """Parcels in lists."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def unknown(self, shipments: list[Shipment]) -> list[Shipment]:
        return [each for each in shipments if each not in self._store.shipments]

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
    cases: Cases
    notes: Notes
    reminders: Reminders
    colleagues: Colleagues

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
        self.cases = InMemoryCases(self._store)
        self.notes = InMemoryNotes(self._store)
        self.reminders = InMemoryReminders(self._store)
        self.colleagues = InMemoryColleagues(self._store)
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
        self._store.audited.append((action, subject, details or {}))

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

    async def reminders(self, order_id: UUID) -> list[Reminder]:
        return [each for each in self.store.reminders.values() if each.about.order_id == order_id]

    async def to_tell(self) -> list[UUID]:
        return list(self.store.to_tell)

    async def audited(self, subject: UUID) -> list[tuple[str, dict[str, Any]]]:
        return [(action, details) for action, about, details in self.store.audited if about == str(subject)]

    async def waiting_too_long(self, now: datetime, *, terms: EscalationTerms, limit: int) -> list[UUID]:
        late = [each for each in self.store.orders.values() if each.escalates_to(terms, now=now) is not None]
        return [each.order_id for each in sorted(late, key=lambda one: one.due_at or now)][:limit]

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
