"""What the handlers need from the world. `adapters/` keeps these promises, the unit tests keep them in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self, overload
from uuid import UUID

from system.crm.domain.care import Note, Reminder, Subject
from system.crm.domain.case import Case
from system.crm.domain.escalation import Escalation
from system.crm.domain.letter import Letter
from system.crm.domain.parcel import CarrierEvent, ParcelKey, Shipment
from system.crm.domain.sales_order import Assignment, Decision, SalesOrder, Seller
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import OrderChanged
from system.messages.shop_v1 import OrderSubmitted
from system.plumbing.tokens import Principal
from system.plumbing.unit_of_work import Answer, IdempotencyKey


class SalesOrders(Protocol):
    """The read model of orders, and the sellers' decisions."""

    async def get(self, order_id: UUID) -> SalesOrder:
        """The order as committed. Raises OrderNotFound."""

    async def take_content(self, submitted: OrderSubmitted) -> bool:
        """Keeps what was submitted; False when it was known already."""

    async def take_status(self, changed: OrderChanged) -> bool:
        """Keeps the orchestrator's state when its version is the highest yet; False for an older one."""

    async def decide(self, order_id: UUID, decision: Decision, *, seen_version: int | None) -> SalesOrder | None:
        """One conditional update: the decided order, or None when nobody may decide about it now."""

    async def wait_for_customer(self, order_id: UUID, *, since: datetime | None) -> bool:
        """The order waits for its customer since then, or not any more; False when nobody knows yet whose order it is."""

    async def hold(self, order_id: UUID) -> SalesOrder:
        """The order, which until the end of this transaction nobody else changes. Raises OrderNotFound."""

    async def assign(self, order_id: UUID, assignment: Assignment | None) -> None:
        """Keeps who looks after the order, which is held; None: nobody."""

    async def escalate(self, order_id: UUID, escalation: Escalation) -> None:
        """Keeps how far the order, which is held, was escalated."""

    async def has_customer(self, customer_id: UUID) -> bool:
        """Whether this customer ordered anything."""


class Letters(Protocol):
    """What customers and sellers wrote to each other."""

    async def add(self, letter: Letter) -> bool:
        """Keeps a letter. False when its id was kept before."""

    async def to_be_told(self, letter: Letter) -> None:
        """Its customer is told of it by e-mail, once this is committed."""

    async def of(self, order_id: UUID) -> list[Letter]:
        """An order's letters, the oldest first."""


class Cases(Protocol):
    """Returns and complaints."""

    async def add(self, case: Case) -> None:
        """Keeps a new one."""

    async def of(self, order_id: UUID) -> list[Case]:
        """An order's, the oldest first."""

    async def hold(self, case_id: UUID) -> Case:
        """The case, which until the end of this transaction nobody else changes. Raises CaseNotFound."""

    async def save(self, case: Case) -> None:
        """Keeps what became of a case that is held; its steps are only ever added to."""


class Notes(Protocol):
    """What sellers wrote for their colleagues; nothing is ever changed."""

    async def add(self, note: Note) -> bool:
        """Keeps a note. False when it corrects one that was corrected already."""

    async def is_there(self, note_id: UUID, about: Subject) -> bool:
        """Whether there is such a note about this."""


class Reminders(Protocol):
    """What is to be done, by whom and when."""

    async def add(self, reminder: Reminder) -> bool:
        """Keeps a reminder. False when its id was kept before."""

    async def hold(self, reminder_id: UUID) -> Reminder:
        """The reminder, which until the end of this transaction nobody else changes. Raises ReminderNotFound."""

    async def save(self, reminder: Reminder) -> None:
        """Keeps what became of a reminder that is held."""

    async def end_moot(self, now: datetime) -> int:
        """Ends the open ones of the system's making whose order waits no more. Returns how many."""


class Colleagues(Protocol):
    """Sellers and administrators whom CRM has met: they can be reminded of something."""

    async def meet(self, who: Seller, *, at: datetime) -> None:
        """Remembers somebody and their present name."""

    async def find(self, colleague_id: UUID) -> Seller | None:
        """Somebody who was met."""


class Parcels(Protocol):
    """Shipments, what carriers said of them, and which deliveries were reported."""

    async def unknown(self, shipments: list[Shipment]) -> list[Shipment]:
        """Those of an order that were not added before. The caller holds the order's lock."""

    async def add_shipments(self, shipments: list[Shipment]) -> None:
        """Remembers the parcels of an order; known ones stay."""

    async def add_event(self, event: CarrierEvent) -> bool:
        """Keeps a carrier's message. False when its id was kept before: then nothing may happen again."""

    async def shipments_of(self, key: ParcelKey) -> list[Shipment]:
        """The shipments a parcel belongs to; empty while it is unknown."""

    async def delivery_of(self, key: ParcelKey) -> CarrierEvent | None:
        """The first message that said the parcel arrived, if one did."""

    async def report_delivery(self, order_id: UUID, event: CarrierEvent, *, at: datetime) -> bool:
        """Marks the delivery of a parcel to an order as reported. False when it was before."""


class CrmUnitOfWork(Protocol):
    """One transaction over all of the above."""

    now: datetime
    orders: SalesOrders
    parcels: Parcels
    letters: Letters
    cases: Cases
    notes: Notes
    reminders: Reminders
    colleagues: Colleagues

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def publish(self, message: Message) -> None: ...
    async def lock(self, *subjects: UUID | str) -> None: ...
    async def answer_to(self, key: IdempotencyKey | None) -> Answer | None: ...
    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None: ...
    @overload
    async def commit(self, answer: Answer) -> Answer: ...
    @overload
    async def commit(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OrchestratorReply:
    """What the orchestrator did: `is_final` is False when it has to ask MES first."""

    is_final: bool
    order: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Repair:
    """What was tried: how many parked messages were delivered again, or that the silent step was asked once more."""

    replayed: int
    is_resent: bool
    not_answering: tuple[str, ...]


class Orchestrator(Protocol):
    """The service that alone decides an order's status. Asking again after a lost answer is safe."""

    async def close(self, order_id: UUID, *, who: Principal, reason: str) -> OrchestratorReply:
        """Closes a shipped order. Raises TransitionRefused, OrderNotFound, Unavailable."""

    async def cancel(self, order_id: UUID, *, who: Principal, reason: str) -> OrchestratorReply:
        """Cancels an order or begins to. Raises TransitionRefused, OrderNotFound, Unavailable."""

    async def timeline(self, order_id: UUID, *, who: Principal) -> dict[str, Any]:
        """Everything that happened to the order in every service, as the orchestrator tells it. Raises OrderNotFound, Unavailable."""

    async def repair(self, order_id: UUID, *, who: Principal) -> Repair:
        """Has a hanging order tried again. Raises NothingToRepair, OrderNotFound, Unavailable."""


class Quotes(Protocol):
    """Pricing's word on what an order's lines cost and weigh, and what its models are like."""

    async def of(self, quote_ids: list[UUID], *, who: Principal) -> dict[str, dict[str, Any]]:
        """The known ones of these quotes by their id. Raises Unavailable."""


class Models(Protocol):
    """The 3D models that orders are made from."""

    async def fetch(self, file_id: UUID, *, bytes_max: int) -> bytes | None:
        """The model as it was verified; None when there is none, or a larger one than that. Raises Unavailable."""


class CustomerMail(Protocol):
    """The shop, which writes to customers by e-mail."""

    async def notices(self, order_id: UUID, *, who: Principal) -> list[dict[str, Any]]:
        """The letters by e-mail about an order, the oldest first: kind, state, written_at, settled_at, said. Raises Unavailable."""
