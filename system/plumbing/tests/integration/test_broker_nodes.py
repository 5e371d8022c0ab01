"""A node that is gone or mute is passed over, one that falls silent is left, and an alarm of the broker is waited out."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from system.messages.envelope import Envelope
from system.messages.orchestrator_v1 import ReleaseStock
from system.plumbing import broker
from system.plumbing.broker import BrokerLost, Publisher, connect, is_blocked
from system.plumbing.database import create_engine
from system.plumbing.leases import Leases
from system.plumbing.relay import Relay
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.integration.conftest import until
from system.plumbing.unit_of_work import UnitOfWork

pytestmark = pytest.mark.integration

GONE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def nobody_distrusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_distrusted_until", {})


def envelope() -> Envelope:
    order_id = str(uuid4())
    return Envelope(
        id=uuid4(),
        source="orchestrator",
        type=ReleaseStock.TYPE,
        subject=order_id,
        time=datetime.now(UTC),
        sequence=1,
        data={"order_id": order_id},
    )


class Door:
    """A way to the broker that can fall silent: its connections stay open and nothing passes, as with a node that hangs."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def fall_silent(self) -> None:
        self._open.clear()

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
        for source, sink in ((reader, inner_writer), (inner_reader, writer)):
            self._tasks.add(asyncio.create_task(self._carry(source, sink)))

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._open.wait()
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def door(settings: ServiceSettings) -> AsyncIterator[tuple[Door, str]]:
    """A door that is open, and where it is."""
    made = Door(settings.broker_port)
    entering: set[asyncio.Task[None]] = set()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            entering.add(task)
        try:
            await made.enter(reader, writer)
        except asyncio.CancelledError:
            writer.close()

    server = await asyncio.start_server(enter, "127.0.0.1", 0)
    try:
        yield made, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in entering:
            task.cancel()
        await asyncio.gather(*entering, return_exceptions=True)
        await made.close()


async def test_any_node_that_answers_is_taken(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "NODE_TIMEOUT_S", 0.5)
    async with door(settings) as (mute, place):
        mute.fall_silent()
        living = f"127.0.0.1:{settings.broker_port}"
        several = settings.model_copy(update={"broker_hosts": f"{GONE},{place}, {living}"})
        for _ in range(6):
            async with connect(several, name="test nodes") as connection:
                await Publisher.open(connection)
        nobody = settings.model_copy(update={"broker_hosts": f"{GONE},{place}"})
        with pytest.raises(BrokerLost, match=r"127\.0\.0\.1.*; .*127\.0\.0\.1"):
            async with connect(nobody, name="test nodes"):
                pytest.fail("nobody is there")


async def test_a_node_that_falls_silent_is_left_within_the_time_of_a_publish(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "PUBLISH_TIMEOUT_S", 1)
    async with door(settings) as (silent, place):
        hung = settings.model_copy(update={"broker_hosts": place})
        async with connect(hung, name="test silent") as connection:
            publisher = await Publisher.open(connection)
            await publisher.publish(envelope())
            silent.fall_silent()
            begun = time.monotonic()
            with pytest.raises(BrokerLost, match="no confirm"):
                await publisher.publish(envelope())
            assert 0.9 < time.monotonic() - begun < 2
        both = settings.model_copy(update={"broker_hosts": f"{place},127.0.0.1:{settings.broker_port}"})
        begun = time.monotonic()
        for _ in range(5):
            async with connect(both, name="test others first") as connection:
                await Publisher.open(connection)
        assert time.monotonic() - begun < broker.NODE_TIMEOUT_S, "it was asked after the others"


async def test_a_lost_broker_is_waited_for_once_and_not_by_every_order(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred and fifty orders are three times what is in flight at once."""
    monkeypatch.setattr(broker, "PUBLISH_TIMEOUT_S", 1)
    engine = create_engine(settings)
    leases = Leases(engine, "relay", ttl_s=30.0, instance="test-relay")
    await leases.renew()
    async with UnitOfWork(engine, settings.service) as uow:
        for _ in range(150):
            uow.publish(ReleaseStock(order_id=uuid4()))
        await uow.commit()
    relay = Relay(settings, engine, leases)
    try:
        async with door(settings) as (silent, place):
            hung = settings.model_copy(update={"broker_hosts": place})
            async with connect(hung, name="test silent") as connection:
                publisher = await Publisher.open(connection)
                silent.fall_silent()
                begun = time.monotonic()
                with pytest.raises(BrokerLost):
                    await relay.drain(publisher)
                assert time.monotonic() - begun < 2
        async with connect(settings, name="test again") as connection:
            await relay.drain(await Publisher.open(connection))
        async with engine.connect() as database:
            left = await database.execute(text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
            assert left.scalar_one() == 0
    finally:
        await engine.dispose()


async def test_an_alarm_is_counted_and_waited_out(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "PUBLISH_TIMEOUT_S", 0.5)
    monkeypatch.setattr(broker, "BLOCKED_LOOK_S", 0.1)
    async with connect(settings, name="test alarm") as connection:
        publisher = await Publisher.open(connection)
        memory_limit(settings, "1MB")
        try:
            publishing = asyncio.create_task(publisher.publish(envelope()))
            await until(lambda: is_blocked(connection))
            await until(_counted)
            await asyncio.wait({publishing}, timeout=2)
            assert not publishing.done(), "four times the patience for a broker that is silent"
        finally:
            memory_limit(settings, "500MB")
        await asyncio.wait_for(publishing, 10)
        assert not await is_blocked(connection)
    assert blocked() == 0


def blocked() -> float:
    return REGISTRY.get_sample_value("alexandrite_broker_blocked") or 0.0


async def _counted() -> bool:
    return blocked() == 1


def memory_limit(settings: ServiceSettings, limit: str) -> None:
    """Above it the broker takes no publishes."""
    listed = ["docker", "ps", "--quiet", "--filter", f"publish={settings.broker_port}"]
    container = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.strip()
    command: list[Any] = ["docker", "exec", container, "rabbitmqctl", "set_vm_memory_high_watermark", "absolute", limit]
    subprocess.run(command, check=True, capture_output=True)
