"""JSON logs and W3C trace context: one trace from the first request of an order to its last message."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import orjson
import structlog
import structlog.tracebacks
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
log = structlog.get_logger()
# Without the values of variables: a frame holds cookies, tokens and addresses, and a log is read by many.
tracebacks = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
__all__ = [
    "SpanKind",
    "bind_order",
    "bound_order",
    "configure",
    "current_traceparent",
    "log",
    "span",
    "trace_id_of",
    "unbind_order",
]


def configure(service: str, *, level: str = "INFO", release: str = "unreleased", environment: str = "dev") -> None:
    """Sets up logging and tracing of this process; call once at start."""
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": service, "service.version": release, "deployment.environment.name": environment}
        )
    )
    trace.set_tracer_provider(provider)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            tracebacks,
            structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=str).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                tracebacks,
                structlog.processors.JSONRenderer(
                    serializer=lambda event, **_: orjson.dumps(event, default=str).decode()
                ),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


@contextmanager
def span(
    name: str, *, traceparent: str | None = None, kind: SpanKind = SpanKind.INTERNAL, **attributes: Any
) -> Iterator[trace.Span]:
    """A span under `traceparent`, else under the current span. Attribute names write dots as double underscores."""
    parent: Context | None = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    named = {key.replace("__", "."): value for key, value in attributes.items() if value is not None}
    with trace.get_tracer("alexandrite").start_as_current_span(
        name, context=parent, kind=kind, attributes=named
    ) as current:
        yield current


def current_traceparent() -> str | None:
    """The W3C traceparent of the current span, to be sent along."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def trace_id_of(traceparent: str | None) -> str | None:
    """The 32 hex digits that all spans of one trace share."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else None


def unbind_order() -> None:
    """Takes the order off the log lines of this task."""
    structlog.contextvars.unbind_contextvars("order.id")


@contextmanager
def bound_order(order_id: object) -> Iterator[None]:
    """Every log line inside carries the order."""
    with structlog.contextvars.bound_contextvars(**{"order.id": str(order_id)}):
        yield


def bind_order(order_id: object) -> None:
    """Puts the order on every log line and on the current span from here on."""
    structlog.contextvars.bind_contextvars(**{"order.id": str(order_id)})
    trace.get_current_span().set_attribute("order.id", str(order_id))
