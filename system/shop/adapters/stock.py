"""Pieces of ready-made goods in PostgreSQL, inside the transaction of their unit of work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from system.plumbing.rows import as_rows, given, inserting
from system.shop.adapters.tables import stock, stock_movement, stock_reservation
from system.shop.domain.stock import Reservation, ReservationState, Shortage

_DECIDED = text("""
    SELECT decided.order_id, decided.state, short_sku, short_asked, short_available, movement.sku, movement.pieces
    FROM stock_reservation AS decided
    LEFT JOIN stock_movement AS movement ON movement.order_id = decided.order_id AND movement.kind = 'reserve'
    WHERE decided.order_id = ANY(:order_ids) ORDER BY decided.order_id, movement.sku
""")
# Always in the order of sku, for the whole batch at once: two batches with the same goods wait instead of deadlocking.
_HOLD = text("""
    SELECT sku, available FROM stock
    WHERE sku = ANY(:skus) OR sku IN (SELECT sku FROM order_line WHERE order_id = ANY(:order_ids) AND sku IS NOT NULL)
    ORDER BY sku FOR UPDATE
""")
_DECIDE = inserting(
    stock_reservation,
    "order_id",
    "state",
    "decided_at",
    "released_at",
    "short_sku",
    "short_asked",
    "short_available",
)
_MOVE = inserting(stock_movement, "order_id", "sku", "kind", "pieces", "at")
_RELEASE = text(f"""
    UPDATE stock_reservation SET state = 'released', released_at = given.released_at
    FROM {given(stock_reservation.c.order_id, stock_reservation.c.released_at)} WHERE stock_reservation.order_id = given.order_id
""")  # noqa: S608 - a table of our own
_COUNT = text(f"""
    UPDATE stock SET available = stock.available + given.available
    FROM {given(stock.c.sku, stock.c.available)} WHERE stock.sku = given.sku
""")  # noqa: S608 - a table of our own


class StockRepository:
    """Pieces of goods, and the orders that hold them. `locked` are the orders that may be read ahead of their messages.

    The orders of this transaction are decided in memory, over rows that nobody else changes meanwhile, and written before its commit.
    """

    def __init__(self, connection: AsyncConnection, *, locked: Callable[[], Collection[UUID]] = tuple) -> None:
        self._connection = connection
        self._locked = locked
        self.forget()

    async def available(self, skus: Iterable[str]) -> dict[str, int]:
        """Locks the goods' rows, and with them those of the other orders of this transaction."""
        wanted = list(skus)
        if unknown := [sku for sku in wanted if sku not in self._asked]:
            known = {"skus": unknown, "order_ids": list(self._locked()) if not self._asked else []}
            rows = await self._connection.execute(_HOLD, known)
            self._available.update({row.sku: row.available for row in rows if row.sku not in self._available})
            self._asked.update(unknown, self._available)
        return {sku: self._available[sku] for sku in wanted if sku in self._available}

    async def reservation(self, order_id: UUID) -> Reservation | None:
        """The decision for an order; the pieces are those of its reserving movements."""
        if order_id not in self._decided:
            await self._read_ahead(order_id)
        return self._decided[order_id]

    async def decide(self, reservation: Reservation, *, now: datetime) -> None:
        """Keeps the decision; the primary key allows one for an order."""
        self._decided[reservation.order_id] = reservation
        shortage = reservation.shortage
        self._decisions.append(
            {
                "order_id": reservation.order_id,
                "state": reservation.state.value,
                "decided_at": now,
                "released_at": now if reservation.state is ReservationState.RELEASED else None,
                "short_sku": shortage.sku if shortage else None,
                "short_asked": shortage.asked if shortage else None,
                "short_available": shortage.available if shortage else None,
            }
        )
        if reservation.state is ReservationState.RESERVED:
            self._move(reservation, kind="reserve", sign=-1, now=now)

    async def release(self, reservation: Reservation, *, now: datetime) -> None:
        """Puts the pieces back; the ledger's key lets it happen once."""
        await self.available(reservation.pieces)
        self._decided[reservation.order_id] = Reservation(
            reservation.order_id, ReservationState.RELEASED, reservation.pieces
        )
        self._releases.append({"order_id": reservation.order_id, "released_at": now})
        self._move(reservation, kind="release", sign=1, now=now)

    async def write(self) -> None:
        """Writes the decisions and releases of this transaction, and counts their pieces once for each good."""
        for statement, rows in (
            (_DECIDE, self._decisions),
            (_RELEASE, self._releases),
            (_MOVE, self._moves),
            (_COUNT, [{"sku": sku, "available": pieces} for sku, pieces in self._counted.items() if pieces]),
        ):
            if rows:
                await self._connection.execute(statement, as_rows(rows))
        self._forget_held()

    def forget(self) -> None:
        """Drops what was read ahead and what was not written yet."""
        self._asked: set[str] = set()
        self._available: dict[str, int] = {}
        self._decided: dict[UUID, Reservation | None] = {}
        self._forget_held()

    def _forget_held(self) -> None:
        self._decisions: list[dict[str, Any]] = []
        self._releases: list[dict[str, Any]] = []
        self._moves: list[dict[str, Any]] = []
        self._counted: dict[str, int] = defaultdict(int)

    def _move(self, reservation: Reservation, *, kind: str, sign: int, now: datetime) -> None:
        for sku, pieces in sorted(reservation.pieces.items()):
            self._moves.append(
                {"order_id": reservation.order_id, "sku": sku, "kind": kind, "pieces": pieces, "at": now}
            )
            self._available[sku] += sign * pieces
            self._counted[sku] += sign * pieces

    async def _read_ahead(self, order_id: UUID) -> None:
        wanted = {order_id, *self._locked()} - self._decided.keys()
        self._decided.update(dict.fromkeys(wanted))
        pieces: dict[UUID, dict[str, int]] = defaultdict(dict)
        for row in await self._connection.execute(_DECIDED, {"order_ids": sorted(wanted)}):
            shortage = None
            if row.short_sku is not None:
                shortage = Shortage(sku=row.short_sku, asked=row.short_asked, available=row.short_available)
            if row.sku is not None:
                pieces[row.order_id][row.sku] = row.pieces
            held = pieces[row.order_id]
            self._decided[row.order_id] = Reservation(row.order_id, ReservationState(row.state), held, shortage)


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
