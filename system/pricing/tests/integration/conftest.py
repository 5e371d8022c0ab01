"""Pricing on a real database, and a files service with storage that the tests can slow down or break."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import text

from fixtures.models3d import variant
from system.conftest import Infrastructure
from system.kernel.ids import new_id
from system.plumbing.tokens import Principal, TokenAuthority
from system.pricing.main import calculation_of, files_of, service, worker
from system.pricing.settings import PricingSettings

DEADLINE_S = 40.0


async def eventually(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is not None or False; fails after DEADLINE_S."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            answer = await ask()
            if answer:
                return answer
            await asyncio.sleep(0.05)


@dataclass
class Storage:
    """The files service and its storage in one small server. `pause` holds downloads back; `away` makes it fail."""

    port: int = 0
    models: dict[UUID, bytes] = field(default_factory=dict)
    owners: dict[UUID, UUID] = field(default_factory=dict)
    told: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    asked: list[UUID] = field(default_factory=list)
    previews: dict[tuple[str, int], bytes] = field(default_factory=dict)
    keeps_previews: bool = True
    previews_refused: set[tuple[str, int]] = field(default_factory=set)
    away: bool = False
    pause: asyncio.Event | None = None

    def upload(self, body: bytes, owner: UUID, **told: Any) -> UUID:
        """A verified upload; `told` overrides what the files service says of it."""
        file_id = uuid4()
        self.models[file_id] = body
        self.owners[file_id] = owner
        self.told[file_id] = told
        return file_id

    def app(self) -> FastAPI:
        """The routes pricing uses."""
        app = FastAPI()

        @app.get("/internal/files/{file_id}")
        async def describe(file_id: UUID) -> Response:
            if self.away:
                return Response(status_code=503)
            if file_id not in self.models:
                return Response(status_code=404)
            body = self.models[file_id]
            described = {
                "file_id": str(file_id),
                "owner_id": str(self.owners[file_id]),
                "status": "VERIFIED",
                "sha256": hashlib.sha256(body).hexdigest(),
                "size_bytes": len(body),
                "format": "stl_binary",
                "filename": "ring.stl",
                "download_url": f"http://127.0.0.1:{self.port}/storage/{file_id}",
            }
            return Response(
                httpx.Response(200, json=described | self.told[file_id]).content, media_type="application/json"
            )

        @app.get("/storage/{file_id}")
        async def download(file_id: UUID) -> Response:
            self.asked.append(file_id)
            if self.pause is not None:
                await self.pause.wait()
            return Response(self.models[file_id])

        @app.put("/internal/previews/{mesh_sha256}/{size}")
        async def keep(request: Request, mesh_sha256: str, size: int) -> Response:
            if not self.keeps_previews:
                self.previews_refused.add((mesh_sha256, size))
                return Response(status_code=503)
            self.previews[mesh_sha256, size] = await request.body()
            return Response(status_code=204)

        @app.post("/internal/previews/lookup")
        async def look_up(request: Request) -> dict[str, list[str]]:
            wanted = (await request.json())["mesh_sha256"]
            return {"missing": [mesh for mesh in wanted if not {(mesh, 96), (mesh, 320)} <= self.previews.keys()]}

        return app


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    """A running files service with storage."""
    kept = Storage()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    kept.port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(kept.app(), log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    yield kept
    server.should_exit = True
    if kept.pause is not None:
        kept.pause.set()
    await serving
    listener.close()


@pytest.fixture(scope="session")
def database(infrastructure: Infrastructure, fresh_database: Callable[[str], None]) -> Infrastructure:
    """Pricing's database, migrated once for this run."""
    fresh_database("pricing")
    return infrastructure


@pytest.fixture
def settings(database: Infrastructure, storage: Storage) -> PricingSettings:
    """Pricing's settings on this machine."""
    made: PricingSettings = database.settings_of(
        "pricing",
        PricingSettings,
        services_url_template=f"http://127.0.0.1:{storage.port}",
        pricing_stalled_after_s=2.0,
        internal_timeout_s=3.0,
        # Its neighbour runs in this very process, and fifty callers at once keep that busy for longer than a real one takes to answer.
        internal_connect_timeout_s=10.0,
    )
    return made


@dataclass
class Pricing:
    """Pricing as its callers see it, and its worker."""

    settings: PricingSettings
    infrastructure: Infrastructure
    storage: Storage
    service: Any
    http: httpx.AsyncClient

    def token(self, *roles: str, subject: UUID | None = None) -> dict[str, str]:
        """The header of a signed-in user."""
        authority = TokenAuthority(self.infrastructure.settings_of("identity"))
        who = Principal(subject or new_id(), frozenset(roles), "Anna", "anna@alexandrite.example", "s1")
        return {"authorization": f"Bearer {authority.issue_for_user(who)}"}

    def service_token(self, caller: str, *, acting_for: UUID | None = None) -> dict[str, str]:
        """The header of another service, acting for a customer."""
        authority = TokenAuthority(self.infrastructure.settings_of(caller))
        who = Principal(acting_for, frozenset({"customer"}), "Anna", "") if acting_for else None
        return {"authorization": f"Bearer {authority.issue_for_service(to='pricing', acting_for=who)}"}

    async def ask(self, customer: UUID, body: dict[str, Any], *, key: str | None = None) -> httpx.Response:
        """A customer asks for a quote."""
        headers = self.token("customer", subject=customer) | {"idempotency-key": key or str(uuid4())}
        return await self.http.post("/api/pricing/v1/quotes", json=body, headers=headers)

    async def quote(self, quote_id: str, customer: UUID) -> dict[str, Any]:
        """The quote as its owner sees it."""
        answer = await self.http.get(
            f"/api/pricing/v1/quotes/{quote_id}", headers=self.token("customer", subject=customer)
        )
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def finished(self, quote_id: str, customer: UUID) -> dict[str, Any]:
        """The quote once it is READY or FAILED."""

        async def ask() -> dict[str, Any] | None:
            shown = await self.quote(quote_id, customer)
            return shown if shown["status"] in ("READY", "FAILED") else None

        shown: dict[str, Any] = await eventually(ask)
        return shown

    async def rows(self, sql: str, **parameters: Any) -> list[Any]:
        """Rows of pricing's database."""
        async with self.service.engine.connect() as connection:
            return list(await connection.execute(text(sql), parameters))

    async def messages(self, order_id: UUID) -> list[tuple[str, dict[str, Any]]]:
        """What pricing said about an order: type and data, in sequence."""
        rows = await self.rows(
            "SELECT type, data FROM outbox WHERE subject = :subject ORDER BY sequence", subject=str(order_id)
        )
        return [(row.type, row.data) for row in rows]

    async def receive(self, message: Any) -> None:
        """A message arrives: effect and answers in one transaction, as the consumer does it."""
        async with self.service.make_uow() as uow:
            await uow.lock(message.order_id)
            await self.service.reactions[type(message)](message, uow)
            await uow.commit()

    def fresh_model(self, name: str = "torus-ring") -> bytes:
        """A model nobody measured before."""
        return variant(name, f"{name} {uuid4()}")


_NOTHING_WAITS = (
    "DELETE FROM procrastinate_jobs",
    "DELETE FROM fair_share",
    "UPDATE fair_clock SET clock = 0, advance = 0",
)


@pytest.fixture
async def pricing(settings: PricingSettings, database: Infrastructure, storage: Storage) -> AsyncIterator[Pricing]:
    """Pricing's API, without its background parts. Nothing waits that another test has asked for, and everybody was served alike."""
    made = service(settings)
    async with made.engine.begin() as connection:
        for statement in _NOTHING_WAITS:
            await connection.execute(text(statement))
    transport = httpx.ASGITransport(app=made.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as http:
        yield Pricing(settings, database, storage, made, http)
    # The reader of live quotes ends a moment after its last listener, and with it its connection.
    await made.app.state.watch.rests()
    await made.close()


@pytest.fixture
async def working(pricing: Pricing) -> AsyncIterator[Pricing]:
    """Pricing with a worker running."""
    async with running_worker(pricing.settings):
        yield pricing


def running_worker(settings: PricingSettings) -> Any:
    """A worker in this process for the length of a `with`."""
    from contextlib import asynccontextmanager

    from system.pricing.entrypoints.worker import run_worker

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        process = worker(settings)
        files = files_of(process, settings)
        task = asyncio.create_task(run_worker(settings, calculation_of(process, files, settings)))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await files.close()
            await process.close()

    return run()
