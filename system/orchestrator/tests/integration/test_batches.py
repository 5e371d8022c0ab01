"""Many messages in one transaction: few statements, and the same end as one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from system.kernel.errors import Refused
from system.messages.envelope import Message
from system.messages.pricing_v1 import OrderPriced
from system.messages.shop_v1 import FileUploaded, OrderInitiated, OrderSubmitted
from system.orchestrator.domain.order import Order
from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.integration.conftest import Post
from system.orchestrator.tests.integration.statements import watched

pytestmark = pytest.mark.integration
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR_EAST = timezone(timedelta(hours=9))


class Broken(Exception):
    """Something gave way."""


def good_road(facts: Facts) -> list[list[Message]]:
    """The whole road, in stretches that one sender tells at a time."""
    return [
        [facts.initiated(), facts.file_uploaded(), facts.submitted()],
        [facts.priced()],
        [facts.approved()],
        [facts.claimed(), facts.completed(), facts.packing(), facts.shipped()],
        [facts.delivered()],
    ]


def dearer_road(facts: Facts) -> list[list[Message]]:
    """Goods that become dearer: reserved, priced anew, agreed to."""
    return [
        [facts.initiated(), facts.submitted(), facts.stock_reserved()],
        [facts.priced("99999.00")],
        [facts.price_accepted("99999.00"), facts.stock_reserved()],
        [facts.approved(), facts.approved()],
    ]


def expired_road(facts: Facts) -> list[list[Message]]:
    """A dearer price that has run out when the customer agrees: it is asked for again, and the steps after it begin anew."""
    priced = facts.priced("99999.00")
    assert isinstance(priced, OrderPriced)
    old = tuple(line.model_copy(update={"valid_until": LONG_AGO}) for line in priced.lines)
    return [
        [facts.initiated(), facts.submitted()],
        [priced.model_copy(update={"lines": old})],
        [facts.price_accepted("99999.00")],
        [facts.priced("99999.00", attempt=2)],
    ]


async def written(post: Post, facts: Facts) -> dict[str, list[dict[str, Any]]]:
    """What the database holds of an order, without what differs between any two: ids, moments, traces."""
    differs = {"id", "event_id", "order_id", "line_id", "file_id", "quote_id", "customer_id", "number", "email"}
    differs |= {"partner_reference", "tracking_number", "subject", "bucket", "traceparent", "data", "deliveries"}
    wanted = {
        "orders": "order_id = :o",
        "order_line": "order_id = :o ORDER BY position",
        "saga_step": "order_id = :o ORDER BY name",
        "order_history": "order_id = :o ORDER BY seq",
        "order_note": "order_id = :o ORDER BY id",
        "outbox": "subject = CAST(:o AS text) ORDER BY id",
        "inbox_gate": "subject = CAST(:o AS text) ORDER BY source",
    }
    held: dict[str, list[dict[str, Any]]] = {}
    async with post.service.engine.connect() as connection:
        for table, which in wanted.items():
            rows = await connection.execute(text(f"SELECT * FROM {table} WHERE {which}"), {"o": facts.order_id})  # noqa: S608
            held[table] = [
                {
                    name: value
                    for name, value in row.items()
                    if name not in differs and not isinstance(value, (datetime, UUID))
                }
                for row in rows.mappings()
            ]
    # What was noted of a parcel names it and its day; that it was noted is compared.
    for note in held["order_note"]:
        note.pop("details")
        note["title"] = note["title"].replace(f"T{facts.order_id.hex[-6:]}", "the parcel")
    return held


async def told(post: Post, facts: Facts) -> list[tuple[int, str, Any]]:
    """What was published about the order, oldest first: number, type, status."""
    async with post.service.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT sequence, type, data FROM outbox WHERE subject = :o ORDER BY id"), {"o": str(facts.order_id)}
        )
        return [(row.sequence, row.type, row.data.get("status")) for row in rows]


async def received(post: Post, *orders: Facts) -> list[str]:
    """The inbox's states of these orders' messages."""
    async with post.service.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT state FROM inbox WHERE subject = ANY(:o) ORDER BY source, sequence"),
            {"o": [str(facts.order_id) for facts in orders]},
        )
        return list(rows.scalars())


async def order_of(post: Post, facts: Facts) -> Order:
    async with post.service.make_uow() as uow:
        found: Order = await uow.orders.get(facts.order_id)
        return found


async def test_statements_of_a_batch_do_not_grow_with_its_messages(post: Post) -> None:
    async def counts(orders: int) -> list[int]:
        roads = [good_road(Facts()) for _ in range(orders)]
        each = []
        for stretch in range(len(roads[0])):
            messages = [message for road in roads for message in road[stretch]]
            envelopes = [post.envelope(message) for message in messages]
            with watched(post.service.engine) as sent:
                await post.consumer._apply(post.as_delivered(envelopes))
            each.append(len(sent))
        return each

    few, many = await counts(2), await counts(25)
    assert few == many
    assert max(many) <= 17, "lock, inbox, gate, reading, writing, outbox: each once for a table"


@pytest.mark.parametrize("road", [good_road, dearer_road, expired_road])
async def test_a_batch_ends_as_its_messages_one_by_one(
    post: Post, road: Callable[[Facts], list[list[Message]]]
) -> None:
    kind = "ready_made" if road is dearer_road else "custom"
    together, apart = Facts(kind=kind), Facts(kind=kind)
    for at_once, by_one in zip(road(together), road(apart), strict=True):
        await post.delivers_at_once(*at_once)
        await post.delivers(*by_one)
        assert await written(post, together) == await written(post, apart)
    assert await told(post, together) == await told(post, apart)
    assert set(await received(post, together)) == {"done"}


async def test_steps_that_will_begin_anew_are_there_no_more(post: Post) -> None:
    facts = Facts()
    asked, dearer, agreed, _ = expired_road(facts)
    await post.delivers_at_once(*asked)
    await post.delivers_at_once(*dearer)
    assert "agree_price" in {step["name"] for step in (await written(post, facts))["saga_step"]}
    await post.delivers_at_once(*agreed)
    assert {step["name"] for step in (await written(post, facts))["saga_step"]} == {"reserve_stock", "confirm_price"}


async def test_an_order_is_read_once_for_all_its_messages(post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.file_uploaded(), facts.submitted(), facts.priced(), facts.approved())
    with watched(post.service.engine) as sent:
        await post.delivers_at_once(facts.claimed(), facts.completed(), facts.packing(), facts.shipped())
    assert len([statement for statement in sent if "FROM orders" in statement and "SELECT" in statement]) == 1
    assert len([statement for statement in sent if "UPDATE orders" in statement]) == 1
    assert (await order_of(post, facts)).status == "SHIPPED"


async def test_what_a_batch_acts_on_is_what_would_be_read(post: Post) -> None:
    facts = Facts()
    submitted = facts.submitted()
    assert isinstance(submitted, OrderSubmitted)
    far = submitted.model_copy(update={"submitted_at": submitted.submitted_at.astimezone(FAR_EAST)})
    reactions = post.service.reactions
    async with post.service.make_uow() as uow:
        await uow.lock(facts.order_id)
        await uow.prepare([str(facts.order_id)])
        for message in (facts.initiated(), facts.file_uploaded(), far, facts.priced()):
            await reactions[type(message)](message, uow)
        kept = await uow.orders.get(facts.order_id)
        await uow.commit()
    read = await order_of(post, facts)
    assert kept is not read
    assert kept.saga.runs == read.saga.runs
    kept.saga = read.saga
    assert kept == read
    moments = [order.promise_at.isoformat() for order in (kept, read)]
    assert moments[0] == moments[1], "in UTC, as the database tells it"


async def test_somebody_who_changed_an_order_meanwhile_is_not_overwritten(post: Post, infrastructure: Any) -> None:
    mine, other = Facts(), Facts()
    await post.delivers_at_once(mine.initiated(), other.initiated())
    met: list[str] = []

    def meddle(statement: str) -> None:
        if "UPDATE orders" in statement and not met:
            met.append(statement)
            with infrastructure.server.connect("orchestrator") as connection:
                connection.execute("UPDATE orders SET version = version + 1 WHERE order_id = %s", [mine.order_id])

    with watched(post.service.engine, meddle):
        await post.delivers_at_once(mine.file_uploaded(), other.file_uploaded())
    assert len(met) == 1
    assert [(await order_of(post, facts)).version for facts in (mine, other)] == [3, 2]
    for facts in (mine, other):
        assert await told(post, facts) == [
            (1, "orchestrator.order_changed.v1", "INITIATED"),
            (2, "orchestrator.order_changed.v1", "FILE_UPLOADED"),
        ]
    assert await received(post, mine, other) == ["done"] * 4


async def test_a_refused_message_stops_no_other_of_its_batch(post: Post) -> None:
    unknown, good = Facts(), [Facts() for _ in range(3)]
    await post.delivers_at_once(*(facts.initiated() for facts in good), unknown.approved())
    assert await received(post, unknown) == ["refused"]
    assert await received(post, *good) == ["done"] * 3
    assert await told(post, unknown) == []
    for facts in good:
        assert await told(post, facts) == [(1, "orchestrator.order_changed.v1", "INITIATED")]


@pytest.mark.parametrize("others", [0, 2], ids=["alone", "in-a-batch"])
async def test_what_a_message_did_before_it_was_refused_is_undone(post: Post, others: int) -> None:
    refused, good = Facts(), [Facts() for _ in range(others)]
    await post.delivers_at_once(*(facts.initiated() for facts in (refused, *good)))
    react = post.service.reactions[FileUploaded]

    async def changes_its_mind(message: FileUploaded, uow: Any) -> None:
        await react(message, uow)
        if message.order_id == refused.order_id:
            raise Refused("out-of-season", "This cannot apply.")

    post.consumer._reactions = {**post.service.reactions, FileUploaded: changes_its_mind}
    await post.delivers_at_once(*(facts.file_uploaded() for facts in (refused, *good)))
    assert await received(post, refused) == ["done", "refused"]
    assert (await order_of(post, refused)).status == "INITIATED"
    assert len(await told(post, refused)) == 1
    assert [(await order_of(post, facts)).status for facts in good] == ["FILE_UPLOADED"] * others


@pytest.mark.parametrize("collected", [False, True], ids=["written", "collected"])
async def test_what_was_rolled_back_is_forgotten_by_the_transaction(post: Post, collected: bool) -> None:
    facts = Facts()
    await post.delivers(facts.initiated())
    uploaded = facts.file_uploaded()
    async with post.service.make_uow() as uow:
        await uow.lock(facts.order_id)
        if collected:
            await uow.prepare([str(facts.order_id)])
        savepoint = await uow.connection.begin_nested()
        await post.service.reactions[FileUploaded](uploaded, uow)
        await savepoint.rollback()
        uow.discard()
        assert (await uow.orders.get(facts.order_id)).status == "INITIATED"
        await uow.commit()
    assert (await order_of(post, facts)).status == "INITIATED"
    assert len(await told(post, facts)) == 1


async def test_whichever_statement_fails_nothing_is_left_and_the_next_try_does_all(post: Post) -> None:
    crowd = [Facts() for _ in range(3)]
    await post.delivers_at_once(*(message for facts in crowd for message in good_road(facts)[0]))
    before = [await written(post, facts) for facts in crowd]
    batch = post.as_delivered([post.envelope(facts.priced()) for facts in crowd])
    statements = 0
    while True:
        left = statements

        def fail(_: str) -> None:
            nonlocal left
            if left == 0:
                raise Broken
            left -= 1

        try:
            with watched(post.service.engine, fail):
                await post.consumer._apply(batch)
        except Broken:
            statements += 1
            assert [await written(post, facts) for facts in crowd] == before, f"after {statements} statements"
            assert await received(post, *crowd) == ["done"] * 9
        else:
            break
    assert statements > 10
    assert await received(post, *crowd) == ["done"] * 12
    assert [(await order_of(post, facts)).status for facts in crowd] == ["PRICE_CALCULATED"] * 3


async def test_messages_of_another_process_wait_at_the_cost_of_one_statement(post: Post) -> None:
    class NoBuckets:
        """Somebody else works on every order."""

        def held(self) -> frozenset[int]:
            return frozenset()

    crowd = [Facts() for _ in range(5)]
    here, post.consumer._leases = post.consumer._leases, NoBuckets()  # type: ignore[assignment]
    with watched(post.service.engine) as sent:
        await post.delivers_at_once(*(facts.initiated() for facts in crowd))
    assert [statement.split(" ", 2)[:2] for statement in sent if "inbox " in statement] == [["INSERT", "INTO"]]
    assert await received(post, *crowd) == ["waiting"] * 5
    post.consumer._leases = here
    while await post.consumer.work_due():
        pass
    assert [(await order_of(post, facts)).status for facts in crowd] == ["INITIATED"] * 5


async def test_a_batch_releases_what_waited_for_it(post: Post) -> None:
    crowd = [Facts() for _ in range(2)]
    roads = [[post.envelope(message) for message in good_road(facts)[0]] for facts in crowd]
    await post.delivers_at_once(*(road[2] for road in roads))
    assert await received(post, *crowd) == ["held"] * 2
    await post.delivers_at_once(*(envelope for road in roads for envelope in road[:2]))
    assert await received(post, *crowd) == ["done"] * 6
    assert [(await order_of(post, facts)).status for facts in crowd] == ["SUBMITTED"] * 2


async def test_the_same_message_twice_in_a_batch_acts_once(post: Post) -> None:
    facts = Facts()
    born = post.envelope(facts.initiated())
    again = born.model_copy(update={"id": UUID(int=facts.order_id.int + 1)})
    await post.delivers_at_once(born, born, again)
    assert born.type == OrderInitiated.TYPE
    assert await told(post, facts) == [(1, "orchestrator.order_changed.v1", "INITIATED")]
