"""What is counted of requests, and that nobody outside chooses a label's value."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from system.plumbing.auth import Principal
from system.plumbing.measured import Measured, role_of
from system.plumbing.metrics import SAMPLES_MAX, GaugeQuery, QueriedGauges, exposition

ANNA = Principal(UUID(int=7), frozenset({"customer", "seller"}), "Anna", "anna@example.com", session_id="s-1")
SHOP = Principal(UUID(int=8), frozenset(), "shop", "", service="shop")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    if scope["path"] == "/bug":
        raise ZeroDivisionError("oops")
    if scope["path"].startswith("/pieces/"):
        scope["route"] = SimpleNamespace(path="/pieces/{piece}")
        scope["state"] = {"principal": ANNA}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"0123456789"})


async def call(method: str, path: str, **more: Any) -> None:
    transport = httpx.ASGITransport(Measured(answer), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
        await client.request(method, path, **more)


async def test_a_request_is_counted_by_its_template_its_role_and_its_bytes() -> None:
    labels = {"role": "seller", "route": "/pieces/{piece}", "outcome": "answered"}
    before = value("alexandrite_http_requests_by_role_total", **labels)
    bytes_in, bytes_out = (value("alexandrite_http_bytes_total", direction=way) for way in ("in", "out"))
    await call("POST", "/pieces/4711", content=b"abc")
    assert value("alexandrite_http_requests_by_role_total", **labels) == before + 1
    assert value("alexandrite_http_requests_total", method="POST", route="/pieces/{piece}", status="200") >= 1
    assert value("alexandrite_http_bytes_total", direction="in") == bytes_in + 3
    assert value("alexandrite_http_bytes_total", direction="out") == bytes_out + 10
    assert value("alexandrite_http_requests_in_flight") == 0


async def test_whatever_strangers_send_makes_no_new_label() -> None:
    await call("BREW", "/teapots/1")
    before = {
        sample.labels["route"] for family in REGISTRY.collect() for sample in family.samples if "route" in sample.labels
    }
    for number in range(50):
        await call(f"BREW{number}", f"/teapots/{number}")
    after = [sample.labels for family in REGISTRY.collect() for sample in family.samples if "route" in sample.labels]
    assert {labels["route"] for labels in after} == before
    assert not [labels for labels in after if labels.get("method", "").startswith("BREW")]
    assert value("alexandrite_http_requests_total", method="other", route="unmatched", status="200") >= 51


async def test_a_request_that_ends_in_a_bug_is_counted_as_failed() -> None:
    labels = {"role": "visitor", "route": "unmatched", "outcome": "failed"}
    before = value("alexandrite_http_requests_by_role_total", **labels)
    await call("GET", "/bug")
    assert value("alexandrite_http_requests_by_role_total", **labels) == before + 1
    assert value("alexandrite_http_requests_in_flight") == 0


async def test_who_looks_after_the_process_is_not_counted() -> None:
    before = value("alexandrite_http_requests_total", method="GET", route="unmatched", status="200")
    await call("GET", "/metrics")
    await call("GET", "/health/ready")
    assert value("alexandrite_http_requests_total", method="GET", route="unmatched", status="200") == before


async def test_a_stream_counts_by_how_soon_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 0.25, 900.0])
    monkeypatch.setattr("system.plumbing.measured.time.perf_counter", lambda: next(moments))

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = SimpleNamespace(path="/stream")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def sink(_: Message) -> None:
        pass

    await Measured(stream)({"type": "http", "method": "GET", "path": "/stream"}, nothing, sink)
    assert value("alexandrite_http_request_seconds_sum", method="GET", route="/stream") == 0.25


@pytest.mark.parametrize(
    ("state", "role"),
    [({}, "visitor"), (None, "visitor"), ({"principal": ANNA}, "seller"), ({"principal": SHOP}, "service")],
    ids=["nobody", "no-state", "two-roles", "service"],
)
def test_the_role_is_the_one_that_may_do_most(state: dict[str, Any] | None, role: str) -> None:
    assert role_of({"type": "http", "state": state}) == role


class Rows:
    """A database with as many rows as one likes, or none at all."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked = 0

    def connect(self) -> Rows:
        return self

    async def __aenter__(self) -> Rows:
        if self.count < 0:
            raise OSError("the database is away")
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def execute(self, _: Any) -> Rows:
        self.asked += 1
        return self

    def mappings(self) -> Rows:
        return self

    def all(self) -> list[dict[str, Any]]:
        return [{"sku": f"ring-{number}", "value": number} for number in range(self.count)]


def gauges_over(rows: Rows, *, every_s: float = 0.0) -> QueriedGauges:
    query = GaugeQuery("alexandrite_try", "Only here.", ("sku",), "SELECT", every_s)
    return QueriedGauges(rows, [query])  # type: ignore[arg-type]


async def test_a_gauge_with_too_many_rows_is_cut() -> None:
    gauges = gauges_over(Rows(SAMPLES_MAX + 50))
    await gauges.refresh()
    assert [len(family.samples) for family in gauges.collect()] == [SAMPLES_MAX]


async def test_a_database_that_does_not_answer_leaves_gauges_out_and_says_so() -> None:
    rows = Rows(3)
    gauges = gauges_over(rows)
    await exposition(gauges)
    assert value("alexandrite_gauges_fresh") == 1 and gauges.collect()
    rows.count = -1
    await gauges.refresh()
    assert value("alexandrite_gauges_fresh") == 0 and gauges.collect() == []


async def test_a_costly_gauge_is_asked_in_its_own_rhythm() -> None:
    rows = Rows(1)
    gauges = gauges_over(rows, every_s=3600)
    for _ in range(3):
        await gauges.refresh()
    assert rows.asked == 1 and len(gauges.collect()) == 1
