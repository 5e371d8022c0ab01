"""CRM on a fresh PostgreSQL database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from system.conftest import Infrastructure
from system.crm.adapters import tables
from system.crm.adapters.letters_to_tell import LettersToTell
from system.crm.adapters.orchestrator import HttpOrchestrator
from system.crm.adapters.pricing import HttpQuotes
from system.crm.adapters.queries import CrmQueries
from system.crm.adapters.rows import reminder_from, sales_order_from
from system.crm.adapters.shop import HttpShop
from system.crm.adapters.unit_of_work import CrmUnitOfWork
from system.crm.domain.care import Reminder
from system.crm.domain.escalation import EscalationTerms
from system.crm.domain.sales_order import SalesOrder
from system.crm.main import service
from system.crm.settings import CrmSettings
from system.crm.tests.harness import MARGIN_S, START
from system.kernel.clock import FixedClock
from system.plumbing.database import create_engine
from system.plumbing.schema import audit_log, outbox
from system.plumbing.service_client import ServiceClient
from system.plumbing.tests.people import People


class PostgresCrm:
    """CRM over PostgreSQL, with a clock that the test sets."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.clock = FixedClock(START)

    def make_uow(self) -> CrmUnitOfWork:
        return CrmUnitOfWork(self.engine, "crm", clock=self.clock)

    async def rows(self, statement: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(statement)).mappings())

    async def order(self, order_id: UUID) -> SalesOrder:
        [row] = await self.rows(select(tables.sales_order).where(tables.sales_order.c.order_id == order_id))
        return sales_order_from(row)

    async def reminders(self, order_id: UUID) -> list[Reminder]:
        rows = await self.rows(select(tables.reminder).where(tables.reminder.c.order_id == order_id))
        return [reminder_from(row) for row in rows]

    async def to_tell(self) -> list[UUID]:
        return [letter_id for _, letter_id in await LettersToTell(self.engine).find(limit=1000)]

    async def audited(self, subject: UUID) -> list[tuple[str, dict[str, Any]]]:
        statement = select(audit_log).where(audit_log.c.subject == str(subject)).order_by(audit_log.c.id)
        return [(row["action"], row["details"]) for row in await self.rows(statement)]

    async def waiting_too_long(self, now: datetime, *, terms: EscalationTerms, limit: int) -> list[UUID]:
        return await CrmQueries(self.engine, at_risk_margin_s=MARGIN_S).waiting_too_long(now, terms=terms, limit=limit)

    async def messages(self, order_id: UUID) -> list[dict[str, Any]]:
        statement = select(outbox).where(outbox.c.subject == str(order_id)).order_by(outbox.c.sequence)
        return [row["data"] | {"type": row["type"]} for row in await self.rows(statement)]


@pytest.fixture(scope="session")
def crm_database(fresh_database: Callable[[str], None]) -> None:
    """An empty database of CRM."""
    fresh_database("crm")


@pytest.fixture
def settings(crm_database: None, infrastructure: Infrastructure) -> CrmSettings:
    """CRM's settings against the test's infrastructure."""
    made: CrmSettings = infrastructure.settings_of(
        "crm",
        CrmSettings,
        at_risk_margin_s=MARGIN_S,
        carrier_secret=infrastructure.secret("crm", "alexandrite_carrier_secret"),
    )
    return made


@pytest.fixture
async def crm(settings: CrmSettings) -> AsyncIterator[PostgresCrm]:
    engine = create_engine(settings)
    yield PostgresCrm(engine)
    await engine.dispose()


@pytest.fixture
def people(infrastructure: Infrastructure) -> People:
    return People(infrastructure, asked="crm")


@pytest.fixture
def sofia(people: People) -> dict[str, str]:
    return people.headers("Sofia", "seller")


@pytest.fixture
def others() -> Callable[[httpx.Request], httpx.Response]:
    """What the services behind CRM's pages answer: nothing, unless a test says otherwise."""
    return lambda request: httpx.Response(503)


@pytest.fixture
async def live_crm(settings: CrmSettings, others: Callable[[httpx.Request], httpx.Response]) -> AsyncIterator[FastAPI]:
    """CRM's application, which reaches pricing and the orchestrator through `others`."""
    built = service(settings)
    client = ServiceClient(settings, transport=httpx.MockTransport(others))
    built.app.state.orchestrator, built.app.state.quotes = HttpOrchestrator(client), HttpQuotes(client)
    built.app.state.shop = HttpShop(client)
    yield built.app
    await client.close()
    await built.close()


@pytest.fixture
async def http(live_crm: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of that application."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(live_crm), base_url="http://crm") as caller:
        yield caller
