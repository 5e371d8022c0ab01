"""A batch of messages takes few statements, however many messages it has, and means the same as they do one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from system.kernel.ids import new_id
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import OrderChanged, ReleaseStock, ReserveStock, StockItem
from system.messages.shop_v1 import StockRefused, StockReserved
from system.plumbing.consumer import Reaction
from system.plumbing.database import create_engine
from system.plumbing.schema import inbox
from system.plumbing.tests.batches import Batches
from system.shop.adapters.unit_of_work import SqlShopUnitOfWork
from system.shop.application import reactions
from system.shop.tests.bench import Bench
from system.shop.tests.contract_notices import ROAD, along
from system.shop.tests.integration.conftest import Database

pytestmark = pytest.mark.integration
REACTIONS: dict[type[Message], Reaction] = {
    OrderChanged: reactions.on_order_changed,
    ReserveStock: reactions.on_reserve_stock,
    ReleaseStock: reactions.on_release_stock,
}
GOOD, SCARCE = "ring-classic-585", "ring-solitaire-950"


@pytest.fixture
async def batches(database: Database) -> AsyncIterator[Batches]:
    engine = create_engine(database.settings)
    yield Batches(database.settings, engine, lambda: SqlShopUnitOfWork(engine, "shop"), REACTIONS)
    await engine.dispose()


def wish(order_id: UUID, quantity: int = 1, sku: str = GOOD) -> ReserveStock:
    return ReserveStock(order_id=order_id, items=(StockItem(sku=sku, quantity=quantity),))


async def test_news_of_many_orders_take_as_many_statements_as_news_of_few(bench: Bench, batches: Batches) -> None:
    orders = [await bench.submitted() for _ in range(10)]
    roads = [along(order, *ROAD) for order in orders]
    few = await batches.take([road[2] for road in roads[:2]])
    many = await batches.take([message for road in roads for message in road[3:]])
    print(f"\nshop, order changed: {many}")
    assert many.statements_of_reactions == few.statements_of_reactions
    assert [(await bench.order(order.id)).status for order in orders] == ["CLOSED"] * 10
    kinds = [sorted(each.notice.kind for each in await bench.notices(order.id)) for order in orders]
    assert kinds == [["order-approved", "order-closed", "order-received", "order-shipped"]] * 10


async def test_reserving_for_many_orders_takes_as_many_statements_as_for_few(bench: Bench, batches: Batches) -> None:
    few = await batches.take([wish(new_id()) for _ in range(2)])
    many = await batches.take([wish(new_id()) for _ in range(100)])
    print(f"\nshop, reserve stock: {many}")
    assert many.statements_of_reactions == few.statements_of_reactions
    assert await bench.available(GOOD) == 1_000_000 - 102


async def test_a_batch_never_reserves_more_than_there_is(bench: Bench, batches: Batches) -> None:
    await batches.take([wish(new_id(), sku=SCARCE) for _ in range(5)])
    kinds = [type(message) for message in await bench.published()]
    assert (kinds.count(StockReserved), kinds.count(StockRefused)) == (3, 2)
    assert await bench.available(SCARCE) == 0


async def test_what_one_batch_sets_aside_and_puts_back_is_there_again(bench: Bench, batches: Batches) -> None:
    order_id = new_id()
    await batches.take([wish(order_id, 2, SCARCE), ReleaseStock(order_id=order_id), ReleaseStock(order_id=order_id)])
    assert await bench.available(SCARCE) == 3


async def test_a_refusal_in_a_batch_takes_nothing_from_the_others(
    bench: Bench, batches: Batches, engine: AsyncEngine
) -> None:
    order, stranger = await bench.submitted(), await bench.submitted()
    told, unknown = along(order, *ROAD)[2], along(replace(stranger, id=new_id()), *ROAD)[2]
    await batches.take([told, unknown, wish(new_id(), 1, SCARCE)])
    async with engine.connect() as connection:
        found = await connection.execute(select(inbox.c.subject, inbox.c.state))
        states = {row.subject: row.state for row in found}
    assert states.pop(str(unknown.order_id)) == "refused" and set(states.values()) == {"done"}
    assert [each.notice.kind for each in await bench.notices(order.id)] == ["order-received"]
    assert await bench.available(SCARCE) == 2


async def test_what_a_refused_message_held_back_is_not_written(bench: Bench, engine: AsyncEngine) -> None:
    order = await bench.submitted()
    async with SqlShopUnitOfWork(engine, "shop") as uow:
        await uow.lock(order.id)
        await reactions.on_order_changed(along(order, *ROAD)[2], uow)
        uow.discard()
        await uow.commit()
    assert (await bench.order(order.id)).progress is None and await bench.notices(order.id) == []
