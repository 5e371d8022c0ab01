"""The gate's load: the same mix for both sides, whatever the system answers; failures and empty pools are counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from perf.actors import Person
from perf.load import ACTS, MIX, Bench, interleaved, play, schedule
from perf.rounds import Round
from perf.system import Target

HELD_S = 0.1


def bench(answer: Callable[[httpx.Request], httpx.Response]) -> Bench:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://test")
    buyer, seller, operator = (Person(http, f"{name}@example.com", "x") for name in ("buyer", "seller", "operator"))
    return Bench(Target("https://test", "none", {}), http, buyer, seller, [operator])


def test_every_kind_of_the_mix_can_be_done_and_they_make_a_hundred() -> None:
    assert set(MIX) == set(ACTS)
    assert sum(MIX.values()) == 100


@pytest.mark.parametrize("number", [-1, 0, 7])
def test_a_round_holds_the_mix_to_the_last_request_in_its_own_order(number: int) -> None:
    plan = schedule(number, rate=25, seconds=4)
    assert Counter(name for _, name in plan) == MIX
    assert plan == schedule(number, rate=25, seconds=4)
    assert [name for _, name in plan] != [name for _, name in schedule(number + 1, rate=25, seconds=4)]
    assert all(0 <= due < 4 for due, _ in plan)


@pytest.mark.parametrize("number", [0, 7])
def test_both_sides_get_one_plan_and_take_turns(number: int) -> None:
    plan = interleaved(number, rate=12.5, seconds=8)
    sides = [[(due, name) for due, side, name in plan if side == wanted] for wanted in range(2)]
    assert [name for _, name in sides[0]] == [name for _, name in sides[1]]
    assert Counter(name for _, name in sides[0]) == MIX
    turns = [side for _, side, _ in plan]
    # In every two requests each side has one, and neither is always the first.
    assert all({first, second} == {0, 1} for first, second in zip(turns[::2], turns[1::2], strict=True))
    assert 30 < sum(turns[::2]) < 70
    assert [due for due, _, _ in plan] == sorted(due for due, _, _ in plan)


async def alone(answer: Callable[[httpx.Request], httpx.Response]) -> tuple[Round, list[str]]:
    """What one side answered beside one whose board is empty and that answers everything."""
    other = bench(lambda request: httpx.Response(200, json={"items": []}))
    played, said = await play((bench(answer), other), 0, rate=400, seconds=0.25)
    assert Counter(one.name for one in played[1].answers) == MIX
    return played[0], said[0]


async def test_a_system_that_refuses_everything_gives_the_same_mix_of_failures() -> None:
    played, said = await alone(lambda request: httpx.Response(500))
    assert Counter(answer.name for answer in played.answers) == MIX
    assert not any(answer.ok for answer in played.answers)
    assert len(said) == 100


async def test_a_system_that_cannot_be_reached_is_failures_not_an_error() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    played, _ = await alone(gone)
    assert sum(answer.ok for answer in played.answers) == 0


async def test_answers_count_from_when_they_were_due() -> None:
    held: list[float] = []

    def answers(request: httpx.Request) -> httpx.Response:
        # The first request holds everything up, as a stall of the machine does.
        if not held:
            held.append(time.monotonic() + HELD_S)
            while time.monotonic() < held[0]:
                pass
        return httpx.Response(200, json={"items": []})

    played, _ = await alone(answers)
    first = min(answer.at for answer in played.answers if answer.ms >= HELD_S * 1000)
    late = [answer for answer in played.answers if first <= answer.at < first + HELD_S]
    assert len(late) > 10
    # None was answered before the stall was over, whenever it could begin.
    assert all(answer.at + answer.ms / 1000 >= first + HELD_S for answer in late)


async def test_a_claim_that_finds_nothing_to_take_is_a_failure() -> None:
    played, _ = await alone(lambda request: httpx.Response(200, json={"items": []}))
    assert all(answer.ok for answer in played.answers if answer.name == "shop: catalogue")
    assert not any(answer.ok for answer in played.answers if answer.name == "mes: claim")
