"""What is taken, what is told to come again, and what is kept of days."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from system.observability.application.receiving import Intake, Room, hits_of_lines
from system.observability.application.tidying import Bounds, days_too_many, tidy
from system.observability.domain.errors import StoreFull, StoreLags
from system.observability.domain.telemetry import Span
from system.observability.tests.telling import a_line, a_span

NOW = datetime.now(UTC)
TODAY = date(2026, 3, 8)


class SlowStore:
    """Keeps when it is let."""

    def __init__(self) -> None:
        self.may_go = asyncio.Event()
        self.kept: list[Span] = []
        self.at_work = self.at_work_most = 0

    async def keep_spans(self, spans: Sequence[Span]) -> int:
        self.at_work += 1
        self.at_work_most = max(self.at_work, self.at_work_most)
        await self.may_go.wait()
        self.at_work -= 1
        self.kept += spans
        return len(spans)

    async def keep_lines(self, lines: Any) -> int:
        raise AssertionError("no lines here")


def intake(store: SlowStore, room: Room | None = None, *, waiting_max: int = 1) -> Intake:
    return Intake(store, room or Room(), writers=2, waiting_max=waiting_max, kept_days=7)


async def test_only_so_many_are_written_and_wait_and_the_next_is_told_to_come_again() -> None:
    store = SlowStore()
    door = intake(store)
    taken = [asyncio.create_task(door.take_spans([a_span(uuid4(), at=NOW)])) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(StoreLags) as told:
        await door.take_spans([a_span(uuid4(), at=NOW)])
    assert told.value.status == 503 and told.value.extra["retry_after_s"] == 2
    store.may_go.set()
    assert [each.rejected for each in await asyncio.gather(*taken)] == [0, 0, 0]
    assert store.at_work_most == 2 and len(store.kept) == 3
    await door.take_spans([a_span(uuid4(), at=NOW)])


async def test_whoever_was_not_kept_makes_room_again() -> None:
    class Broken(SlowStore):
        async def keep_spans(self, spans: Sequence[Span]) -> int:
            raise RuntimeError

    door = intake(Broken(), waiting_max=0)
    for _ in range(5):
        with pytest.raises(RuntimeError):
            await door.take_spans([a_span(uuid4(), at=NOW)])


async def test_without_room_nothing_is_taken() -> None:
    with pytest.raises(StoreFull) as told:
        await intake(SlowStore(), Room(is_full=True)).take_spans([a_span(uuid4(), at=NOW)])
    assert told.value.status == 429


async def test_what_is_of_no_kept_day_is_rejected_and_the_rest_kept() -> None:
    store = SlowStore()
    store.may_go.set()
    moments = (NOW, NOW - timedelta(days=9), NOW + timedelta(days=2), NOW - timedelta(days=6))
    taken = await intake(store).take_spans([a_span(uuid4(), at=moment) for moment in moments])
    assert (taken.rejected, len(store.kept)) == (2, 2) and "day" in taken.why


def test_a_line_outside_of_every_span_counts_for_itself() -> None:
    one, other = hits_of_lines([a_line("broken", severity=17), a_line("broken", severity=17)])
    assert one.failure == other.failure and (one.trace_id, one.span_id) != (other.trace_id, other.span_id)
    assert hits_of_lines([a_line("slow", severity=13)]) == []


SIZES = {TODAY - timedelta(days=n): 10 for n in range(5)}


@pytest.mark.parametrize(("bytes_max", "gone"), [(50, 0), (49, 1), (31, 2), (10, 4), (0, 4)])
def test_the_oldest_days_go_when_there_is_no_room_but_never_today(bytes_max: int, gone: int) -> None:
    found = days_too_many(SIZES, today=TODAY, bytes_max=bytes_max)
    assert found == sorted(SIZES)[:gone]


class FakeDays:
    """Days without a database."""

    def __init__(self, sizes: dict[date, int]) -> None:
        self.days = dict(sizes)

    async def make(self, first: date, last: date) -> int:
        missing = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        new = [day for day in missing if day not in self.days]
        self.days |= dict.fromkeys(new, 0)
        return len(new)

    async def drop(self, before: date) -> int:
        gone = [day for day in self.days if day < before]
        for day in gone:
            del self.days[day]
        return len(gone)

    async def sizes(self) -> dict[date, int]:
        return dict(self.days)

    async def forget_failures(self, *, hits_before: datetime, failures_before: datetime) -> int:
        assert failures_before < hits_before
        return 0


async def test_days_are_made_ahead_dropped_after_their_time_and_room_is_said() -> None:
    room = Room()
    now = datetime(2026, 3, 8, 23, 59, tzinfo=UTC)
    days = FakeDays({TODAY - timedelta(days=n): 10 for n in range(10)})
    assert await tidy(days, room, Bounds(7, 90, 1000), now=now) == 0
    assert (min(days.days), max(days.days)) == (TODAY - timedelta(days=7), TODAY + timedelta(days=3))
    assert await tidy(days, room, Bounds(7, 90, 35), now=now) == 5 and not room.is_full
    await tidy(days, room, Bounds(7, 90, 5), now=now)
    assert room.is_full and TODAY in days.days
    await tidy(days, room, Bounds(7, 90, 1000), now=now)
    assert not room.is_full
