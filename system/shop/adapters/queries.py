"""Reads that decide nothing: straight from the tables to what an endpoint shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from system.plumbing.metrics import GaugeQuery
from system.shop.adapters import mapping
from system.shop.adapters.repositories import LINES_IN_ORDER, ORDER_WITH_PROGRESS, PRODUCT_WITH_STOCK, cart_id_of
from system.shop.adapters.tables import order_line, order_progress, orders, product, stock_reservation
from system.shop.domain.catalogue import Product
from system.shop.domain.order import Order, Terms

GAUGES = (
    GaugeQuery(
        "alexandrite_shop_stock_available",
        "Pieces of a ready-made good that nobody has reserved.",
        ("sku",),
        "SELECT sku, available AS value FROM stock",
    ),
)

# Adds up every movement there ever was: for a person or a nightly job, not for each scrape.
_UNEXPLAINED = text("""
    SELECT s.sku, s.stocked - s.available - coalesce(sum(CASE m.kind WHEN 'reserve' THEN m.pieces ELSE -m.pieces END), 0) AS pieces
    FROM stock s LEFT JOIN stock_movement m ON m.sku = s.sku
    GROUP BY s.sku, s.stocked, s.available
    HAVING s.stocked - s.available <> coalesce(sum(CASE m.kind WHEN 'reserve' THEN m.pieces ELSE -m.pieces END), 0)
    ORDER BY s.sku
""")


@dataclass(frozen=True, slots=True)
class Belief:
    """What the shop believes about an order, for the reconciliation."""

    order: Order
    stock: str | None


class ShopQueries:
    """Read-only views over the shop's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def products(self) -> list[Product]:
        """The goods for sale, in the catalogue's order."""
        async with self._engine.connect() as connection:
            return [mapping.product_of(row) for row in await connection.execute(PRODUCT_WITH_STOCK)]

    async def product(self, sku: str) -> Product | None:
        """One good that is for sale, or None."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(PRODUCT_WITH_STOCK.where(product.c.sku == sku))).one_or_none()
        return mapping.product_of(row) if row is not None else None

    async def order(self, order_id: UUID, *, customer_id: UUID) -> Order | None:
        """One order of this customer; another customer's is None."""
        query = ORDER_WITH_PROGRESS.where(orders.c.id == order_id, orders.c.customer_id == customer_id)
        found = [order for order, _ in await self._orders(query)]
        return found[0] if found else None

    async def orders_of(self, customer_id: UUID, *, limit: int, before: UUID | None) -> list[Order]:
        """The customer's orders, youngest first, those younger than `before` left out."""
        query = ORDER_WITH_PROGRESS.where(orders.c.customer_id == customer_id).order_by(orders.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(orders.c.id < before)
        return [order for order, _ in await self._orders(query)]

    async def submitted_by(self, customer_id: UUID, *, limit: int, before: UUID | None) -> list[Order]:
        """What the customer has ordered, youngest first, those younger than `before` left out; a cart is not ordered."""
        query = (
            ORDER_WITH_PROGRESS.where(orders.c.customer_id == customer_id, orders.c.submitted_at.is_not(None))
            .order_by(orders.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(orders.c.id < before)
        return [order for order, _ in await self._orders(query)]

    async def submitted(self, order_id: UUID) -> Order | None:
        """An order that was submitted, whoever's it is, or None."""
        query = ORDER_WITH_PROGRESS.where(orders.c.id == order_id, orders.c.submitted_at.is_not(None))
        found = [order for order, _ in await self._orders(query)]
        return found[0] if found else None

    async def last_terms(self, customer_id: UUID) -> Terms | None:
        """The terms of the customer's last order, or None."""
        last = await self.submitted_by(customer_id, limit=1, before=None)
        return last[0].terms if last else None

    async def cart_of(self, customer_id: UUID) -> Order | None:
        """The customer's cart, or None."""
        found = await self._orders(ORDER_WITH_PROGRESS.where(orders.c.id == cart_id_of(customer_id).scalar_subquery()))
        return found[0][0] if found else None

    async def changed_since(self, since: datetime, *, limit: int) -> list[tuple[UUID, datetime]]:
        """Which orders changed here, or were told about, at `since` or later, and when; the oldest first."""
        told = select(order_progress.c.order_id, order_progress.c.told_at.label("at")).where(
            order_progress.c.told_at >= since
        )
        own = select(orders.c.id.label("order_id"), orders.c.changed_at.label("at")).where(orders.c.changed_at >= since)
        both = union_all(told, own).subquery()
        query = select(both.c.order_id, both.c.at).order_by(both.c.at, both.c.order_id).limit(limit)
        async with self._engine.connect() as connection:
            return [(row.order_id, row.at) for row in await connection.execute(query)]

    async def pieces_in_cart(self, customer_id: UUID) -> int:
        """How many pieces are in the customer's cart: the youngest order whose content may still change."""
        cart = cart_id_of(customer_id).scalar_subquery()
        pieces = select(func.coalesce(func.sum(order_line.c.quantity), 0)).where(order_line.c.order_id == cart)
        async with self._engine.connect() as connection:
            return int((await connection.execute(pieces)).scalar_one())

    async def beliefs(self, *, since: datetime | None) -> list[Belief]:
        """Every order that changed here, or was told about, at `since` or later."""
        query = (
            select(orders, order_progress.c.state, stock_reservation.c.state.label("stock"))
            .outerjoin(order_progress, order_progress.c.order_id == orders.c.id)
            .outerjoin(stock_reservation, stock_reservation.c.order_id == orders.c.id)
            .order_by(orders.c.id)
        )
        if since is not None:
            query = query.where(or_(orders.c.changed_at >= since, order_progress.c.told_at >= since))
        return [Belief(order, row.stock) for order, row in await self._orders(query, with_lines=False)]

    async def unexplained_stock(self) -> dict[str, int]:
        """Goods whose stock is not what their movements say, and by how many pieces. Empty when all is well."""
        async with self._engine.connect() as connection:
            return {row.sku: int(row.pieces) for row in await connection.execute(_UNEXPLAINED)}

    async def _orders(self, query: Select[Any], *, with_lines: bool = True) -> list[tuple[Order, Any]]:
        async with self._engine.connect() as connection:
            rows: Sequence[Any] = (await connection.execute(query)).all()
            lines: dict[UUID, list[Any]] = defaultdict(list)
            if with_lines and rows:
                wanted = LINES_IN_ORDER.where(order_line.c.order_id.in_([row.id for row in rows]))
                for line in await connection.execute(wanted):
                    lines[line.order_id].append(line)
        return [(mapping.order_of(row, lines[row.id]), row) for row in rows]
