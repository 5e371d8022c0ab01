"""The door for spans and log lines: who is let in, what is taken, and what the sender is told."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from pydantic import SecretStr

from system.observability.application.receiving import Room
from system.observability.entrypoints.otlp_api import LOGS, TRACES
from system.observability.tests.integration.conftest import ALERTS_KEY
from system.observability.tests.telling import a_line, a_span, export_of, export_of_lines
from system.plumbing.runtime import Service

pytestmark = pytest.mark.integration


def body() -> bytes:
    packed: bytes = export_of([a_span(uuid4(), at=datetime.now(UTC))]).SerializeToString()
    return packed


def answered(form: Any, answer: httpx.Response) -> Any:
    """What the sender is told."""
    form.ParseFromString(answer.content)
    return form


async def test_spans_and_lines_arrive_packed_or_not(processes: httpx.AsyncClient, ada: httpx.AsyncClient) -> None:
    trace, now = uuid4(), datetime.now(UTC)
    span = a_span(trace, at=now, attributes={"order.id": str(trace)})
    sent = await processes.post(
        TRACES,
        content=gzip.compress(export_of([span]).SerializeToString()),
        headers={"content-encoding": "gzip"},
    )
    assert sent.status_code == 200 and not answered(ExportTraceServiceResponse(), sent).partial_success.rejected_spans
    line = a_line("it is done", at=now, trace_id=trace, span_id=span.span_id)
    assert (await processes.post(LOGS, content=export_of_lines([line]).SerializeToString())).status_code == 200
    told = (await ada.get(f"/api/observability/v1/orders/{trace}/trace")).json()
    assert [(each["span_id"], each["service"]) for each in told["spans"]] == [(span.span_id, "shop")]
    assert [each["body"] for each in told["lines"]] == ["it is done"] and told["unbroken"] is True


async def test_what_is_of_no_kept_day_is_told_and_the_rest_is_kept(processes: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)
    spans = [
        a_span(uuid4(), at=now),
        a_span(uuid4(), at=now - timedelta(days=30)),
        a_span(uuid4(), at=now + timedelta(days=3)),
    ]
    answer = await processes.post(TRACES, content=export_of(spans).SerializeToString())
    told = answered(ExportTraceServiceResponse(), answer)
    assert (answer.status_code, told.partial_success.rejected_spans) == (200, 2)
    lines = [a_line(at=now - timedelta(days=30))]
    answer = await processes.post(LOGS, content=export_of_lines(lines).SerializeToString())
    assert answered(ExportLogsServiceResponse(), answer).partial_success.rejected_log_records == 1


@pytest.mark.parametrize("address", [TRACES, LOGS])
@pytest.mark.parametrize("said", ["", "Bearer wrong", f"Bearer {ALERTS_KEY}", "Basic x"])
async def test_nobody_is_let_in_without_the_key(processes: httpx.AsyncClient, address: str, said: str) -> None:
    answer = await processes.post(address, content=body(), headers={"authorization": said})
    assert (answer.status_code, answer.json()["code"]) == (401, "key-required")


async def test_a_service_without_a_key_lets_nobody_in(processes: httpx.AsyncClient, built: Service) -> None:
    built.app.state.settings = built.settings.model_copy(update={"otlp_key": SecretStr("")})
    answer = await processes.post(TRACES, content=body(), headers={"authorization": "Bearer "})
    assert answer.status_code == 401


async def test_what_cannot_be_read_is_refused_and_never_asked_for_again(processes: httpx.AsyncClient) -> None:
    assert (await processes.post(TRACES, content=b"\xff\xff")).status_code == 400
    assert (await processes.post(TRACES, content=body(), headers={"content-type": "text/plain"})).status_code == 415
    assert (await processes.post(TRACES, content=body(), headers={"content-encoding": "br"})).status_code == 415
    assert (await processes.post(TRACES, content=b"no", headers={"content-encoding": "gzip"})).status_code == 400


async def test_too_much_at_once_is_refused_also_when_it_is_packed(processes: httpx.AsyncClient, built: Service) -> None:
    limit = built.settings.telemetry_body_bytes_max  # type: ignore[attr-defined]
    assert limit > 1_000_000, "more than a service takes elsewhere"
    assert (await processes.post(TRACES, content=b"x" * (limit + 1))).status_code == 413
    bomb = gzip.compress(b"\0" * (built.settings.telemetry_unpacked_bytes_max + 1))  # type: ignore[attr-defined]
    assert len(bomb) < limit
    answer = await processes.post(TRACES, content=bomb, headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (413, "export-too-large")
    assert (await processes.post("/observability/failures/x", content=b"x" * 2_000_000)).status_code == 413


async def test_without_room_whoever_sends_is_told_when_to_come_again(
    processes: httpx.AsyncClient, built: Service
) -> None:
    built.app.state.intake._room = Room(is_full=True)
    answer = await processes.post(TRACES, content=body())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


async def test_a_store_that_lags_says_so(processes: httpx.AsyncClient, built: Service) -> None:
    built.app.state.intake._present = built.app.state.intake._present_max
    answer = await processes.post(TRACES, content=body())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_json_is_taken_as_well(processes: httpx.AsyncClient) -> None:
    answer = await processes.post(
        TRACES, content=b'{"resourceSpans": []}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200 and answer.json() == {}
