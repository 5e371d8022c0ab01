"""What is only read: quotes, the book, and what pricing believes of each order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from system.pricing.adapters import tables
from system.pricing.adapters.repositories import PriceBookRepository, QuoteRepository
from system.pricing.adapters.rows import quote_from_row
from system.pricing.application.drawing import QuotedMesh
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Quote

RECONCILED_MAX = 20_000


class PricingQueries:
    """Reads that no command depends on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def quote(self, quote_id: UUID) -> Quote | None:
        """One quote."""
        async with self._engine.connect() as connection:
            return await QuoteRepository(connection).find(quote_id)

    async def quotes(self, quote_ids: Iterable[UUID]) -> list[Quote]:
        """The known ones of these quotes, in the order asked."""
        wanted = list(dict.fromkeys(quote_ids))
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(tables.quote).where(tables.quote.c.quote_id.in_(wanted)))
            found = {row.quote_id: quote_from_row(row) for row in rows}
        return [found[quote_id] for quote_id in wanted if quote_id in found]

    async def book(self, version: int | None = None) -> PriceBook | None:
        """One version of the price book; without a number the one in force."""
        async with self._engine.connect() as connection:
            books = PriceBookRepository(connection)
            return await books.current() if version is None else await books.version(version)

    async def quoted_meshes(self, *, before: UUID | None, limit: int) -> list[QuotedMesh]:
        """Of firm quotes for models older than one, the newest first: ids grow with time."""
        quote = tables.quote
        query = (
            select(quote.c.quote_id, quote.c.mesh_sha256, quote.c.file_id)
            .where(quote.c.kind == "custom", quote.c.status == "READY")
            .order_by(quote.c.quote_id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(quote.c.quote_id < before)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return [QuotedMesh(row.quote_id, row.mesh_sha256, row.file_id) for row in rows]

    async def believed_orders(self, since: datetime | None) -> dict[str, dict[str, Any]]:
        """Of each order pricing was asked about since then: its last attempt and what became of it."""
        request = tables.price_request
        query = (
            select(request)
            .ext(distinct_on(request.c.order_id))
            .order_by(request.c.order_id, request.c.attempt.desc())
            .limit(RECONCILED_MAX)
        )
        if since is not None:
            query = query.where(request.c.requested_at >= since)
        async with self._engine.connect() as connection:
            return {
                str(row.order_id): {
                    "attempt": row.attempt,
                    "state": row.state,
                    "outcome": row.outcome,
                    "requested_at": row.requested_at.isoformat(),
                    "settled_at": row.settled_at.isoformat() if row.settled_at else None,
                }
                for row in await connection.execute(query)
            }
