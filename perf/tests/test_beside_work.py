"""The board beside long work: what its figures mean, and what the work sends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from perf import long_work
from perf.beside_work import judged
from perf.long_work import CHUNK_BYTES, TITLE_BYTES, Company


def told(**other: Any) -> dict[str, Any]:
    return {"uploads": 40, "prices": 12, "refused": []} | other


def test_a_board_that_is_hardly_slower_holds() -> None:
    findings = judged([[10.0] * 40, [15.0] * 40], [[12.0] * 40, [18.0] * 40], [[10.0] * 20, [11.0] * 20], told())
    assert findings.met
    assert findings.figures["beside_work_ratio"] == pytest.approx(1.5)
    assert findings.figures["beside_same_ratio"] == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("working_ms", "refused", "missed"),
    [
        (15.1, [], "first page beside long work, the server's p95 to the quiet one's"),
        (10.0, ["503"], "uploads and prices that failed"),
    ],
)
def test_each_bar_can_be_missed(working_ms: float, refused: list[str], missed: str) -> None:
    halves = [[10.0] * 20, [10.0] * 20]
    findings = judged([[10.0] * 40, [working_ms] * 40], [[12.0] * 40] * 2, halves, told(refused=refused))
    assert [bar.name for bar in findings.bars if not bar.met] == [missed]


async def _sent(company: Company, content: bytes) -> bytes:
    return b"".join([part async for part in company.body(memoryview(content), head=b"<", tail=b">")])


async def test_what_is_sent_is_the_model_under_a_title_of_its_own() -> None:
    company = Company(people=1, mb_per_s=1e6)
    company.going.set()
    content = bytes(range(256)) * 2 * (CHUNK_BYTES // 256)
    one, other = [await _sent(company, content) for _ in range(2)]
    assert one != other
    for sent in (one, other):
        assert (sent[:1], sent[-1:]) == (b"<", b">")
        assert sent[1 + TITLE_BYTES : -1] == content[TITLE_BYTES:]
        assert len(sent) == len(content) + 2


async def test_what_was_begun_is_done_before_everybody_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "ASKED_EVERY_S", 0.001)
    company = Company(people=1, mb_per_s=1.0, sending=1, waiting=1)
    company.going.set()
    resting = asyncio.create_task(company.comes_to_rest())
    done, _ = await asyncio.wait({resting}, timeout=0.05)
    assert not done
    assert not company.going.is_set()
    company.sending = company.waiting = 0
    assert await resting == "resting"


async def test_work_that_does_not_end_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "ASKED_EVERY_S", 0.001)
    monkeypatch.setattr(long_work, "RESTING_S_MAX", 0.01)
    company = Company(people=2, mb_per_s=1.0, waiting=1)
    assert "0 of 2 send and 1 wait for a price" in await company.comes_to_rest()


async def test_work_that_does_not_get_going_says_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "ASKED_EVERY_S", 0.001)
    company = Company(people=2, mb_per_s=1.0, sending=2, waiting=2)
    assert await company.gets_going() == "going"
    monkeypatch.setattr(long_work, "GOING_S_MAX", 0.01)
    company.waiting, company.refused = 1, ["503", "429", "503"]
    said = await company.gets_going()
    assert "2 of 2 send and 1 wait for a price" in said
    assert said.endswith("refused: 2 x 503; 1 x 429")
