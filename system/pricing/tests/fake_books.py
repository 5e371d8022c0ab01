"""Price books, plans and open quotes in memory, behind the promises that handlers and pages know them by."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from system.pricing.application.ports import BookRecord, EndedPlan
from system.pricing.domain.plan import Plan
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Quote


class FakeBooks:
    """What would be in the database. Everybody who works on it at once sees the same."""

    def __init__(self, first: PriceBook) -> None:
        self.books: list[PriceBook] = [first]
        self.records = [BookRecord(1, "the first price book", datetime(2026, 3, 1, tzinfo=UTC), None)]
        self.kept: dict[UUID, EndedPlan] = {}
        self.quotes: list[Quote] = []
        self.deeds: list[tuple[str, dict[str, Any]]] = []
        self.now = datetime.now(UTC)

    def work(self) -> FakeWork:
        """A unit of work over it."""
        return FakeWork(self)

    # -- queries -------------------------------------------------------------------------------------------------

    async def book(self, version: int | None = None) -> PriceBook | None:
        if version is None:
            return self.books[-1]
        return self.books[version - 1] if 0 < version <= len(self.books) else None

    async def book_records(self, *, before: int | None = None, limit: int) -> list[BookRecord]:
        return [each for each in reversed(self.records) if before is None or each.version < before][:limit]

    async def quotes_by_book(self, versions: Iterable[int]) -> dict[int, int]:
        wanted = set(versions)
        return dict(Counter(quote.price_book_version for quote in self.quotes if quote.price_book_version in wanted))

    async def plans(self) -> list[EndedPlan]:
        return [known for known in self.kept.values() if known.outcome in (None, "impossible")]

    async def open_quote_count(self, *, now: datetime) -> int:
        return len(self.quotes)

    async def open_quotes(self, *, now: datetime, step: int = 1) -> AsyncIterator[Quote]:
        for quote in self.quotes[::step]:
            yield quote


class FakeWork:
    """One transaction; what it does is there at once."""

    def __init__(self, kept: FakeBooks) -> None:
        self._kept = kept
        self.now = kept.now
        self.books: Any = self
        self.plans: Any = FakePlans(kept)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def current(self) -> PriceBook:
        return self._kept.books[-1]

    async def add(self, book: PriceBook, *, made_by: str, made_at: datetime, reason: str | None = None) -> bool:
        if book.version != len(self._kept.books) + 1:
            return False
        self._kept.books.append(book)
        self._kept.records.append(BookRecord(book.version, made_by, made_at, reason))
        return True

    async def lock(self, *subjects: object) -> None:
        pass

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None:
        self._kept.deeds.append((action, details or {}))

    async def commit(self, answer: Any = None) -> Any:
        return answer


class FakePlans:
    """The planned books."""

    def __init__(self, kept: FakeBooks) -> None:
        self._kept = kept

    async def add(self, plan: Plan) -> None:
        self._kept.kept[plan.plan_id] = EndedPlan(plan)

    async def find(self, plan_id: UUID) -> EndedPlan | None:
        return self._kept.kept.get(plan_id)

    async def end(self, plan_id: UUID, outcome: str, *, at: datetime, **told: Any) -> None:
        plan = self._kept.kept[plan_id].plan
        self._kept.kept[plan_id] = EndedPlan(plan, outcome, told.get("version"), told.get("told"), told.get("by"), at)
