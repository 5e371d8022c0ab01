"""What putting one's own model into the cart promises, over memory (unit) and over PostgreSQL (integration)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.messages.shop_v1 import FileUploaded, OrderInitiated, OrderSubmitted
from system.shop.application import handlers
from system.shop.application.commands import PutIntoCart, PutModelIntoCart
from system.shop.domain import errors
from system.shop.domain.order import LineKind, Order
from system.shop.domain.quote import Engraving, Extras, Quote
from system.shop.domain.status import Status
from system.shop.tests.bench import ESTIMATE, Bench, customer, key, rub, terms


class OwnModels:
    async def put(self, bench: Bench, quote: Quote, **changes: Any) -> Order:
        values: dict[str, Any] = {
            "customer": bench.anna,
            "file_id": quote.file_id,
            "quote_id": quote.id,
            "material": quote.material,
            "quantity": quote.quantity,
            "ring_size": quote.ring_size,
            "key": key(),
        }
        answer = await handlers.put_model_into_cart(PutModelIntoCart(**(values | changes)), bench.tools)
        assert answer.body is not None
        return await bench.order(UUID(answer.body["order"]["order_id"]))

    async def test_the_first_model_opens_a_cart_and_tells_of_both(self, bench: Bench) -> None:
        model = bench.model()
        cart = await self.put(bench, bench.quote(model))
        [line] = cart.lines
        assert (line.kind, line.file_id, line.material, line.quantity) == (LineKind.CUSTOM, model.id, "gold_585", 1)
        assert (line.title.ru, line.title.en, cart.status) == (model.filename, model.filename, Status.FILE_UPLOADED)
        opened, uploaded = await bench.published()
        assert isinstance(opened, OrderInitiated) and isinstance(uploaded, FileUploaded)
        assert (opened.order_id, uploaded.order_id, uploaded.file_id) == (cart.id, cart.id, model.id)

    async def test_it_goes_into_the_cart_that_there_is(self, bench: Bench) -> None:
        answer = await handlers.put_into_cart(PutIntoCart(bench.anna, "pendant-drop-925", 1, None, key()), bench.tools)
        assert answer.body is not None
        cart = await self.put(bench, bench.quote(bench.model()))
        assert str(cart.id) == answer.body["order"]["order_id"] and len(cart.lines) == 2
        await self.put(bench, bench.quote(bench.model()))
        assert [type(each) for each in await bench.published()] == [OrderInitiated, FileUploaded]

    async def test_one_form_sent_twice_puts_in_one_piece(self, bench: Bench) -> None:
        quote, once = bench.quote(bench.model()), key("form")
        first, second = await self.put(bench, quote, key=once), await self.put(bench, quote, key=once)
        assert second == first and len(second.lines) == 1

    async def test_the_same_piece_from_another_tab_is_the_same_line_at_the_newer_quote(self, bench: Bench) -> None:
        model = bench.model()
        first = await self.put(bench, bench.quote(model))
        newer = bench.quote(model, quantity=3, estimate=rub("28000.00"))
        [line] = (await self.put(bench, newer)).lines
        assert (line.id, line.quantity, line.quote_id) == (first.lines[0].id, 3, newer.id)

    async def test_another_metal_and_another_size_are_other_pieces(self, bench: Bench) -> None:
        model = bench.model()
        await self.put(bench, bench.quote(model))
        await self.put(bench, bench.quote(model, material="silver_925"))
        cart = await self.put(bench, bench.quote(model, ring_size="17.5"))
        assert [(line.material, line.ring_size) for line in cart.lines] == [
            ("gold_585", None),
            ("silver_925", None),
            ("gold_585", "17.5"),
        ]

    async def test_other_words_or_stones_are_another_piece_and_the_order_says_which(self, bench: Bench) -> None:
        model = bench.model()
        wishes = [
            None,
            Extras(stones={"diamond_1_3mm": 2}),
            Extras(plating="gold", engraving=Engraving("1.5", "Anna")),
            Extras(plating="gold", engraving=Engraving("1.5", "Boris")),
        ]
        for extras in (*wishes, *wishes):
            cart = await self.put(bench, bench.quote(model, extras=extras))
        assert [line.extras for line in cart.lines] == wishes
        await bench.submit(cart.id, terms(rub("40000.00")))
        [submitted] = [each for each in await bench.published() if isinstance(each, OrderSubmitted)]
        told = [line.extras.model_dump(mode="json") if line.extras else None for line in submitted.lines]
        assert told == [
            None,
            {"stones": {"diamond_1_3mm": 2}, "plating": None, "engraving": None},
            {"stones": {}, "plating": "gold", "engraving": {"text": "Anna", "height_mm": "1.5"}},
            {"stones": {}, "plating": "gold", "engraving": {"text": "Boris", "height_mm": "1.5"}},
        ]
        assert "Boris" not in repr(cart) + repr(submitted)

    async def test_one_price_is_the_price_of_one_line(self, bench: Bench) -> None:
        quote = bench.quote(bench.model())
        first = await self.put(bench, quote, ring_size="17")
        [line] = (await self.put(bench, quote, ring_size="18")).lines
        assert (line.id, line.ring_size) == (first.lines[0].id, "18"), "the customer chose another size meanwhile"

    async def test_after_the_order_the_same_form_opens_no_other(self, bench: Bench) -> None:
        quote, once = bench.quote(bench.model()), key("form")
        cart = await self.put(bench, quote, key=once)
        await bench.submit(cart.id, terms(ESTIMATE))
        again = await self.put(bench, quote, key=once)
        assert (again.id, again.is_cart) == (cart.id, False)
        assert sum(isinstance(each, OrderInitiated) for each in await bench.published()) == 1

    async def test_what_is_not_ones_own_or_not_checked_opens_nothing(self, bench: Bench) -> None:
        with pytest.raises(errors.FileNotFound):
            await self.put(bench, bench.quote(bench.model(who=customer("Boris")), owner_id=bench.anna.subject))
        with pytest.raises(errors.FileNotFound):
            await self.put(bench, bench.quote(bench.model()), file_id=new_id())
        for status in ("PENDING", "REFUSED"):
            with pytest.raises(errors.FileNotVerified):
                await self.put(bench, bench.quote(bench.model(status=status)))
        with pytest.raises(errors.QuoteNotFound):
            await self.put(bench, bench.quote(bench.model(), owner_id=new_id()))
        for difference in ({"material": "silver_925"}, {"quantity": 2}, {"file_id": bench.model().id}):
            with pytest.raises(errors.QuoteDoesNotFit):
                await self.put(bench, bench.quote(bench.model()), **difference)
        with pytest.raises(errors.QuantityRefused):
            await self.put(bench, bench.quote(bench.model(), quantity=101))
        bench.pricing.away = True
        with pytest.raises(Unavailable):
            await self.put(bench, bench.quote(bench.model()))
        assert await bench.published() == []
