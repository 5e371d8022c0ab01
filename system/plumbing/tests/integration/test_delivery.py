"""Outbox, relay, consumer, inbox and dead letters over a real PostgreSQL and a real RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import aio_pika
import pytest
from sqlalchemy import text

from system.kernel.errors import Invalid
from system.kernel.ids import BUCKET_COUNT
from system.messages.envelope import Envelope
from system.messages.orchestrator_v1 import PriceOrder, ReleaseStock
from system.plumbing.broker import Publisher, PublishRefused, connect
from system.plumbing.internal_api import Replay, _choose, _replay_one, list_messages
from system.plumbing.leases import Leases
from system.plumbing.settings import ServiceSettings
from system.plumbing.steering import WORK_FILE, Steering
from system.plumbing.tests.integration.conftest import Running, refuse, until
from system.plumbing.topology import EXCHANGE
from system.plumbing.unit_of_work import Answer, IdempotencyKey
from tools.prepare import state

pytestmark = pytest.mark.integration


def envelope(order_id: UUID, sequence: int, source: str = "orchestrator") -> Envelope:
    return Envelope(
        id=uuid4(),
        source=source,
        type=ReleaseStock.TYPE,
        subject=str(order_id),
        time=datetime.now(UTC),
        sequence=sequence,
        data={"order_id": str(order_id)},
    )


async def test_committed_message_takes_effect_once(running: Running) -> None:
    order_id = uuid4()
    async with running.uow() as uow:
        uow.publish(ReleaseStock(order_id=order_id))
        uow.publish(ReleaseStock(order_id=order_id))
        await uow.commit()
    await until(lambda: _equals(running.effects(order_id), 2))
    rows = await running.rows(
        "SELECT sequence, published_at FROM outbox WHERE subject = :o ORDER BY id", o=str(order_id)
    )
    assert [row.sequence for row in rows] == [1, 2]
    assert all(row.published_at for row in await running.rows("SELECT published_at FROM outbox"))


async def test_rolled_back_message_is_never_sent(running: Running) -> None:
    order_id = uuid4()
    async with running.uow() as uow:
        uow.publish(ReleaseStock(order_id=order_id))
    assert await running.rows("SELECT 1 FROM outbox") == []


async def test_message_delivered_five_times_acts_once(running: Running) -> None:
    order_id = uuid4()
    same = envelope(order_id, 1)
    for _ in range(5):
        await running.publisher.publish(same)
    other = envelope(order_id, 2)
    await running.publisher.publish(other)
    await until(lambda: _equals(_count(running, "SELECT count(*) FROM inbox WHERE state = 'done'"), 2))
    assert await running.effects(order_id) == 2


async def test_batch_with_a_failing_message_still_applies_the_good_ones(running: Running) -> None:
    bad, good = uuid4(), [uuid4() for _ in range(20)]

    def fail() -> None:
        raise ValueError("not today")

    running.behaviour[str(bad)] = fail
    await asyncio.gather(*(running.publisher.publish(envelope(order, 1)) for order in [bad, *good]))
    await until(lambda: _equals(_count(running, "SELECT count(*) FROM effect"), 20))
    await until(lambda: _equals(running.inbox_states(bad), ["parked"]))
    assert await running.effects(bad) == 0


async def test_parked_message_is_listed_and_replayed_after_the_repair(running: Running) -> None:
    order_id = uuid4()

    def fail() -> None:
        raise ValueError("no such stone")

    running.behaviour[str(order_id)] = fail
    await running.publisher.publish(envelope(order_id, 1))
    await until(lambda: _equals(running.inbox_states(order_id), ["parked"]))
    async with running.uow() as uow:
        items = await list_messages(uow, order_id=None, states=["parked"])
        assert [item["error"] for item in items] == ["ValueError: no such stone"]
        assert items[0]["attempts"] == 3
        del running.behaviour[str(order_id)]
        replay = Replay(actor="Anna", ids=[UUID(items[0]["id"])])
        for item in await _choose(uow, replay):
            await _replay_one(uow, item, replay, {})
        await uow.commit()
    running.consumer.wake()
    await until(lambda: _equals(running.inbox_states(order_id), ["done"]))
    assert await running.effects(order_id) == 1
    assert [row.actor for row in await running.rows("SELECT actor FROM audit_log")] == ["Anna"]


async def test_refused_message_is_recorded_and_not_retried(running: Running) -> None:
    order_id = uuid4()
    running.behaviour[str(order_id)] = refuse
    await running.publisher.publish(envelope(order_id, 1))
    await until(lambda: _equals(running.inbox_states(order_id), ["refused"]))
    assert await running.effects(order_id) == 0


async def test_poison_message_is_kept_as_a_dead_letter(running: Running) -> None:
    async with connect(running.settings, name="poisoner") as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(EXCHANGE)
        await exchange.publish(aio_pika.Message(b'{"type": "nonsense"'), routing_key="to.shop")
    found = await until(lambda: running.rows("SELECT reason, state FROM dead_letter"))
    assert found[0].state == "dead"
    assert found[0].reason.startswith("not an envelope")


@pytest.mark.parametrize("running", [True], indirect=True, ids=["gated"])
async def test_gate_applies_messages_in_sequence(running: Running) -> None:
    order_id = uuid4()
    first, second, third = (envelope(order_id, number) for number in (1, 2, 3))
    await running.publisher.publish(third)
    await running.publisher.publish(second)
    await until(lambda: _equals(running.inbox_states(order_id), ["held", "held"]))
    assert await running.effects(order_id) == 0
    await running.publisher.publish(first)
    await until(lambda: _equals(running.inbox_states(order_id), ["done", "done", "done"]))
    rows = await running.rows("SELECT sequence FROM inbox WHERE subject = :o ORDER BY processed_at", o=str(order_id))
    assert [row.sequence for row in rows] == [1, 2, 3]


async def test_message_of_another_process_bucket_waits_for_its_holder(running: Running) -> None:
    other = Leases(running.engine, "consumer", ttl_s=30, instance="another process")
    await running.rows("SELECT 1")
    async with running.engine.begin() as connection:
        await connection.execute(
            text("UPDATE bucket_lease SET holder = 'another process', expires_at = now() + interval '1 minute'")
        )
    await running.leases["consumer"].renew()
    assert running.leases["consumer"].held() == frozenset()
    order_id = uuid4()
    await running.publisher.publish(envelope(order_id, 1))
    await until(lambda: _equals(running.inbox_states(order_id), ["waiting"]))
    await other._give_back()
    await until(lambda: _equals(running.inbox_states(order_id), ["done"]))


async def test_slots_share_the_work_as_they_are_steered(running: Running, tmp_path: Path) -> None:
    """A candidate holds no bucket before it has traffic, and its part afterwards; when the stable slot dies it holds all."""
    file = tmp_path / WORK_FILE
    blue, green = (
        Leases(running.engine, "timer", ttl_s=1.0, instance="x", slot=slot, steering=Steering(tmp_path))
        for slot in ("blue", "green")
    )

    async def held() -> tuple[int, int]:
        # Twice: what one gives up in a round the other takes in its next.
        for _ in range(2):
            for lease in (blue, green):
                await lease.renew()
        return len(blue.held()), len(green.held())

    state.write_file(file, '{"blue": 100}')
    assert await held() == (BUCKET_COUNT, 0)
    assert green.is_valid
    state.write_file(file, '{"blue": 75, "green": 25}')
    assert await held() == (BUCKET_COUNT * 3 // 4, BUCKET_COUNT // 4)
    state.write_file(file, '{"blue": 100}')
    assert await held() == (BUCKET_COUNT, 0)
    await blue._give_back()
    assert len(await green.renew()) == BUCKET_COUNT
    await green._give_back()


async def test_unroutable_message_is_parked_and_starves_nobody(running: Running, settings: ServiceSettings) -> None:
    lost, fine = uuid4(), uuid4()
    async with connect(settings, name="saboteur") as connection:
        channel = await connection.channel()
        await (await channel.get_queue("pricing.inbox.v1")).unbind(EXCHANGE, routing_key=PriceOrder.TYPE)
    async with running.uow() as uow:
        uow.publish(PriceOrder(order_id=lost, lines=()))
        uow.publish(ReleaseStock(order_id=lost))
        uow.publish(ReleaseStock(order_id=fine))
        await uow.commit()
    await until(lambda: _equals(running.effects(fine), 1))
    await until(lambda: _count(running, "SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL"))
    rows = await running.rows(
        "SELECT type, published_at, attempts FROM outbox WHERE subject = :o ORDER BY id", o=str(lost)
    )
    assert [(row.published_at, row.attempts) for row in rows] == [(None, 3), (None, 0)]
    with pytest.raises(PublishRefused):
        await running.publisher.publish(envelope(lost, 1), routing_key="nobody.listens")


async def test_dead_process_loses_its_buckets_to_the_living(settings: ServiceSettings, running: Running) -> None:
    dead = Leases(running.engine, "timer", ttl_s=0.3, instance="dead")
    alive = Leases(running.engine, "timer", ttl_s=0.3, instance="alive")
    assert len(await dead.renew()) == 64
    assert len(await alive.renew()) == 0
    await dead.renew()
    assert len(await alive.renew()) == 32

    async def alone() -> bool:
        return len(await alive.renew()) == 64

    await until(alone)
    assert dead.held() == frozenset()


async def test_same_key_in_parallel_has_one_effect_and_one_answer(running: Running) -> None:
    key = IdempotencyKey("anna POST /orders", "key-1", "f" * 64)

    async def command() -> Answer:
        async with running.uow() as uow:
            if seen := await uow.answer_to(key):
                return seen
            await uow.connection.execute(text("INSERT INTO effect (note) VALUES ('ordered')"))
            answer: Answer = await uow.commit(Answer(201, {"number": str(uuid4())}))
            return answer

    answers = await asyncio.gather(*(command() for _ in range(12)))
    assert len({str(answer.body) for answer in answers}) == 1
    assert await running.rows("SELECT count(*) FROM effect") == [(1,)]
    with pytest.raises(Invalid, match="another body"):
        async with running.uow() as uow:
            await uow.answer_to(IdempotencyKey("anna POST /orders", "key-1", "0" * 64))


async def test_a_publish_over_a_closed_connection_fails_loudly(running: Running, settings: ServiceSettings) -> None:
    async with connect(settings, name="short-lived") as connection:
        publisher = await Publisher.open(connection)
        await connection.close()
        with pytest.raises(Exception, match=r"(?i)clos|lost"):
            await publisher.publish(envelope(uuid4(), 1))


async def _equals(found: Awaitable[object], expected: object) -> bool:
    return bool(await found == expected)


async def _count(running: Running, query: str) -> int:
    return int((await running.rows(query))[0][0])
