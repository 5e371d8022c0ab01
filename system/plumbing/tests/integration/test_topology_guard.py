"""Queue, binding, exchange and dead-letter queue are deleted at a real broker under traffic; nothing may be lost or act twice."""

from __future__ import annotations

import asyncio
import base64
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import aio_pika
import httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from system.messages.envelope import Message
from system.messages.orchestrator_v1 import ReleaseStock
from system.plumbing.broker import connect
from system.plumbing.consumer import Reaction
from system.plumbing.runtime import Service
from system.plumbing.service_client import ServiceClient
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.integration.conftest import until
from system.plumbing.topology import EXCHANGE, dead_queue, inbox_queue
from system.plumbing.topology_guard import (
    MISSED,
    SETTLED,
    Management,
    TopologyGuard,
    TopologyUnknown,
    ask_sender,
    missing,
)
from system.plumbing.unit_of_work import UnitOfWork

pytestmark = pytest.mark.integration

INBOX, DEAD = inbox_queue("shop"), dead_queue("shop")
BYSTANDER = "bystander"
DELETED = {
    "queue": f"queues/{{vhost}}/{INBOX}",
    "binding": f"bindings/{{vhost}}/e/{EXCHANGE}/q/{INBOX}/{ReleaseStock.TYPE}",
    "exchange": f"exchanges/{{vhost}}/{EXCHANGE}",
    "dead_queue": f"queues/{{vhost}}/{DEAD}",
}


def delete(settings: ServiceSettings, what: str) -> None:
    """As somebody does on RabbitMQ's own pages."""
    path = DELETED[what].format(vhost=quote(settings.broker_virtualhost, safe=""))
    credentials = f"{settings.broker_user}:{settings.broker_password.get_secret_value()}"
    headers = {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}
    url = f"http://{settings.broker_host}:{settings.broker_management_port}/api/{path}"
    urllib.request.urlopen(
        urllib.request.Request(url, method="DELETE", headers=headers),
        timeout=10,
    ).close()


@dataclass
class Shop:
    """A process of a service that sends to itself what another service consumes too."""

    service: Service
    sent: list[UUID] = field(default_factory=list)

    def uow(self) -> UnitOfWork:
        made: UnitOfWork = self.service.make_uow()
        return made

    async def send(self, count: int, *, pause_s: float = 0.0) -> None:
        for _ in range(count):
            order_id = uuid4()
            async with self.uow() as uow:
                uow.publish(ReleaseStock(order_id=order_id))
                await uow.commit()
            self.sent.append(order_id)
            await asyncio.sleep(pause_s)

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.service.engine.connect() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def effects(self) -> dict[UUID, int]:
        return {row.order_id: row.n for row in await self.rows("SELECT order_id, count(*) AS n FROM effect GROUP BY 1")}

    async def every_one_acted(self) -> bool:
        return set(await self.effects()) == set(self.sent)


@asynccontextmanager
async def shop_at_work(settings: ServiceSettings, *, warm: bool = True) -> AsyncIterator[Shop]:
    """All parts of a process as the runtime starts them; the one sender of its messages is this process itself.

    `warm` waits until its first five messages acted.
    """

    async def release_stock(message: ReleaseStock, uow: UnitOfWork) -> None:
        await uow.connection.execute(
            text("INSERT INTO effect (order_id, note) VALUES (:o, 'released')"), {"o": message.order_id}
        )

    reactions: dict[type[Message], Reaction] = {ReleaseStock: release_stock}
    service = Service(settings, routers=[], reactions=reactions)

    client = ServiceClient(settings, transport=httpx.ASGITransport(app=service.app))

    async def ask(sender: str, since: datetime) -> None:
        assert sender == "orchestrator", "nobody else sends to the shop"
        # This process plays both: the wish goes over HTTP to its own route, and its own relay publishes again.
        await ask_sender(client, "shop", "shop", since)

    if service._guard is not None:
        service._guard._ask = ask
    async with connect(settings, name="test bystander") as broker:
        channel = await broker.channel()
        bystander = await channel.declare_queue(BYSTANDER, durable=True, arguments={"x-queue-type": "quorum"})
        exchange = await channel.get_exchange(EXCHANGE)
        await bystander.bind(exchange, routing_key=ReleaseStock.TYPE)
        try:
            async with service._lifespan(service.app):
                shop = Shop(service)
                if warm:
                    await shop.send(5)
                    await until(shop.every_one_acted)
                yield shop
        finally:
            await bystander.delete(if_unused=False, if_empty=False)
            await client.close()


def mended(what: str) -> float:
    return REGISTRY.get_sample_value("alexandrite_topology_mended_total", {"what": what}) or 0.0


@pytest.mark.parametrize("what", ["queue", "binding", "exchange"])
async def test_what_is_deleted_under_traffic_comes_back_and_nothing_is_lost_or_doubled(
    settings: ServiceSettings, what: str
) -> None:
    before = mended(what)
    async with shop_at_work(settings.model_copy(update={"topology_check_s": 0.5})) as shop:
        sending = asyncio.create_task(shop.send(150))
        await until(lambda: _more_than(shop, 40))
        await asyncio.to_thread(delete, settings, what)
        await sending
        await until(shop.every_one_acted, within_s=40)
        assert set((await shop.effects()).values()) == {1}
        assert mended(what) >= before + 1
        await until(lambda: shop.rows("SELECT 1 FROM audit_log WHERE action = :a", a=SETTLED))
        await shop.send(5)
        await until(shop.every_one_acted)


@pytest.mark.long
@pytest.mark.parametrize("what", ["queue", "binding", "exchange"])
async def test_without_the_guard_they_are_lost(settings: ServiceSettings, what: str) -> None:
    async with shop_at_work(settings.model_copy(update={"topology_check_s": 0.0})) as shop:
        await asyncio.to_thread(delete, settings, what)
        await shop.send(20)
        await asyncio.wait({asyncio.create_task(asyncio.Event().wait())}, timeout=4)
        assert len(await shop.effects()) == 5, "only those from before"


async def test_what_lay_in_a_queue_that_was_deleted_while_its_service_was_away_comes_again(
    settings: ServiceSettings,
) -> None:
    async with shop_at_work(
        settings.model_copy(update={"topology_check_s": 0.0, "roles": "api,relay"}), warm=False
    ) as shop:
        await shop.send(50)
        await until(lambda: _published(shop))
        sent = shop.sent
    await asyncio.to_thread(delete, settings, "queue")
    async with shop_at_work(settings.model_copy(update={"topology_check_s": 0.5}), warm=False) as shop:
        shop.sent += sent
        await until(shop.every_one_acted, within_s=30)
        assert set((await shop.effects()).values()) == {1}


async def test_a_deleted_dead_letter_queue_comes_back_and_takes_what_waited(settings: ServiceSettings) -> None:
    before = mended("dead_queue")
    async with shop_at_work(settings.model_copy(update={"topology_check_s": 0.5})) as shop:
        await asyncio.to_thread(delete, settings, "dead_queue")
        async with connect(settings, name="test poisoner") as broker:
            channel = await broker.channel()
            exchange = await channel.get_exchange(EXCHANGE)
            await exchange.publish(aio_pika.Message(b'{"type": "nonsense"'), routing_key="to.shop")
        await shop.send(20)
        await until(lambda: shop.rows("SELECT 1 FROM dead_letter WHERE state = 'dead'"), within_s=30)
        await until(shop.every_one_acted)
        assert set((await shop.effects()).values()) == {1}
        assert mended("dead_queue") >= before + 1


@pytest.mark.long
async def test_without_the_guard_a_dead_letter_never_reaches_anybody(settings: ServiceSettings) -> None:
    async with shop_at_work(settings.model_copy(update={"topology_check_s": 0.0})) as shop:
        await asyncio.to_thread(delete, settings, "dead_queue")
        async with connect(settings, name="test poisoner") as broker:
            channel = await broker.channel()
            exchange = await channel.get_exchange(EXCHANGE)
            await exchange.publish(aio_pika.Message(b'{"type": "nonsense"'), routing_key="to.shop")
        await asyncio.wait({asyncio.create_task(asyncio.Event().wait())}, timeout=4)
        assert await shop.rows("SELECT 1 FROM dead_letter") == []


async def test_a_crash_between_mending_and_asking_is_made_good_by_the_next_process(settings: ServiceSettings) -> None:
    asked: list[tuple[str, datetime]] = []

    async def take(sender: str, since: datetime) -> None:
        asked.append((sender, since))

    async def crash(sender: str, since: datetime) -> None:
        raise RuntimeError("killed here")

    async with shop_at_work(settings.model_copy(update={"topology_check_s": 0.0})) as shop:
        first, second = (TopologyGuard(settings, shop.uow, ask=ask, emptied_at=lambda: None) for ask in (crash, take))
        try:
            assert await first.look() == set()
            await asyncio.to_thread(delete, settings, "binding")
            with pytest.raises(RuntimeError):
                await first.look()
            assert await missing(first._management, "shop") == set(), "mended"
            assert asked == []
            assert await second.look() == set()
            [(sender, since)] = asked
            [note] = await shop.rows("SELECT at, details FROM audit_log WHERE action = :a", a=MISSED)
            assert sender == "orchestrator" and since == datetime.fromisoformat(note.details["since"])
            assert since < note.at - timedelta(minutes=1)
            await second.look()
            assert len(asked) == 1, "settled once"
        finally:
            await first.close()
            await second.close()


async def test_nothing_is_mended_while_nothing_is_known(settings: ServiceSettings) -> None:
    silent = Management(settings.model_copy(update={"broker_management_port": 1}))
    try:
        with pytest.raises(TopologyUnknown):
            await missing(silent, "shop")
    finally:
        await silent.close()


async def _more_than(shop: Shop, count: int) -> bool:
    return len(shop.sent) > count


async def _published(shop: Shop) -> bool:
    return not await shop.rows("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1")
