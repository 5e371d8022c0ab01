"""What MES's tables hold of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from system.mes.adapters.tables import work_order
from system.messages.personal import CUSTOM_PIECE
from system.plumbing.erasure import forget_in_plumbing, is_engraved, note_erasure, without_engraved_words
from system.plumbing.unit_of_work import UnitOfWork


class PeopleRepository:
    """What was made for a customer, inside a unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._connection = uow.connection

    async def take_file_names_off(self, order_ids: Sequence[UUID]) -> int:
        renamed = await self._connection.execute(
            update(work_order)
            .where(
                work_order.c.order_id.in_(order_ids), work_order.c.kind == "custom", work_order.c.title != CUSTOM_PIECE
            )
            .values(title=CUSTOM_PIECE)
        )
        await self._connection.execute(
            update(work_order)
            .where(work_order.c.order_id.in_(order_ids), is_engraved(work_order.c.extras))
            .values(extras=without_engraved_words(work_order.c.extras))
        )
        return renamed.rowcount

    async def forget_written(self, order_ids: Sequence[UUID]) -> int:
        asked = func.forget_written(literal(list(order_ids), ARRAY(Uuid())))
        return int(await self._connection.scalar(select(asked)) or 0)

    async def forget_in_messages(self, person: UUID, order_ids: Sequence[UUID]) -> int:
        return await forget_in_plumbing(self._uow, person=person, order_ids=order_ids)

    async def note(self, person: UUID, counts: dict[str, int]) -> None:
        await note_erasure(self._uow, person=person, counts=counts)
