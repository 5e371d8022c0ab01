"""What writing to our sellers promises, over memory (unit) and over PostgreSQL (integration)."""

from __future__ import annotations

import pytest

from system.kernel.errors import Invalid, Unavailable
from system.shop.application import handlers
from system.shop.application.commands import WriteLetter
from system.shop.domain import errors
from system.shop.tests.bench import Bench, customer, key


class Writing:
    async def test_a_letter_is_passed_on_once_per_key(self, bench: Bench) -> None:
        order = await bench.submitted()
        command = WriteLetter(order.id, bench.anna, "May the band be wider?", key())
        first = await handlers.write_letter(command, bench.tools)
        again = await handlers.write_letter(command, bench.tools)
        assert (first.status, first) == (201, again)
        [letter] = await handlers.letters_of(order.id, bench.anna, bench.tools)
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
        assert await handlers.letters_of(cart, bench.anna, bench.tools) == []
        order = await bench.submitted()
        with pytest.raises(errors.OrderNotFound):
            await handlers.write_letter(WriteLetter(order.id, customer("Eve"), "Hello?", key()), bench.tools)
        with pytest.raises(errors.OrderNotFound):
            await handlers.letters_of(order.id, customer("Eve"), bench.tools)
