"""Spans and log lines of a process, caught where they would leave it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from system.plumbing import telemetry


class Ended:
    """The spans that ended in this process since `telemetry.configure`."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()

    def processor(self) -> SimpleSpanProcessor:
        """What feeds it."""
        return SimpleSpanProcessor(self._exporter)

    @property
    def all(self) -> list[ReadableSpan]:
        """In the order of their ends."""
        return list(self._exporter.get_finished_spans())

    def of(self, trace_id: int) -> list[ReadableSpan]:
        """Those of one trace."""
        return [span for span in self.all if context_of(span).trace_id == trace_id]

    def one(self, name: str) -> ReadableSpan:
        """The only one of this name."""
        (found,) = [span for span in self.all if span.name == name]
        return found


def context_of(span: ReadableSpan) -> Any:
    """The context of a span that has one."""
    assert span.context is not None
    return span.context


def linked_to(span: ReadableSpan) -> set[tuple[int, int]]:
    """Trace and span ids of what a span is linked to."""
    return {(link.context.trace_id, link.context.span_id) for link in span.links}


def ids_of(span: ReadableSpan) -> tuple[int, int]:
    """Trace and span id."""
    return context_of(span).trace_id, context_of(span).span_id


@contextmanager
def recording(*, reads_ratio: float = 1.0) -> Iterator[Ended]:
    """Spans are recorded and kept here; afterwards nothing is recorded any more."""
    ended = Ended()
    telemetry.configure("shop", reads_ratio=reads_ratio, span_processor=ended.processor())
    try:
        yield ended
    finally:
        telemetry.configure("shop")


@dataclass
class Collector:
    """A collector on a port of its own: keeps what it is sent, byte for byte, or refuses it."""

    status: int = 200
    bodies: dict[str, list[bytes]] = field(default_factory=dict)
    authorizations: set[str | None] = field(default_factory=set)
    endpoint: str = ""

    @property
    def bytes_seen(self) -> bytes:
        """Everything that arrived."""
        return b"".join(body for bodies in self.bodies.values() for body in bodies)

    def spans(self) -> list[Any]:
        """The spans that arrived, as protobuf messages."""
        requests = [_read(ExportTraceServiceRequest(), body) for body in self.bodies.get("/v1/traces", [])]
        return [
            span for each in requests for of in each.resource_spans for scope in of.scope_spans for span in scope.spans
        ]

    def lines(self) -> list[Any]:
        """The log lines that arrived, as protobuf messages."""
        requests = [_read(ExportLogsServiceRequest(), body) for body in self.bodies.get("/v1/logs", [])]
        return [
            line
            for each in requests
            for of in each.resource_logs
            for scope in of.scope_logs
            for line in scope.log_records
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        # Without it each answer would be logged to stderr.
        log_message: ClassVar[Any] = lambda *_: None

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if collector.status == 200:
                collector.bodies.setdefault(self.path, []).append(body)
            collector.authorizations.add(self.headers.get("authorization"))
            self.send_response(collector.status)
            self.send_header("content-length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def attribute(message: Any, key: str) -> str | None:
    """An attribute of an arrived span or line."""
    return next((entry.value.string_value for entry in message.attributes if entry.key == key), None)


def _read(form: Any, body: bytes) -> Any:
    form.ParseFromString(body)
    return form
