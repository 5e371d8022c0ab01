"""What processes send, for tests: exports as the protocol has them, and spans and lines as they are kept."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from system.observability.domain.telemetry import Link, LogLine, Span

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def span_id_of(number: int) -> str:
    """A span's id."""
    return f"{number:016x}"


def a_span(
    trace_id: UUID,
    name: str = "POST /orders",
    *,
    parent: str | None = None,
    at: datetime = NOON,
    lasts: timedelta = timedelta(milliseconds=10),
    **more: Any,
) -> Span:
    """A span of the shop that went well, unless told otherwise."""
    told: dict[str, Any] = {
        "trace_id": trace_id,
        "span_id": span_id_of(next(_numbers)),
        "parent_span_id": parent,
        "is_entry": parent is None,
        "service": "shop",
        "name": name,
        "kind": "server" if parent is None else "internal",
        "started_at": at,
        "duration_us": lasts // timedelta(microseconds=1),
        "is_error": False,
        "status_text": "",
        "release": "r1",
        "attributes": {},
    }
    return Span(**(told | more))


def a_line(body: str = "request", *, at: datetime = NOON, **more: Any) -> LogLine:
    """A log line of the shop."""
    told: dict[str, Any] = {
        "digest": uuid4(),
        "at": at,
        "trace_id": None,
        "span_id": None,
        "service": "shop",
        "severity": 9,
        "body": body,
    }
    return LogLine(**(told | more))


def linked(span: Span) -> Link:
    """A link to it."""
    return Link(span.trace_id, span.span_id)


def nanoseconds(moment: datetime) -> int:
    """As the protocol has moments."""
    return round(moment.timestamp() * 1_000_000) * 1000


def export_of(spans: Sequence[Span], *, service: str = "shop", flags: int = 0) -> Any:
    """An export of these spans, of one service."""
    export = ExportTraceServiceRequest()
    of_resource = export.resource_spans.add()
    of_resource.resource.attributes.extend(_attributes({"service.name": service, "service.version": "r1"}))
    scope = of_resource.scope_spans.add()
    for span in spans:
        told = scope.spans.add(
            trace_id=span.trace_id.bytes,
            span_id=bytes.fromhex(span.span_id),
            parent_span_id=bytes.fromhex(span.parent_span_id or ""),
            name=span.name,
            kind=trace_pb2.Span.SpanKind.Value(f"SPAN_KIND_{span.kind.upper()}"),
            start_time_unix_nano=nanoseconds(span.started_at),
            end_time_unix_nano=nanoseconds(span.ended_at),
            attributes=_attributes(span.attributes),
            flags=flags,
        )
        if span.is_error:
            told.status.code = trace_pb2.Status.STATUS_CODE_ERROR
            told.status.message = span.status_text
        for link in span.links:
            told.links.add(trace_id=link.trace_id.bytes, span_id=bytes.fromhex(link.span_id))
    return export


def export_of_lines(lines: Sequence[LogLine], *, service: str = "shop") -> Any:
    """An export of these lines, of one service."""
    export = ExportLogsServiceRequest()
    of_resource = export.resource_logs.add()
    of_resource.resource.attributes.extend(_attributes({"service.name": service}))
    scope = of_resource.scope_logs.add()
    for line in lines:
        scope.log_records.add(
            time_unix_nano=nanoseconds(line.at),
            severity_number=line.severity,
            body=AnyValue(string_value=line.body),
            attributes=_attributes(line.attributes),
            trace_id=line.trace_id.bytes if line.trace_id else b"",
            span_id=bytes.fromhex(line.span_id or ""),
        )
    return export


def _attributes(told: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in told.items()]


def _value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=str(value))
