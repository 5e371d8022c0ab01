"""MES's ports in memory, for the unit tests: the same promises, rolled back by copying."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from system.kernel.clock import FixedClock
from system.kernel.errors import Invalid
from system.mes.application.ports import (
    Operators,
    OrderStatuses,
    PayLedger,
    PayRates,
    Weighings,
    Withdrawals,
    WorkOrders,
)
from system.mes.domain.errors import WorkOrderNotFound
from system.mes.domain.pay import PayEntry, PayKind, PayRate
from system.mes.domain.rates import RateWithdrawal
from system.mes.domain.weights import Weighing
from system.mes.domain.withdrawal import Withdrawal
from system.mes.domain.work_order import Claim, Operator, Parcel, WorkOrder, WorkOrderState
from system.mes.tests.harness import RATES, START
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import OrderChanged
from system.plumbing.unit_of_work import Answer, IdempotencyKey


class Store:
    """Everything that a commit keeps."""

    def __init__(self) -> None:
        self.work_orders: dict[UUID, WorkOrder] = {}
        self.history: list[tuple[UUID, str, str | None]] = []
        self.parcels: dict[tuple[str, str], UUID] = {}
        self.entries: dict[tuple[UUID, int, PayKind], PayEntry] = {}
        self.rates: list[PayRate] = list(RATES)
        self.rate_withdrawals: list[RateWithdrawal] = []
        self.weighings: list[Weighing] = []
        self.audited: list[tuple[str, str, str]] = []
        self.withdrawals: dict[UUID, Withdrawal] = {}
        self.statuses: dict[UUID, OrderChanged] = {}
        self.operators: dict[UUID, Operator] = {}
        self.messages: list[Message] = []
        self.answers: dict[IdempotencyKey, Answer] = {}


class InMemoryWorkOrders:
    """Work orders in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, work_order_id: UUID) -> WorkOrder:
        if work_order_id not in self._store.work_orders:
            raise WorkOrderNotFound(work_order_id)
        return self._store.work_orders[work_order_id]

    hold = get

    async def hold_of_order(self, order_id: UUID) -> list[WorkOrder]:
        found = (each for each in self._store.work_orders.values() if each.order_id == order_id)
        return sorted(found, key=lambda each: each.id)

    async def claim(self, work_order_id: UUID, operator: Operator, *, at: datetime) -> WorkOrder | None:
        found = self._store.work_orders.get(work_order_id)
        if found is None or found.state is not WorkOrderState.RELEASED:
            return None
        claimed = replace(
            found,
            state=WorkOrderState.CLAIMED,
            state_since=at,
            claim_no=found.claim_no + 1,
            claim=Claim(operator, at),
        )
        self._store.work_orders[work_order_id] = claimed
        return claimed

    async def in_hand(self, operator_id: UUID, *, besides: UUID, limit: int) -> list[str]:
        found = [
            each
            for each in self._store.work_orders.values()
            if each.state is WorkOrderState.CLAIMED and each.claim and each.claim.operator.id == operator_id
        ]
        return [each.order_number for each in found if each.id != besides][:limit]

    async def add(self, work_orders: list[WorkOrder]) -> list[WorkOrder]:
        fresh = [each for each in work_orders if each.id not in self._store.work_orders]
        self._store.work_orders |= {each.id: each for each in fresh}
        return fresh

    async def save(self, work_order: WorkOrder) -> None:
        self._store.work_orders[work_order.id] = work_order

    async def note(self, work_order: WorkOrder, *, actor: str, at: datetime, reason: str | None = None) -> None:
        self._store.history.append((work_order.id, work_order.state, reason))

    async def take_parcel(self, parcel: Parcel, *, order_id: UUID, at: datetime) -> bool:
        return self._store.parcels.setdefault((parcel.carrier, parcel.tracking_number), order_id) == order_id


class InMemoryPayLedger:
    """The ledger in a dictionary with the table's key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, entry: PayEntry) -> None:
        key = (entry.work_order_id, entry.claim_no, entry.kind)
        if key in self._store.entries:
            raise ValueError(f"a second ledger entry for {key}")
        self._store.entries[key] = entry

    async def earning_of(self, work_order_id: UUID, claim_no: int) -> PayEntry:
        return self._store.entries[work_order_id, claim_no, PayKind.EARN]

    async def rates(self) -> tuple[PayRate, ...]:
        return await InMemoryPayRates(self._store).all()


class InMemoryPayRates:
    """Rates in a list, those withdrawn left out."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> tuple[PayRate, ...]:
        gone = {(each.rate.material, each.rate.valid_from) for each in self._store.rate_withdrawals}
        return tuple(rate for rate in self._store.rates if (rate.material, rate.valid_from) not in gone)

    async def withdrawals(self) -> tuple[RateWithdrawal, ...]:
        return tuple(self._store.rate_withdrawals)

    async def add(self, rate: PayRate) -> None:
        if any((each.material, each.valid_from) == (rate.material, rate.valid_from) for each in self._store.rates):
            raise ValueError(f"a second rate of {rate.material} at {rate.valid_from}")
        self._store.rates.append(rate)

    async def withdraw(self, withdrawal: RateWithdrawal) -> None:
        self._store.rate_withdrawals.append(withdrawal)


class InMemoryWeighings:
    """Weighings in a list."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, work_order_id: UUID) -> tuple[Weighing, ...]:
        return tuple(each for each in self._store.weighings if each.work_order_id == work_order_id)

    async def add(self, weighing: Weighing) -> None:
        for each in await self.of(weighing.work_order_id):
            if (each.stage, each.no) == (weighing.stage, weighing.no):
                raise ValueError(f"a second weighing {weighing.stage} {weighing.no}")
        self._store.weighings.append(weighing)


class InMemoryWithdrawals:
    """Decisions in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, withdrawal_id: UUID) -> Withdrawal | None:
        return self._store.withdrawals.get(withdrawal_id)

    async def accepted_for(self, order_id: UUID) -> bool:
        return any(each.accepted and each.order_id == order_id for each in self._store.withdrawals.values())

    async def add(self, withdrawal: Withdrawal) -> None:
        self._store.withdrawals[withdrawal.id] = withdrawal


class InMemoryOrderStatuses:
    """The newest word on each order."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, changed: OrderChanged) -> bool:
        known = self._store.statuses.get(changed.order_id)
        if known is not None and known.version >= changed.version:
            return False
        self._store.statuses[changed.order_id] = changed
        return True

    async def status_of(self, order_id: UUID) -> str | None:
        known = self._store.statuses.get(order_id)
        return known.status if known else None


class InMemoryOperators:
    """Operators in a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, operator_id: UUID) -> Operator | None:
        return self._store.operators.get(operator_id)

    async def meet(self, operator: Operator, *, at: datetime) -> None:
        self._store.operators[operator.id] = operator


class InMemoryUnitOfWork:
    """Works on a copy of the store, which replaces it on commit."""

    work_orders: WorkOrders
    pay_ledger: PayLedger
    pay_rates: PayRates
    weighings: Weighings
    withdrawals: Withdrawals
    order_statuses: OrderStatuses
    operators: Operators

    def __init__(self, mes: InMemoryMes) -> None:
        self._mes = mes
        self._key: IdempotencyKey | None = None

    async def __aenter__(self) -> Self:
        self.now = self._mes.clock.now()
        self._store = copy.copy(self._mes.store)
        for name, held in vars(self._mes.store).items():
            setattr(self._store, name, held.copy())
        self.work_orders = InMemoryWorkOrders(self._store)
        self.pay_ledger = InMemoryPayLedger(self._store)
        self.pay_rates = InMemoryPayRates(self._store)
        self.weighings = InMemoryWeighings(self._store)
        self.withdrawals = InMemoryWithdrawals(self._store)
        self.order_statuses = InMemoryOrderStatuses(self._store)
        self.operators = InMemoryOperators(self._store)
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
        self._store.audited.append((actor, action, subject))

    async def commit(self, answer: Answer | None = None) -> Any:
        if self._key and answer:
            self._store.answers[self._key] = answer
        self._mes.store = self._store
        return answer


class InMemoryMes:
    """MES without a database."""

    def __init__(self) -> None:
        self.clock = FixedClock(START)
        self.store = Store()

    def make_uow(self) -> InMemoryUnitOfWork:
        return InMemoryUnitOfWork(self)

    async def work_order(self, work_order_id: UUID) -> WorkOrder:
        return self.store.work_orders[work_order_id]

    async def ledger(self, work_order_id: UUID) -> list[PayEntry]:
        entries = (entry for key, entry in self.store.entries.items() if key[0] == work_order_id)
        return sorted(entries, key=lambda entry: (entry.claim_no, entry.kind))

    async def messages(self, order_id: UUID) -> list[dict[str, Any]]:
        found = (each for each in self.store.messages if each.order_id == order_id)
        return [each.model_dump(mode="json") | {"type": each.TYPE} for each in found]

    async def claimed_since_before(self, moment: datetime, *, limit: int) -> list[UUID]:
        found = [
            (each.state_since, each.id)
            for each in self.store.work_orders.values()
            if each.state is WorkOrderState.CLAIMED and each.state_since and each.state_since <= moment
        ]
        return [work_order_id for _, work_order_id in sorted(found)][:limit]

    async def history(self, work_order_id: UUID) -> list[tuple[str, str | None]]:
        return [(state, reason) for each, state, reason in self.store.history if each == work_order_id]
