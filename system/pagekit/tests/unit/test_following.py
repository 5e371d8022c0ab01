"""Following one thing: its state at once and on each change, its end, and nobody listening to more than they may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import OperationalError

from system.kernel.errors import NotFound
from system.pagekit import live
from system.pagekit.following import State, Streams, TooManyStreams, follow, has_heard
from system.pagekit.live import Change, Found, Watch

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Thing:
    """One thing among others, and who looked at it how often."""

    def __init__(self) -> None:
        self.rows: list[Found] = []
        self.text, self.is_final = "{}", False
        self.looked: list[bool] = []
        self.refusal: Exception | None = None

    def becomes(self, text: str, *, is_final: bool = False, name: str = "mine") -> None:
        self.text, self.is_final = text, is_final
        self.rows.append(((name, len(self.rows)), START + timedelta(seconds=len(self.rows))))

    async def look(self, changed: bool) -> State:
        self.looked.append(changed)
        if self.refusal is not None and len(self.looked) > 1:
            raise self.refusal
        return State(self.text, START, self.is_final)

    async def find(self, since: datetime) -> Sequence[Found]:
        return list(self.rows)

    async def load(self, found: Sequence[Found]) -> Sequence[Change]:
        return [Change(version, at, "thing", {"en": "", "ru": ""}) for version, at in found]


@pytest.fixture
def thing(monkeypatch: pytest.MonkeyPatch) -> Thing:
    monkeypatch.setattr(live, "READ_EVERY_S", 0.005)
    monkeypatch.setattr(live, "PAUSE_S", 0.02)
    return Thing()


def request_of(*, last_event_id: str | None = None) -> Request:
    app = FastAPI()
    app.state.is_stopping = lambda: False
    headers = [(b"last-event-id", last_event_id.encode())] if last_event_id else []
    return Request({"type": "http", "app": app, "headers": headers})


def stream(thing: Thing, streams: Streams | None = None, request: Request | None = None) -> AsyncGenerator[str, None]:
    watch = Watch(thing.find, thing.load, now=lambda: START)
    answer = follow(
        request or request_of(),
        watch,
        streams or Streams(),
        whom="anna",
        name="thing",
        about=lambda change: cast(tuple[str, int], change.version)[0] == "mine",
        look=thing.look,
    )
    assert isinstance(answer, StreamingResponse) and answer.media_type == "text/event-stream"
    return cast(AsyncGenerator[str, None], answer.body_iterator)


async def rest(said: AsyncGenerator[str, None]) -> str:
    async with asyncio.timeout(5):
        return "".join([part async for part in said])


async def until(said: AsyncGenerator[str, None], wanted: str) -> str:
    heard = ""
    async with asyncio.timeout(5):
        while wanted not in heard:
            heard += await anext(said)
    return heard


async def test_the_state_is_told_at_once_on_change_and_at_its_end(thing: Thing) -> None:
    async with aclosing(stream(thing)) as said:
        assert "retry: 1000" in await until(said, "data: {}")
        thing.becomes('{"estimated": 1}')
        assert f"id: {START.isoformat()}\nevent: thing\n" in await until(said, 'data: {"estimated": 1}')
        thing.becomes('{"ready": 1}', is_final=True)
        assert 'data: {"ready": 1}' in await rest(said)


async def test_what_is_final_already_is_told_and_ends(thing: Thing) -> None:
    thing.is_final = True
    heard = await rest(stream(thing))
    assert heard.count("event: thing") == 1
    assert thing.looked == [True]


async def test_what_is_estimated_beside_it_is_told_without_reading_it_again(thing: Thing) -> None:
    async with aclosing(stream(thing)) as said:
        await until(said, "data: {}")
        thing.text = '{"percent": 40}'
        await until(said, 'data: {"percent": 40}')
    assert thing.looked[0] is True and set(thing.looked[1:]) == {False}


async def test_others_are_no_news_and_the_same_is_not_told_twice(thing: Thing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_EVERY_S", 0.05)
    async with aclosing(stream(thing)) as said:
        await until(said, "data: {}")
        thing.becomes("{}", name="another's")
        assert "event: thing" not in await until(said, "event: beat")
        assert True not in thing.looked[1:]


async def test_a_stream_ends_after_a_while_and_when_the_process_stops(
    thing: Thing, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of()
    request.app.state.is_stopping = lambda: True
    assert (await rest(stream(thing, request=request))).count("event: thing") == 1
    monkeypatch.setattr(live, "STREAM_S_MAX", 0.0)
    assert (await rest(stream(thing))).count("event: thing") == 1


@pytest.mark.parametrize(
    "refusal",
    [NotFound("gone", "It is gone."), OperationalError("SELECT", {}, Exception("the database is away"))],
)
async def test_what_cannot_be_read_any_more_ends_the_stream_quietly(thing: Thing, refusal: Exception) -> None:
    thing.refusal = refusal
    assert (await rest(stream(thing))).count("event: thing") == 1


async def test_too_much_at_once_ends_the_stream_and_one_comes_again(thing: Thing) -> None:
    async def too_much(since: datetime) -> Sequence[Found]:
        raise live.TooMuch

    thing.find = too_much  # type: ignore[method-assign]
    assert "event: reload" not in await rest(stream(thing))


async def test_one_person_listens_to_so_many_and_others_to_theirs(thing: Thing) -> None:
    streams = Streams(each_max=2)
    first, second = stream(thing, streams), stream(thing, streams)
    third = stream(thing, streams)
    await until(first, "data: {}")
    await until(second, "data: {}")
    with pytest.raises(TooManyStreams) as refused:
        stream(thing, streams)
    assert refused.value.extra == {"streams_max": 2}
    streams.check("boris")
    assert await rest(third) == "", "one that came at the same moment has no room"
    await first.aclose()
    async with aclosing(stream(thing, streams)) as another:
        await until(another, "data: {}")
    await second.aclose()


async def test_an_answer_that_never_begins_takes_no_room(thing: Thing) -> None:
    streams = Streams(each_max=1)
    for _ in range(3):
        stream(thing, streams)
    streams.check("anna")


@pytest.mark.parametrize(
    ("last_event_id", "is_final", "heard"),
    [
        (START.isoformat(), True, True),
        (START.isoformat(), False, False),
        ("yesterday", True, False),
        (None, True, False),
    ],
)
def test_who_heard_the_end_needs_no_stream(last_event_id: str | None, is_final: bool, heard: bool) -> None:
    request = request_of(last_event_id=last_event_id)
    assert has_heard(request, State("{}", START, is_final)) is heard
