"""Pricing's transaction."""

from __future__ import annotations

from system.plumbing.batches import BatchedUnitOfWork
from system.pricing.adapters.erasure import ErasureRepository
from system.pricing.adapters.jobs import JobQueue
from system.pricing.adapters.price_books import PlanRepository, PriceBookRepository
from system.pricing.adapters.repositories import AnalysisRepository, PriceRequestRepository, QuoteRepository


class PricingUnitOfWork(BatchedUnitOfWork):
    """One transaction over quotes, books, plans, analyses, requests and jobs."""

    async def on_enter(self) -> None:
        """Opens the repositories over this transaction's connection."""
        self.quotes = QuoteRepository(self.connection)
        self.books = PriceBookRepository(self.connection)
        self.plans = PlanRepository(self.connection)
        self.analyses = AnalysisRepository(self.connection)
        self.requests = PriceRequestRepository(self.connection, locked=lambda: self.locked_orders)
        self.jobs = JobQueue(self.connection)
        self.erasing = ErasureRepository(self.connection)
        self.holds_back(self.requests, self.books)
