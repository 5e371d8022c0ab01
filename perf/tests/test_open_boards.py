"""Open boards: a change counts when the last of them heard of it, and one that never did is not forgotten."""

from __future__ import annotations

import asyncio
import math
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest

from perf.actors import Person, Undone
from perf.first_page import NotMeasured
from perf.open_boards import CHANGE, PAGE, Piece, Played, _change, _end, _listen, judged, latencies
from perf.rounds import Answer
from perf.system import Target
from perf.tests.streaming import AT as HEARD_AT
from perf.tests.streaming import WORK_ORDER, Streaming
from tools.prepare import state

AT = datetime(2026, 5, 3, 12, 0, 0, 250_000, tzinfo=UTC)
TOLD = {"heard": {}, "reopened": 0, "reloads": 0}


def test_a_change_is_as_late_as_its_last_board() -> None:
    committed = {("w1", AT): 100.0, ("w2", AT): 200.0}
    heard = {f"w1 {AT.isoformat()}": [100.1, 100.4], "w2 2026-05-03T12:00:00.250000+00:00": [200.2, 200.1]}
    assert latencies(committed, heard, boards=2) == pytest.approx([400.0, 200.0])


@pytest.mark.parametrize("moments", [[100.1, None], [100.1], []])
def test_a_change_that_a_board_never_heard_of_is_late_for_ever(moments: list[float | None]) -> None:
    assert latencies({("w1", AT): 100.0}, {f"w1 {AT.isoformat()}": moments}, boards=2) == [math.inf]


def test_another_change_of_the_same_work_is_no_news_of_this_one() -> None:
    heard = {f"w1 {(AT + timedelta(seconds=1)).isoformat()}": [101.0]}
    assert latencies({("w1", AT): 100.0}, heard, boards=1) == [math.inf]


def played(page_ms: float = 20.0, *, slow: int = 0, failed: int = 0) -> Played:
    times = [page_ms] * (100 - slow) + [500.0] * slow
    answers = [Answer(PAGE, at / 10, ms, True) for at, ms in enumerate(times)]
    return Played([*answers, *(Answer(CHANGE, 0.0, 5.0, False) for _ in range(failed))], ["change: Undone()"] * failed)


def test_all_bars_hold_on_a_quick_board() -> None:
    findings = judged(played(), [200.0] * 99 + [900.0], TOLD)
    assert findings.met
    assert findings.figures["live_p50_ms"] == 200.0 and findings.figures["changes"] == 100.0


@pytest.mark.parametrize(
    ("done", "late_ms", "missed"),
    [
        (played(60.0), [200.0], ["page among open boards, client p95"]),
        (played(slow=2), [200.0], ["page among open boards, client p99"]),
        (played(), [1000.0], ["from a change's commit to the last open board, p99"]),
        (played(), [200.0] * 200 + [math.inf], ["changes that some open board never heard of"]),
        (played(failed=1), [200.0], ["pages and changes that failed"]),
        (played(), [], ["from a change's commit to the last open board, p99"]),
        (Played(), [200.0], ["page among open boards, client p95", "page among open boards, client p99"]),
    ],
)
def test_each_bar_can_be_missed(done: Played, late_ms: list[float], missed: list[str]) -> None:
    assert [bar.name for bar in judged(done, late_ms, TOLD).bars if not bar.met] == missed


def holder(status: int = 200) -> tuple[Person, list[str]]:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rsplit("/", 1)[1])
        return httpx.Response(status, json={})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://test")
    return Person(http, "oleg@example.com", "x"), asked


async def test_work_goes_round_and_rests_between_two_changes() -> None:
    person, asked = holder()
    piece = Piece("w1", person)
    for _ in range(5):
        piece.changed_at = -math.inf
        await _change([piece], random.Random(1), 10.0)
    assert asked == ["claim", "completion", "rework", "return", "claim"]
    with pytest.raises(NotMeasured, match="rested"):
        await _change([piece], random.Random(1), piece.changed_at + 1.0)


async def test_a_refused_change_is_tried_again_and_not_skipped() -> None:
    person, _ = holder(status=409)
    piece: Any = Piece("w1", person)
    with pytest.raises(Undone):
        await _change([piece], random.Random(1), 10.0)
    assert piece.step == 0 and math.isfinite(piece.changed_at)


async def test_the_listening_process_says_what_it_heard_and_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tls").mkdir()
    shutil.copy(certifi.where(), tmp_path / "tls" / "ca.pem")
    monkeypatch.setattr(state, "STATE", tmp_path)
    streaming = Streaming()
    server = await asyncio.start_server(streaming, "127.0.0.1", 0)
    target = Target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "none", {})
    person, _ = holder()
    person.headers["authorization"] = "Bearer t0"
    async with asyncio.timeout(30):
        listening = await _listen(target, [person], ["after"])
        while not streaming.asked:
            await asyncio.sleep(0.01)
        told = await _end(listening)
    server.close()
    await asyncio.gather(*(task for task in streaming.answering if task is not None))
    assert list(told["heard"]) == [f"{WORK_ORDER} {HEARD_AT}"]
    assert "authorization: Bearer t0" in streaming.asked[0] and listening.returncode == 0


async def test_boards_that_cannot_be_kept_open_give_no_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Without an authority to trust, the process ends at once.
    monkeypatch.setattr(state, "STATE", tmp_path)
    person, _ = holder()
    person.headers["authorization"] = "Bearer t0"
    with pytest.raises(NotMeasured, match="not all of 1 boards"):
        await _listen(Target("https://127.0.0.1:9", "none", {}), [person], ["x"])
