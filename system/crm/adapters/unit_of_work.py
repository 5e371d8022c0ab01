"""CRM's transaction: plumbing's, with CRM's repositories open over it."""

from __future__ import annotations

from system.crm.adapters.repositories import ParcelRepository, SalesOrderRepository
from system.crm.application.ports import Parcels, SalesOrders
from system.plumbing.unit_of_work import UnitOfWork


class CrmUnitOfWork(UnitOfWork):
    """One transaction over orders and parcels."""

    orders: SalesOrders
    parcels: Parcels

    async def on_enter(self) -> None:
        """Opens the repositories."""
        self.orders = SalesOrderRepository(self.connection)
        self.parcels = ParcelRepository(self.connection)
