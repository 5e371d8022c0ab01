"""The shop's unit of work: plumbing's transaction with the shop's repositories on it."""

from __future__ import annotations

from system.plumbing.mail.box import NoticeBox
from system.plumbing.mail.notice import Notices
from system.plumbing.unit_of_work import UnitOfWork
from system.shop.adapters.people import PeopleRepository
from system.shop.adapters.repositories import CatalogueRepository, OrderRepository, StockRepository
from system.shop.application.people import People
from system.shop.application.ports import Catalogue, Orders, Stock


class SqlShopUnitOfWork(UnitOfWork):
    """One transaction over the shop's tables."""

    orders: Orders
    stock: Stock
    catalogue: Catalogue
    notices: Notices
    people: People

    async def on_enter(self) -> None:
        self.orders = OrderRepository(self.connection, now=lambda: self.now)
        self.stock = StockRepository(self.connection)
        self.catalogue = CatalogueRepository(self.connection)
        self.notices = NoticeBox(self.connection, now=lambda: self.now)
        self.people = PeopleRepository(self)
