"""Identity as it is, over HTTP, on a real database and a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from system.conftest import Infrastructure
from system.identity.application.commands import SeedStaff
from system.identity.application.handlers import seed_staff
from system.identity.main import service
from system.identity.settings import IdentitySettings
from system.plumbing.runtime import Service

PASSWORD = "seven pearls"
STAFF_PASSWORD = "a password of the demo staff"
ADMINISTRATOR = "anna.admin@alexandrite.example"


@pytest.fixture(scope="session")
def identity_database(infrastructure: Infrastructure, fresh_database: Callable[[str], None]) -> Infrastructure:
    """A fresh database of identity, once."""
    fresh_database("identity")
    return infrastructure


@dataclass(slots=True)
class Running:
    """One running identity, and what a test does with it."""

    service: Service
    clients: list[httpx.AsyncClient]

    def visitor(self) -> httpx.AsyncClient:
        """A browser of its own, with its own cookies."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.service.app),
            base_url="https://localhost:8443/api/identity/v1",
            headers={"origin": "https://localhost:8443"},
        )
        self.clients.append(client)
        return client

    async def registered(self, email: str, password: str = PASSWORD) -> httpx.AsyncClient:
        """A customer with an account, who is not signed in."""
        client = self.visitor()
        answer = await client.post("/registrations", json={"email": email, "password": password, "name": "Anna"})
        assert answer.status_code == 201, answer.text
        return client

    async def signed_in(self, email: str, password: str = PASSWORD) -> httpx.AsyncClient:
        """A browser in which this account is signed in."""
        client = self.visitor()
        answer = await client.post("/sessions", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return client

    async def administrator(self) -> httpx.AsyncClient:
        """A browser in which the seeded administrator is signed in."""
        await seed_staff(SeedStaff(STAFF_PASSWORD), self.service.app.state.tools)
        return await self.signed_in(ADMINISTRATOR, STAFF_PASSWORD)

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        """What the database holds."""
        async with self.service.engine.connect() as connection:
            return list(await connection.execute(text(sql), values))


@pytest.fixture
async def start_identity(identity_database: Infrastructure) -> AsyncIterator[Callable[..., Running]]:
    """Starts identity with light hashing and any other settings; stopped at the end."""
    started: list[Running] = []

    def start(**settings: Any) -> Running:
        light = {"hashing_time_cost": 1, "hashing_memory_kib": 64, "sign_in_free_failures": 3}
        built = service(identity_database.settings_of("identity", IdentitySettings, **(light | settings)))
        started.append(Running(built, []))
        return started[-1]

    yield start
    for running in started:
        for client in running.clients:
            await client.aclose()
        await running.service.close()


@pytest.fixture
async def identity(start_identity: Callable[..., Running]) -> Running:
    """Identity with ordinary settings."""
    return start_identity()
