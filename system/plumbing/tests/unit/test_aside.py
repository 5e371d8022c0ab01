"""What is kept aside: found while nothing changed, never after a change, and not missed when Redis is away."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import RedisError

from system.plumbing import redis_client
from system.plumbing.aside import Aside
from system.plumbing.settings import ServiceSettings


class Memory:
    """As much of Redis as is asked for."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.lifetimes_ms: list[int] = []
        self.is_away = False
        self.asked = 0

    def _answer(self) -> None:
        self.asked += 1
        if self.is_away:
            raise RedisError("away")

    async def mget(self, *names: str) -> list[bytes | None]:
        self._answer()
        return [self.held.get(name) for name in names]

    async def set(self, name: str, value: bytes, *, px: int) -> None:
        self._answer()
        self.held[name] = value
        self.lifetimes_ms.append(px)

    async def incr(self, name: str) -> int:
        self._answer()
        counted = int(self.held.get(name, b"0")) + 1
        self.held[name] = str(counted).encode()
        return counted


@pytest.fixture
def memory() -> Memory:
    return Memory()


def aside_over(memory: Memory, **settings: Any) -> Aside:
    made = Aside(ServiceSettings(service="mes", **settings), lifetime_s=1.5)
    made._client.redis = memory  # type: ignore[assignment]
    return made


async def test_what_was_kept_is_found_by_every_process_of_the_release(memory: Memory) -> None:
    one, other = aside_over(memory), aside_over(memory)
    seen = await one.look("counts")
    assert seen.value is None
    await one.keep(seen, b"line\nwith a break")
    assert (await other.look("counts")).value == b"line\nwith a break"
    assert (await other.look("list")).value is None
    assert memory.lifetimes_ms == [1500]


async def test_a_change_is_known_to_all_and_to_another_release(memory: Memory) -> None:
    one, other = aside_over(memory), aside_over(memory, release="sha256:other")
    for aside in (one, other):
        await aside.keep(await aside.look("counts"), b"old")
    await other.changed()
    assert [(await aside.look("counts")).value for aside in (one, other)] == [None, None]


async def test_another_release_does_not_read_what_it_may_not_understand(memory: Memory) -> None:
    await (one := aside_over(memory)).keep(await one.look("counts"), b"mine")
    assert (await aside_over(memory, release="sha256:other").look("counts")).value is None


async def test_an_answer_made_before_a_change_and_kept_after_it_is_not_found(memory: Memory) -> None:
    aside = aside_over(memory)
    seen = await aside.look("counts")
    await aside.changed()
    await aside.keep(seen, b"made before")
    assert (await aside.look("counts")).value is None


async def test_with_redis_away_nothing_is_found_and_hardly_anybody_asks(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = aside_over(memory)
    await aside.keep(await aside.look("counts"), b"kept")
    memory.is_away = True
    asked = memory.asked
    for _ in range(5):
        seen = await aside.look("counts")
        assert (seen.generation, seen.value) == (None, None)
        await aside.keep(seen, b"lost")
        await aside.changed()
    assert memory.asked == asked + 1
    memory.is_away = False
    monkeypatch.setattr(redis_client, "AWAY_S", 0.0)
    aside._client._away_until = 0.0
    assert (await aside.look("counts")).value == b"kept"
