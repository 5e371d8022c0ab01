"""Boards that listen: events in pieces, streams that end, a moment for every board."""

from __future__ import annotations

import asyncio
from typing import Any

import certifi
import pytest

from perf import streams
from perf.streams import Board, Heard, listen
from perf.tests.streaming import AT, EVENT, WORK_ORDER, Streaming


def test_an_event_in_two_pieces_is_one_event() -> None:
    heard = Heard(2)
    board = Board(1, heard, "before")
    board.take(b"retry: 1000\n\nevent: beat\ndata: \n\n" + EVENT[:40], at=1.0)
    assert not heard.at and board.since == "before"
    board.take(EVENT[40:] + EVENT, at=2.0)
    board.take(EVENT, at=3.0)
    assert heard.told()["heard"] == {f"{WORK_ORDER} {AT}": [None, 2.0]}
    assert board.since == AT


def test_a_board_that_must_load_again_is_counted() -> None:
    heard = Heard(1)
    Board(0, heard, "before").take(b"event: reload\ndata: \n\n", at=1.0)
    assert heard.told() == {"heard": {}, "reopened": 0, "reloads": 1}


async def test_boards_listen_until_they_are_told_to_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(streams, "PAUSE_S", 0.01)
    answers = Streaming()
    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    boards = [{"token": f"t{number}", "since": "before"} for number in range(2)]
    ended = asyncio.Event()
    wanted: dict[str, Any] = {"url": f"http://127.0.0.1:{port}", "ca": certifi.where(), "boards": boards}
    listening = asyncio.create_task(listen(wanted, ended))
    async with asyncio.timeout(10):
        # Each board: ended early, told the event, and back from where it was.
        while len(answers.asked) < 6:
            await asyncio.sleep(0.01)
    ended.set()
    told = await listening
    server.close()
    await asyncio.gather(*(task for task in answers.answering if task is not None))
    assert capsys.readouterr().out == "open\n"
    assert all(moment is not None for moment in told["heard"][f"{WORK_ORDER} {AT}"])
    assert told["reopened"] == 4
    assert "authorization: Bearer t1" in "".join(answers.asked)
    assert "since=2026-05-03T12%3A00%3A00.250000%2B00%3A00" in answers.asked[-1]


async def test_boards_that_cannot_be_opened_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "OPEN_S_MAX", 0.1)
    wanted = {"url": "http://127.0.0.1:9", "ca": certifi.where(), "boards": [{"token": "t", "since": "x"}]}
    with pytest.raises(TimeoutError):
        await listen(wanted, asyncio.Event())
