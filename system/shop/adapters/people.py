"""What the shop's tables hold of a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, literal, not_, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from system.messages.personal import CUSTOM_PIECE
from system.plumbing.erasure import forget_in_plumbing, is_engraved, note_erasure, without_engraved_words
from system.plumbing.mail.schema import notice
from system.plumbing.unit_of_work import UnitOfWork
from system.shop.adapters import mapping
from system.shop.adapters.repositories import LINES_IN_ORDER, ORDER_WITH_PROGRESS
from system.shop.adapters.tables import order_line, order_progress, orders
from system.shop.domain.order import LineKind, Order
from system.shop.domain.status import ENDED

NOBODY = {"name": "", "email": "", "phone": None}
NOWHERE = {"recipient": "", "address": "", "city": "", "postcode": ""}
"""The country stays: the accounting of a sale names it, and it is nobody's address."""


def _with(column: Any, replaced: dict[str, Any]) -> ColumnElement[Any]:
    """The document with these members in place of its own."""
    merged: ColumnElement[Any] = column.op("||", return_type=JSONB())(literal(replaced, JSONB()))
    return merged


class PeopleRepository:
    """A person's orders, inside a unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._connection: AsyncConnection = uow.connection

    async def reach(self, person: UUID) -> tuple[list[UUID], list[UUID]]:
        theirs = await self._connection.execute(
            select(orders.c.id).where(orders.c.customer_id == person).order_by(orders.c.id)
        )
        models = await self._connection.execute(
            select(order_line.c.file_id)
            .join(orders, orders.c.id == order_line.c.order_id)
            .where(
                orders.c.customer_id == person, orders.c.submitted_at.is_not(None), order_line.c.file_id.is_not(None)
            )
            .distinct()
        )
        return list(theirs.scalars()), sorted(models.scalars())

    async def open_orders(self, person: UUID) -> list[str]:
        found = await self._connection.execute(_open_orders(person))
        return list(found.scalars())

    async def empty_carts(self, person: UUID) -> int:
        carts = select(orders.c.id).where(orders.c.customer_id == person, orders.c.submitted_at.is_(None))
        gone = await self._connection.execute(delete(order_line).where(order_line.c.order_id.in_(carts)))
        if gone.rowcount:
            await self._connection.execute(
                update(orders).where(orders.c.id.in_(carts)).values(revision=orders.c.revision + 1)
            )
        return gone.rowcount

    async def take_name_off(self, person: UUID) -> int:
        theirs = select(orders.c.id).where(orders.c.customer_id == person)
        # The revision counts on: whoever read the order before must not write its contact back.
        emptied = await self._connection.execute(
            update(orders)
            .where(orders.c.customer_id == person, orders.c.submitted_at.is_not(None), _names_somebody())
            .values(
                customer=_with(orders.c.customer, NOBODY),
                delivery=_with(orders.c.delivery, NOWHERE),
                partner_reference=None,
                revision=orders.c.revision + 1,
            )
        )
        await self._connection.execute(
            update(order_line)
            .where(order_line.c.order_id.in_(theirs), order_line.c.kind == LineKind.CUSTOM.value)
            .values(title_ru=CUSTOM_PIECE, title_en=CUSTOM_PIECE)
        )
        await self._connection.execute(
            update(order_line)
            .where(order_line.c.order_id.in_(theirs), is_engraved(order_line.c.extras))
            .values(extras=without_engraved_words(order_line.c.extras))
        )
        await self._connection.execute(
            update(order_progress)
            .where(order_progress.c.order_id.in_(theirs))
            .values(state=_with(order_progress.c.state, {"reason": None}))
        )
        # What was written to them by e-mail, and where to.
        await self._connection.execute(delete(notice).where(notice.c.about.in_(theirs)))
        return emptied.rowcount

    async def forget_in_messages(self, person: UUID, order_ids: Sequence[UUID]) -> int:
        return await forget_in_plumbing(self._uow, person=person, order_ids=order_ids)

    async def note(self, person: UUID, counts: dict[str, int]) -> None:
        await note_erasure(self._uow, person=person, counts=counts)


def _names_somebody() -> ColumnElement[bool]:
    unchanged = and_(orders.c.customer.op("@>")(literal(NOBODY, JSONB())), orders.c.delivery.op("@>")(_nowhere()))
    return or_(not_(unchanged), orders.c.partner_reference.is_not(None))


def _nowhere() -> ColumnElement[Any]:
    return literal(NOWHERE, JSONB())


def _open_orders(person: UUID) -> Any:
    return (
        select(orders.c.number)
        .outerjoin(order_progress, order_progress.c.order_id == orders.c.id)
        .where(
            orders.c.customer_id == person,
            orders.c.submitted_at.is_not(None),
            orders.c.cancelled_at.is_(None),
            func.coalesce(order_progress.c.status, "").not_in(sorted(ENDED)),
        )
        .order_by(orders.c.number)
    )


class PeopleQueries:
    """What is read of a person without a unit of work."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open_orders(self, person: UUID) -> list[str]:
        """The numbers of their submitted orders that have not ended."""
        async with self._engine.connect() as connection:
            return list((await connection.execute(_open_orders(person))).scalars())

    async def orders(self, person: UUID) -> list[Order]:
        """All their orders, carts too, the oldest first."""
        lines: dict[UUID, list[Any]] = defaultdict(list)
        theirs = select(orders.c.id).where(orders.c.customer_id == person)
        async with self._engine.connect() as connection:
            found = await connection.execute(
                ORDER_WITH_PROGRESS.where(orders.c.customer_id == person).order_by(orders.c.id)
            )
            rows = found.all()
            for line in await connection.execute(LINES_IN_ORDER.where(order_line.c.order_id.in_(theirs))):
                lines[line.order_id].append(line)
        return [mapping.order_of(row, lines[row.id]) for row in rows]

    async def in_orders(self, person: UUID, file_ids: Iterable[UUID]) -> dict[UUID, str]:
        """Of these models those in the person's orders or carts, each with the number of the newest such order."""
        wanted = list(file_ids)
        if not wanted:
            return {}
        uses = (
            select(order_line.c.file_id, orders.c.number)
            .join(orders, orders.c.id == order_line.c.order_id)
            .where(orders.c.customer_id == person, order_line.c.file_id.in_(wanted))
            .order_by(orders.c.id)
        )
        async with self._engine.connect() as connection:
            return {row.file_id: row.number for row in await connection.execute(uses)}
