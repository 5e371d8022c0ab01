"""Whose model is measured next: nobody's two hundred models stand before somebody else's one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.pricing.domain.fairness import (
    AGEING_PER_S,
    OVERHEAD,
    Shares,
    Waiting,
    cost_of,
    in_turn,
    place_of,
    served,
    triangles_of,
)

SHOP, SILVERLINE = UUID(int=1), UUID(int=2)
MILLION = 1_000_000
T0 = datetime(2026, 1, 1, tzinfo=UTC)
sizes = st.integers(0, 3 * MILLION)
askers = st.integers(1, 5).map(lambda number: UUID(int=number))


class Desk:
    """The queue as workers and askers see it."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.shares = Shares()
        self.asked = 0

    def ask(self, asker: UUID, *triangles: int, after_s: float = 0.0) -> None:
        """One model after the other, from so many seconds on."""
        for each in triangles:
            self.asked += 1
            place = place_of(each, asked_at=T0 + timedelta(seconds=after_s))
            self.waiting.append(Waiting(self.asked, asker, each, place, self.shares.clock))

    def take(self) -> Waiting:
        """A worker is free."""
        first = in_turn(self.waiting, self.shares)[0]
        self.shares = served(first, self.waiting, self.shares)
        self.waiting.remove(first)
        return first

    def take_until(self, asker: UUID) -> list[Waiting]:
        """Those that are taken before this asker's next one."""
        before = []
        while (taken := self.take()).asker != asker:
            before.append(taken)
        return before


def test_one_model_waits_for_none_of_two_hundred() -> None:
    desk = Desk()
    desk.ask(SILVERLINE, *[MILLION] * 200)
    for _ in range(5):
        desk.take()
    desk.ask(SHOP, MILLION)
    assert desk.take_until(SHOP) == []


def test_whoever_comes_back_after_a_long_time_has_saved_up_nothing() -> None:
    desk = Desk()
    desk.ask(SHOP, MILLION)
    desk.ask(SILVERLINE, *[MILLION] * 50)
    for _ in range(30):
        desk.take()
    desk.ask(SHOP, *[MILLION] * 20)
    taken = [desk.take().asker for _ in range(20)]
    assert 9 <= taken.count(SHOP) <= 11


def test_small_ones_of_one_asker_go_before_a_large_one() -> None:
    desk = Desk()
    desk.ask(SHOP, MILLION, 10, 1000)
    assert [one.triangles for one in in_turn(desk.waiting, desk.shares)] == [10, 1000, MILLION]


def test_a_large_one_is_passed_for_a_minute_and_not_for_ever() -> None:
    desk = Desk()
    desk.ask(SHOP, MILLION)
    desk.ask(SHOP, 10, after_s=MILLION / AGEING_PER_S - 5)
    desk.ask(SHOP, 10, after_s=MILLION / AGEING_PER_S + 5)
    assert [one.job_id for one in in_turn(desk.waiting, desk.shares)] == [2, 1, 3]


def test_new_askers_without_end_do_not_hold_up_who_waits() -> None:
    desk = Desk()
    desk.ask(SILVERLINE, MILLION, MILLION)
    desk.take_until(SILVERLINE)
    for number in range(100, 200):
        # More is asked for than can be done: somebody new with each model that is taken.
        desk.ask(UUID(int=number), 1000)
        if desk.take().asker == SILVERLINE:
            break
    else:
        pytest.fail("its second model was never taken")


def test_what_the_release_before_asked_for_begins_where_the_clock_stands() -> None:
    shares = Shares(clock=5 * MILLION, served_to={SILVERLINE: 6 * MILLION})
    old, new = Waiting(1, SHOP, 10, 0), Waiting(2, SILVERLINE, 10, 0, 5 * MILLION)
    assert in_turn([new, old], shares) == [old, new]


@pytest.mark.parametrize(
    ("file_bytes", "file_format", "triangles"),
    [
        (50_000_084, "stl_binary", 1_000_001),
        (250_000, "stl_ascii", 1000),
        (250_000, "stl-ascii", 1000),
        (5000, "unheard of", 100),
        (None, None, 0),
    ],
    ids=["binary", "text", "with-a-hyphen", "unknown", "nothing-known"],
)
def test_bytes_and_format_stand_for_triangles(file_bytes: int | None, file_format: str | None, triangles: int) -> None:
    assert triangles_of(file_bytes, file_format) == triangles


@given(st.lists(st.tuples(askers, sizes), max_size=40))
def test_all_that_wait_are_taken_and_each_once(wanted: list[tuple[UUID, int]]) -> None:
    desk = Desk()
    for asker, size in wanted:
        desk.ask(asker, size)
    line = in_turn(desk.waiting, desk.shares)
    assert sorted(one.job_id for one in line) == sorted(one.job_id for one in desk.waiting)


@given(st.lists(sizes, min_size=1, max_size=30))
def test_an_asker_alone_gets_everything_in_the_order_of_its_own(wanted: list[int]) -> None:
    desk = Desk()
    desk.ask(SHOP, *wanted)
    assert [desk.take().triangles for _ in wanted] == sorted(wanted)


@given(st.lists(st.tuples(askers, sizes, st.booleans()), max_size=40))
def test_what_is_foretold_is_what_is_taken(events: list[tuple[UUID, int, bool]]) -> None:
    desk = Desk()
    for asker, size, is_taken in events:
        desk.ask(asker, size)
        if is_taken:
            desk.take()
    foretold = in_turn(desk.waiting, desk.shares)
    assert [desk.take() for _ in foretold] == foretold


@settings(max_examples=60)
@given(st.lists(st.lists(sizes, min_size=40, max_size=40), min_size=2, max_size=5), st.integers(1, 60))
def test_those_who_wait_are_served_alike(backlogs: list[list[int]], takes: int) -> None:
    desk = Desk()
    for number, backlog in enumerate(backlogs, start=1):
        desk.ask(UUID(int=number), *backlog)
    work: dict[UUID, int] = defaultdict(int)
    for _ in range(takes):
        if len({one.asker for one in desk.waiting}) < len(backlogs):
            break
        taken = desk.take()
        work[taken.asker] += cost_of(taken.triangles)
    shares = [work[UUID(int=number)] for number in range(1, len(backlogs) + 1)]
    # The bound of start-time fair queueing: the largest model of each of two.
    assert max(shares) - min(shares) <= 2 * largest(backlogs)


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(1, 30), st.integers(0, MILLION))
def test_a_late_one_waits_for_one_of_each_at_most(floods: int, taken_before: int, size: int) -> None:
    desk = Desk()
    for number in range(10, 10 + floods):
        desk.ask(UUID(int=number), *[MILLION] * 40)
    for _ in range(taken_before):
        desk.take()
    desk.ask(SHOP, size)
    before = [one.asker for one in desk.take_until(SHOP)]
    assert len(before) == len(set(before)) <= floods - 1


def largest(backlogs: Iterable[Iterable[int]]) -> int:
    """What the largest of these models costs."""
    return max(OVERHEAD + size for backlog in backlogs for size in backlog)
