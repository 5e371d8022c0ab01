"""Where pricing's things are kept: PostgreSQL, over the connection of one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.pricing.adapters import tables
from system.pricing.adapters.rows import (
    mesh_from_json,
    mesh_to_json,
    problem_from_json,
    problem_to_json,
    quote_from_row,
    quote_to_row,
    request_from_row,
    request_lines_to_json,
)
from system.pricing.domain.mesh import ANALYSER_VERSION, Analysis, MeshMeasure, Problem
from system.pricing.domain.order_pricing import PriceRequest
from system.pricing.domain.quote import CANCELLED, UNFINISHED, Quote

_PROGRESS = (
    "status",
    "estimate_amount",
    "total_amount",
    "currency",
    "breakdown",
    "weight_g",
    "mesh",
    "problem",
    "price_book_version",
    "spot_per_g",
    "finished_at",
    "valid_until",
    "difference",
)
_STILL_GOING = tuple(status.value for status in UNFINISHED)


class QuoteRepository:
    """The quotes. A final one is never written again: the update's condition decides which worker's result counts."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, quote: Quote) -> None:
        """Adds a new quote."""
        await self._connection.execute(insert(tables.quote).values(quote_to_row(quote)))

    async def find(self, quote_id: UUID) -> Quote | None:
        """The quote as it is now."""
        row = (await self._connection.execute(select(tables.quote).where(tables.quote.c.quote_id == quote_id))).first()
        return quote_from_row(row) if row else None

    async def hold(self, quote_ids: Iterable[UUID]) -> dict[UUID, Quote]:
        """These quotes, which nobody else can finish until this transaction ends. Locked by id, so that two holders never cross."""
        rows = await self._connection.execute(
            select(tables.quote)
            .where(tables.quote.c.quote_id.in_(list(quote_ids)))
            .order_by(tables.quote.c.quote_id)
            .with_for_update(read=True)
        )
        return {row.quote_id: quote_from_row(row) for row in rows}

    async def hold_alone(self, quote_id: UUID) -> Quote | None:
        """This quote, which nobody else can finish or take into an order until this transaction ends."""
        rows = await self._connection.execute(
            select(tables.quote).where(tables.quote.c.quote_id == quote_id).with_for_update()
        )
        row = rows.first()
        return quote_from_row(row) if row else None

    async def was_cancelled(self, quote_id: UUID) -> bool:
        """Whether whoever asked for it stopped it."""
        code = tables.quote.c.problem["code"].astext
        return await self._connection.scalar(select(code).where(tables.quote.c.quote_id == quote_id)) == CANCELLED

    async def save_unfinished(self, quote: Quote) -> bool:
        """Records progress or the end unless the quote has ended; says whether it was recorded."""
        row = quote_to_row(quote)
        saved = await self._connection.execute(
            update(tables.quote)
            .where(tables.quote.c.quote_id == quote.quote_id, tables.quote.c.status.in_(_STILL_GOING))
            .values({name: row[name] for name in _PROGRESS})
        )
        return saved.rowcount == 1


class AnalysisRepository:
    """What is known of meshes, by content and by version of the analyser."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, mesh_sha256: str) -> Analysis | None:
        """What the present analyser found."""
        table = tables.mesh_analysis
        rows = await self._connection.execute(
            select(table).where(table.c.mesh_sha256 == mesh_sha256, table.c.analyser_version == ANALYSER_VERSION)
        )
        row = rows.first()
        if row is None:
            return None
        outcome = mesh_from_json(row.measure) or problem_from_json(row.problem)
        assert outcome is not None, "the table holds one of both"
        return Analysis(row.mesh_sha256, mesh_from_json(row.first_look), outcome, row.analyser_version)

    async def keep(self, analysis: Analysis, *, at: datetime) -> None:
        """Remembers it; the same mesh found twice at once is remembered once."""
        outcome = analysis.outcome
        await self._connection.execute(
            upsert(tables.mesh_analysis)
            .values(
                mesh_sha256=analysis.mesh_sha256,
                analyser_version=analysis.version,
                first_look=mesh_to_json(analysis.first_look),
                measure=mesh_to_json(outcome) if isinstance(outcome, MeshMeasure) else None,
                problem=problem_to_json(outcome) if isinstance(outcome, Problem) else None,
                analysed_at=at,
            )
            .on_conflict_do_nothing()
        )


class PriceRequestRepository:
    """The orchestrator's requests."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def newest_attempt(self, order_id: UUID) -> int:
        """The highest attempt known of an order; 0 for a new one."""
        newest = await self._connection.scalar(
            select(func.max(tables.price_request.c.attempt)).where(tables.price_request.c.order_id == order_id)
        )
        return int(newest or 0)

    async def record(self, request: PriceRequest, *, at: datetime) -> None:
        """A request that waits from now on; the same attempt again stays as it is."""
        key = {"order_id": request.order_id, "attempt": request.attempt}
        await self._connection.execute(
            upsert(tables.price_request)
            .values(**key, lines=request_lines_to_json(request), state="WAITING", requested_at=at)
            .on_conflict_do_nothing()
        )
        await self._connection.execute(
            upsert(tables.price_request_quote)
            .values([{**key, "quote_id": quote_id} for quote_id in request.quote_ids])
            .on_conflict_do_nothing()
        )

    async def waiting_for(self, quote_id: UUID) -> list[PriceRequest]:
        """The requests that wait for a quote, locked: the second of two workers reads on when the first has committed."""
        request, by_quote = tables.price_request, tables.price_request_quote
        rows = await self._connection.execute(
            select(request)
            .join(
                by_quote,
                (by_quote.c.order_id == request.c.order_id) & (by_quote.c.attempt == request.c.attempt),
            )
            .where(by_quote.c.quote_id == quote_id, request.c.state == "WAITING")
            .order_by(request.c.order_id)
            .with_for_update(of=request)
        )
        return [request_from_row(row) for row in rows]

    async def settle(self, request: PriceRequest, *, outcome: str, at: datetime) -> None:
        """The request was answered."""
        await self._connection.execute(
            update(tables.price_request)
            .where(
                tables.price_request.c.order_id == request.order_id, tables.price_request.c.attempt == request.attempt
            )
            .values(state="ANSWERED", outcome=outcome, settled_at=at)
        )

    async def supersede(self, order_id: UUID, *, before_attempt: int, at: datetime) -> None:
        """Older attempts that still wait are nobody's question any more."""
        await self._connection.execute(
            update(tables.price_request)
            .where(
                tables.price_request.c.order_id == order_id,
                tables.price_request.c.attempt < before_attempt,
                tables.price_request.c.state == "WAITING",
            )
            .values(state="SUPERSEDED", settled_at=at)
        )
