"""Traces and logs of a process: one trace for each order, from the click that created it to its last message (ADR 0025).

tracing     ids, sampling, the helpers that open spans
orders      the order's trace: ids of new orders, `bind_order`, `in_order`
statements  spans of SQL
logs        JSON lines, and the same to the collector
redaction   what never leaves
export      OTLP, in the background
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind

from system.plumbing.telemetry import logs, tracing
from system.plumbing.telemetry.export import Export
from system.plumbing.telemetry.logs import log
from system.plumbing.telemetry.orders import (
    bind_order,
    bound_order,
    doing,
    id_for_new_order,
    in_order,
    order_of_now,
    request_trace,
    traceparent_about,
    unbind_order,
)
from system.plumbing.telemetry.redaction import said_by
from system.plumbing.telemetry.tracing import current_traceparent, span, trace_id_of

__all__ = [
    "SpanKind",
    "bind_order",
    "bound_order",
    "configure",
    "current_traceparent",
    "doing",
    "flush",
    "id_for_new_order",
    "in_order",
    "log",
    "order_of_now",
    "request_trace",
    "said_by",
    "span",
    "stop",
    "trace_id_of",
    "traceparent_about",
    "unbind_order",
]


@dataclass(slots=True)
class _Process:
    export: Export | None = None


_process = _Process()


def configure(
    service: str,
    *,
    level: str = "INFO",
    release: str = "unreleased",
    environment: str = "dev",
    slot: str = "",
    endpoint: str = "",
    key: str = "",
    is_tracing: bool = True,
    reads_ratio: float = 1.0,
    span_processor: SpanProcessor | None = None,
) -> None:
    """Sets up logging and tracing of this process; call once at start, and `stop` at the end.

    Spans are recorded when somebody gets them: the collector at `endpoint`, or `span_processor` in a test.
    """
    stop()
    named = {
        "service.name": service,
        "service.version": release,
        "deployment.environment.name": environment,
        "service.instance.id": socket.gethostname(),
        "alexandrite.slot": slot,
    }
    resource = Resource(named)
    _process.export = Export(endpoint, key, resource) if endpoint and is_tracing else None
    is_recorded = is_tracing and (_process.export is not None or span_processor is not None)
    provider = tracing.start(resource, tracing.ReadsByRatio(reads_ratio) if is_recorded else tracing.NothingKept())
    for processor in (span_processor, _process.export.spans if _process.export else None):
        if processor is not None:
            provider.add_span_processor(processor)
    logs.start(service, level=level, export=_process.export.logger() if _process.export else None)


def flush() -> None:
    """Sends what is queued, and waits for it."""
    if _process.export is not None:
        _process.export.flush()


def stop() -> None:
    """Sends what is queued, as far as that takes no longer than two seconds; no thread is left."""
    if _process.export is not None:
        _process.export.stop()
        _process.export = None
