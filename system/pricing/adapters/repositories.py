"""Where pricing's things are kept: PostgreSQL, over the connection of one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from system.plumbing.rows import as_rows, given, inserting
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
    "unit",
    "mesh",
    "problem",
    "price_book_version",
    "spot_per_g",
    "finished_at",
    "valid_until",
    "difference",
)
_STILL_GOING = tuple(status.value for status in UNFINISHED)

_HOLD = (
    select(tables.quote)
    .where(tables.quote.c.quote_id == func.any(bindparam("quote_ids")))
    .order_by(tables.quote.c.quote_id)
    .with_for_update(read=True)
)


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
        rows = await self._connection.execute(_HOLD, {"quote_ids": list(quote_ids)})
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
                measure=mesh_to_json(outcome, points=True) if isinstance(outcome, MeshMeasure) else None,
                problem=problem_to_json(outcome) if isinstance(outcome, Problem) else None,
                analysed_at=at,
            )
            .on_conflict_do_nothing()
        )


_NEWEST = text("""
    SELECT order_id, max(attempt) AS attempt FROM price_request WHERE order_id = ANY(:order_ids) GROUP BY order_id
""")
_asked = tables.price_request
_REQUEST = inserting(_asked, "order_id", "attempt", "lines", "state", "requested_at", more="ON CONFLICT DO NOTHING")
_REQUESTED_QUOTE = inserting(
    tables.price_request_quote, "order_id", "attempt", "quote_id", more="ON CONFLICT DO NOTHING"
)
_SETTLE = text(f"""
    UPDATE price_request SET state = 'ANSWERED', outcome = given.outcome, settled_at = given.settled_at
    FROM {given(_asked.c.order_id, _asked.c.attempt, _asked.c.outcome, _asked.c.settled_at)}
    WHERE price_request.order_id = given.order_id AND price_request.attempt = given.attempt
""")  # noqa: S608 - a table of our own


class PriceRequestRepository:
    """The orchestrator's requests, written before the commit. `locked` are the orders that may be read ahead."""

    def __init__(self, connection: AsyncConnection, *, locked: Callable[[], Collection[UUID]] = tuple) -> None:
        self._connection = connection
        self._locked = locked
        self._newest: dict[UUID, int] = {}
        self._recorded: list[tuple[PriceRequest, datetime]] = []
        self._settled: list[dict[str, Any]] = []

    async def newest_attempt(self, order_id: UUID) -> int:
        """The highest attempt known of an order; 0 for a new one."""
        if order_id not in self._newest:
            wanted = {order_id, *self._locked()} - self._newest.keys()
            self._newest |= dict.fromkeys(wanted, 0)
            for row in await self._connection.execute(_NEWEST, {"order_ids": sorted(wanted)}):
                self._newest[row.order_id] = row.attempt
        return self._newest[order_id]

    async def record(self, request: PriceRequest, *, at: datetime) -> None:
        """A request that waits from now on; the same attempt again stays as it is."""
        self._recorded.append((request, at))
        self._newest[request.order_id] = max(request.attempt, await self.newest_attempt(request.order_id))

    async def waiting_for(self, quote_id: UUID) -> list[PriceRequest]:
        """The requests that wait for a quote, locked: the second of two workers reads on when the first has committed."""
        await self.write()
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
        self._settled.append(
            {"order_id": request.order_id, "attempt": request.attempt, "outcome": outcome, "settled_at": at}
        )

    async def supersede(self, order_id: UUID, *, before_attempt: int, at: datetime) -> None:
        """Older attempts that still wait are nobody's question any more."""
        newest = await self.newest_attempt(order_id)
        if newest == 0:
            return
        await self.write()
        await self._connection.execute(
            update(tables.price_request)
            .where(
                tables.price_request.c.order_id == order_id,
                tables.price_request.c.attempt < before_attempt,
                tables.price_request.c.state == "WAITING",
            )
            .values(state="SUPERSEDED", settled_at=at)
        )

    async def write(self) -> None:
        """Writes what was recorded and answered."""
        requests = [
            {
                "order_id": request.order_id,
                "attempt": request.attempt,
                "lines": request_lines_to_json(request),
                "state": "WAITING",
                "requested_at": at,
            }
            for request, at in self._recorded
        ]
        quotes = [
            {"order_id": request.order_id, "attempt": request.attempt, "quote_id": quote_id}
            for request, _ in self._recorded
            for quote_id in request.quote_ids
        ]
        for statement, rows in ((_REQUEST, requests), (_REQUESTED_QUOTE, quotes), (_SETTLE, self._settled)):
            if rows:
                await self._connection.execute(statement, as_rows(rows))
        self._recorded, self._settled = [], []

    def forget(self) -> None:
        """Drops what was read ahead and what was not written yet."""
        self._newest, self._recorded, self._settled = {}, [], []
