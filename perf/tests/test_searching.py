"""The search: a key that finds nothing says so, however fast its answers are."""

from __future__ import annotations

import httpx
import pytest

from perf import searching
from perf.actors import Person
from perf.searching import KEYS, Asked, holds, judged, search, values_of
from perf.system import Target

ROW = ("A-268000001", "client7@example.com", "+7 900 000-00-01", "PO-00000001", "Кольцо Авридора", "Анна Воронских")
HERE = Target("https://test", "none", {})


def asked(*, slow: str = "", lost: str = "") -> list[Asked]:
    return [
        Asked(key, f"a {key}", 150.0 if key == slow else 20.0, key != lost or turn > 2, float(turn))
        for turn in range(20)
        for key in KEYS
    ]


def test_an_order_is_found_by_every_key() -> None:
    findings = judged(asked())
    assert findings.met and not findings.remarks
    assert len(findings.bars) == 2 * len(KEYS)
    assert findings.figures["search_partner_reference_p95_ms"] == 20.0


@pytest.mark.parametrize("key", KEYS)
def test_each_key_can_be_slow_or_find_nothing(key: str) -> None:
    assert [bar.name for bar in judged(asked(slow=key)).bars if not bar.met] == [f"search by {key}, client p95"]
    findings = judged(asked(lost=key))
    [missed] = [bar for bar in findings.bars if not bar.met]
    assert missed.name == f"search by {key}, did not find its order"
    assert missed.note == f"3 of 20 searches FOUND NOTHING, e.g. for 'a {key}'"
    assert findings.remarks == [f"Search by {key}: {missed.note}."]


def test_a_key_that_never_finds_anything_is_told_so() -> None:
    told = judged([Asked("phone", "+7", 5.0, False, 0.0)])
    assert told.remarks == ["Search by phone: EVERY search FOUND NOTHING, e.g. for '+7'."]
    # The keys that were not asked for hold nothing either.
    assert not any(bar.met for bar in told.bars if bar.name.endswith("p95") and "phone" not in bar.name)


def test_a_key_must_find_its_very_order_and_a_word_any() -> None:
    items = [{"number": "A-1"}]
    assert holds(items, "phone", "A-1") and not holds(items, "phone", "A-2")
    assert holds(items, "word", "A-2") and not holds([], "word", "A-2")


def test_the_values_come_from_one_order() -> None:
    told = values_of(*ROW)
    assert told["phone"] == "+7 900 000-00-01" and told["number"] == "A-268000001"
    assert (told["word"], told["name"], told["common word"]) == ("Авридора", "Воронских", "Кольцо")


async def test_every_key_is_asked_for_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        queries.append(request.url.params["query"])
        if "client7" in queries[-1]:
            raise httpx.ReadTimeout("slow", request=request)
        return httpx.Response(400 if queries[-1].startswith("+7") else 200, json={"items": [{"number": ROW[0]}]})

    monkeypatch.setattr(searching, "sample", lambda target, count: [(ROW[0], values_of(*ROW))])
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://test")
    findings = await search(Person(http, "sofia@example.com", "x"), HERE, requests=2)
    assert queries[-len(KEYS) :] == list(values_of(*ROW).values())
    assert [bar.name for bar in findings.bars if not bar.met] == [
        "search by e-mail, did not find its order",
        "search by phone, did not find its order",
    ]
