"""OTLP: what a process sends, as spans and log lines of ours.

Only what the protocol itself says is read here; that an id is no id, or a moment none, is counted as rejected, never an error of the
whole export.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1 import trace_pb2

from system.observability.domain.errors import ExportTooLarge, ExportUnknown, ExportUnreadable
from system.observability.domain.telemetry import (
    BODY_MAX,
    EVENTS_MAX,
    LINKS_MAX,
    NAME_MAX,
    VALUE_MAX,
    Event,
    Kind,
    Link,
    LogLine,
    Span,
    bounded,
    cut,
)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
SERVICE_MAX = 60
RELEASE_MAX = 120
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Year 9999: more cannot be said by a moment of ours.
NANOSECONDS_MAX = 253_000_000_000 * 1_000_000_000
MICROSECONDS_MAX = 2**53

_KINDS: Mapping[int, Kind] = {
    trace_pb2.Span.SPAN_KIND_SERVER: "server",
    trace_pb2.Span.SPAN_KIND_CLIENT: "client",
    trace_pb2.Span.SPAN_KIND_PRODUCER: "producer",
    trace_pb2.Span.SPAN_KIND_CONSUMER: "consumer",
}
_SAYS_WHETHER_REMOTE = trace_pb2.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_IS_REMOTE = trace_pb2.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
_HEX_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


@dataclass(frozen=True, slots=True)
class Read:
    """What an export held: spans or lines, and how many of its entries cannot be kept, with the reason of the last one."""

    spans: tuple[Span, ...] = ()
    lines: tuple[LogLine, ...] = ()
    rejected: int = 0
    why: str = ""


class _Unusable(Exception):
    """One entry that cannot be kept."""


def unpacked(body: bytes, encoding: str, *, bytes_max: int) -> bytes:
    """The body as it was before it was packed. Raises ExportUnknown, ExportUnreadable, ExportTooLarge."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ExportUnknown("encoding-unknown", "Send it packed by gzip, or as it is.")
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        whole = unpacker.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise ExportUnreadable("export-unreadable", "This is not what gzip makes.") from error
    if len(whole) > bytes_max:
        raise ExportTooLarge("export-too-large", f"Unpacked it has more than {bytes_max} bytes; send less at once.")
    if not unpacker.eof:
        raise ExportUnreadable("export-unreadable", "It ends before gzip's end.")
    return whole


def read_spans(body: bytes, media_type: str) -> Read:
    """The spans of an export. Raises ExportUnknown, ExportUnreadable."""
    export = _parsed(ExportTraceServiceRequest(), body, media_type)
    spans: list[Span] = []
    rejected, why = 0, ""
    for of_resource in export.resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for told in of_scope.spans:
                try:
                    spans.append(_span(told, resource))
                except _Unusable as reason:
                    rejected, why = rejected + 1, str(reason)
    return Read(spans=tuple(spans), rejected=rejected, why=why)


def read_lines(body: bytes, media_type: str) -> Read:
    """The log lines of an export. Raises ExportUnknown, ExportUnreadable."""
    export = _parsed(ExportLogsServiceRequest(), body, media_type)
    lines: list[LogLine] = []
    rejected, why = 0, ""
    for of_resource in export.resource_logs:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_logs:
            for told in of_scope.log_records:
                try:
                    lines.append(_line(told, resource))
                except _Unusable as reason:
                    rejected, why = rejected + 1, str(reason)
    return Read(lines=tuple(lines), rejected=rejected, why=why)


def answer_about_spans(rejected: int, why: str, media_type: str) -> bytes:
    """What whoever sent spans is told."""
    answer = ExportTraceServiceResponse()
    if rejected:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = why
    return _written(answer, media_type)


def answer_about_lines(rejected: int, why: str, media_type: str) -> bytes:
    """What whoever sent log lines is told."""
    answer = ExportLogsServiceResponse()
    if rejected:
        answer.partial_success.rejected_log_records = rejected
        answer.partial_success.error_message = why
    return _written(answer, media_type)


def _written(answer: Message, media_type: str) -> bytes:
    written: bytes = json_format.MessageToJson(answer).encode() if media_type == JSON else answer.SerializeToString()
    return written


def _parsed(export: Any, body: bytes, media_type: str) -> Any:
    try:
        if media_type == PROTOBUF:
            export.ParseFromString(body)
        elif media_type == JSON:
            json_format.ParseDict(_with_binary_ids(orjson.loads(body)), export, ignore_unknown_fields=True)
        else:
            raise ExportUnknown("media-type-unknown", f"Send {PROTOBUF} or {JSON}.")
    except (DecodeError, json_format.ParseError, ValueError, RecursionError) as error:
        raise ExportUnreadable("export-unreadable", "This is no export of the OpenTelemetry protocol.") from error
    return export


def _with_binary_ids(told: Any) -> Any:
    """OTLP writes ids in hex, where JSON of protobuf has base64."""
    if isinstance(told, dict):
        return {key: _base64(value) if key in _HEX_IDS else _with_binary_ids(value) for key, value in told.items()}
    return [_with_binary_ids(each) for each in told] if isinstance(told, list) else told


def _base64(value: Any) -> Any:
    return base64.b64encode(bytes.fromhex(value)).decode() if isinstance(value, str) else value


def _span(told: trace_pb2.Span, resource: Mapping[str, Any]) -> Span:
    started_at, ended_at = _moment(told.start_time_unix_nano), _moment(told.end_time_unix_nano)
    parent = _span_id(told.parent_span_id) if told.parent_span_id else None
    attributes = bounded(_attributes(told.attributes))
    return Span(
        trace_id=_trace_id(told.trace_id),
        span_id=_span_id(told.span_id),
        parent_span_id=parent,
        is_entry=_is_entry(told, has_parent=parent is not None),
        service=_service(resource),
        name=cut(told.name, NAME_MAX),
        kind=_KINDS.get(told.kind, "internal"),
        started_at=started_at,
        duration_us=min(max(0, (ended_at - started_at) // timedelta(microseconds=1)), MICROSECONDS_MAX),
        is_error=told.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        status_text=cut(told.status.message, VALUE_MAX),
        release=cut(str(resource.get("service.version", "")), RELEASE_MAX),
        attributes=attributes,
        events=tuple(
            Event(cut(one.name, NAME_MAX), _moment(one.time_unix_nano), bounded(_attributes(one.attributes)))
            # The last ones: what went wrong is told at the end.
            for one in told.events[-EVENTS_MAX:]
        ),
        links=tuple(Link(_trace_id(one.trace_id), _span_id(one.span_id)) for one in told.links[:LINKS_MAX]),
    )


def _is_entry(told: trace_pb2.Span, *, has_parent: bool) -> bool:
    """Whether a process was entered here: by its kind, or because its parent is of another process, or it has none."""
    if not has_parent or told.kind in (trace_pb2.Span.SPAN_KIND_SERVER, trace_pb2.Span.SPAN_KIND_CONSUMER):
        return True
    return bool(told.flags & _SAYS_WHETHER_REMOTE and told.flags & _IS_REMOTE)


def _line(told: LogRecord, resource: Mapping[str, Any]) -> LogLine:
    attributes = bounded(_attributes(told.attributes))
    body = _value(told.body)
    text = cut(body if isinstance(body, str) else orjson.dumps(body, default=str).decode(), BODY_MAX)
    nanoseconds = told.time_unix_nano or told.observed_time_unix_nano
    trace_id = _trace_id(told.trace_id) if any(told.trace_id) else None
    span_id = _span_id(told.span_id) if any(told.span_id) else None
    service = _service(resource)
    whole = orjson.dumps([service, nanoseconds, str(trace_id), span_id, text, attributes], default=str)
    return LogLine(
        digest=UUID(bytes=hashlib.blake2b(whole, digest_size=16).digest()),
        at=_moment(nanoseconds),
        trace_id=trace_id,
        span_id=span_id,
        service=service,
        severity=min(max(0, int(told.severity_number)), 24),
        body=text,
        attributes=attributes,
    )


def _service(resource: Mapping[str, Any]) -> str:
    name = str(resource.get("service.name") or "")
    if not name:
        raise _Unusable("resource without service.name")
    return cut(name, SERVICE_MAX)


def _trace_id(told: bytes) -> UUID:
    if len(told) != 16 or not any(told):
        raise _Unusable("trace id is no trace id")
    return UUID(bytes=bytes(told))


def _span_id(told: bytes) -> str:
    if len(told) != 8 or not any(told):
        raise _Unusable("span id is no span id")
    return told.hex()


def _moment(nanoseconds: int) -> datetime:
    if not 0 < nanoseconds < NANOSECONDS_MAX:
        raise _Unusable("moment is no moment")
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _attributes(told: Iterable[KeyValue]) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in told}


def _value(told: AnyValue) -> Any:
    which = told.WhichOneof("value")
    if which is None:
        return None
    if which == "array_value":
        return [_value(each) for each in told.array_value.values]
    if which == "kvlist_value":
        return {each.key: _value(each.value) for each in told.kvlist_value.values}
    if which == "bytes_value":
        return told.bytes_value.hex()
    return getattr(told, which)
