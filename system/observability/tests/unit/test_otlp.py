"""What processes send is read as it is meant, bounded, and what cannot be kept is counted."""

from __future__ import annotations

import gzip
import json
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from system.observability.adapters import otlp
from system.observability.domain.errors import ExportTooLarge, ExportUnknown, ExportUnreadable
from system.observability.domain.telemetry import ATTRIBUTES_MAX, BODY_MAX, CUT, VALUE_MAX, Link
from system.observability.tests.telling import NOON, a_line, a_span, export_of, export_of_lines

TRACE = uuid4()
REMOTE, LOCAL = 0x300, 0x100


def test_a_span_is_read_as_it_was() -> None:
    told = a_span(
        TRACE,
        is_error=True,
        status_text="ValueError",
        attributes={"order.id": str(TRACE), "n": 3, "ok": True, "share": 0.5},
        links=(Link(uuid4(), "00000000000000ff"),),
    )
    [read] = otlp.read_spans(export_of([told]).SerializeToString(), otlp.PROTOBUF).spans
    assert read == told
    assert read.order_id == TRACE


@pytest.mark.parametrize(
    ("kind", "has_parent", "flags", "is_entry"),
    [
        ("internal", False, 0, True),
        ("internal", True, LOCAL, False),
        ("internal", True, REMOTE, True),
        ("internal", True, 0, False),
        ("server", True, 0, True),
        ("consumer", True, LOCAL, True),
        ("client", True, LOCAL, False),
    ],
)
def test_where_a_process_is_entered(kind: str, has_parent: bool, flags: int, is_entry: bool) -> None:
    told = a_span(TRACE, parent="00000000000000aa" if has_parent else None, kind=kind)
    [read] = otlp.read_spans(export_of([told], flags=flags).SerializeToString(), otlp.PROTOBUF).spans
    assert read.is_entry is is_entry


def test_what_cannot_be_kept_is_counted_and_the_rest_is_kept() -> None:
    export = export_of([a_span(TRACE), a_span(TRACE), a_span(TRACE), a_span(TRACE)])
    spans = export.resource_spans[0].scope_spans[0].spans
    spans[0].trace_id = b"\0" * 16
    spans[1].span_id = b"short"
    spans[2].start_time_unix_nano = 0
    read = otlp.read_spans(export.SerializeToString(), otlp.PROTOBUF)
    assert (len(read.spans), read.rejected, read.why) == (1, 3, "moment is no moment")
    answer: Any = ExportTraceServiceResponse()
    answer.ParseFromString(otlp.answer_about_spans(3, read.why, otlp.PROTOBUF))
    assert answer.partial_success.rejected_spans == 3
    del export.resource_spans[0].resource.attributes[:]
    assert otlp.read_spans(export.SerializeToString(), otlp.PROTOBUF).rejected == 4


def test_json_has_ids_in_hex() -> None:
    told = {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "mes"}}]},
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": TRACE.hex,
                                "spanId": "00000000000000a1",
                                "name": "claim",
                                "kind": 2,
                                "startTimeUnixNano": str(int(NOON.timestamp()) * 10**9),
                                "endTimeUnixNano": str(int(NOON.timestamp()) * 10**9 + 2_000_000),
                                "unknownToUs": 1,
                            }
                        ]
                    }
                ],
            }
        ]
    }
    [read] = otlp.read_spans(json.dumps(told).encode(), otlp.JSON).spans
    assert (read.trace_id, read.span_id, read.service, read.duration_us) == (TRACE, "00000000000000a1", "mes", 2000)
    assert json.loads(otlp.answer_about_spans(0, "", otlp.JSON)) == {}


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"\xff\xff\xff", otlp.PROTOBUF), (b"{", otlp.JSON), (b'{"resourceSpans": 3}', otlp.JSON), (b"[1]", otlp.JSON)],
    ids=["no-protobuf", "no-json", "another-json", "a-list"],
)
def test_what_is_no_export_is_refused(body: bytes, media_type: str) -> None:
    with pytest.raises(ExportUnreadable):
        otlp.read_spans(body, media_type)


def test_other_forms_are_refused() -> None:
    with pytest.raises(ExportUnknown):
        otlp.read_spans(b"", "text/plain")
    with pytest.raises(ExportUnknown):
        otlp.unpacked(b"", "br", bytes_max=10)


def test_a_packed_export_is_unpacked_no_further_than_the_bound() -> None:
    assert otlp.unpacked(gzip.compress(b"x" * 10), "gzip", bytes_max=10) == b"x" * 10
    with pytest.raises(ExportTooLarge):
        otlp.unpacked(gzip.compress(b"x" * 100_000_000), "gzip", bytes_max=1000)
    with pytest.raises(ExportUnreadable):
        otlp.unpacked(b"nothing", "gzip", bytes_max=10)
    with pytest.raises(ExportUnreadable):
        otlp.unpacked(gzip.compress(b"x" * 10)[:-6], "gzip", bytes_max=100)


def test_nothing_is_longer_than_its_bound_and_nothing_holds_a_nul() -> None:
    told = a_span(TRACE, name="n" * 1000, attributes={f"k{number}": "v\x00" * 5000 for number in range(200)})
    [read] = otlp.read_spans(export_of([told]).SerializeToString(), otlp.PROTOBUF).spans
    assert len(read.attributes) == ATTRIBUTES_MAX and len(read.name) == 300 and read.name.endswith(CUT)
    assert all(len(value) <= VALUE_MAX and "\x00" not in value for value in read.attributes.values())
    [line] = otlp.read_lines(export_of_lines([a_line("b\x00" * 9000)]).SerializeToString(), otlp.PROTOBUF).lines
    assert len(line.body) <= BODY_MAX and "\x00" not in line.body


def test_the_same_line_twice_is_one_and_another_is_another() -> None:
    told = a_line("the same", trace_id=TRACE, span_id="00000000000000a1", severity=17, attributes={"a": 1})
    once, again = (
        otlp.read_lines(export_of_lines([told]).SerializeToString(), otlp.PROTOBUF).lines[0] for _ in range(2)
    )
    assert once == again and (once.trace_id, once.severity) == (TRACE, 17)
    other = a_line("the same", trace_id=TRACE, span_id="00000000000000a1", severity=17, attributes={"a": 2})
    assert otlp.read_lines(export_of_lines([other]).SerializeToString(), otlp.PROTOBUF).lines[0].digest != once.digest
