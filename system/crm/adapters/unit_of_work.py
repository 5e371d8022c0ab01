"""CRM's transaction: plumbing's, with CRM's repositories open over it."""

from __future__ import annotations

from system.crm.adapters.repositories import LetterRepository, ParcelRepository, SalesOrderRepository
from system.crm.application.ports import Letters, Parcels, SalesOrders
from system.plumbing.unit_of_work import UnitOfWork


class CrmUnitOfWork(UnitOfWork):
    """One transaction over orders, parcels and letters."""

    orders: SalesOrders
    parcels: Parcels
    letters: Letters

    async def on_enter(self) -> None:
        """Opens the repositories."""
        self.orders = SalesOrderRepository(self.connection)
        self.parcels = ParcelRepository(self.connection)
        self.letters = LetterRepository(self.connection)
