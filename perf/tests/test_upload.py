"""What a customer waits for a price: the arithmetic, and what is read from a quote's stream."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from perf.actors import Undone
from perf.upload import Waited, events_of, judged, priced

PRICE = {"amount": "1.00", "currency": "RUB"}


def waited(**other: float) -> Waited:
    return Waited(**({"upload_s": 9.0, "estimate_s": 2.0, "firm_s": 6.0, "again_ms": 40.0} | other))


async def lines(*said: str) -> AsyncIterator[str]:
    for line in said:
        yield line


async def told(*quotes: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for quote in quotes:
        yield {"estimate": None, "status": "ANALYSING", "problem": None} | quote


def test_medians_and_p95_are_of_all_rounds() -> None:
    rounds = [waited(estimate_s=float(number), again_ms=10.0 * number) for number in range(1, 21)]
    findings = judged(rounds)
    assert (findings.figures["estimate_p50_s"], findings.figures["estimate_p95_s"]) == (10.0, 19.0)
    assert findings.figures["again_p95_ms"] == 190.0
    assert (findings.figures["firm_p50_s"], findings.figures["upload_p50_s"]) == (6.0, 9.0)


def test_what_is_in_time_holds() -> None:
    assert judged([waited(estimate_s=5.0, firm_s=15.0)] * 3).met


@pytest.mark.parametrize(
    ("late", "missed"),
    [
        ({"estimate_s": 5.1}, "upload complete to the estimate, p95"),
        ({"firm_s": 15.1}, "upload complete to the firm price, p95"),
        ({"again_ms": 200.0}, "the same model again, p95"),
    ],
)
def test_each_bar_can_be_missed(late: dict[str, float], missed: str) -> None:
    assert [bar.name for bar in judged([waited(), waited(**late)]).bars if not bar.met] == [missed]


async def test_a_stream_tells_quotes_and_its_beats_are_no_news() -> None:
    quote = {"status": "READY"}
    stream = lines("retry: 1000", "", "event: beat", "data: ", "", "event: quote", f"data: {json.dumps(quote)}", "")
    assert [each async for each in events_of(stream)] == [quote]


async def test_the_first_price_and_the_firm_one_are_timed() -> None:
    since = time.monotonic() - 100.0
    estimate_s, firm_s = await priced(
        told({}, {"estimate": PRICE, "status": "ESTIMATED"}, {"estimate": PRICE, "status": "READY"}), since=since
    )
    assert 100.0 <= estimate_s <= firm_s < 160.0


async def test_a_price_that_came_at_once_was_the_first_too() -> None:
    estimate_s, firm_s = await priced(told({"status": "READY"}), since=time.monotonic())
    assert estimate_s == firm_s


@pytest.mark.parametrize(
    ("quotes", "said"),
    [
        ([{"status": "FAILED", "problem": "holes"}], "holes"),
        ([{"status": "ESTIMATED", "estimate": PRICE}], "ended before"),
        ([], "ended before"),
    ],
)
async def test_no_firm_price_is_no_figure(quotes: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(Undone, match=said):
        await priced(told(*quotes), since=0.0)
