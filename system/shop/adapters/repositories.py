"""The shop's objects in PostgreSQL. A repository works inside the transaction of its unit of work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from system.shop.adapters import mapping
from system.shop.adapters.tables import (
    order_line,
    order_number,
    order_progress,
    orders,
    product,
    stock,
    stock_movement,
    stock_reservation,
)
from system.shop.application.ports import Told
from system.shop.domain.catalogue import Product
from system.shop.domain.errors import OrderUnknownHere, OrderWasChanged
from system.shop.domain.order import Channel, Order, number_of
from system.shop.domain.progress import Progress
from system.shop.domain.status import ENDED
from system.shop.domain.stock import Reservation, ReservationState, Shortage

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

# One statement on the path that every status of every order takes; the order's existence is part of it.
_TELL = text("""
    WITH recorded AS (SELECT state FROM order_progress WHERE order_id = :order_id)
    INSERT INTO order_progress (order_id, version, status, state, told_at)
    SELECT id, :version, :status, :state, clock_timestamp() FROM orders WHERE id = :order_id
    ON CONFLICT (order_id) DO UPDATE
    SET version = excluded.version, status = excluded.status, state = excluded.state, told_at = excluded.told_at
    WHERE order_progress.version < excluded.version
    RETURNING (SELECT state FROM recorded) AS before
""").bindparams(bindparam("order_id", type_=Uuid), bindparam("state", type_=JSONB))


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
    """Orders with their lines and the orchestrator's last word."""

    def __init__(self, connection: AsyncConnection, *, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

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
        """Keeps a newer state; `rules.is_news` in SQL, so that two writers cannot both believe to be newest.

        What it says stood there before may be older when two write at once; then what one missed, both see.
        """
        told = await self._connection.execute(
            _TELL,
            {
                "order_id": order_id,
                "version": progress.version,
                "status": progress.status.value,
                "state": mapping.progress_json(progress),
            },
        )
        if (row := told.first()) is not None:
            return Told(mapping.progress_of(row.before) if row.before is not None else None)
        known = await self._connection.execute(select(orders.c.id).where(orders.c.id == order_id))
        if known.one_or_none() is None:
            raise OrderUnknownHere(order_id)
        return None


class CatalogueRepository:
    """The goods on the shelf."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def product(self, sku: str) -> Product | None:
        """A good that is for sale."""
        row = (await self._connection.execute(PRODUCT_WITH_STOCK.where(product.c.sku == sku))).one_or_none()
        return mapping.product_of(row) if row is not None else None


class StockRepository:
    """Pieces of goods, and the orders that hold them."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def available(self, skus: Iterable[str]) -> dict[str, int]:
        """Locks the goods' rows, always in the order of sku: two orders for the same goods wait instead of deadlocking."""
        rows = await self._connection.execute(
            select(stock.c.sku, stock.c.available)
            .where(stock.c.sku.in_(list(skus)))
            .order_by(stock.c.sku)
            .with_for_update()
        )
        return {row.sku: row.available for row in rows}

    async def reservation(self, order_id: UUID) -> Reservation | None:
        """The decision for an order; the pieces are those of its reserving movements."""
        row = (
            await self._connection.execute(select(stock_reservation).where(stock_reservation.c.order_id == order_id))
        ).one_or_none()
        if row is None:
            return None
        movements = await self._connection.execute(
            select(stock_movement.c.sku, stock_movement.c.pieces)
            .where(stock_movement.c.order_id == order_id, stock_movement.c.kind == "reserve")
            .order_by(stock_movement.c.sku)
        )
        shortage = None
        if row.short_sku is not None:
            shortage = Shortage(sku=row.short_sku, asked=row.short_asked, available=row.short_available)
        pieces = {movement.sku: movement.pieces for movement in movements}
        return Reservation(order_id, ReservationState(row.state), pieces, shortage)

    async def decide(self, reservation: Reservation, *, now: datetime) -> None:
        """Inserts the decision; the primary key allows one for an order."""
        shortage = reservation.shortage
        await self._connection.execute(
            insert(stock_reservation).values(
                order_id=reservation.order_id,
                state=reservation.state.value,
                decided_at=now,
                released_at=now if reservation.state is ReservationState.RELEASED else None,
                short_sku=shortage.sku if shortage else None,
                short_asked=shortage.asked if shortage else None,
                short_available=shortage.available if shortage else None,
            )
        )
        if reservation.state is ReservationState.RESERVED:
            await self._move(reservation, kind="reserve", sign=-1, now=now)

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """Puts the pieces back; the ledger's key lets it happen once."""
        await self._connection.execute(
            update(stock_reservation)
            .where(stock_reservation.c.order_id == reservation.order_id)
            .values(state=ReservationState.RELEASED.value, released_at=now)
        )
        await self._move(reservation, kind="release", sign=1, now=now)

    async def _move(self, reservation: Reservation, *, kind: str, sign: int, now: datetime) -> None:
        for sku, pieces in sorted(reservation.pieces.items()):
            await self._connection.execute(
                insert(stock_movement).values(order_id=reservation.order_id, sku=sku, kind=kind, pieces=pieces, at=now)
            )
            await self._connection.execute(
                update(stock).where(stock.c.sku == sku).values(available=stock.c.available + sign * pieces)
            )


async def restock(connection: AsyncConnection, *, sku: str, pieces: int) -> int | None:
    """Puts `pieces` more on the shelf. Returns what is available then, or None for an unknown good."""
    level = await connection.execute(
        update(stock)
        .where(stock.c.sku == sku)
        .values(stocked=stock.c.stocked + pieces, available=stock.c.available + pieces)
        .returning(stock.c.available)
    )
    available: int | None = level.scalar_one_or_none()
    return available
