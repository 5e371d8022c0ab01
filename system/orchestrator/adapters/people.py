"""What the orchestrator's tables hold of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from system.messages.personal import CUSTOM_PIECE, actor_without_name
from system.orchestrator.adapters.tables import order_line, orders
from system.plumbing.erasure import forget_in_plumbing, is_engraved, note_erasure, without_engraved_words
from system.plumbing.unit_of_work import UnitOfWork


class PeopleRepository:
    """A customer's orders, inside a unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._connection = uow.connection

    async def orders_of(self, person: UUID) -> list[UUID]:
        found = await self._connection.execute(select(orders.c.order_id).where(orders.c.customer_id == person))
        return list(found.scalars())

    async def take_name_off(self, person: UUID) -> int:
        names = (orders.c.customer_name, orders.c.email, orders.c.partner_reference, orders.c.reason)
        wanted = select(orders.c.order_id, orders.c.cancellation, *names).where(orders.c.customer_id == person)
        emptied = 0
        for row in (await self._connection.execute(wanted)).all():
            nameless = dict.fromkeys((column.name for column in names), None) | _cancellation(row.cancellation)
            if any(getattr(row, name) != value for name, value in nameless.items()):
                await self._connection.execute(
                    update(orders).where(orders.c.order_id == row.order_id).values(**nameless)
                )
                emptied += 1
        theirs = select(orders.c.order_id).where(orders.c.customer_id == person)
        await self._connection.execute(
            update(order_line)
            .where(order_line.c.order_id.in_(theirs), order_line.c.kind == "custom", order_line.c.title != CUSTOM_PIECE)
            .values(title=CUSTOM_PIECE)
        )
        await self._connection.execute(
            update(order_line)
            .where(order_line.c.order_id.in_(theirs), is_engraved(order_line.c.extras))
            .values(extras=without_engraved_words(order_line.c.extras))
        )
        return emptied

    async def forget_written(self, order_ids: Sequence[UUID]) -> int:
        asked = func.forget_written(literal(list(order_ids), ARRAY(Uuid())))
        return int(await self._connection.scalar(select(asked)) or 0)

    async def forget_in_messages(self, person: UUID, order_ids: Sequence[UUID]) -> int:
        return await forget_in_plumbing(self._uow, person=person, order_ids=order_ids)

    async def note(self, person: UUID, counts: dict[str, int]) -> None:
        await note_erasure(self._uow, person=person, counts=counts)


def _cancellation(stored: dict[str, Any] | None) -> dict[str, Any]:
    """Who asked for a cancellation, without the name and the words; nothing to change where nobody did."""
    if not stored:
        return {}
    return {"cancellation": stored | {"requested_by": actor_without_name(stored["requested_by"]), "reason": None}}
