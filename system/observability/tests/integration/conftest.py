"""Observability over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from system.kernel.ids import new_id
from system.observability.main import service
from system.observability.settings import ObservabilitySettings
from system.plumbing.runtime import Service
from system.plumbing.tokens import Principal, TokenAuthority

OTLP_KEY = "otlp-key-of-the-tests"
ALERTS_KEY = "alerts-key-of-the-tests"


@pytest.fixture(scope="session")
def database(fresh_database: Callable[[str], None]) -> None:
    """Observability's own database, made anew by its migrations."""
    fresh_database("observability")


@pytest.fixture
def settings(infrastructure: Any, database: None) -> ObservabilitySettings:
    """Settings of a process on this machine."""
    made: ObservabilitySettings = infrastructure.settings_of(
        "observability", ObservabilitySettings, otlp_key=OTLP_KEY, alerts_key=ALERTS_KEY
    )
    return made


@pytest.fixture
async def built(settings: ObservabilitySettings) -> AsyncIterator[Service]:
    """The service, wired as in production, without its background tasks."""
    made = service(settings)
    yield made
    await made.close()


def person(built: Service, infrastructure: Any, role: str) -> httpx.AsyncClient:
    """A browser of somebody with this role."""
    authority = TokenAuthority(infrastructure.settings_of("identity"))
    token = authority.issue_for_user(Principal(new_id(), frozenset({role}), "Ada", "ada@example.com"))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=built.app),
        base_url="https://observability",
        headers={"authorization": f"Bearer {token}", "accept-language": "en"},
    )


@pytest.fixture
async def ada(built: Service, infrastructure: Any) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator."""
    async with person(built, infrastructure, "administrator") as client:
        yield client


@pytest.fixture
async def sofia(built: Service, infrastructure: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A seller."""
    async with person(built, infrastructure, "seller") as client:
        yield client
