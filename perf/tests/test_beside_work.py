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


async def test_nobody_sends_while_everybody_rests() -> None:
    company = Company(people=1, mb_per_s=1e6)
    sending = asyncio.create_task(_sent(company, bytes(1000)))
    done, _ = await asyncio.wait({sending}, timeout=0.05)
    assert not done
    company.going.set()
    assert len(await sending) == 1002


async def test_work_that_does_not_get_going_says_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "ASKED_EVERY_S", 0.001)
    company = Company(people=2, mb_per_s=1.0, sending=2, waiting=2)
    assert await company.gets_going() == "going"
    assert company.going.is_set() and company.asking.is_set()
    monkeypatch.setattr(long_work, "GOING_S_MAX", 0.01)
    company.waiting, company.refused = 1, ["503", "429", "503"]
    said = await company.gets_going()
    assert "2 of 2 send and 1 wait for a price" in said
    assert said.endswith("refused: 2 x 503; 1 x 429")


async def test_a_quiet_round_begins_when_the_last_price_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "ASKED_EVERY_S", 0.001)
    company = Company(people=2, mb_per_s=1.0, sending=2, waiting=2)
    assert await company.gets_going() == "going"
    resting = asyncio.create_task(company.comes_to_rest())
    done, _ = await asyncio.wait({resting}, timeout=0.02)
    assert not done and company.going.is_set(), "what is sent meanwhile is there to be asked for in the next round"
    assert not company.asking.is_set(), "nobody asks for another price"
    company.waiting = 0
    assert await resting == "resting"
    assert not company.going.is_set()


async def test_prices_that_never_come_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_work, "ASKED_EVERY_S", 0.001)
    monkeypatch.setattr(long_work, "RESTING_S_MAX", 0.01)
    said = await Company(people=2, mb_per_s=1.0, sending=2, waiting=1).comes_to_rest()
    assert said.startswith("after 0 s 2 of 2 send and 1 wait for a price")


class Answers:
    """Uploads that are done when they are told to be, and prices that are never there."""

    def __init__(self) -> None:
        self.arrive: list[asyncio.Event] = []

    async def upload(self, company: Company, person: Any, content: memoryview) -> str:
        event = asyncio.Event()
        self.arrive.append(event)
        await event.wait()
        return "file"

    async def priced(self, company: Company, person: Any, file_id: str) -> None:
        company.waiting += 1
        await asyncio.Event().wait()


async def test_all_ask_at_one_moment_and_upload_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers()
    monkeypatch.setattr(long_work, "upload", answers.upload)
    monkeypatch.setattr(long_work, "priced", answers.priced)
    monkeypatch.setattr(long_work, "ASKED_EVERY_S", 0.001)
    company = Company(people=2, mb_per_s=1.0)
    working = [asyncio.create_task(long_work.tried(company, person, memoryview(b""))) for person in (None, None)]  # type: ignore[arg-type]
    going = asyncio.create_task(company.gets_going())
    async with asyncio.timeout(5):
        while len(answers.arrive) < 2:
            await asyncio.sleep(0)
        answers.arrive[0].set()
        while company.uploads < 1:
            await asyncio.sleep(0)
        assert company.waiting == 0, "the first who is done waits for the other"
        answers.arrive[1].set()
        assert await going == "going"
    assert (company.sending, company.waiting) == (2, 2)
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
