"""What is done once for many: one makes it, the others wait, a failure is nobody's answer; and each has their turn once in a while."""

from __future__ import annotations

import asyncio

import pytest

from system.plumbing import sparing
from system.plumbing.sparing import Kept, Seldom


class Source:
    """Counts how often it is asked; fails when told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def make(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails:
            raise OSError("away")
        return self.asked


async def test_many_who_ask_at_once_get_one_answer() -> None:
    source = Source()
    kept = Kept(source.make, 60)
    assert await asyncio.gather(*(kept.get() for _ in range(20))) == [1] * 20
    assert source.asked == 1


async def test_an_old_answer_is_made_anew() -> None:
    source = Source()
    kept = Kept(source.make, -1)
    assert [await kept.get(), await kept.get()] == [1, 2]


async def test_a_failure_is_not_kept() -> None:
    source = Source()
    kept = Kept(source.make, 60)
    source.fails = True
    with pytest.raises(OSError, match="away"):
        await kept.get()
    source.fails = False
    assert await kept.get() == 2


def test_each_has_their_turn_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    seldom = Seldom(60)
    assert [seldom.is_due(whom) for whom in ("oleg", "oleg", "olga", "oleg")] == [True, False, True, False]
    always = Seldom(0)
    assert always.is_due("oleg") and always.is_due("oleg")
    monkeypatch.setattr(sparing, "KNOWN_MAX", 2)
    assert seldom.is_due("otto")
    assert seldom.is_due("oleg"), "forgotten with all the others: too many are never held"
