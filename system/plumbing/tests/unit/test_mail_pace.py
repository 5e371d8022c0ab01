"""Letters go out at once while there are few, and evenly when many wait."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from system.plumbing.mail.pace import Pace


@dataclass
class Clock:
    """Time that passes by being slept away."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pace_of(clock: Clock, per_second: float) -> Pace:
    return Pace(per_second, clock=lambda: clock.now, sleep=clock.sleep)


async def test_a_letter_alone_waits_for_nothing(clock: Clock) -> None:
    pace = pace_of(clock, 0.5)
    await pace.turn()
    clock.now += 3
    await pace.turn()
    assert clock.slept == []


async def test_many_letters_take_the_time_they_are_given(clock: Clock) -> None:
    pace, began = pace_of(clock, 20), clock.now
    for _ in range(200):
        await pace.turn()
    # The first second's worth went at once.
    assert clock.now - began == pytest.approx(200 / 20 - 1, abs=0.1)


async def test_a_long_pause_does_not_save_up_more_than_a_second(clock: Clock) -> None:
    pace = pace_of(clock, 10)
    clock.now += 3600
    for _ in range(11):
        await pace.turn()
    assert clock.slept == []
    await pace.turn()
    assert clock.slept == [pytest.approx(0.1, abs=0.01)]
