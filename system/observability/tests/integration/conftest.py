"""Observability over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.observability.adapters.otlp import PROTOBUF
from system.observability.adapters.store import SqlStore
from system.observability.domain.stages import Stage
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


class FakeOrders:
    """The orchestrator, as far as observability asks it."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, str] = {}
        self.found: list[Stage] = []
        self.is_away = False

    def knows(self, order_id: UUID, *, status: str = "SUBMITTED", entries: Sequence[dict[str, Any]] = ()) -> None:
        """From here on there is this order."""
        order = {"order_id": str(order_id), "number": "A-10000001", "status": status}
        self.told[str(order_id)] = {"order": order, "entries": list(entries), "not_answering": {}}
        self.numbers["A-10000001"] = str(order_id)

    async def timeline(self, order: str) -> dict[str, Any] | None:
        """What was told."""
        self._answer()
        return self.told.get(order)

    async def order_id(self, number: str) -> str | None:
        """The id of the number."""
        self._answer()
        return self.numbers.get(number)

    async def stages(self, since: datetime, until: datetime) -> list[Stage]:
        """What was found."""
        self._answer()
        return self.found

    def _answer(self) -> None:
        if self.is_away:
            raise Unavailable("orchestrator-unavailable", "The orchestrator does not answer just now.")


@pytest.fixture
def orders(built: Service) -> FakeOrders:
    """The orchestrator of this test."""
    fake = FakeOrders()
    built.app.state.orders = fake
    return fake


@pytest.fixture
async def processes(built: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A process that sends spans and log lines."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=built.app),
        base_url="http://observability:8000",
        headers={"authorization": f"Bearer {OTLP_KEY}", "content-type": PROTOBUF},
    ) as client:
        yield client


@pytest.fixture
def store(built: Service) -> SqlStore:
    """The store over the service's engine."""
    return SqlStore(built.engine)


@pytest.fixture
async def sofia(built: Service, infrastructure: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A seller."""
    async with person(built, infrastructure, "seller") as client:
        yield client


@pytest.fixture
async def alertmanager(built: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever tells of alerts, with the key for it."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=built.app),
        base_url="http://observability:8000",
        headers={"authorization": f"Bearer {ALERTS_KEY}"},
    ) as client:
        yield client
