"""What writing to our sellers promises, over memory (unit) and over PostgreSQL (integration)."""

from __future__ import annotations

import pytest

from system.kernel.errors import Invalid, Unavailable
from system.shop.application import handlers
from system.shop.application.commands import WriteLetter
from system.shop.application.ports import CareWish, Correspondence
from system.shop.domain import errors
from system.shop.tests.bench import Bench, customer, key


class Writing:
    async def test_a_letter_is_passed_on_once_per_key(self, bench: Bench) -> None:
        order = await bench.submitted()
        command = WriteLetter(order.id, bench.anna, "May the band be wider?", key())
        first = await handlers.write_letter(command, bench.tools)
        again = await handlers.write_letter(command, bench.tools)
        assert (first.status, first) == (201, again)
        [letter] = (await handlers.correspondence_of(order.id, bench.anna, bench.tools)).letters
        assert (letter.side, letter.author, letter.text) == ("customer", "Anna", "May the band be wider?")

    async def test_a_letter_whose_answer_was_lost_is_written_once(self, bench: Bench) -> None:
        order, again = await bench.submitted(), key()
        command = WriteLetter(order.id, bench.anna, "Wider, please.", again)
        bench.letters.away = True
        with pytest.raises(Unavailable):
            await handlers.write_letter(command, bench.tools)
        bench.letters.away = False
        await handlers.write_letter(command, bench.tools)
        # The same letter once more, as if our own answer had not been kept.
        [kept] = bench.letters.kept[order.id]
        await bench.letters.send(order.id, kept, acting_for=bench.anna)
        assert len(bench.letters.kept[order.id]) == 1

    async def test_a_key_is_for_one_letter(self, bench: Bench) -> None:
        order = await bench.submitted()
        await handlers.write_letter(WriteLetter(order.id, bench.anna, "One.", key("k")), bench.tools)
        other = WriteLetter(order.id, bench.anna, "Two.", key("k", fingerprint="e" * 64))
        with pytest.raises(Invalid):
            await handlers.write_letter(other, bench.tools)

    async def test_nobody_writes_about_a_cart_or_anothers_order(self, bench: Bench) -> None:
        cart = await bench.cart()
        with pytest.raises(errors.OrderNotSubmitted):
            await handlers.write_letter(WriteLetter(cart, bench.anna, "Hello?", key()), bench.tools)
        assert await handlers.correspondence_of(cart, bench.anna, bench.tools) == Correspondence()
        order = await bench.submitted()
        with pytest.raises(errors.OrderNotFound):
            await handlers.write_letter(WriteLetter(order.id, customer("Eve"), "Hello?", key()), bench.tools)
        with pytest.raises(errors.OrderNotFound):
            await handlers.correspondence_of(order.id, customer("Eve"), bench.tools)

    async def test_a_return_goes_with_its_letter_once_per_key(self, bench: Bench) -> None:
        order = await bench.submitted()
        wish = CareWish("return", "does_not_fit", (order.lines[0].id,))
        command = WriteLetter(order.id, bench.anna, "Size 17, please.", key(), wish)
        for _ in range(2):
            await handlers.write_letter(command, bench.tools)
        told = await handlers.correspondence_of(order.id, bench.anna, bench.tools)
        assert [each.text for each in told.letters] == ["Size 17, please."]
        [case] = told.cases
        assert (case.id, case.wish, case.state) == (told.letters[0].id, wish, "open")

    async def test_nobody_returns_what_is_not_theirs(self, bench: Bench) -> None:
        order, other = await bench.submitted(), await bench.submitted()
        wish = CareWish("complaint", "damaged", (other.lines[0].id,))
        with pytest.raises(errors.LineNotFound):
            await handlers.write_letter(WriteLetter(order.id, bench.anna, "Broken.", key(), wish), bench.tools)
        assert bench.letters.kept == {}

    async def test_what_crm_refuses_is_refused_and_may_be_tried_again(self, bench: Bench) -> None:
        order, again = await bench.submitted(), key()
        command = WriteLetter(order.id, bench.anna, "Back.", again, CareWish("return", "other"))
        bench.letters.refusal = errors.CareRefused("return-too-early", detail="It has not left us.")
        with pytest.raises(errors.CareRefused) as refusal:
            await handlers.write_letter(command, bench.tools)
        assert refusal.value.code == "return-too-early"
        bench.letters.refusal = None
        assert (await handlers.write_letter(command, bench.tools)).status == 201
