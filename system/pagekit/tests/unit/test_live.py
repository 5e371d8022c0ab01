"""The reader behind open pages: nothing is missed, nobody is waited for, and it rests when nobody watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Hashable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from system.pagekit import live
from system.pagekit.live import Change, Found, TooMuch, Watch, event

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Table:
    """What is committed, and how often somebody looked."""

    def __init__(self) -> None:
        self.rows: list[Found] = []
        self.reads = 0
        self.fails = 0
        self.too_much = False
        self.written: list[Hashable] = []
        self.newer: dict[Hashable, str] = {}
        self.committed_after: dict[int, str] = {}
        self._looked = asyncio.Condition()

    async def is_read(self, times: int = 2) -> None:
        """Returns when somebody has looked so often from now on; with two looks, what the first found is told."""
        wanted = self.reads + times
        async with asyncio.timeout(5), self._looked:
            await self._looked.wait_for(lambda: self.reads >= wanted)

    def commit(self, version: str, after_s: float = 0.0) -> None:
        self.rows.append((version, START + timedelta(seconds=after_s)))

    async def find(self, since: datetime) -> Sequence[Found]:
        async with self._looked:
            self.reads += 1
            self._looked.notify_all()
        if self.fails:
            self.fails -= 1
            raise OSError("the database is away")
        if self.too_much and self.reads > 2:
            raise TooMuch
        found = [row for row in self.rows if row[1] > since]
        if news := self.committed_after.get(self.reads):
            self.commit(news)
        return found

    async def load(self, found: Sequence[Found]) -> Sequence[Change]:
        await asyncio.sleep(0)
        self.written += [version for version, _ in found]
        now = [(self.newer.get(version, version), at) for version, at in found]
        return [Change(version, at, "row", {"en": str(version), "ru": str(version)}) for version, at in now]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(live, "READ_EVERY_S", 0.005)
    monkeypatch.setattr(live, "PAUSE_S", 0.02)
    return Table()


@pytest.fixture
def watch(table: Table) -> Watch:
    return Watch(table.find, table.load, now=lambda: START)


async def heard(watch: Watch, count: int, *, since: datetime = START) -> list[str]:
    """The first `count` changes that a new watcher is told of."""
    found: list[str] = []
    async with asyncio.timeout(5), aclosing(watch.changes(since)) as changes:
        async for change in changes:
            if change is not None:
                found.append(str(change.version))
            if len(found) == count:
                break
    return found


async def test_what_was_before_and_what_comes_later_is_told(watch: Watch, table: Table) -> None:
    table.commit("before")
    telling = asyncio.create_task(heard(watch, 2))
    await table.is_read()
    table.commit("later")
    assert await telling == ["before", "later"]


async def test_a_row_that_appears_after_a_younger_one_is_told_too(watch: Watch, table: Table) -> None:
    telling = asyncio.create_task(heard(watch, 2))
    await table.is_read()
    table.commit("young", after_s=1)
    await table.is_read()
    table.commit("old but late", after_s=-5)
    assert await telling == ["young", "old but late"]


@pytest.mark.parametrize("look", [1, 2, 3])
async def test_what_is_committed_right_after_a_look_is_told(watch: Watch, table: Table, look: int) -> None:
    table.committed_after = {look: "news"}
    assert await heard(watch, 1) == ["news"], "whoever looked then: the reader, or who watches"


async def test_one_reader_serves_all_and_rests_when_all_left(watch: Watch, table: Table) -> None:
    telling = [asyncio.create_task(heard(watch, 1)) for _ in range(20)]
    await table.is_read(25)
    assert watch.watchers == 20
    before = table.reads
    await table.is_read(3)
    assert table.reads - before < 10, "twenty who watch cost no more than one"
    table.commit("news")
    assert await asyncio.gather(*telling) == [["news"]] * 20
    async with asyncio.timeout(5):
        await watch.rests()
    assert watch.watchers == 0
    table.commit("more", after_s=1)
    assert "more" in await heard(watch, 2), "and it wakes for the next one"


async def test_all_who_come_back_at_once_catch_up_with_what_was_written_once(watch: Watch, table: Table) -> None:
    for number in range(3):
        table.commit(str(number), after_s=number)
    assert await asyncio.gather(*(heard(watch, 3) for _ in range(20))) == [["0", "1", "2"]] * 20
    assert table.written == ["0", "1", "2"]


async def test_what_changed_while_it_was_written_is_told_as_it_is_by_then(watch: Watch, table: Table) -> None:
    table.commit("old")
    table.newer = {"old": "new"}
    assert await heard(watch, 1) == ["new"]
    table.commit("next", after_s=1)
    assert "next" in await heard(watch, 2)


async def test_what_was_written_long_ago_is_forgotten(
    watch: Watch, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KNOWN_MAX", 2)
    for number in range(3):
        table.commit(str(number), after_s=number)
    assert await heard(watch, 3) == await heard(watch, 3) == ["0", "1", "2"]
    assert table.written == ["0", "1", "2", "0"]


async def test_a_database_that_is_away_is_asked_again(watch: Watch, table: Table) -> None:
    telling = asyncio.create_task(heard(watch, 1))
    await table.is_read()
    table.fails = 3
    await table.is_read(4)
    assert table.fails == 0
    table.commit("at last")
    assert await telling == ["at last"]


async def test_more_than_a_page_can_follow_means_load_it_again(watch: Watch, table: Table) -> None:
    table.too_much = True
    with pytest.raises(TooMuch):
        await heard(watch, 1)


async def test_who_does_not_follow_is_not_waited_for(
    watch: Watch, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WAITING_MAX", 3)
    async with aclosing(watch.changes(START)) as slow:
        assert await anext(slow) is None
        for number in range(5):
            table.commit(str(number), after_s=number)
        await table.is_read(2)
        with pytest.raises(TooMuch):
            await anext(slow)


async def test_who_watches_is_told_a_few_at_a_time(watch: Watch, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two of them the process does other things: with all at once, a page would wait for every open board."""
    monkeypatch.setattr(live, "TOLD_AT_ONCE", 2)
    told_at_once: list[int] = []
    told = 0

    async def rest(seconds: float) -> None:
        nonlocal told
        if seconds == live.TOLD_PAUSE_S:
            told_at_once.append(told)
            told = 0

    def put(queue: asyncio.Queue[Change | None], change: Change | None) -> None:
        nonlocal told
        told += 1

    watch._watchers = {asyncio.Queue() for _ in range(5)}
    monkeypatch.setattr(live, "_put", put)
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", rest)
        await watch._tell(await table.load([("a", START)]))
    assert (told_at_once, told) == ([2, 2], 1)


def test_an_event_of_several_lines_stays_one() -> None:
    assert event("row", "a\nb", moment=START) == f"id: {START.isoformat()}\nevent: row\ndata: a\ndata: b\n\n"
    assert event("beat", "") == "event: beat\ndata: \n\n"


def test_a_change_is_written_for_the_wire_once_for_all_who_watch() -> None:
    change = Change("one", START, "row", {"en": "ring", "ru": "кольцо"})
    assert change.wire("ru") is change.wire("ru")
    assert change.wire("ru").decode() == event("row", "кольцо", moment=START)
    assert change.wire("en").decode() == event("row", "ring", moment=START)


async def test_rows_are_watched_by_their_ids_and_too_many_are_a_list_to_load_again() -> None:
    ids = [UUID(int=number) for number in range(3)]
    asked: list[int] = []

    async def changed_since(moment: datetime, *, limit: int) -> list[tuple[UUID, datetime]]:
        asked.append(limit)
        return [(one, START) for one in ids][:limit]

    async def write(found: Sequence[UUID]) -> list[Change]:
        return [Change((one, START), START, "row", {"en": str(one), "ru": str(one)}) for one in found]

    async with aclosing(live.watch_rows(changed_since, write, at_once=3).changes(START)) as changes:
        told = [await anext(changes) for _ in ids]
    assert [change.version for change in told if change] == [(one, START) for one in ids]
    assert asked[0] == 4
    with pytest.raises(TooMuch):
        await anext(live.watch_rows(changed_since, write, at_once=2).changes(START))


async def test_a_stream_tells_what_it_is_about_and_nothing_else(table: Table) -> None:
    app = FastAPI()
    app.state.is_stopping = lambda: False
    request = Request({"type": "http", "app": app, "headers": []})
    watch = Watch(table.find, table.load, now=lambda: START)
    table.commit("mine", after_s=1)
    table.commit("another's", after_s=2)
    answer = live.stream(request, watch, since=START, language="en", about=lambda one: one.version == "mine")
    assert isinstance(answer, StreamingResponse)
    async with asyncio.timeout(5), aclosing(cast(AsyncGenerator[str | bytes, None], answer.body_iterator)) as lines:
        said = ""
        while "event: beat" not in said:
            line = await anext(lines)
            said += line.decode() if isinstance(line, bytes) else line
    assert "data: mine" in said and "another's" not in said
    await watch.rests()
