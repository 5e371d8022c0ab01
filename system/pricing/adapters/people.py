"""A person's own quotes, as a list."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from system.pricing.adapters.rows import quote_from_row
from system.pricing.adapters.tables import quote
from system.pricing.domain.quote import Quote, QuoteKind


class PeopleQueries:
    """What is read of a person."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def own_quotes(
        self, person: UUID, *, kind: QuoteKind | None, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Quote]:
        """At most so many of the quotes that the person asked for, the newest first; those remade for an order left out."""
        wanted = select(quote).where(quote.c.owner_id == person, quote.c.replaces.is_(None))
        if kind is not None:
            wanted = wanted.where(quote.c.kind == kind.value)
        if before is not None:
            at, quote_id = before
            wanted = wanted.where(tuple_(quote.c.created_at, quote.c.quote_id) < tuple_(literal(at), literal(quote_id)))
        wanted = wanted.order_by(quote.c.created_at.desc(), quote.c.quote_id.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [quote_from_row(row) for row in await connection.execute(wanted)]
