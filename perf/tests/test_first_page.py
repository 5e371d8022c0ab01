"""The first page is timed by the service's own log, by the trace of each request; a log that lacks one gives no figure."""

from __future__ import annotations

import json
from collections.abc import Sequence

import httpx
import pytest

from perf import first_page
from perf.actors import Person
from perf.first_page import Load, NotMeasured, Visitor, elapsed_by_trace, halves, in_turns, statements_per_page
from perf.system import Target

PAGE = '<ul id="board" data-since="x"><li data-number="A-2"></li><li data-number="A-1"></li></ul>'


def line(trace: str, ms: float, event: str = "request") -> str:
    return json.dumps({"event": event, "route": "/mes/", "elapsed_ms": ms, "trace_id": trace})


class Logging(Target):
    """A target whose service logs what it is told to."""

    def docker(self, *arguments: str) -> str:
        assert arguments[0] == "logs" and arguments[-1] == "mes"
        return "\n".join(LOG)


LOG: list[str] = []


def visitor(*, status: int = 200, logged: bool = True) -> Visitor:
    LOG.clear()

    def answer(request: httpx.Request) -> httpx.Response:
        if logged:
            LOG.append(line(request.headers["traceparent"].split("-")[1], len(LOG) + 1.0))
        return httpx.Response(status, text=PAGE)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://test")
    return Visitor(Logging("https://test", "none", {}), http, Person(http, "oleg@example.com", "x"))


def test_a_log_holds_other_things_than_requests() -> None:
    log = "\n".join(["started", "{broken", "17", line("a", 3.5), line("b", 9.0, event="live"), line("c", 4.0)])
    assert elapsed_by_trace(log) == {"a": 3.5, "c": 4.0}


async def test_pages_are_timed_by_the_service_in_their_order() -> None:
    one = visitor()
    await one.warm(2)
    for _ in range(3):
        await one.load()
    assert await one.server_ms() == [3.0, 4.0, 5.0]
    assert {load.numbers for load in one.loads} == {("A-2", "A-1")}
    assert len({load.trace for load in one.loads}) == 3


async def test_a_page_that_is_not_in_the_log_gives_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_page, "LOG_S_MAX", 0.0)
    one = visitor(logged=False)
    await one.load()
    with pytest.raises(NotMeasured, match="lacks 1 of 1"):
        await one.server_ms()


async def test_a_refusal_is_no_page() -> None:
    with pytest.raises(NotMeasured, match="the board answered 503"):
        await visitor(status=503).load()


class Newest(Logging):
    """A target whose database says which work is newest."""

    def database(self, service: str) -> Newest:  # type: ignore[override]
        return self

    def __enter__(self) -> Newest:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, statement: str, values: Sequence[int]) -> list[tuple[str]]:
        return [("A-2",), ("A-1",)]


def test_a_page_in_another_order_is_wrong() -> None:
    one = visitor()
    one.target = Newest("https://test", "none", {})
    one.loads = [Load(0, 1, "a", ("A-2", "A-1")), Load(0, 1, "b", ("A-1", "A-2")), Load(0, 1, "c", ())]
    assert one.wrong() == 2


async def test_statements_are_counted_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([{1: (100, "board"), 2: (7, "old")}, {1: (104, "board"), 2: (7, "old"), 3: (2, "materials")}])
    monkeypatch.setattr(first_page, "asked", lambda target: next(counts))
    monkeypatch.setattr(first_page, "KEPT_S", 0.0)
    assert await statements_per_page(visitor(), pages=2) == (3.0, ["2 x board", "1 x materials"])


async def test_two_systems_take_turns_and_nobody_is_always_first() -> None:
    order: list[str] = []
    both = [visitor(), visitor()]
    for name, one in zip(("few", "many"), both, strict=True):
        load = one.load

        async def noted(name: str = name, load: object = load) -> Load:
            order.append(name)
            return await load()  # type: ignore[operator, no-any-return]

        one.load = noted  # type: ignore[method-assign]
    await in_turns(both, requests=4, per_turn=2)
    assert order == ["few", "few", "many", "many", "many", "many", "few", "few"]


def test_halves_are_every_other_turn() -> None:
    assert halves([1, 1, 2, 2, 3, 3, 4], per_turn=2) == ([1, 1, 3, 3], [2, 2, 4])
