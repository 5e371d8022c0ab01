"""MES's transaction: plumbing's, with MES's repositories open over it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from system.mes.adapters.ledger import PayLedgerRepository
from system.mes.adapters.people import PeopleRepository
from system.mes.adapters.rates import PayRateRepository
from system.mes.adapters.repositories import (
    OperatorRepository,
    OrderStatusRepository,
    WithdrawalRepository,
    WorkOrderRepository,
)
from system.mes.adapters.weighings import WeighingRepository
from system.mes.application.people import People
from system.mes.application.ports import (
    Operators,
    OrderStatuses,
    PayLedger,
    PayRates,
    Weighings,
    Withdrawals,
    WorkOrders,
)
from system.plumbing.batches import BatchedUnitOfWork


class MesUnitOfWork(BatchedUnitOfWork):
    """One transaction over work orders, pay ledger, rates, weighings, withdrawals, statuses and operators.

    `on_changed` is awaited after a commit that changed work orders, before anybody is answered: who then asks for a list sees it.
    """

    work_orders: WorkOrders
    pay_ledger: PayLedger
    pay_rates: PayRates
    weighings: Weighings
    withdrawals: Withdrawals
    order_statuses: OrderStatuses
    operators: Operators
    people: People

    def __init__(self, *arguments: Any, on_changed: Callable[[], Awaitable[None]] | None = None, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._on_changed = on_changed
        self._stored: WorkOrderRepository

    async def on_enter(self) -> None:
        """Opens the repositories."""
        self.work_orders = self._stored = WorkOrderRepository(self.connection)
        self.pay_ledger = PayLedgerRepository(self.connection)
        self.pay_rates = PayRateRepository(self.connection)
        self.weighings = WeighingRepository(self.connection)
        withdrawals = WithdrawalRepository(self.connection, locked=lambda: self.locked_orders)
        order_statuses = OrderStatusRepository(self.connection, locked=lambda: self.locked_orders)
        self.withdrawals, self.order_statuses = withdrawals, order_statuses
        self.holds_back(order_statuses, withdrawals, self._stored)
        self.operators = OperatorRepository(self.connection)
        self.people = PeopleRepository(self)

    async def commit(self, answer: Any = None) -> Any:
        """As plumbing's, and tells who keeps lists that work orders changed."""
        committed = await super().commit(answer)
        if self._stored.has_changed and self._on_changed is not None:
            await self._on_changed()
        return committed
