"""The queue of calculations: procrastinate's tables in pricing's own database, and beside them what each calculation took."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from system.plumbing.jobs import defer
from system.pricing.adapters import tables
from system.pricing.domain.fairness import place_of, triangles_of
from system.pricing.domain.stages import Step

QUEUE = "pricing"
CALCULATE = "calculate_quote"


class JobQueue:
    """Defers over the transaction's own connection: the job is there if, and only if, its quote is."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def calculate(
        self,
        quote_id: UUID,
        *,
        file_bytes: int | None,
        asked_by: str,
        file_format: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Asks the workers to calculate a quote, and notes how large its file is, which kind of person asked, and where it stands."""
        triangles = triangles_of(file_bytes, file_format)
        noted = {
            "file_bytes": file_bytes,
            "asked_by": asked_by,
            "triangles": triangles,
            "place": place_of(triangles, asked_at=at or datetime.now(UTC)),
            "clock": select(tables.fair_clock.c.clock).scalar_subquery(),
        }
        await self._connection.execute(insert(tables.calculation).values(quote_id=quote_id, **noted))
        await defer(self._connection, CALCULATE, queue=QUEUE, quote_id=str(quote_id))

    async def started(self, quote_id: UUID, *, at: datetime) -> None:
        """A worker begins; one that begins again counts from then."""
        table = tables.calculation
        begun = {"started_at": at, "stage": None, "stage_at": None, "triangle_count": None}
        await self._connection.execute(update(table).where(table.c.quote_id == quote_id).values(begun))

    async def stands(self, quote_id: UUID, step: Step, *, at: datetime) -> None:
        """A worker is at this stage, of a model of so many triangles."""
        table = tables.calculation
        reached = {"stage": step.stage.value, "stage_at": at, "triangle_count": step.triangle_count}
        await self._connection.execute(update(table).where(table.c.quote_id == quote_id).values(reached))

    async def measured(self, quote_id: UUID, *, at: datetime) -> None:
        """A worker came to a result: from this it is known what a model of this size takes."""
        table = tables.calculation
        await self._connection.execute(
            update(table)
            .where(table.c.quote_id == quote_id, table.c.started_at.is_not(None), table.c.finished_at.is_(None))
            .values(finished_at=at)
        )

    async def held_up(
        self, quote_id: UUID, code: str, *, attempt: int, at: datetime, details: Mapping[str, Any] | None = None
    ) -> None:
        """Notes what held a calculation up; support reads it in the story of the order."""
        noted = {"quote_id": quote_id, "code": code, "attempt": attempt, "at": at, "details": dict(details or {})}
        await self._connection.execute(insert(tables.calculation_setback).values(**noted))
