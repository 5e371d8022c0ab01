"""Spans: one trace id generator, one sampler, and the helpers that open spans.

A fresh trace has a time-ordered id, as an order has: the trace of the request that creates an order is the order's (ADR 0025).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import time_ns
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from system.kernel.ids import new_id

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ATTRIBUTE_CHARACTERS_MAX = 2_000
_propagator = TraceContextTextMapPropagator()
_wanted_trace_id: ContextVar[int | None] = ContextVar("wanted_trace_id", default=None)
_NOWHERE = Context()


class OrderedIds(IdGenerator):
    """Trace ids are UUIDs of version 7, unless a trace with a certain id is asked for; span ids are random."""

    def generate_span_id(self) -> int:
        """64 random bits, never zero."""
        return random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        """The trace that is asked for, else a fresh one."""
        return _wanted_trace_id.get() or new_id().int


class ReadsByRatio(Sampler):
    """Keeps a share of the reads that nobody upstream decided about, and everything else.

    The share is taken by the trace id, so that all services decide alike.
    """

    def __init__(self, ratio: float) -> None:
        # A UUID's upper bits are its time and version: only the lower ones are random.
        self._below = int(ratio * 2**48)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] | None = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """RECORD_AND_SAMPLE or DROP."""
        parent = trace.get_current_span(parent_context).get_span_context()
        if parent.is_valid and (parent.trace_flags.sampled or not parent.is_remote):
            kept = parent.trace_flags.sampled
        elif kind is SpanKind.SERVER and (attributes or {}).get("http.request.method") in SAFE_METHODS:
            kept = trace_id & (2**48 - 1) < self._below
        else:
            # Somebody's flag 00 is about their own spans: what changes something is kept.
            kept = True
        return SamplingResult(Decision.RECORD_AND_SAMPLE if kept else Decision.DROP, attributes, trace_state)

    def get_description(self) -> str:
        """Its name, for the SDK."""
        return "ReadsByRatio"


class NothingKept(Sampler):
    """Every span has its ids, and none is recorded: orders keep their traces where nobody listens."""

    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        """DROP."""
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        """Its name, for the SDK."""
        return "NothingKept"


@dataclass(slots=True)
class Tally:
    """What the statements of one request, message or tick came to."""

    statements: int = 0
    time_ns: int = 0

    def onto(self, span: Span) -> None:
        """Writes the sums on its span."""
        if self.statements and span.is_recording():
            span.set_attribute("db.statements", self.statements)
            span.set_attribute("db.time_ms", round(self.time_ns / 1e6, 2))


@dataclass(slots=True)
class _Tracing:
    tracer: trace.Tracer
    provider: TracerProvider | None = None


_tracing = _Tracing(trace.NoOpTracer())
_tally: ContextVar[Tally | None] = ContextVar("tally", default=None)


def start(resource: Resource, sampler: Sampler) -> TracerProvider:
    """From here on spans are made by a provider with this sampler, which is returned for its processors."""
    provider = TracerProvider(
        resource=resource,
        sampler=sampler,
        id_generator=OrderedIds(),
        span_limits=SpanLimits(max_span_attribute_length=ATTRIBUTE_CHARACTERS_MAX),
        shutdown_on_exit=False,
    )
    _tracing.tracer, _tracing.provider = provider.get_tracer("alexandrite"), provider
    return provider


def attributes_of(named: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes by their real names: a keyword writes a dot as a double underscore. None is left out."""
    return {key.replace("__", "."): value for key, value in named.items() if value is not None}


def context_of(traceparent: str | None) -> Context | None:
    """The context that a W3C traceparent names, if it names one."""
    if not traceparent:
        return None
    context = _propagator.extract({"traceparent": traceparent}, context=_NOWHERE)
    return context if trace.get_current_span(context).get_span_context().is_valid else None


def span_context_of(traceparent: str | None) -> SpanContext | None:
    """The span that a W3C traceparent names, if it names one."""
    context = context_of(traceparent)
    return trace.get_current_span(context).get_span_context() if context is not None else None


def current_traceparent() -> str | None:
    """The W3C traceparent of the current span, to be sent along."""
    return traceparent_of(trace.get_current_span().get_span_context())


def traceparent_of(context: SpanContext) -> str | None:
    """The W3C traceparent of a span; None for none."""
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def trace_id_of(traceparent: str | None) -> str | None:
    """The 32 hex digits that all spans of one trace share."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else None


def begin(
    name: str,
    *,
    parent: Context | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Any] | None = None,
    links: Sequence[Link] | None = None,
    started_ns: int | None = None,
) -> Span:
    """A span that is not the current one; whoever began it ends it."""
    return _tracing.tracer.start_span(
        name, context=parent, kind=kind, attributes=attributes, links=links, start_time=started_ns
    )


def begin_in_trace(
    trace_id: int,
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Any] | None = None,
    cause: SpanContext | None = None,
    links: Sequence[Link] = (),
    started_ns: int | None = None,
) -> Span:
    """A span without a parent in the trace of this id, linked to its cause."""
    token = _wanted_trace_id.set(trace_id)
    try:
        causes = [Link(cause)] if cause is not None and cause.is_valid else []
        return _tracing.tracer.start_span(
            name,
            context=_NOWHERE,
            kind=kind,
            attributes=attributes,
            links=[*causes, *links],
            start_time=started_ns,
        )
    finally:
        _wanted_trace_id.reset(token)


def failed(span: Span, error: BaseException) -> None:
    """Marks a span as failed, by the kind of its error: what an error says may quote people's words."""
    if span.is_recording():
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        span.set_attribute("error.type", f"{type(error).__module__}.{type(error).__qualname__}")


@contextmanager
def current(span: Span, *, tallied: bool = False, ends: bool = True) -> Iterator[Span]:
    """Makes a span the current one, ends it, and marks it when it fails. Being cancelled is no failure.

    `tallied`: the statements inside are counted on it.
    """
    tally = Tally() if tallied else None
    token = _tally.set(tally) if tally is not None else None
    try:
        with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
            yield span
    except Exception as error:
        failed(span, error)
        raise
    finally:
        if tally is not None and token is not None:
            _tally.reset(token)
            tally.onto(span)
        if ends:
            span.end()


@contextmanager
def span(
    name: str, *, traceparent: str | None = None, kind: SpanKind = SpanKind.INTERNAL, **attributes: Any
) -> Iterator[Span]:
    """A span under `traceparent`, else under the current span. Attribute names write dots as double underscores."""
    begun = begin(name, parent=context_of(traceparent), kind=kind, attributes=attributes_of(attributes))
    with current(begun):
        yield begun


def add(
    name: str,
    *,
    started_ns: int,
    kind: SpanKind,
    attributes: Mapping[str, Any],
    error: BaseException | None = None,
    parent: Context | None = None,
) -> None:
    """A span of something that has just ended."""
    ended = begin(name, parent=parent, kind=kind, attributes=attributes, started_ns=started_ns)
    if error is not None:
        failed(ended, error)
    ended.end()


def tally_of_now() -> Tally | None:
    """Where the statements of now are counted."""
    return _tally.get()


def now_ns() -> int:
    """The time that spans begin and end at."""
    return time_ns()
