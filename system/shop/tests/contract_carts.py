"""What filling a cart from a page promises, over memory (unit) and over PostgreSQL (integration)."""

from __future__ import annotations

from uuid import UUID

import pytest

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.messages.shop_v1 import OrderInitiated
from system.plumbing.unit_of_work import IdempotencyKey
from system.shop.application import handlers
from system.shop.application.commands import ChangeQuantity, PutIntoCart
from system.shop.domain import errors
from system.shop.domain.order import Order
from system.shop.tests.bench import Bench, customer, key, rub, terms


class Carts:
    async def put(
        self,
        bench: Bench,
        sku: str = "ring-classic-585",
        *,
        quantity: int = 1,
        ring_size: str | None = "17",
        with_key: IdempotencyKey | None = None,
    ) -> Order:
        command = PutIntoCart(bench.anna, sku, quantity, ring_size, with_key or key())
        answer = await handlers.put_into_cart(command, bench.tools)
        assert answer.body is not None
        return await bench.order(UUID(answer.body["order"]["order_id"]))

    async def test_the_first_piece_opens_a_cart_and_tells_of_it(self, bench: Bench) -> None:
        cart = await self.put(bench)
        assert [(line.sku, line.quantity, line.ring_size) for line in cart.lines] == [("ring-classic-585", 1, "17")]
        [opened] = await bench.published()
        assert isinstance(opened, OrderInitiated) and opened.order_id == cart.id

    async def test_the_next_piece_goes_into_the_same_cart(self, bench: Bench) -> None:
        first = await self.put(bench)
        second = await self.put(bench, "pendant-drop-925", ring_size=None)
        assert second.id == first.id and len(second.lines) == 2
        assert len(await bench.published()) == 1

    async def test_the_same_piece_again_is_more_of_it_at_one_price(self, bench: Bench) -> None:
        first = await self.put(bench)
        cart = await self.put(bench, quantity=2)
        [line] = cart.lines
        assert (line.id, line.quantity) == (first.lines[0].id, 3)
        assert bench.pricing.known[line.quote_id].total == rub("94500.00")

    async def test_another_size_is_another_line(self, bench: Bench) -> None:
        await self.put(bench)
        assert [line.ring_size for line in (await self.put(bench, ring_size="18")).lines] == ["17", "18"]

    async def test_one_form_sent_twice_puts_in_one_piece(self, bench: Bench) -> None:
        once = key("form")
        first, second = await self.put(bench, with_key=once), await self.put(bench, with_key=once)
        assert second == first and [line.quantity for line in second.lines] == [1]

    async def test_a_submitted_order_is_no_cart_any_more(self, bench: Bench) -> None:
        first = await self.put(bench)
        await bench.submit(first.id, terms(rub("31500.00")))
        second = await self.put(bench)
        assert second.id != first.id and len((await bench.order(first.id)).lines) == 1

    async def test_what_cannot_be_bought_opens_nothing(self, bench: Bench) -> None:
        with pytest.raises(errors.ProductNotFound):
            await self.put(bench, "ring-of-power")
        with pytest.raises(errors.RingSizeRefused):
            await self.put(bench, ring_size="99")
        with pytest.raises(errors.RingSizeRefused):
            await self.put(bench, "pendant-drop-925", ring_size="17")
        with pytest.raises(errors.QuantityRefused):
            await self.put(bench, quantity=0)
        bench.pricing.prices.pop("ring-classic-585")
        with pytest.raises(errors.NotForSale):
            await self.put(bench)
        bench.pricing.away = True
        with pytest.raises(Unavailable):
            await self.put(bench)
        assert await bench.published() == []

    async def test_more_than_a_line_holds_is_refused_and_changes_nothing(self, bench: Bench) -> None:
        cart = await self.put(bench, quantity=60)
        with pytest.raises(errors.QuantityRefused):
            await self.put(bench, quantity=60)
        assert (await bench.order(cart.id)).lines == cart.lines

    async def test_another_quantity_has_its_own_price(self, bench: Bench) -> None:
        cart = await self.put(bench)
        bench.pricing.prices["ring-classic-585"] = rub("32000.00")
        await handlers.change_quantity(ChangeQuantity(cart.id, bench.anna, cart.lines[0].id, 2), bench.tools)
        [line] = (await bench.order(cart.id)).lines
        assert (line.id, line.quantity) == (cart.lines[0].id, 2)
        assert bench.pricing.known[line.quote_id].total == rub("64000.00")

    async def test_the_same_quantity_again_takes_the_price_of_now(self, bench: Bench) -> None:
        cart = await self.put(bench)
        bench.pricing.prices["ring-classic-585"] = rub("30000.00")
        await handlers.change_quantity(ChangeQuantity(cart.id, bench.anna, cart.lines[0].id, 1), bench.tools)
        [line] = (await bench.order(cart.id)).lines
        assert bench.pricing.known[line.quote_id].total == rub("30000.00")

    async def test_a_quantity_is_changed_by_its_customer_in_a_cart_only(self, bench: Bench) -> None:
        cart = await self.put(bench)
        line_id = cart.lines[0].id
        with pytest.raises(errors.OrderNotFound):
            await handlers.change_quantity(ChangeQuantity(cart.id, customer("Boris"), line_id, 2), bench.tools)
        with pytest.raises(errors.LineNotFound):
            await handlers.change_quantity(ChangeQuantity(cart.id, bench.anna, new_id(), 2), bench.tools)
        with pytest.raises(errors.QuantityRefused):
            await handlers.change_quantity(ChangeQuantity(cart.id, bench.anna, line_id, 101), bench.tools)
        await bench.submit(cart.id, terms(rub("31500.00")))
        with pytest.raises(errors.OrderAlreadySubmitted):
            await handlers.change_quantity(ChangeQuantity(cart.id, bench.anna, line_id, 2), bench.tools)

    async def test_a_model_has_the_quantity_of_its_quote(self, bench: Bench) -> None:
        order_id = await bench.cart()
        order = await bench.custom_line(order_id, bench.quote(bench.model()))
        with pytest.raises(errors.LineNotFound):
            await handlers.change_quantity(ChangeQuantity(order_id, bench.anna, order.lines[0].id, 2), bench.tools)
