"""OTLP over HTTP, as protobuf or JSON: what processes send of their work. The gateway never leads here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import Counter, Histogram

from system.kernel.errors import AlexandriteError
from system.observability.adapters import otlp
from system.observability.application.receiving import Intake
from system.observability.entrypoints.keys import key_required
from system.observability.settings import ObservabilitySettings

TRACES, LOGS = "/v1/traces", "/v1/logs"
SPANS, LINES = "spans", "logs"

RECEIVED = Counter("alexandrite_telemetry_received_total", "Spans and log lines that were kept.", ["signal"])
REJECTED = Counter("alexandrite_telemetry_rejected_total", "Spans and log lines that cannot be kept.", ["signal"])
TURNED_AWAY = Counter(
    "alexandrite_telemetry_turned_away_total", "Exports that were not taken, by why.", ["signal", "why"]
)
WRITE_SECONDS = Histogram(
    "alexandrite_telemetry_write_seconds",
    "From an export's arrival to its commit.",
    ["signal"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
for _signal in (SPANS, LINES):
    RECEIVED.labels(_signal)
    REJECTED.labels(_signal)

router = APIRouter(dependencies=[key_required("otlp_key")])


def body_limits(settings: ObservabilitySettings) -> dict[str, int]:
    """How much is taken at these addresses."""
    return dict.fromkeys((TRACES, LOGS), settings.telemetry_body_bytes_max)


@router.post(TRACES)
async def post_traces(request: Request) -> Response:
    """Spans."""
    intake: Intake = request.app.state.intake

    async def take(body: bytes, media_type: str) -> bytes:
        read = otlp.read_spans(body, media_type)
        taken = await intake.take_spans(read.spans)
        _count(SPANS, sent=len(read.spans) + read.rejected, rejected=read.rejected + taken.rejected)
        return otlp.answer_about_spans(read.rejected + taken.rejected, read.why or taken.why, media_type)

    return await _answer(request, SPANS, take)


@router.post(LOGS)
async def post_logs(request: Request) -> Response:
    """Log lines."""
    intake: Intake = request.app.state.intake

    async def take(body: bytes, media_type: str) -> bytes:
        read = otlp.read_lines(body, media_type)
        taken = await intake.take_lines(read.lines)
        _count(LINES, sent=len(read.lines) + read.rejected, rejected=read.rejected + taken.rejected)
        return otlp.answer_about_lines(read.rejected + taken.rejected, read.why or taken.why, media_type)

    return await _answer(request, LINES, take)


async def _answer(request: Request, signal: str, take: Callable[[bytes, str], Any]) -> Response:
    settings: ObservabilitySettings = request.app.state.settings
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "").strip().lower()
    with WRITE_SECONDS.labels(signal).time():
        try:
            body = otlp.unpacked(await request.body(), encoding, bytes_max=settings.telemetry_unpacked_bytes_max)
            answer = await take(body, media_type)
        except AlexandriteError as refused:
            TURNED_AWAY.labels(signal, refused.code).inc()
            raise
    return Response(answer, media_type=media_type)


def _count(signal: str, *, sent: int, rejected: int) -> None:
    RECEIVED.labels(signal).inc(sent - rejected)
    REJECTED.labels(signal).inc(rejected)
