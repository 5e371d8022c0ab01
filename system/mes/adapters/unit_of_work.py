"""MES's transaction: plumbing's, with MES's repositories open over it."""

from __future__ import annotations

from system.mes.adapters.ledger import PayLedgerRepository
from system.mes.adapters.rates import PayRateRepository
from system.mes.adapters.repositories import (
    OperatorRepository,
    OrderStatusRepository,
    WithdrawalRepository,
    WorkOrderRepository,
)
from system.mes.adapters.weighings import WeighingRepository
from system.mes.application.ports import (
    Operators,
    OrderStatuses,
    PayLedger,
    PayRates,
    Weighings,
    Withdrawals,
    WorkOrders,
)
from system.plumbing.unit_of_work import UnitOfWork


class MesUnitOfWork(UnitOfWork):
    """One transaction over work orders, pay ledger, rates, weighings, withdrawals, statuses and operators."""

    work_orders: WorkOrders
    pay_ledger: PayLedger
    pay_rates: PayRates
    weighings: Weighings
    withdrawals: Withdrawals
    order_statuses: OrderStatuses
    operators: Operators

    async def on_enter(self) -> None:
        """Opens the repositories."""
        self.work_orders = WorkOrderRepository(self.connection)
        self.pay_ledger = PayLedgerRepository(self.connection)
        self.pay_rates = PayRateRepository(self.connection)
        self.weighings = WeighingRepository(self.connection)
        self.withdrawals = WithdrawalRepository(self.connection)
        self.order_statuses = OrderStatusRepository(self.connection)
        self.operators = OperatorRepository(self.connection)
