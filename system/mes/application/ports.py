"""What the handlers need from the world. `adapters/` keeps these promises in PostgreSQL, the unit tests in memory."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self, overload
from uuid import UUID

from system.mes.domain.pay import PayEntry, PayRate
from system.mes.domain.rates import RateWithdrawal
from system.mes.domain.weights import Weighing
from system.mes.domain.withdrawal import Withdrawal
from system.mes.domain.work_order import Operator, Parcel, WorkOrder
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import OrderChanged
from system.plumbing.unit_of_work import Answer, IdempotencyKey


class WorkOrders(Protocol):
    """The work orders."""

    async def get(self, work_order_id: UUID) -> WorkOrder:
        """As it is now, without a lock. Raises WorkOrderNotFound."""

    async def hold(self, work_order_id: UUID) -> WorkOrder:
        """As it is, locked until the end of the transaction. Raises WorkOrderNotFound."""

    async def hold_of_order(self, order_id: UUID) -> list[WorkOrder]:
        """All of an order's, locked, by id; empty when none was released yet."""

    async def claim(self, work_order_id: UUID, operator: Operator, *, at: datetime) -> WorkOrder | None:
        """One conditional update: the claimed work order with its new claim_no, or None when it was not free (or is unknown)."""

    async def in_hand(self, operator_id: UUID, *, besides: UUID, limit: int) -> list[str]:
        """Order numbers of what the operator has claimed and not made yet, one work order left out; `limit` of them at most."""

    async def add(self, work_orders: list[WorkOrder]) -> list[WorkOrder]:
        """Stores those whose id is new, and returns them; known ones stay as they are."""

    async def save(self, work_order: WorkOrder) -> None:
        """Stores a held work order's new state."""

    async def note(self, work_order: WorkOrder, *, actor: str, at: datetime, reason: str | None = None) -> None:
        """Adds the state it has reached to the work order's history."""

    async def take_parcel(self, parcel: Parcel, *, order_id: UUID, at: datetime) -> bool:
        """Binds a tracking number to an order. False when another order has it; True again for the same order."""


class PayLedger(Protocol):
    """The append-only pay ledger."""

    async def add(self, entry: PayEntry) -> None:
        """Stores the entry. A second one with the same key is a bug and raises."""

    async def earning_of(self, work_order_id: UUID, claim_no: int) -> PayEntry:
        """The earning of a claim; every claim has one."""

    async def rates(self) -> tuple[PayRate, ...]:
        """Every rate, past and future, that was not withdrawn."""


class PayRates(Protocol):
    """The rates of pay, which are only added to."""

    async def all(self) -> tuple[PayRate, ...]:
        """Every rate, past and future, that was not withdrawn."""

    async def withdrawals(self) -> tuple[RateWithdrawal, ...]:
        """Every planned rate that was withdrawn."""

    async def add(self, rate: PayRate) -> None:
        """Stores a rate. A second one of the same material and moment is a bug and raises."""

    async def withdraw(self, withdrawal: RateWithdrawal) -> None:
        """From the commit on nobody is paid by this rate, by whatever release."""


class Weighings(Protocol):
    """What work orders weighed, which is only added to."""

    async def of(self, work_order_id: UUID) -> tuple[Weighing, ...]:
        """All that was written down for a held work order, the oldest first."""

    async def add(self, weighing: Weighing) -> None:
        """Stores one. A second one with the same number is a bug and raises."""


class Withdrawals(Protocol):
    """What MES decided about requests to take work back."""

    async def get(self, withdrawal_id: UUID) -> Withdrawal | None:
        """The decision about this request, if it was made."""

    async def accepted_for(self, order_id: UUID) -> bool:
        """Whether the order was withdrawn: then nothing of it may come on the board any more."""

    async def add(self, withdrawal: Withdrawal) -> None:
        """Remembers a decision."""


class OrderStatuses(Protocol):
    """The orchestrator's words about each order: a read model."""

    async def take(self, changed: OrderChanged) -> bool:
        """Keeps the state when its version is the highest yet. False when it is an older one."""

    async def status_of(self, order_id: UUID) -> str | None:
        """The last known status, or None when nothing was heard."""


class Operators(Protocol):
    """The operators MES has met."""

    async def find(self, operator_id: UUID) -> Operator | None:
        """The operator, if they ever came here."""

    async def meet(self, operator: Operator, *, at: datetime) -> None:
        """Remembers an operator and their present name; until the commit nobody else can do so with the same operator."""


class MesUnitOfWork(Protocol):
    """One transaction over all of the above."""

    now: datetime
    work_orders: WorkOrders
    pay_ledger: PayLedger
    pay_rates: PayRates
    weighings: Weighings
    withdrawals: Withdrawals
    order_statuses: OrderStatuses
    operators: Operators

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
