"""What work orders weighed, in PostgreSQL. The application's role may only add to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from system.mes.adapters import tables
from system.mes.domain.weights import Stage, Weighing
from system.mes.domain.work_order import Operator


class WeighingRepository:
    """Weighings; the primary key refuses a second one with the same number."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, work_order_id: UUID) -> tuple[Weighing, ...]:
        """All that was written down for a work order, the oldest first."""
        found = await self._connection.execute(weighings_statement(work_order_id))
        return tuple(weighing_from(row) for row in found.mappings())

    async def add(self, weighing: Weighing) -> None:
        """Stores one. A second one with the same number raises IntegrityError."""
        await self._connection.execute(
            insert(tables.weighing).values(
                work_order_id=weighing.work_order_id,
                stage=weighing.stage,
                no=weighing.no,
                claim_no=weighing.claim_no,
                grams=weighing.grams,
                operator_id=weighing.operator.id,
                operator_name=weighing.operator.name,
                at=weighing.at,
                in_doubt=weighing.in_doubt,
            )
        )


def weighings_statement(work_order_id: UUID) -> Select[Any]:
    """All weighings of a work order, the oldest first."""
    weighing = tables.weighing
    return (
        select(weighing)
        .where(weighing.c.work_order_id == work_order_id)
        .order_by(weighing.c.at, weighing.c.stage, weighing.c.no)
    )


def weighing_from(row: Mapping[Any, Any]) -> Weighing:
    """The domain's weighing from a row."""
    return Weighing(
        work_order_id=row["work_order_id"],
        claim_no=row["claim_no"],
        stage=Stage(row["stage"]),
        no=row["no"],
        grams=row["grams"],
        operator=Operator(row["operator_id"], row["operator_name"]),
        at=row["at"],
        in_doubt=row["in_doubt"],
    )
