"""What is only read: quotes, the books and their plans, and what pricing believes of each order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, and_, cast, exists, func, literal_column, null, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from system.pricing.adapters import tables
from system.pricing.adapters.price_books import PriceBookRepository, ended_plan, plans_query
from system.pricing.adapters.repositories import AnalysisRepository, QuoteRepository
from system.pricing.adapters.rows import quote_from_row
from system.pricing.application.drawing import QuotedMesh
from system.pricing.application.ports import BookRecord, EndedPlan
from system.pricing.domain.mesh import Analysis
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Quote

RECONCILED_MAX = 20_000
PLANS_MAX = 100
SETBACKS_MAX = 200
OPEN_QUOTES_AT_ONCE = 500


class PricingQueries:
    """Reads that no command depends on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def quote(self, quote_id: UUID) -> Quote | None:
        """One quote."""
        async with self._engine.connect() as connection:
            return await QuoteRepository(connection).find(quote_id)

    async def changed_since(self, since: datetime, *, limit: int) -> list[tuple[UUID, datetime]]:
        """Which quotes changed at `since` or later, and when, the oldest first; what is final since it was added never changed."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(changed_statement(since, limit=limit))
            return [(row.quote_id, row.changed_at) for row in rows]

    async def quotes(self, quote_ids: Iterable[UUID]) -> list[Quote]:
        """The known ones of these quotes, in the order asked."""
        wanted = list(dict.fromkeys(quote_ids))
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(tables.quote).where(tables.quote.c.quote_id.in_(wanted)))
            found = {row.quote_id: quote_from_row(row) for row in rows}
        return [found[quote_id] for quote_id in wanted if quote_id in found]

    async def analysis(self, mesh_sha256: str) -> Analysis | None:
        """What is known of a mesh."""
        async with self._engine.connect() as connection:
            return await AnalysisRepository(connection).find(mesh_sha256)

    async def setbacks(self, order_id: UUID) -> list[dict[str, Any]]:
        """What held up the calculations that an order's prices come from, the earliest first."""
        setback, by_quote = tables.calculation_setback, tables.price_request_quote
        asked = select(by_quote.c.quote_id).where(by_quote.c.order_id == order_id)
        wanted = select(setback).where(setback.c.quote_id.in_(asked)).order_by(setback.c.at, setback.c.id)
        async with self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(wanted.limit(SETBACKS_MAX))).mappings()]

    async def book(self, version: int | None = None) -> PriceBook | None:
        """One version of the price book; without a number the one in force."""
        # Committed: whoever asks first when a plan is due has appended it.
        async with self._engine.begin() as connection:
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

    async def book_records(self, *, before: int | None = None, limit: int) -> list[BookRecord]:
        """Who made which version when and why, the newest first."""
        book = tables.price_book
        query = select(book.c.version, book.c.made_by, book.c.made_at, book.c.reason)
        query = query.order_by(book.c.version.desc()).limit(limit)
        if before is not None:
            query = query.where(book.c.version < before)
        async with self._engine.connect() as connection:
            return [BookRecord(*row) for row in await connection.execute(query)]

    async def quotes_by_book(self, versions: Iterable[int]) -> dict[int, int]:
        """How many quotes were priced by each of these versions; reads one index only."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(quotes_by_book_statement(versions))
            return {row.price_book_version: row.quotes for row in rows}

    async def plans(self) -> list[EndedPlan]:
        """The plans that have not ended, the next to start first; then those that ended in the last days without a book."""
        end = tables.price_book_plan_end
        told = and_(end.c.outcome == "impossible", end.c.ended_at > func.now() - func.make_interval(0, 0, 0, 7))
        query = plans_query().where(end.c.outcome.is_(None) | told)
        query = query.order_by(end.c.ended_at.desc().nulls_first(), tables.price_book_plan.c.starts_at).limit(PLANS_MAX)
        async with self._engine.connect() as connection:
            return [ended_plan(row) for row in await connection.execute(query)]

    async def open_quote_count(self, *, now: datetime) -> int:
        """How many quotes are firm, still valid and part of no order."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select(func.count()).select_from(tables.quote).where(_is_open(now))) or 0

    async def open_quotes(self, *, now: datetime, step: int = 1) -> AsyncIterator[Quote]:
        """Those quotes without their breakdowns, so many at a time; with a step, an even share of them, the same each time."""
        quote = tables.quote
        columns = [column for column in quote.c if column is not quote.c.breakdown]
        query = select(*columns, null().label("breakdown")).where(_is_open(now))
        if step > 1:
            chosen = func.hashtext(cast(quote.c.quote_id, String)).op("&")(0x7FFFFFFF)
            query = query.where(chosen % step == 0)
        query = query.order_by(quote.c.valid_until, quote.c.quote_id).limit(OPEN_QUOTES_AT_ONCE)
        last: Any = None
        while True:
            page = query if last is None else query.where(_after(last))
            async with self._engine.connect() as connection:
                rows = (await connection.execute(page)).all()
            for row in rows:
                yield quote_from_row(row)
            if len(rows) < OPEN_QUOTES_AT_ONCE:
                return
            last = rows[-1]

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


def quotes_by_book_statement(versions: Iterable[int]) -> Select[Any]:
    """Counts the quotes of these versions of the book."""
    version = tables.quote.c.price_book_version
    return select(version, func.count().label("quotes")).where(version.in_(list(versions))).group_by(version)


def changed_statement(since: datetime, *, limit: int) -> Select[Any]:
    """Reads as many rows of one index as it tells."""
    quote = tables.quote
    return (
        select(quote.c.quote_id, quote.c.changed_at)
        .where(quote.c.changed_at >= since)
        .order_by(quote.c.changed_at, quote.c.quote_id)
        .limit(limit)
    )


def _is_open(now: datetime) -> Any:
    """Firm, still valid, and no order's: neither named in a request for an order's price, nor made for one."""
    quote, by_quote = tables.quote, tables.price_request_quote
    return and_(
        # In the text and no parameter: only so a prepared plan may use the index of firm quotes.
        quote.c.status == literal_column("'READY'"),
        quote.c.valid_until > now,
        quote.c.replaces.is_(None),
        ~exists().where(by_quote.c.quote_id == quote.c.quote_id),
    )


def _after(row: Any) -> Any:
    quote = tables.quote
    return tuple_(quote.c.valid_until, quote.c.quote_id) > (row.valid_until, row.quote_id)
