"""MES on a fresh PostgreSQL database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from system.conftest import Infrastructure
from system.kernel.clock import FixedClock
from system.mes.adapters import tables
from system.mes.adapters.board_lists import KEPT_S
from system.mes.adapters.ledger import pay_entry_from
from system.mes.adapters.queries import MesQueries
from system.mes.adapters.repositories import work_order_from
from system.mes.adapters.unit_of_work import MesUnitOfWork
from system.mes.domain.pay import PayEntry
from system.mes.domain.work_order import WorkOrder
from system.mes.main import service
from system.mes.settings import MesSettings
from system.mes.tests.harness import BUDGET_S, OLEG, START, TERMS
from system.plumbing.aside import Aside
from system.plumbing.database import create_engine
from system.plumbing.schema import outbox
from system.plumbing.tests.people import People


class PostgresMes:
    """MES over PostgreSQL, with a clock that the test sets."""

    def __init__(self, engine: AsyncEngine, aside: Aside) -> None:
        self.engine = engine
        self.aside = aside
        self.claimed_since_before = MesQueries(engine, terms=TERMS, currency="RUB").claimed_since_before
        self.clock = FixedClock(START)

    def make_uow(self) -> MesUnitOfWork:
        return MesUnitOfWork(self.engine, "mes", clock=self.clock, on_changed=self.aside.changed)

    async def rows(self, statement: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(statement)).mappings())

    async def work_order(self, work_order_id: UUID) -> WorkOrder:
        [row] = await self.rows(select(tables.work_order).where(tables.work_order.c.id == work_order_id))
        return work_order_from(row)

    async def ledger(self, work_order_id: UUID) -> list[PayEntry]:
        ledger = tables.pay_ledger
        statement = (
            select(ledger).where(ledger.c.work_order_id == work_order_id).order_by(ledger.c.claim_no, ledger.c.kind)
        )
        return [pay_entry_from(row) for row in await self.rows(statement)]

    async def messages(self, order_id: UUID) -> list[dict[str, Any]]:
        statement = select(outbox).where(outbox.c.subject == str(order_id)).order_by(outbox.c.sequence)
        return [row["data"] | {"type": row["type"]} for row in await self.rows(statement)]

    async def history(self, work_order_id: UUID) -> list[tuple[str, str | None]]:
        history = tables.work_order_history
        statement = select(history).where(history.c.work_order_id == work_order_id).order_by(history.c.id)
        return [(row["state"], row["reason"]) for row in await self.rows(statement)]


@pytest.fixture(scope="session")
def mes_database(fresh_database: Callable[[str], None]) -> None:
    """An empty database of MES."""
    fresh_database("mes")


@pytest.fixture
def settings(mes_database: None, infrastructure: Infrastructure) -> MesSettings:
    """MES's settings against the test's infrastructure."""
    made: MesSettings = infrastructure.settings_of(
        "mes", MesSettings, claim_budget_s=BUDGET_S, claims_max=TERMS.claims_max
    )
    return made


@pytest.fixture
async def mes(settings: MesSettings) -> AsyncIterator[PostgresMes]:
    engine, aside = create_engine(settings), Aside(settings, lifetime_s=KEPT_S)
    # What an earlier test looked at may still be kept.
    await aside.changed()
    yield PostgresMes(engine, aside)
    await aside.close()
    await engine.dispose()


@pytest.fixture
def people(infrastructure: Infrastructure) -> People:
    return People(infrastructure, asked="mes")


@pytest.fixture
def oleg(people: People) -> dict[str, str]:
    return people.headers("Oleg", "operator", user_id=OLEG.id)


@asynccontextmanager
async def process(settings: MesSettings) -> AsyncIterator[FastAPI]:
    """The application of one process of MES."""
    built = service(settings)
    yield built.app
    await built.close()


def caller_of(app: FastAPI) -> httpx.AsyncClient:
    """Somebody who asks that process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mes")


@pytest.fixture
async def live_mes(settings: MesSettings) -> AsyncIterator[FastAPI]:
    """The application itself: an answer that never ends fits in no caller."""
    async with process(settings) as app:
        yield app


@pytest.fixture
async def http(live_mes: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with caller_of(live_mes) as caller:
        yield caller
