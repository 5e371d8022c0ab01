"""MES's transaction: plumbing's, with MES's repositories open over it."""

from __future__ import annotations

from system.mes.adapters.ledger import PayLedgerRepository
from system.mes.adapters.repositories import (
    OperatorRepository,
    OrderStatusRepository,
    WithdrawalRepository,
    WorkOrderRepository,
)
from system.mes.application.ports import Operators, OrderStatuses, PayLedger, Withdrawals, WorkOrders
from system.plumbing.unit_of_work import UnitOfWork


class MesUnitOfWork(UnitOfWork):
    """One transaction over work orders, pay ledger, withdrawals, statuses and operators."""

    work_orders: WorkOrders
    pay_ledger: PayLedger
    withdrawals: Withdrawals
    order_statuses: OrderStatuses
    operators: Operators

    async def on_enter(self) -> None:
        """Opens the repositories."""
        self.work_orders = WorkOrderRepository(self.connection)
        self.pay_ledger = PayLedgerRepository(self.connection)
        self.withdrawals = WithdrawalRepository(self.connection)
        self.order_statuses = OrderStatusRepository(self.connection)
        self.operators = OperatorRepository(self.connection)
