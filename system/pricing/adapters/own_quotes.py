"""One person's quotes: page by page, and all of them, for whoever has a right to know what we hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from system.pricing.adapters import tables
from system.pricing.adapters.rows import quote_from_row
from system.pricing.domain.quote import Quote

ALL_AT_ONCE = 500
CALCULATED_WITHIN = timedelta(days=7)
"""Nothing is calculated for longer. Only quotes asked for since then, and valid since they were done, can be open: older ones of
somebody who has very many are not even looked at."""


@dataclass(frozen=True, slots=True)
class OpenAt:
    """Only what is open at `now`: being calculated, or firm and still valid, as prices are for `valid_for`."""

    now: datetime
    valid_for: timedelta


def page_statement(
    owner_id: UUID, *, limit: int, before: tuple[datetime, UUID] | None = None, only: OpenAt | None = None
) -> Select[Any]:
    """Quotes of one person, the newest first, those older than a place in the list; reads one index from there on."""
    quote = tables.quote
    query = (
        select(quote)
        .where(quote.c.owner_id == owner_id)
        .order_by(quote.c.created_at.desc(), quote.c.quote_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(quote.c.created_at, quote.c.quote_id) < before)
    if only is not None:
        query = query.where(
            quote.c.created_at > only.now - only.valid_for - CALCULATED_WITHIN,
            or_(quote.c.finished_at.is_(None), quote.c.valid_until > only.now),
        )
    return query


class OwnQuotes:
    """The quotes of one person."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def page(
        self,
        owner_id: UUID,
        *,
        limit: int,
        before: tuple[datetime, UUID] | None = None,
        only: OpenAt | None = None,
    ) -> Sequence[Quote]:
        """So many of them, the newest first, those older than a place in the list."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(page_statement(owner_id, limit=limit, before=before, only=only))
            return [quote_from_row(row) for row in rows]

    async def all(self, owner_id: UUID) -> AsyncIterator[Quote]:
        """Every one, the newest first, so many at a time."""
        before: tuple[datetime, UUID] | None = None
        while page := await self.page(owner_id, limit=ALL_AT_ONCE, before=before):
            for quote in page:
                yield quote
            before = (page[-1].created_at, page[-1].quote_id)
