"""CRM's transaction: plumbing's, with CRM's repositories open over it."""

from __future__ import annotations

from system.crm.adapters.care import ColleagueRepository, NoteRepository, ReminderRepository
from system.crm.adapters.cases import CaseRepository
from system.crm.adapters.people import PeopleRepository
from system.crm.adapters.repositories import LetterRepository, ParcelRepository, SalesOrderRepository
from system.crm.application.people import People
from system.crm.application.ports import Cases, Colleagues, Letters, Notes, Parcels, Reminders, SalesOrders
from system.plumbing.batches import BatchedUnitOfWork


class CrmUnitOfWork(BatchedUnitOfWork):
    """One transaction over orders, parcels, letters, and what sellers keep in mind."""

    orders: SalesOrders
    parcels: Parcels
    letters: Letters
    cases: Cases
    notes: Notes
    reminders: Reminders
    colleagues: Colleagues
    people: People

    async def on_enter(self) -> None:
        """Opens the repositories."""
        orders = SalesOrderRepository(self.connection, locked=lambda: self.locked_orders)
        parcels = ParcelRepository(self.connection, locked=lambda: self.locked_orders)
        self.orders, self.parcels = orders, parcels
        self.holds_back(orders, parcels)
        self.letters = LetterRepository(self.connection)
        self.cases = CaseRepository(self.connection)
        self.notes = NoteRepository(self.connection)
        self.reminders = ReminderRepository(self.connection)
        self.colleagues = ColleagueRepository(self.connection)
        self.people = PeopleRepository(self)
