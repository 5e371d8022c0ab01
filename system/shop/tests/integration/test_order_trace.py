"""An order's id is the trace of the request that created it, and a repeated request makes neither a second order nor another id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from system.plumbing.runtime import Service
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.spans import Ended, ids_of, linked_to, recording
from system.plumbing.tokens import TokenAuthority
from system.shop.tests.bench import Bench, customer
from system.shop.tests.integration.conftest import Database, surrounded

pytestmark = pytest.mark.integration
ORDERS = "/api/shop/v1/orders"
THEIRS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def ended() -> Iterator[Ended]:
    with recording() as spans:
        yield spans


@pytest.fixture
async def shop(database: Database, bench: Bench) -> AsyncIterator[Service]:
    built = surrounded(database, bench)
    yield built
    await built.close()


@pytest.fixture
async def buyer(shop: Service, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    identity = TokenAuthority(database.infrastructure.settings_of("identity", ServiceSettings))
    headers = {"Authorization": f"Bearer {identity.issue_for_user(customer())}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(shop.app), base_url="http://shop.test", headers=headers
    ) as http:
        yield http


async def start(http: httpx.AsyncClient, key: str, **headers: str) -> UUID:
    answer = await http.post(ORDERS, headers={"Idempotency-Key": key, **headers})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["order"]["order_id"])


async def rows(shop: Service, statement: str) -> list[Any]:
    async with shop.engine.connect() as connection:
        return list((await connection.execute(text(statement))).all())


async def test_the_order_and_its_first_message_are_in_the_trace_of_the_click(
    shop: Service, buyer: httpx.AsyncClient, ended: Ended
) -> None:
    order_id = await start(buyer, "a")
    assert [row.id for row in await rows(shop, "SELECT id FROM orders")] == [order_id]
    (sent,) = await rows(shop, "SELECT traceparent FROM outbox")
    assert sent.traceparent.split("-")[1] == order_id.hex
    click = next(span for span in ended.all if span.name == "POST /orders")
    assert ids_of(click)[0] == order_id.int
    assert int(str((click.attributes or {})["db.statements"])) > 3


async def test_the_same_request_again_is_about_the_same_order(
    shop: Service, buyer: httpx.AsyncClient, ended: Ended
) -> None:
    first = await start(buyer, "a")
    assert await start(buyer, "a") == first
    again = [span for span in ended.all if span.name == "POST /orders"][1:]
    in_trace = [span for span in again if ids_of(span)[0] == first.int]
    others = [span for span in again if ids_of(span)[0] != first.int]
    # The repeated request has a trace of its own, which gives no order its id, and a span in the order's.
    assert len(in_trace) == len(others) == 1
    assert ids_of(in_trace[0]) in linked_to(others[0])
    assert await rows(shop, "SELECT count(*) FROM orders") == [(1,)]


async def test_the_same_request_at_once_makes_one_order(shop: Service, buyer: httpx.AsyncClient, ended: Ended) -> None:
    made = await asyncio.gather(*(start(buyer, "a") for _ in range(5)))
    assert len(set(made)) == 1
    assert [row.id for row in await rows(shop, "SELECT id FROM orders")] == [made[0]]
    assert {row.traceparent.split("-")[1] for row in await rows(shop, "SELECT traceparent FROM outbox")} == {
        made[0].hex
    }


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_a_client_that_sends_a_trace_gets_an_order_with_another_id(
    shop: Service, buyer: httpx.AsyncClient, ended: Ended, flags: str
) -> None:
    given = THEIRS[:-2] + flags
    one, two = await start(buyer, "a", traceparent=given), await start(buyer, "b", traceparent=given)
    assert one != two
    assert given.split("-")[1] not in (one.hex, two.hex)
    traces = {row.traceparent.split("-")[1] for row in await rows(shop, "SELECT traceparent FROM outbox")}
    assert traces == {one.hex, two.hex}
