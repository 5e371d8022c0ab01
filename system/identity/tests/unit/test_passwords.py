"""Hashing: right and wrong passwords, turns, and an event loop that stays free."""

from __future__ import annotations

import asyncio

import pytest

from system.identity.adapters.passwords import Argon2Hashing, BoundedPasswords
from system.kernel.errors import Unavailable

LIGHT = Argon2Hashing(time_cost=1, memory_kib=64, lanes=1)


async def test_only_the_right_password_matches() -> None:
    password_hash = await LIGHT.hash("seven pearls")
    assert password_hash.startswith("$argon2id$")
    assert await LIGHT.matches("seven pearls", password_hash)
    assert not await LIGHT.matches("eight pearls", password_hash)


async def test_nobody_has_no_password() -> None:
    assert not await LIGHT.matches("the password of nobody", None)


async def test_a_broken_hash_matches_nothing() -> None:
    assert not await LIGHT.matches("seven pearls", "not a hash")


async def test_a_hash_with_other_parameters_is_outdated() -> None:
    heavier = Argon2Hashing(time_cost=2, memory_kib=64, lanes=1)
    assert heavier.is_outdated(await LIGHT.hash("seven pearls"))
    assert not LIGHT.is_outdated(await LIGHT.hash("seven pearls"))


async def test_only_so_many_hash_at_once_and_only_so_many_wait() -> None:
    passwords = BoundedPasswords(LIGHT, at_once=1, waiting_max=1)
    inside, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with passwords.turn():
            inside.set()
            await leave.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await inside.wait()
        inside.clear()
        waiting = group.create_task(hold())
        await asyncio.sleep(0)
        assert not inside.is_set()
        with pytest.raises(Unavailable):
            async with passwords.turn():
                pass
        leave.set()
        await waiting
    assert inside.is_set()


async def test_a_turn_is_given_back_after_a_failure() -> None:
    passwords = BoundedPasswords(LIGHT, at_once=1, waiting_max=1)
    with pytest.raises(ValueError, match="boom"):
        async with passwords.turn():
            raise ValueError("boom")
    async with asyncio.timeout(1), passwords.turn() as hashing:
        assert await hashing.hash("seven pearls")


async def test_the_event_loop_stays_free_while_hashing() -> None:
    slow = Argon2Hashing(time_cost=4, memory_kib=65_536, lanes=1)
    hashing = asyncio.create_task(slow.hash("seven pearls"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
