"""The shop's objects in PostgreSQL. A repository works inside the transaction of its unit of work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, delete, func, insert, null, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from system.plumbing.rows import as_rows, inserting
from system.shop.adapters import mapping
from system.shop.adapters.tables import order_line, order_number, order_progress, orders, product, stock
from system.shop.application.ports import Told
from system.shop.domain import rules
from system.shop.domain.catalogue import Product
from system.shop.domain.errors import OrderUnknownHere, OrderWasChanged
from system.shop.domain.order import Channel, Order, number_of
from system.shop.domain.progress import Progress
from system.shop.domain.status import ENDED

ORDER_WITH_PROGRESS: Select[Any] = select(orders, order_progress.c.state).outerjoin(
    order_progress, order_progress.c.order_id == orders.c.id
)
LINES_IN_ORDER: Select[Any] = select(order_line).order_by(order_line.c.id)
"""Line ids are time-ordered, so this is the order in which they were added."""

PRODUCT_WITH_STOCK: Select[Any] = (
    select(product, stock.c.available)
    .outerjoin(stock, stock.c.sku == product.c.sku)
    .where(product.c.for_sale)
    .order_by(product.c.position, product.c.sku)
)

# The path that every status of every order takes: read for all orders of a batch at once, and written for all of them at once.
_RECORDED = text("""
    SELECT orders.id, order_progress.state FROM orders LEFT JOIN order_progress ON order_progress.order_id = orders.id
    WHERE orders.id = ANY(:order_ids)
""")
_TELL = inserting(
    order_progress,
    "order_id",
    "version",
    "status",
    "state",
    shared={"told_at": "clock_timestamp()"},
    more="""
    ON CONFLICT (order_id) DO UPDATE
    SET version = excluded.version, status = excluded.status, state = excluded.state, told_at = excluded.told_at
    WHERE order_progress.version < excluded.version
    """,
)
_CONTENTS = select(orders, null().label("state")).where(orders.c.id == func.any(bindparam("order_ids")))
_LINES = LINES_IN_ORDER.where(order_line.c.order_id == func.any(bindparam("order_ids")))


def cart_id_of(customer_id: UUID) -> Select[Any]:
    """Which order is a customer's cart: `Order.is_cart` in SQL, the youngest if there are several."""
    return (
        select(orders.c.id)
        .outerjoin(order_progress, order_progress.c.order_id == orders.c.id)
        .where(
            orders.c.customer_id == customer_id,
            orders.c.channel == Channel.SHOP.value,
            orders.c.submitted_at.is_(None),
            orders.c.cancelled_at.is_(None),
            func.coalesce(order_progress.c.status, "").not_in(sorted(ENDED)),
        )
        .order_by(orders.c.id.desc())
        .limit(1)
    )


class OrderRepository:
    """Orders with their lines and the orchestrator's last word. `locked` are those that may be read ahead of their messages."""

    def __init__(
        self,
        connection: AsyncConnection,
        *,
        now: Callable[[], datetime],
        locked: Callable[[], Collection[UUID]] = tuple,
    ) -> None:
        self._connection = connection
        self._now = now
        self._locked = locked
        self._recorded: dict[UUID, Progress | None] = {}
        self._told: dict[UUID, Progress] = {}
        self._contents: dict[UUID, Order] = {}

    async def next_number(self, *, now: datetime) -> str:
        """The next public number; one that a rolled-back transaction took is never given again."""
        return number_of((await self._connection.execute(select(order_number.next_value()))).scalar_one(), now=now)

    async def add(self, order: Order) -> None:
        """Inserts a new order and its lines."""
        await self._connection.execute(
            insert(orders).values(
                id=order.id,
                number=order.number,
                channel=order.channel.value,
                customer_id=order.customer_id,
                created_at=order.created_at,
                **mapping.order_row(order, changed_at=order.created_at),
            )
        )
        if order.lines:
            await self._connection.execute(
                insert(order_line), [mapping.line_row(line, order_id=order.id) for line in order.lines]
            )

    async def get(self, order_id: UUID) -> Order | None:
        """The order as this transaction sees it."""
        if order_id in self._recorded:
            return await self._told_order(order_id)
        row = (await self._connection.execute(ORDER_WITH_PROGRESS.where(orders.c.id == order_id))).one_or_none()
        if row is None:
            return None
        lines = await self._connection.execute(LINES_IN_ORDER.where(order_line.c.order_id == order_id))
        return mapping.order_of(row, lines.all())

    async def cart_of(self, customer_id: UUID) -> Order | None:
        """The customer's cart as this transaction sees it."""
        cart_id = (await self._connection.execute(cart_id_of(customer_id))).scalar_one_or_none()
        return await self.get(cart_id) if cart_id is not None else None

    async def save(self, before: Order, after: Order) -> None:
        """Writes what differs. Raises OrderWasChanged when somebody else wrote since `before` was read."""
        self._contents.pop(before.id, None)
        written = await self._connection.execute(
            update(orders)
            .where(orders.c.id == before.id, orders.c.revision == before.revision)
            .values(mapping.order_row(after, changed_at=self._now()))
        )
        if written.rowcount != 1:
            raise OrderWasChanged()
        known = {line.id: line for line in before.lines}
        kept = {line.id for line in after.lines}
        if gone := known.keys() - kept:
            await self._connection.execute(delete(order_line).where(order_line.c.id.in_(gone)))
        if added := [line for line in after.lines if line.id not in known]:
            await self._connection.execute(
                insert(order_line), [mapping.line_row(line, order_id=after.id) for line in added]
            )
        for line in after.lines:
            if line.id in known and line != known[line.id]:
                await self._connection.execute(
                    update(order_line)
                    .where(order_line.c.id == line.id)
                    .values(mapping.line_row(line, order_id=after.id))
                )

    async def tell(self, order_id: UUID, progress: Progress) -> Told | None:
        """Keeps a newer state, with those of the other messages of this transaction. The caller holds the order's lock.

        The version is compared once more when it is written, in SQL.
        """
        if order_id not in self._recorded:
            await self._read_ahead(order_id)
        if order_id not in self._recorded:
            raise OrderUnknownHere(order_id)
        before = self._recorded[order_id]
        if not rules.is_news(progress.version, before.version if before else None):
            return None
        self._recorded[order_id] = self._told[order_id] = progress
        return Told(before)

    async def write(self) -> None:
        """Writes the newest state of every order that was told of."""
        if not self._told:
            return
        rows = [
            {
                "order_id": order_id,
                "version": progress.version,
                "status": progress.status.value,
                "state": mapping.progress_json(progress),
            }
            for order_id, progress in sorted(self._told.items())
        ]
        await self._connection.execute(_TELL, as_rows(rows))
        self._told = {}

    def forget(self) -> None:
        """Drops what was read ahead and what was not written yet."""
        self._recorded, self._told, self._contents = {}, {}, {}

    async def _read_ahead(self, order_id: UUID) -> None:
        wanted = {order_id, *self._locked()} - self._recorded.keys()
        for row in await self._connection.execute(_RECORDED, {"order_ids": sorted(wanted)}):
            self._recorded[row.id] = mapping.progress_of(row.state) if row.state is not None else None

    async def _told_order(self, order_id: UUID) -> Order:
        if order_id not in self._contents:
            wanted = {"order_ids": sorted(self._recorded.keys() - self._contents.keys())}
            rows = (await self._connection.execute(_CONTENTS, wanted)).all()
            lines: dict[UUID, list[Any]] = defaultdict(list)
            for line in await self._connection.execute(_LINES, wanted):
                lines[line.order_id].append(line)
            self._contents.update({row.id: mapping.order_of(row, lines[row.id]) for row in rows})
        return replace(self._contents[order_id], progress=self._recorded[order_id])


class CatalogueRepository:
    """The goods on the shelf."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def product(self, sku: str) -> Product | None:
        """A good that is for sale."""
        row = (await self._connection.execute(PRODUCT_WITH_STOCK.where(product.c.sku == sku))).one_or_none()
        return mapping.product_of(row) if row is not None else None
