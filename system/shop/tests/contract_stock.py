"""What reserving goods and its undo promise, over memory (unit) and over PostgreSQL (integration)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import ReleaseStock, ReserveStock, StockItem
from system.messages.shop_v1 import StockRefused, StockReserved
from system.shop.domain import errors
from system.shop.tests.bench import Bench


class Reserving:
    SCARCE = "ring-solitaire-950"

    def reserve(self, order_id: UUID, quantity: int, sku: str = SCARCE) -> ReserveStock:
        return ReserveStock(order_id=order_id, items=(StockItem(sku=sku, quantity=quantity),))

    async def test_goods_are_set_aside(self, bench: Bench) -> None:
        order_id = new_id()
        await bench.tells(self.reserve(order_id, 2))
        assert await bench.available(self.SCARCE) == 1
        assert [type(message) for message in await bench.published()] == [StockReserved]

    async def test_asked_again_it_answers_again_and_takes_nothing_more(self, bench: Bench) -> None:
        order_id = new_id()
        await bench.tells(self.reserve(order_id, 2), self.reserve(order_id, 2))
        assert await bench.available(self.SCARCE) == 1
        assert [type(message) for message in await bench.published()] == [StockReserved, StockReserved]

    async def test_too_few_are_refused_whole(self, bench: Bench) -> None:
        items = (StockItem(sku="ring-classic-585", quantity=1), StockItem(sku=self.SCARCE, quantity=4))
        await bench.tells(ReserveStock(order_id=new_id(), items=items))
        [refused] = await bench.published()
        assert isinstance(refused, StockRefused)
        assert (refused.sku, refused.asked, refused.available) == (self.SCARCE, 4, 3)
        assert await bench.available(self.SCARCE) == 3
        assert await bench.available("ring-classic-585") == 1_000_000

    async def test_two_lines_of_one_good_count_together(self, bench: Bench) -> None:
        items = (StockItem(sku=self.SCARCE, quantity=2), StockItem(sku=self.SCARCE, quantity=2))
        await bench.tells(ReserveStock(order_id=new_id(), items=items))
        [refused] = await bench.published()
        assert isinstance(refused, StockRefused)
        assert refused.asked == 4

    async def test_a_refusal_stands_even_if_goods_came_back(self, bench: Bench) -> None:
        first, second = new_id(), new_id()
        await bench.tells(
            self.reserve(first, 3), self.reserve(second, 1), ReleaseStock(order_id=first), self.reserve(second, 1)
        )
        kinds = [type(message) for message in await bench.published()]
        assert kinds == [StockReserved, StockRefused, StockRefused]
        assert await bench.available(self.SCARCE) == 3

    async def test_the_undo_puts_the_goods_back_once(self, bench: Bench) -> None:
        order_id = new_id()
        await bench.tells(self.reserve(order_id, 2), ReleaseStock(order_id=order_id), ReleaseStock(order_id=order_id))
        assert await bench.available(self.SCARCE) == 3

    async def test_an_undo_without_a_reservation_changes_nothing(self, bench: Bench) -> None:
        await bench.tells(ReleaseStock(order_id=new_id()))
        assert await bench.available(self.SCARCE) == 3

    async def test_the_undo_of_a_refusal_changes_nothing(self, bench: Bench) -> None:
        order_id = new_id()
        await bench.tells(self.reserve(order_id, 4), ReleaseStock(order_id=order_id))
        assert await bench.available(self.SCARCE) == 3

    @pytest.mark.parametrize("reserved_before", [False, True])
    async def test_a_reservation_after_its_undo_takes_nothing(self, bench: Bench, reserved_before: bool) -> None:
        order_id = new_id()
        if reserved_before:
            await bench.tells(self.reserve(order_id, 1))
        await bench.tells(ReleaseStock(order_id=order_id))
        with pytest.raises(errors.ReservationWithdrawn):
            await bench.tells(self.reserve(order_id, 1))
        assert await bench.available(self.SCARCE) == 3

    async def test_many_at_once_never_reserve_more_than_there_is(self, bench: Bench) -> None:
        await asyncio.gather(*(bench.tells(self.reserve(new_id(), 1)) for _ in range(8)))
        kinds = [type(message) for message in await bench.published()]
        assert (kinds.count(StockReserved), kinds.count(StockRefused)) == (3, 5)
        assert await bench.available(self.SCARCE) == 0
