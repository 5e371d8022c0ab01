"""Sending spans and log lines by OTLP: in the background, in bounded memory, and at nobody's cost when the collector is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import Logger
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import Counter

from system.plumbing.telemetry.redaction import redacted_attributes

QUEUED_MAX = 4096
BATCH = 256
SENT_EVERY_MS = 1000
TRY_S = 15.0
"""A batch is tried again for so long: a receiver that was starved for a moment costs nothing but memory, which is bounded."""
ENDING_S = 5.0
FLUSH_S = 2.0
WARNED_EVERY_S = 60.0

EXPORTED = Counter("alexandrite_telemetry_exported_total", "Spans and log lines that the collector took.", ["signal"])
DROPPED = Counter(
    "alexandrite_telemetry_dropped_total",
    "Spans and log lines that were given up: the queue was full, or the collector did not take them.",
    ["signal"],
)
for _signal in ("spans", "logs"):
    EXPORTED.labels(_signal)
    DROPPED.labels(_signal)


class Outlet:
    """What one signal has on its way: it lets in as many as there is room for, and counts what became of them.

    The processor of the SDK would drop the oldest without telling.
    """

    def __init__(
        self, signal: str, *, queued_max: int = QUEUED_MAX, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._signal = signal
        self._queued_max = queued_max
        self._clock = clock
        self._lock = threading.Lock()
        self._queued = 0
        self._warned_at: float | None = None
        self.is_over = False

    def admits(self) -> bool:
        """Whether there is room for one more; counted as dropped when there is none."""
        with self._lock:
            admitted = self._queued < self._queued_max and not self.is_over
            self._queued += admitted
        if not admitted:
            self._lost(1, "more than can be sent")
        return admitted

    def send(self, count: int, sending: Callable[[], bool]) -> bool:
        """Sends a batch that was let in. False, and counted as dropped, when it was not taken."""
        try:
            taken = not self.is_over and sending()
        except Exception as error:
            taken = False
            self._lost(0, type(error).__name__)
        with self._lock:
            self._queued -= count
        if taken:
            EXPORTED.labels(self._signal).inc(count)
        else:
            self._lost(count, "the collector does not take it")
        return taken

    def _lost(self, count: int, why: str) -> None:
        DROPPED.labels(self._signal).inc(count)
        with self._lock:
            now = self._clock()
            if self.is_over or (self._warned_at is not None and now - self._warned_at < WARNED_EVERY_S):
                return
            self._warned_at = now
        # By the standard library: this may be the thread that sends, and the line would queue behind itself.
        logging.getLogger("alexandrite.telemetry").warning("%s are not sent: %s", self._signal, why)


class _Spans(SpanExporter):
    def __init__(self, inner: SpanExporter, outlet: Outlet) -> None:
        self._inner, self._outlet = inner, outlet

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        cleaned = [redacted(span) for span in spans]
        taken = self._outlet.send(len(spans), lambda: self._inner.export(cleaned) is SpanExportResult.SUCCESS)
        return SpanExportResult.SUCCESS if taken else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._inner.shutdown()


class _Logs(LogRecordExporter):
    def __init__(self, inner: LogRecordExporter, outlet: Outlet) -> None:
        self._inner, self._outlet = inner, outlet

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        taken = self._outlet.send(len(batch), lambda: self._inner.export(batch) is LogRecordExportResult.SUCCESS)
        return LogRecordExportResult.SUCCESS if taken else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        self._inner.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class _SpanGate(SpanProcessor):
    """Lets ended spans into the queue as long as there is room."""

    def __init__(self, inner: SpanProcessor, outlet: Outlet) -> None:
        self._inner, self._outlet = inner, outlet

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: a span is sent when it ended."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled and self._outlet.admits():
            self._inner.on_end(span)

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


class _LogGate(LogRecordProcessor):
    """Lets log lines into the queue as long as there is room."""

    def __init__(self, inner: LogRecordProcessor, outlet: Outlet) -> None:
        self._inner, self._outlet = inner, outlet

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._outlet.admits():
            self._inner.on_emit(log_record)

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def redacted(span: ReadableSpan) -> ReadableSpan:
    """The span as it may be sent; the same one when nothing about it is telling. Events are never made: they would quote errors."""
    attributes = redacted_attributes(span.attributes or {})
    if attributes is None and not span.events:
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes if attributes is not None else span.attributes,
        events=(),
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class Export:
    """The threads that send. `stop` ends them within a few seconds, whether or not anybody listens."""

    def __init__(self, endpoint: str, key: str, resource: Resource) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else None
        self._outlets = {signal: Outlet(signal) for signal in ("spans", "logs")}
        root = endpoint.rstrip("/")
        self._exporters: list[Any] = [
            _Spans(OTLPSpanExporter(f"{root}/v1/traces", headers=headers, timeout=TRY_S), self._outlets["spans"]),
            _Logs(OTLPLogExporter(f"{root}/v1/logs", headers=headers, timeout=TRY_S), self._outlets["logs"]),
        ]
        # A batch is encoded in one go, and meanwhile nobody is answered: small batches, soon.
        self._batches: list[Any] = [
            BatchSpanProcessor(self._exporters[0], 2 * QUEUED_MAX, SENT_EVERY_MS, BATCH),
            BatchLogRecordProcessor(self._exporters[1], SENT_EVERY_MS, BATCH, None, 2 * QUEUED_MAX),
        ]
        self.spans: SpanProcessor = _SpanGate(self._batches[0], self._outlets["spans"])
        self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(_LogGate(self._batches[1], self._outlets["logs"]))

    def logger(self) -> Logger:
        """Where log lines are given to."""
        return self._logs.get_logger("alexandrite")

    def flush(self) -> None:
        """Sends what is queued. Waits for it: for tests, and before an end."""
        for batch in self._batches:
            batch.force_flush()

    def stop(self, *, within_s: float = FLUSH_S) -> None:
        """Sends what is queued as far as that takes no longer than `within_s`; then the threads end."""
        giving_up = threading.Timer(within_s, self._give_up)
        giving_up.daemon = True
        giving_up.start()
        stopping = [threading.Thread(target=batch.shutdown, daemon=True) for batch in self._batches]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join(within_s + ENDING_S)
        giving_up.cancel()
        giving_up.join(1)

    def _give_up(self) -> None:
        for outlet in self._outlets.values():
            outlet.is_over = True
        for exporter in self._exporters:
            exporter.shutdown()
