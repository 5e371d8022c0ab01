"""Publishing again since a moment: to everybody or to one service, each message once more and each effect once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.conftest import Infrastructure
from system.kernel.errors import Invalid
from system.messages.envelope import Envelope, Message
from system.messages.orchestrator_v1 import PriceOrder, ReleaseStock
from system.plumbing import internal_api, outbox_replays
from system.plumbing.broker import Publisher, connect
from system.plumbing.consumer import Consumer, Reaction
from system.plumbing.database import create_engine
from system.plumbing.leases import Leases
from system.plumbing.outbox_replays import REPLAY_TABLE, OutboxReplays, ReplayOutbox, order_replay
from system.plumbing.relay import Relay
from system.plumbing.schema import create_plumbing_tables
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.integration.conftest import DATABASE, Running, until
from system.plumbing.tests.people import People
from system.plumbing.topology import EXCHANGE
from system.plumbing.unit_of_work import UnitOfWork
from system.plumbing.web import make_app

pytestmark = pytest.mark.integration

BACKUP = "plumbing_test_backup"
PRODUCER = "plumbing_test_producer"


async def publish(running: Running, *orders: UUID) -> None:
    async with running.uow() as uow:
        for order_id in orders:
            uow.publish(ReleaseStock(order_id=order_id))
        await uow.commit()


async def took_effect(running: Running, *orders: UUID) -> None:
    for order_id in orders:
        await until(lambda order_id=order_id: _once(running, order_id))  # type: ignore[misc]


async def all_published(running: Running) -> None:
    """The relay has noted what the broker confirmed; effects may come before."""

    async def none_left() -> bool:
        async with running.engine.connect() as connection:
            left = await connection.execute(text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
            return bool(left.scalar_one() == 0)

    await until(none_left)


async def _once(running: Running, order_id: UUID) -> bool:
    return await running.effects(order_id) == 1


async def ask(running: Running, **wish: Any) -> int:
    async with running.uow() as uow:
        count = await order_replay(uow, ReplayOutbox(**wish), asked_by="Anna")
        await uow.commit()
    return count


async def work_off(running: Running) -> None:
    replays = OutboxReplays(running.settings, running.engine)
    while await replays.work_one():
        pass


async def lose(running: Running, *orders: UUID) -> None:
    """What the consumer knew of these is gone, as after a restore to before it consumed them."""
    async with running.engine.begin() as connection:
        named = {"orders": [str(order_id) for order_id in orders]}
        await connection.execute(text("DELETE FROM inbox WHERE subject = ANY(:orders)"), named)
        await connection.execute(text("DELETE FROM effect WHERE CAST(order_id AS text) = ANY(:orders)"), named)


@pytest.mark.parametrize("to", [None, "shop"], ids=["everybody", "one-service"])
async def test_what_was_lost_takes_effect_again_and_what_was_not_stays_once(running: Running, to: str | None) -> None:
    kept, lost = uuid4(), uuid4()
    await publish(running, kept, lost)
    await took_effect(running, kept, lost)
    await lose(running, lost)
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert await ask(running, since=since, to=to, types=[ReleaseStock.TYPE]) == 2
    await work_off(running)
    await took_effect(running, kept, lost)
    (row,) = await running.rows("SELECT published, refused, finished_at FROM outbox_replay")
    assert (row.published, row.refused) == (2, 0) and row.finished_at is not None
    (audited,) = await running.rows("SELECT actor, action, subject, details FROM audit_log")
    assert (audited.actor, audited.action, audited.subject) == ("Anna", "replay_outbox", f"to:{to or 'all'}")
    assert audited.details["count"] == 2


async def test_more_than_one_batch_is_published_in_the_order_of_each_order(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_replays, "BATCH", 7)
    orders = [uuid4() for _ in range(5)]
    for _ in range(5):
        await publish(running, *orders)
    await until(lambda: _counted(running, "SELECT count(*) FROM effect", 25))
    await lose(running, *orders)
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert await ask(running, since=since) == 25
    confirmed: list[Envelope] = []

    async def publish_noted(self: Publisher, envelope: Envelope, *, routing_key: str | None = None) -> None:
        await original(self, envelope, routing_key=routing_key)
        confirmed.append(envelope)

    original = Publisher.publish
    monkeypatch.setattr(Publisher, "publish", publish_noted)
    await work_off(running)
    for order_id in orders:
        assert [each.sequence for each in confirmed if each.subject == str(order_id)] == [1, 2, 3, 4, 5]
    await until(lambda: _counted(running, "SELECT count(*) FROM effect", 25))


async def test_only_since_the_moment_and_only_the_types_that_were_named(running: Running) -> None:
    early, late = uuid4(), uuid4()
    await publish(running, early)
    await took_effect(running, early)
    await all_published(running)
    async with running.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE outbox SET occurred_at = occurred_at - interval '1 hour', published_at = published_at - interval '1 hour'"
            )
        )
    async with running.uow() as uow:
        uow.publish(ReleaseStock(order_id=late))
        uow.publish(PriceOrder(order_id=late, lines=()))
        await uow.commit()
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert await ask(running, since=since) == 2
    assert await ask(running, since=since, types=[PriceOrder.TYPE]) == 1
    assert await ask(running, since=since, to="shop") == 1, "the shop could not read what prices an order"
    assert await ask(running, since=since - timedelta(hours=2), to="shop") == 2
    assert await ask(running, since=datetime.now(UTC) + timedelta(minutes=1)) == 0


async def test_what_happened_before_the_moment_and_was_published_after_it_is_published_again(running: Running) -> None:
    late, over = uuid4(), uuid4()
    await publish(running, late, over)
    await took_effect(running, late, over)
    await all_published(running)
    moment = datetime.now(UTC) - timedelta(minutes=1)
    async with running.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox SET occurred_at = occurred_at - interval '1 hour'"))
        await connection.execute(
            text("UPDATE outbox SET published_at = published_at - interval '1 hour' WHERE subject = :over"),
            {"over": str(over)},
        )

    assert await ask(running, since=moment) == 1


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"to": "nobody"}, "service-unknown"),
        ({"types": ["orchestrator.guessed.v1"]}, "type-unknown"),
        ({"to": "shop", "types": [PriceOrder.TYPE]}, "type-not-consumed"),
    ],
    ids=["receiver", "type", "unread"],
)
async def test_senseless_wish_is_refused(running: Running, wish: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await ask(running, since=datetime.now(UTC), **wish)
    assert refusal.value.code == code


async def test_wish_goes_on_after_the_queue_is_there_again(running: Running) -> None:
    order_id = uuid4()
    await publish(running, order_id)
    await took_effect(running, order_id)
    await lose(running, order_id)
    async with connect(running.settings, name="saboteur") as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("shop.inbox.v1")
        await queue.unbind(EXCHANGE, routing_key="to.shop")
        await ask(running, since=datetime.now(UTC) - timedelta(minutes=1), to="shop")
        replays = OutboxReplays(running.settings, running.engine)
        assert await replays.work_one() is True
        (row,) = await running.rows("SELECT attempts, finished_at FROM outbox_replay")
        assert (row.attempts, row.finished_at) == (1, None)
        await queue.bind(EXCHANGE, routing_key="to.shop")
    await until(replays.work_one)
    await took_effect(running, order_id)


async def test_message_that_is_refused_too_often_is_left_out_and_counted(running: Running) -> None:
    await publish(running, uuid4())
    async with connect(running.settings, name="saboteur") as connection:
        queue = await (await connection.channel()).get_queue("shop.inbox.v1")
        await queue.unbind(EXCHANGE, routing_key="to.shop")
        await ask(running, since=datetime.now(UTC) - timedelta(minutes=1), to="shop")
        replays = OutboxReplays(running.settings, running.engine)

        async def over() -> list[Any]:
            await replays.work_one()
            return await running.rows("SELECT refused FROM outbox_replay WHERE finished_at IS NOT NULL")

        ((refused,),) = await until(over)
        await queue.bind(EXCHANGE, routing_key="to.shop")
    assert refused == 1


async def test_wish_of_a_process_that_died_is_taken_over(running: Running) -> None:
    order_id = uuid4()
    await publish(running, order_id)
    await took_effect(running, order_id)
    await lose(running, order_id)
    await ask(running, since=datetime.now(UTC) - timedelta(minutes=1))
    async with running.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox_replay SET taken_until = now() + interval '1 minute'"))
    replays = OutboxReplays(running.settings, running.engine)
    assert await replays.work_one() is False, "somebody is at it"
    async with running.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox_replay SET taken_until = now() - interval '1 second'"))
    assert await replays.work_one() is True
    await took_effect(running, order_id)


async def test_parked_message_is_not_passed_by_the_later_ones_of_its_order(running: Running) -> None:
    order_id = uuid4()
    await publish(running, order_id, order_id)
    await until(lambda: _counted(running, "SELECT count(*) FROM outbox WHERE published_at IS NOT NULL", 2))
    async with running.engine.begin() as connection:
        await connection.execute(
            text("UPDATE outbox SET published_at = NULL, parked_at = now() WHERE subject = :o AND sequence = 1"),
            {"o": str(order_id)},
        )
    await ask(running, since=datetime.now(UTC) - timedelta(minutes=1))
    await work_off(running)
    (row,) = await running.rows("SELECT published, refused FROM outbox_replay")
    assert (row.published, row.refused) == (0, 0)


async def test_revision_makes_the_table_that_a_new_database_has(running: Running) -> None:
    async def shape() -> list[Any]:
        columns = await running.rows(
            "SELECT column_name, data_type, is_nullable, character_maximum_length, column_default, is_identity"
            " FROM information_schema.columns WHERE table_name = 'outbox_replay' ORDER BY ordinal_position"
        )
        return columns + await running.rows(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'outbox_replay' OR indexname = 'outbox_occurred'"
            " ORDER BY indexname"
        )

    as_coded = await shape()
    assert len(as_coded) > 12
    async with running.engine.begin() as connection:
        await connection.execute(text("DROP TABLE outbox_replay"))
        await connection.execute(text("DROP INDEX outbox_occurred"))
        for statement in filter(str.strip, REPLAY_TABLE.split(";")):
            await connection.execute(text(statement))
    assert await shape() == as_coded


# -- over HTTP -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def asked_over_http(running: Running) -> AsyncIterator[tuple[httpx.AsyncClient, list[bool]]]:
    woken: list[bool] = []
    app: FastAPI = make_app(
        running.settings, routers=[internal_api.router(running.uow, {}, lambda: woken.append(True))], gauges=None
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://shop") as client:
        yield client, woken
    await app.state.revocations.close()


async def test_receiver_asks_for_itself_and_the_orchestrator_for_anybody(
    running: Running, infrastructure: Infrastructure
) -> None:
    people = People(infrastructure, asked="shop")
    await publish(running, uuid4())
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    async with asked_over_http(running) as (http, woken):

        async def post(headers: dict[str, str], **wish: Any) -> httpx.Response:
            return await http.post("/internal/outbox/replays", json={"since": since} | wish, headers=headers)

        answered = await post(people.service("crm"), to="crm")
        assert (answered.status_code, answered.json(), woken) == (202, {"count": 0}, [True])
        assert (await post(people.service("crm"), to="mes")).status_code == 403
        assert (await post(people.service("crm"))).status_code == 403
        assert (await post(people.orchestrator())).json() == {"count": 1}
        assert (await post(people.orchestrator(), to="shop", actor="Anna")).json() == {"count": 1}
        assert (await post(people.headers("Anna", "administrator"))).status_code == 403
        assert (await post(people.orchestrator(), since="2026-11-29T12:00:00")).status_code == 422, "of which zone?"
    actors = [row.actor for row in await running.rows("SELECT actor FROM audit_log ORDER BY id")]
    assert actors == ["service:crm", "service:orchestrator", "Anna"]


# -- two services, one of them restored --------------------------------------------------------------------------------


async def _leased(engine: AsyncEngine, role: str) -> Leases:
    leases = Leases(engine, role, ttl_s=30, instance=f"restored-{role}")
    await leases.renew()
    return leases


@asynccontextmanager
async def consuming(settings: ServiceSettings) -> AsyncIterator[AsyncEngine]:
    """The shop at work over whatever its database holds now."""
    engine = create_engine(settings)

    async def release_stock(message: ReleaseStock, uow: UnitOfWork) -> None:
        await uow.connection.execute(text("INSERT INTO effect (order_id) VALUES (:o)"), {"o": message.order_id})

    leases = await _leased(engine, "consumer")
    reactions: dict[type[Message], Reaction] = {ReleaseStock: release_stock}
    consumer = Consumer(settings, lambda: UnitOfWork(engine, "shop"), reactions, leases)
    async with connect(settings, name="restored consumer") as broker:
        task = asyncio.create_task(consumer.run(broker))
        yield engine
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await leases._give_back()
    await engine.dispose()


async def _publish_all(settings: ServiceSettings, engine: AsyncEngine, orders: list[UUID]) -> None:
    async with UnitOfWork(engine, "orchestrator") as uow:
        for order_id in orders:
            uow.publish(ReleaseStock(order_id=order_id))
        await uow.commit()
    leases = await _leased(engine, "relay")
    async with connect(settings, name="producer") as broker:
        await Relay(settings, engine, leases).drain(await Publisher.open(broker))


async def _effects(engine: AsyncEngine) -> dict[UUID, int]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT order_id, count(*) FROM effect GROUP BY order_id"))
        return {row[0]: row[1] for row in rows}


async def test_restored_consumer_gets_exactly_what_it_lost(
    settings: ServiceSettings, infrastructure: Infrastructure
) -> None:
    """The consumer's database goes back to before it consumed, the producer's does not: each effect is there, and once."""
    early, late = [uuid4() for _ in range(5)], [uuid4() for _ in range(30)]
    server = infrastructure.server
    own: dict[str, Any] = {"database_user": "postgres", "database_password": server.password}
    producer: ServiceSettings = infrastructure.settings_of(
        "orchestrator", database_name=PRODUCER, broker_virtualhost=settings.broker_virtualhost, **own
    )

    def sent(*statements: str) -> None:
        with server.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    sent(f"DROP DATABASE IF EXISTS {PRODUCER} WITH (FORCE)", f"CREATE DATABASE {PRODUCER}")
    engine = create_engine(producer)
    async with engine.begin() as connection:
        await connection.run_sync(create_plumbing_tables)
    async with consuming(settings) as consumer:
        await _publish_all(producer, engine, early)
        await until(lambda: _has(consumer, len(early)))
    sent(f"DROP DATABASE IF EXISTS {BACKUP} WITH (FORCE)", f"CREATE DATABASE {BACKUP} TEMPLATE {DATABASE}")
    restored_to = datetime.now(UTC)
    async with consuming(settings) as consumer:
        await _publish_all(producer, engine, late)
        await until(lambda: _has(consumer, len(early) + len(late)))
    sent(f"DROP DATABASE {DATABASE} WITH (FORCE)", f"ALTER DATABASE {BACKUP} RENAME TO {DATABASE}")
    async with consuming(settings) as consumer:
        assert await _effects(consumer) == dict.fromkeys(early, 1)
        async with UnitOfWork(engine, "orchestrator") as uow:
            wish = ReplayOutbox(since=restored_to - timedelta(minutes=5), to="shop")
            assert await order_replay(uow, wish, asked_by="restore") == len(early) + len(late)
            await uow.commit()
        assert await OutboxReplays(producer, engine).work_one() is True
        await until(lambda: _has(consumer, len(early) + len(late)))
        assert await _effects(consumer) == dict.fromkeys([*early, *late], 1)
    await engine.dispose()
    sent(f"DROP DATABASE {PRODUCER} WITH (FORCE)")


async def _has(engine: AsyncEngine, orders: int) -> bool:
    return len(await _effects(engine)) == orders


async def _counted(running: Running, query: str, expected: int) -> bool:
    return bool((await running.rows(query))[0][0] == expected)
