"""The commands and reactions over PostgreSQL, and what only a real database can show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import ReleaseStock, ReserveStock, StockItem
from system.plumbing.schema import outbox
from system.shop.adapters.queries import ShopQueries
from system.shop.adapters.tables import orders, stock, stock_movement
from system.shop.application import handlers
from system.shop.application.commands import StartOrder
from system.shop.tests import (
    contract_carts,
    contract_handlers,
    contract_letters,
    contract_models,
    contract_notices,
    contract_stock,
)
from system.shop.tests.bench import ESTIMATE, Bench, changed, customer, key, terms

pytestmark = pytest.mark.integration


class TestStarting(contract_handlers.Starting):
    async def test_one_key_many_times_at_once_starts_one_order(self, bench: Bench, engine: AsyncEngine) -> None:
        answers = await asyncio.gather(
            *(handlers.start_order(StartOrder(bench.anna, key("k")), bench.tools) for _ in range(10))
        )
        assert len({answer.body["order"]["number"] for answer in answers if answer.body}) == 1
        async with engine.connect() as connection:
            assert (await connection.execute(select(func.count()).select_from(orders))).scalar_one() == 1


class TestFilling(contract_handlers.Filling):
    async def test_lines_added_at_the_same_moment_are_all_there(self, bench: Bench) -> None:
        order_id = await bench.cart()
        await asyncio.gather(*(bench.ready_made_line(order_id) for _ in range(6)))
        assert len((await bench.order(order_id)).lines) == 6


class TestCarts(contract_carts.Carts):
    async def test_first_pieces_at_the_same_moment_share_one_cart(self, bench: Bench, engine: AsyncEngine) -> None:
        goods = (("ring-classic-585", "17"), ("ring-classic-585", "18"), ("pendant-drop-925", None))
        carts = await asyncio.gather(*(self.put(bench, sku, ring_size=size) for sku, size in goods))
        assert len({cart.id for cart in carts}) == 1
        assert len((await bench.order(carts[0].id)).lines) == 3
        async with engine.connect() as connection:
            assert (await connection.execute(select(func.count()).select_from(orders))).scalar_one() == 1

    async def test_one_form_many_times_at_once_puts_in_one_piece(self, bench: Bench) -> None:
        carts = await asyncio.gather(*(self.put(bench, with_key=key("form")) for _ in range(5)))
        assert [line.quantity for line in (await bench.order(carts[0].id)).lines] == [1]
        assert len({cart.id for cart in carts}) == 1


class TestOwnModels(contract_models.OwnModels):
    async def test_the_same_piece_from_many_tabs_at_once_is_one_line_of_one_cart(
        self, bench: Bench, engine: AsyncEngine
    ) -> None:
        model = bench.model()
        carts = await asyncio.gather(*(self.put(bench, bench.quote(model)) for _ in range(5)))
        assert len({cart.id for cart in carts}) == 1 and len((await bench.order(carts[0].id)).lines) == 1
        async with engine.connect() as connection:
            types = (await connection.execute(select(outbox.c.type).order_by(outbox.c.id))).scalars().all()
        assert list(types) == ["shop.order_initiated.v1", "shop.file_uploaded.v1"]


class TestSubmitting(contract_handlers.Submitting):
    async def test_two_submissions_at_once_are_one(self, bench: Bench, engine: AsyncEngine) -> None:
        order_id = await bench.cart()
        await bench.custom_line(order_id, bench.quote(bench.model()))
        await asyncio.gather(*(bench.submit(order_id, terms(ESTIMATE)) for _ in range(5)))
        async with engine.connect() as connection:
            rows = await connection.execute(select(outbox.c.type, outbox.c.sequence).order_by(outbox.c.id))
            assert [tuple(row) for row in rows] == [
                ("shop.order_initiated.v1", 1),
                ("shop.file_uploaded.v1", 2),
                ("shop.order_submitted.v1", 3),
            ]


class TestConsenting(contract_handlers.Consenting):
    pass


class TestTelling(contract_notices.Telling):
    pass


class TestWriting(contract_letters.Writing):
    pass


class TestCancelling(contract_handlers.Cancelling):
    pass


class TestHearing(contract_handlers.Hearing):
    pass


class TestReserving(contract_stock.Reserving):
    async def test_orders_for_the_same_goods_in_another_order_do_not_deadlock(self, bench: Bench) -> None:
        skus = ("ring-band-750", "ring-classic-585", "pendant-drop-925")
        await asyncio.gather(
            *(
                bench.tells(
                    ReserveStock(
                        order_id=new_id(),
                        items=tuple(StockItem(sku=sku, quantity=1) for sku in (skus if turn % 2 else skus[::-1])),
                    )
                )
                for turn in range(12)
            )
        )
        assert [await bench.available(sku) for sku in skus] == [1_000_000 - 12] * 3

    async def test_the_movements_explain_the_stock(self, bench: Bench, engine: AsyncEngine) -> None:
        kept, undone = new_id(), new_id()
        await bench.tells(self.reserve(kept, 1), self.reserve(undone, 2), ReleaseStock(order_id=undone))
        assert await ShopQueries(engine).unexplained_stock() == {}
        async with engine.begin() as connection:
            await connection.execute(update(stock).where(stock.c.sku == self.SCARCE).values(available=0))
        assert await ShopQueries(engine).unexplained_stock() == {self.SCARCE: 2}


async def test_the_application_cannot_change_the_movements(bench: Bench, engine: AsyncEngine) -> None:
    await bench.tells(ReserveStock(order_id=new_id(), items=(StockItem(sku="pendant-drop-925", quantity=1),)))
    for statement in (update(stock_movement).values(pieces=9), delete(stock_movement)):
        async with engine.connect() as connection:
            with pytest.raises(ProgrammingError, match="permission denied"):
                await connection.execute(statement)


async def test_the_database_refuses_stock_below_nothing(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(IntegrityError, match="stock_available_real"):
            await connection.execute(update(stock).values(available=-1))


async def test_a_customer_sees_their_own_orders_youngest_first(bench: Bench, engine: AsyncEngine) -> None:
    mine = [await bench.cart() for _ in range(3)]
    theirs = await bench.cart(who=customer("Boris"))
    queries = ShopQueries(engine)
    first = await queries.orders_of(bench.anna.subject, limit=2, before=None)
    rest = await queries.orders_of(bench.anna.subject, limit=2, before=first[-1].id)
    assert [order.id for order in (*first, *rest)] == mine[::-1]
    assert await queries.order(theirs, customer_id=bench.anna.subject) is None


async def test_beliefs_name_what_changed_since(bench: Bench, begin: Callable[[], Any], engine: AsyncEngine) -> None:
    queries = ShopQueries(engine)
    old = await bench.submitted()
    async with engine.connect() as connection:
        moment = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    assert await queries.beliefs(since=moment) == []
    await bench.tells(changed(old, "SUBMITTED", version=2))
    await bench.tells(ReserveStock(order_id=old.id, items=(StockItem(sku="pendant-drop-925", quantity=1),)))
    young = await bench.cart()
    beliefs = {belief.order.id: belief for belief in await queries.beliefs(since=moment)}
    assert beliefs.keys() == {old.id, young}
    assert beliefs[old.id].stock == "reserved"
    assert len(await queries.beliefs(since=None)) == 2
