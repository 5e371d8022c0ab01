"""The shop over real PostgreSQL: one migrated database for the run, emptied before each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from system.conftest import Infrastructure
from system.messages import catalogue
from system.messages.envelope import Message
from system.plumbing.database import create_engine
from system.plumbing.mail.box import KeptNotices
from system.plumbing.mail.schema import notice
from system.plumbing.runtime import Service
from system.plumbing.schema import outbox
from system.shop.adapters.catalogue_prices import CataloguePrices
from system.shop.adapters.unit_of_work import SqlShopUnitOfWork
from system.shop.entrypoints.api import Counter
from system.shop.main import service
from system.shop.settings import ShopSettings
from system.shop.tests.bench import Bench

EMPTY = """
    TRUNCATE orders, order_line, order_progress, stock_movement, stock_reservation,
             outbox, outbox_sequence, inbox, idempotency_key, audit_log, notice, procrastinate_jobs CASCADE;
    UPDATE stock SET available = stocked;
"""


@dataclass(frozen=True)
class Database:
    """A clean database of the shop, and settings that reach it."""

    settings: ShopSettings
    infrastructure: Infrastructure

    def as_superuser(self, statement: str) -> None:
        """Arranges what the application itself may not."""
        with self.infrastructure.server.connect("shop") as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def migrated(infrastructure: Infrastructure, fresh_database: Callable[[str], None]) -> Database:
    fresh_database("shop")
    return Database(infrastructure.settings_of("shop", ShopSettings), infrastructure)


@pytest.fixture
def database(migrated: Database) -> Database:
    migrated.as_superuser(EMPTY)
    return migrated


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database.settings)
    yield engine
    await engine.dispose()


@pytest.fixture
def begin(engine: AsyncEngine) -> Callable[[], Any]:
    return lambda: SqlShopUnitOfWork(engine, "shop")


@pytest.fixture
def bench(engine: AsyncEngine, begin: Callable[[], Any]) -> Bench:
    async def published() -> Sequence[Message]:
        async with engine.connect() as connection:
            rows = await connection.execute(select(outbox.c.type, outbox.c.data).order_by(outbox.c.id))
            return [catalogue.BY_TYPE[row.type].model_validate(row.data) for row in rows]

    async def forget_notices() -> None:
        async with engine.begin() as connection:
            await connection.execute(delete(notice))

    return Bench.over(begin, published, KeptNotices(engine).of, forget_notices)


def surrounded(database: Database, bench: Bench, *, roles: str = "api", kept_s: float = 5.0) -> Service:
    """The shop as main.py wires it, with the services around it replaced by the bench's. Prices of the catalogue are kept so long."""
    built = service(database.settings.model_copy(update={"roles": roles}))
    wired: Counter = built.app.state.counter
    built.app.state.counter = Counter(
        tools=bench.tools,
        queries=wired.queries,
        catalogue_prices=CataloguePrices(bench.pricing, kept_s=kept_s, rest_s=min(1.0, kept_s), patience_s=1),
        price_patience_s=1,
    )
    return built
