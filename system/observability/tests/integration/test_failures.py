"""What fails is grouped, counted once, and opened again when it comes back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from system.observability.adapters.store import SqlStore
from system.observability.domain.telemetry import LogLine, Span
from system.observability.tests.telling import a_line, a_span
from system.plumbing.runtime import Service

pytestmark = pytest.mark.integration
API = "/api/observability/v1/failures"


def failing(service: str, *, at: datetime, order: Any = None) -> tuple[Span, LogLine]:
    """A failed request, and its log line."""
    trace = uuid4()
    about = {"order.id": str(order)} if order else {}
    told = {"http.request.method": "POST", "http.route": "/orders", "error.type": "builtins.KeyError", **about}
    span = a_span(trace, at=at, service=service, is_error=True, attributes=told)
    line = a_line(
        "request failed",
        at=at,
        service=service,
        severity=17,
        trace_id=trace,
        span_id=span.span_id,
        attributes={
            "method": "POST",
            "route": "/orders",
            "exception.type": "KeyError",
            "exception.message": "'a'",
            **about,
        },
    )
    return span, line


async def failures(ada: httpx.AsyncClient, service: str, **query: Any) -> list[dict[str, Any]]:
    answer = await ada.get(API, params={"service": service, **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.parametrize("first", ["span", "line"])
async def test_a_span_and_its_line_count_once_and_the_line_says_what_it_was(
    ada: httpx.AsyncClient, store: SqlStore, first: str
) -> None:
    service, now, order = f"svc{uuid4().hex[:8]}", datetime.now(UTC), uuid4()
    for n in range(3):
        span, line = failing(service, at=now - timedelta(minutes=n), order=order)
        if first == "span":
            await store.keep_spans([span])
            await store.keep_lines([line])
        else:
            await store.keep_lines([line])
            await store.keep_spans([span])
        await store.keep_lines([line])
    [found] = await failures(ada, service)
    assert (found["hits"], found["recent_hits"], found["orders"], found["message"]) == (3, 3, 1, "<value>")
    assert (found["place"], found["exception"], found["state"]) == ("POST /orders", "KeyError", "new")
    assert sum(found["by_hour"].values()) == 3
    told = (await ada.get(f"{API}/{found['fingerprint']}")).json()
    assert len(told["samples"]) == 3 and told["samples"][0]["order_id"] == str(order)


async def test_a_span_alone_counts_too(ada: httpx.AsyncClient, store: SqlStore) -> None:
    service = f"svc{uuid4().hex[:8]}"
    span, _ = failing(service, at=datetime.now(UTC))
    await store.keep_spans([span])
    await store.keep_spans([span])
    [found] = await failures(ada, service)
    assert (found["hits"], found["exception"], found["message"]) == (1, "KeyError", "")


async def test_what_was_resolved_and_comes_again_is_new_and_everything_is_written_down(
    ada: httpx.AsyncClient, store: SqlStore, built: Service
) -> None:
    service, now = f"svc{uuid4().hex[:8]}", datetime.now(UTC)
    await store.keep_lines([failing(service, at=now - timedelta(minutes=5))[1]])
    [found] = await failures(ada, service)
    address = f"{API}/{found['fingerprint']}"
    marked = await ada.put(f"{address}/state", json={"state": "resolved", "note": "mended in r2"})
    assert marked.json()["state"] == "resolved" and marked.json()["state_by"] == "Ada"
    assert await failures(ada, service, state=["new", "known"]) == []
    await store.keep_lines([failing(service, at=now - timedelta(minutes=4))[1]])
    assert (await ada.get(address)).json()["state"] == "resolved", "it came before it was resolved, and was told late"
    await store.keep_lines([failing(service, at=datetime.now(UTC) + timedelta(seconds=1))[1]])
    again = (await ada.get(address)).json()
    assert (again["state"], again["reopened"], again["hits"], again["note"]) == ("new", 1, 3, "mended in r2")
    async with built.engine.connect() as connection:
        query = text("SELECT actor, action FROM audit_log WHERE subject = :s ORDER BY id")
        told = [tuple(row) for row in await connection.execute(query, {"s": found["fingerprint"]})]
    assert told == [("Ada", "failure_marked"), ("system", "failure_reopened")]


async def test_what_nobody_kept_is_said_to_be_unknown(ada: httpx.AsyncClient, sofia: httpx.AsyncClient) -> None:
    assert (await ada.get(f"{API}/{'0' * 16}")).status_code == 404
    assert (await ada.put(f"{API}/{'0' * 16}/state", json={"state": "known"})).status_code == 404
    assert (await ada.get(f"{API}/nothing")).status_code == 422
    assert (await sofia.get(API)).status_code == 403


async def test_many_exports_at_once_count_every_failure(ada: httpx.AsyncClient, store: SqlStore) -> None:
    one, other, now = f"svc{uuid4().hex[:8]}", f"svc{uuid4().hex[:8]}", datetime.now(UTC)
    exports = [
        [failing(service, at=now)[1] for service in ((one, other) if n % 2 else (other, one)) * 5] for n in range(8)
    ]
    await asyncio.gather(*(store.keep_lines(lines) for lines in exports))
    assert [(await failures(ada, service))[0]["hits"] for service in (one, other)] == [40, 40]
