"""Files as it is, over HTTP, on a real database and a real object storage."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from sqlalchemy import text

from system.conftest import Infrastructure
from system.files.entrypoints.worker import run_worker
from system.files.main import making_of, service, storage_of, worker
from system.files.settings import FilesSettings
from system.plumbing.runtime import Service
from system.plumbing.settings import ServiceSettings
from system.plumbing.tokens import Principal, TokenAuthority

BUCKET = "files-under-test"
DEADLINE_S = 40.0


@pytest.fixture(scope="session")
def bucket(infrastructure: Infrastructure) -> Any:
    """The storage's own client, for looking and for meddling; the bucket exists."""
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{infrastructure.ports['s3']}",
        aws_access_key_id="alexandrite",
        aws_secret_access_key=infrastructure.secret("jobs", "alexandrite_s3_secret_key"),
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    try:
        client.create_bucket(Bucket=BUCKET)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise
    return client


@pytest.fixture(scope="session")
def files_database(infrastructure: Infrastructure, fresh_database: Callable[[str], None]) -> Infrastructure:
    """A fresh database of files, once."""
    fresh_database("files")
    return infrastructure


@dataclass(slots=True)
class Person:
    """A signed-in user and their browser."""

    user_id: uuid.UUID
    http: httpx.AsyncClient

    async def start(self, content: bytes, *, filename: str = "ring.stl", size_bytes: int | None = None) -> Any:
        """Announces a file."""
        declared = len(content) if size_bytes is None else size_bytes
        answer = await self.http.post("/uploads", json={"filename": filename, "size_bytes": declared})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def send(self, started: Any, content: bytes, **changed_fields: str) -> httpx.Response:
        """Posts a file to the storage, as a browser does."""
        async with httpx.AsyncClient() as browser:
            return await browser.post(
                started["url"], data=started["fields"] | changed_fields, files={"file": ("blob", content)}
            )

    async def complete(self, started: Any) -> httpx.Response:
        """Says that the file is sent."""
        return await self.http.post(f"/uploads/{started['file_id']}/completion")

    async def uploaded(self, content: bytes, *, filename: str = "ring.stl") -> Any:
        """The completed upload of a file."""
        started = await self.start(content, filename=filename)
        sent = await self.send(started, content)
        assert sent.status_code == 204, sent.text
        answer = await self.complete(started)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(slots=True)
class Running:
    """One running files service, and what a test does with it."""

    service: Service
    infrastructure: Infrastructure
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def visitor(self, token: str | None = None, *, path: str = "/api/files/v1") -> httpx.AsyncClient:
        """A client with or without a token."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.service.app)
        self.clients.append(
            httpx.AsyncClient(transport=transport, base_url=f"https://localhost:8443{path}", headers=headers)
        )
        return self.clients[-1]

    def person(self, *roles: str) -> Person:
        """Somebody new, signed in with these roles; a customer unless told otherwise."""
        settings = self.infrastructure.settings_of("identity", ServiceSettings)
        user_id = uuid.uuid4()
        principal = Principal(user_id, frozenset(roles or ("customer",)), "Anna", "anna@example.com", str(uuid.uuid4()))
        return Person(user_id, self.visitor(TokenAuthority(settings).issue_for_user(principal)))

    def other_service(self, name: str, *, to: str = "files") -> httpx.AsyncClient:
        """A client that speaks for another service."""
        settings = self.infrastructure.settings_of(name, ServiceSettings)
        return self.visitor(TokenAuthority(settings).issue_for_service(to=to, acting_for=None), path="/internal")

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        """What the database holds."""
        async with self.service.engine.connect() as connection:
            return list(await connection.execute(text(sql), values))


@pytest.fixture
async def start_files(files_database: Infrastructure, bucket: Any) -> AsyncIterator[Callable[..., Running]]:
    """Starts files with any settings; stopped at the end."""
    started: list[Running] = []
    endpoint = f"http://127.0.0.1:{files_database.ports['s3']}"

    def start(**settings: Any) -> Running:
        storage = {
            "s3_endpoint": endpoint,
            "s3_public_url": endpoint,
            "s3_bucket": BUCKET,
            "s3_secret_key": files_database.secret("jobs", "alexandrite_s3_secret_key"),
        }
        built = service(files_database.settings_of("files", FilesSettings, **(storage | settings)))
        started.append(Running(built, files_database))
        return started[-1]

    yield start
    for running in started:
        for client in running.clients:
            await client.aclose()
        await running.service.close()


@asynccontextmanager
async def working(files: Running, **settings: Any) -> AsyncIterator[None]:
    """A worker beside these files, for the length of a `with`."""
    told = files.service.settings.model_copy(update=settings)
    assert isinstance(told, FilesSettings)
    process, storage = worker(told), storage_of(told)
    task = asyncio.create_task(run_worker(told, making_of(process, storage, told)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        storage.close()
        await process.close()


async def eventually(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is not None or False; fails after DEADLINE_S."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            answer = await ask()
            if answer:
                return answer
            await asyncio.sleep(0.05)


@pytest.fixture
async def files(start_files: Callable[..., Running]) -> Running:
    """Files with ordinary settings."""
    return start_files()
