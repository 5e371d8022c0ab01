"""The shop's unit of work: plumbing's transaction with the shop's repositories on it."""

from __future__ import annotations

from system.plumbing.batches import BatchedUnitOfWork
from system.plumbing.mail.box import NoticeBox
from system.plumbing.mail.notice import HeldNotices
from system.shop.adapters.people import PeopleRepository
from system.shop.adapters.repositories import CatalogueRepository, OrderRepository
from system.shop.adapters.stock import StockRepository
from system.shop.application.people import People
from system.shop.application.ports import Catalogue, Orders, Stock


class SqlShopUnitOfWork(BatchedUnitOfWork):
    """One transaction over the shop's tables."""

    orders: Orders
    stock: Stock
    catalogue: Catalogue
    notices: HeldNotices
    people: People

    async def on_enter(self) -> None:
        orders = OrderRepository(self.connection, now=lambda: self.now, locked=lambda: self.locked_orders)
        stock = StockRepository(self.connection, locked=lambda: self.locked_orders)
        notices = NoticeBox(self.connection, now=lambda: self.now)
        self.orders, self.stock, self.notices = orders, stock, notices
        self.catalogue = CatalogueRepository(self.connection)
        self.people = PeopleRepository(self)
        self.holds_back(orders, stock, notices)
