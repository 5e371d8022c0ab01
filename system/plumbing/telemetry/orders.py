"""One trace for each order: its id is the order's, so that whoever knows the order knows its trace (ADR 0025).

A request that creates an order in a fresh trace gives the order the id of that trace. Every other request about an order goes on
in the order's trace from `bind_order` on, with links from one to the other; reads stay where they are, and say which order they are
about.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from system.kernel.ids import new_id
from system.plumbing.telemetry import tracing
from system.plumbing.telemetry.tracing import attributes_of

ORDER = "order.id"


@dataclass(slots=True)
class Doing:
    """The spans of one request or piece of work: its own, and one in the trace of each order that it turned out to be about."""

    span: Span
    name: str
    started_ns: int
    is_fresh: bool
    """A request without a traceparent: the trace is ours, and no order has its id yet."""
    is_read: bool
    is_order_created: bool = False
    answered_ns: int | None = None
    """When a stream began, which ends when its reader leaves: that is what somebody waited for."""
    in_orders: dict[int, Span] = field(default_factory=dict)

    def answered(self, *, method: str, route: str, status: int, error: BaseException | None) -> None:
        """Names all spans of a request by its route, and ends them."""
        if (tally := tracing.tally_of_now()) is not None:
            tally.onto(self.span)
        for each in (self.span, *self.in_orders.values()):
            each.update_name(f"{method} {route}")
            each.set_attribute("http.route", route)
            each.set_attribute("http.response.status_code", status)
            if error is not None:
                tracing.failed(each, error)
            elif status >= 500:
                each.set_status(Status(StatusCode.ERROR, str(status)))
            each.end(self.answered_ns)


_doing: ContextVar[Doing | None] = ContextVar("doing", default=None)


@contextmanager
def request_trace(method: str, *, traceparent: str | None) -> Iterator[Doing]:
    """The server span of a request. Whoever opens it calls `answered`; what the request bound is undone afterwards."""
    unbind_order()
    parent = tracing.context_of(traceparent)
    started_ns = tracing.now_ns()
    opened = tracing.begin(
        f"{method} request",
        parent=parent or contexts.Context(),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": method},
        started_ns=started_ns,
    )
    # A header that cannot be read is no trace of anybody; one that can is never an order's id.
    request = Doing(
        opened, f"{method} request", started_ns, is_fresh=not traceparent, is_read=method in tracing.SAFE_METHODS
    )
    token = _doing.set(request)
    try:
        # Leaving it takes the context back to what it was before, over everything that was bound inside.
        with tracing.current(opened, tallied=True, ends=False):
            yield request
    finally:
        _doing.reset(token)
        unbind_order()


@contextmanager
def doing(name: str, **attributes: Any) -> Iterator[Span]:
    """A span around work that no request asks for, and of which it turns out later which order it is about: `bind_order` says it."""
    unbind_order()
    started_ns = tracing.now_ns()
    opened = tracing.begin(name, attributes=attributes_of(attributes), started_ns=started_ns)
    work = Doing(opened, name, started_ns, is_fresh=False, is_read=False)
    token = _doing.set(work)
    try:
        with tracing.current(opened, tallied=True):
            yield opened
    except Exception as error:
        for each in work.in_orders.values():
            tracing.failed(each, error)
        raise
    finally:
        for each in work.in_orders.values():
            each.end()
        _doing.reset(token)
        unbind_order()


def id_for_new_order() -> UUID:
    """The id of an order that is created now: the trace of the request that creates it, if that trace is ours and no order has it."""
    request = _doing.get()
    if request is None or not request.is_fresh or request.is_order_created:
        return new_id()
    context = request.span.get_span_context()
    if not context.is_valid:
        return new_id()
    request.is_order_created = True
    return UUID(int=context.trace_id)


def bind_order(order_id: object) -> None:
    """From here to the end of the request, or of what is done, everything is about this order: in its trace, and on each log line.

    In a read, and where nothing of the kind was opened, only the current span and the log lines say so.
    """
    text = str(order_id)
    structlog.contextvars.bind_contextvars(**{ORDER: text})
    now = trace.get_current_span()
    now.set_attribute(ORDER, text)
    work, trace_id = _doing.get(), _trace_of(text)
    context = now.get_span_context()
    if work is None or work.is_read or trace_id is None or context.trace_id == trace_id:
        return
    if work.span.get_span_context().trace_id == trace_id:
        span = work.span
    elif (known := work.in_orders.get(trace_id)) is not None:
        span = known
    else:
        span = tracing.begin_in_trace(
            trace_id,
            work.name,
            attributes={ORDER: text},
            cause=context,
            started_ns=work.started_ns,
        )
        work.span.add_link(span.get_span_context())
        work.in_orders[trace_id] = span
    contexts.attach(trace.set_span_in_context(span))


def unbind_order() -> None:
    """Takes the order off the log lines of this task."""
    structlog.contextvars.unbind_contextvars(ORDER)


@contextmanager
def in_order(
    order_id: object,
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    caused_by: str | None = None,
    linked: str | None = None,
    **attributes: Any,
) -> Iterator[Span]:
    """A span about an order, in its trace, around work that no request asks for: a message, a timer's tick, a job.

    Under its cause (`caused_by`, a traceparent; else the current span) when that is in the same trace, else linked to it.
    `linked` is a further traceparent to link to.
    """
    text = str(order_id)
    cause = tracing.span_context_of(caused_by) if caused_by else trace.get_current_span().get_span_context()
    links = [Link(link)] if (link := tracing.span_context_of(linked)) is not None else []
    trace_id = _trace_of(text)
    named = attributes_of(attributes) | {ORDER: text}
    if trace_id is None or (cause is not None and cause.trace_id == trace_id):
        begun = tracing.begin(name, parent=_under(cause), kind=kind, attributes=named, links=links)
    else:
        begun = tracing.begin_in_trace(trace_id, name, kind=kind, attributes=named, cause=cause, links=links)
    with tracing.current(begun, tallied=True), bound_order(text):
        yield begun


def _under(cause: SpanContext | None) -> contexts.Context:
    nowhere = contexts.Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(cause), nowhere) if cause is not None else nowhere


def order_of_now() -> str | None:
    """The order that the log lines of now are about."""
    return structlog.contextvars.get_contextvars().get(ORDER)


@contextmanager
def bound_order(order_id: object) -> Iterator[None]:
    """Every log line inside carries the order."""
    with structlog.contextvars.bound_contextvars(**{ORDER: str(order_id)}):
        yield


def traceparent_about(order_id: object, what: str) -> str | None:
    """The traceparent that a message about this order carries, so that what it causes is in the order's trace.

    That of the current span; in another trace, of a moment in the order's that is linked to it.
    """
    context = trace.get_current_span().get_span_context()
    trace_id = _trace_of(str(order_id))
    if not context.is_valid or trace_id is None or context.trace_id == trace_id:
        return tracing.traceparent_of(context)
    begun = tracing.begin_in_trace(trace_id, what, attributes={ORDER: str(order_id)}, cause=context)
    begun.end()
    return tracing.traceparent_of(begun.get_span_context())


def _trace_of(order_id: str) -> int | None:
    try:
        return UUID(order_id).int
    except ValueError:
        return None
