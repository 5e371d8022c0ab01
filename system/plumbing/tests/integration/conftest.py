"""A database and a virtual host of their own, and a small service over them whose effect is a row."""

from __future__ import annotations

import asyncio
import base64
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import sql
from sqlalchemy import create_engine, text

from system.conftest import Infrastructure
from system.kernel.errors import Refused
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import ReleaseStock
from system.plumbing.broker import Publisher, connect
from system.plumbing.consumer import Consumer, Reaction
from system.plumbing.database import create_engine as create_async_engine
from system.plumbing.database import database_url
from system.plumbing.dead_letters import DeadLetterDrain
from system.plumbing.leases import Leases
from system.plumbing.relay import Relay
from system.plumbing.schema import create_plumbing_tables
from system.plumbing.settings import ServiceSettings
from system.plumbing.topology import declare
from system.plumbing.unit_of_work import UnitOfWork

DATABASE = "plumbing_test"


@pytest.fixture(scope="session")
def virtual_host(infrastructure: Infrastructure) -> Iterator[str]:
    """A virtual host of this run, so that no other service's messages mix in."""
    name = f"plumbing-{uuid4().hex[:8]}"
    credentials = f"alexandrite:{infrastructure.secret('jobs', 'alexandrite_broker_password')}"
    headers = {
        "authorization": "Basic " + base64.b64encode(credentials.encode()).decode(),
        "content-type": "application/json",
    }
    root = f"http://127.0.0.1:{infrastructure.ports.get('management', infrastructure.ports['amqp'] + 10000)}/api/vhosts"

    def call(method: str) -> None:
        request = urllib.request.Request(f"{root}/{name}", method=method, headers=headers)  # noqa: S310
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310

    call("PUT")
    yield name
    call("DELETE")


@pytest.fixture
async def settings(infrastructure: Infrastructure, virtual_host: str) -> ServiceSettings:
    """Settings of the service under test, over a database made anew."""
    with infrastructure.server.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    made: ServiceSettings = infrastructure.settings_of(
        "shop",
        database_name=DATABASE,
        database_user="postgres",
        database_password=infrastructure.server.password,
        broker_virtualhost=virtual_host,
        retry_base_s=0.02,
        retry_limit=3,
        lease_ttl_s=1.0,
    )
    engine = create_engine(database_url(made))
    with engine.begin() as connection:
        create_plumbing_tables(connection)
        connection.execute(text("CREATE TABLE effect (id bigserial PRIMARY KEY, order_id uuid, note text)"))
    engine.dispose()
    async with connect(made, name="test setup") as broker:
        channel = await broker.channel()
        await declare(channel)
        for queue in ("shop.inbox.v1", "shop.dead.v1"):
            await (await channel.get_queue(queue)).purge()
    return made


@dataclass
class Running:
    """A relay and a consumer at work, whose reaction writes an `effect` row and then does what `behave` says."""

    settings: ServiceSettings
    engine: Any
    leases: dict[str, Leases]
    relay: Relay
    consumer: Consumer
    publisher: Publisher
    behaviour: dict[str, Callable[[], None]] = field(default_factory=dict)

    def uow(self) -> UnitOfWork:
        return UnitOfWork(self.engine, self.settings.service, on_committed=lambda _: self.relay.wake())

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def effects(self, order_id: UUID) -> int:
        return int((await self.rows("SELECT count(*) FROM effect WHERE order_id = :o", o=order_id))[0][0])

    async def inbox_states(self, order_id: UUID) -> list[str]:
        found = await self.rows("SELECT state FROM inbox WHERE subject = :o ORDER BY sequence", o=str(order_id))
        return [row.state for row in found]


async def until(condition: Callable[[], Any], *, within_s: float = 10) -> Any:
    """Waits until `await condition()` is truthy and returns it; fails with its last value."""
    value = None
    try:
        async with asyncio.timeout(within_s):
            while not (value := await condition()):
                await asyncio.wait({asyncio.ensure_future(asyncio.Event().wait())}, timeout=0.02)
    except TimeoutError:
        pytest.fail(f"not within {within_s} s; last value: {value!r}")
    return value


@pytest.fixture(params=[False], ids=["ungated"])
async def running(settings: ServiceSettings, request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """Started for one test; stopped after it."""
    engine = create_async_engine(settings)
    leases = {role: Leases(engine, role, ttl_s=1.0, instance=f"test-{role}") for role in ("relay", "consumer")}
    for lease in leases.values():
        await lease.renew()
    behaviour: dict[str, Callable[[], None]] = {}

    async def release_stock(message: ReleaseStock, uow: UnitOfWork) -> None:
        await uow.connection.execute(
            text("INSERT INTO effect (order_id, note) VALUES (:o, 'released')"), {"o": message.order_id}
        )
        behaviour.get(str(message.order_id), lambda: None)()

    reactions: dict[type[Message], Reaction] = {ReleaseStock: release_stock}
    made = UnitOfWork
    consumer = Consumer(
        settings, lambda: made(engine, settings.service), reactions, leases["consumer"], gated=request.param
    )
    relay = Relay(settings, engine, leases["relay"])
    async with connect(settings, name="test relay") as out, connect(settings, name="test consumer") as into:
        publisher = await Publisher.open(out)
        drain = DeadLetterDrain(settings, lambda: made(engine, settings.service), reactions)
        tasks = [
            asyncio.create_task(part)
            for part in (
                *(lease.run() for lease in leases.values()),
                relay.run(publisher),
                consumer.run(into),
                consumer.run_due(),
                drain.run(into),
            )
        ]
        running = Running(settings, engine, leases, relay, consumer, publisher, behaviour)
        yield running
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await engine.dispose()
    broken = [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, asyncio.CancelledError)]
    assert not broken, broken


def refuse() -> None:
    raise Refused("out-of-season", "This cannot apply.")
