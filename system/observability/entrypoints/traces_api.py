"""HTTP: traces of orders, and any other one, for whoever supports customers."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request

from system.kernel.errors import NotFound
from system.observability.adapters.queries import TraceQueries
from system.observability.application.traces import Found, Shown, view_of
from system.observability.domain.continuity import Gap
from system.observability.domain.telemetry import LogLine, Span, uuid_of
from system.observability.entrypoints import schemas
from system.plumbing.auth import require
from system.plumbing.tokens import Principal

Support = Annotated[Principal, require("seller", "administrator")]
Lines = Literal["all", "warnings", "none"]
Services = Annotated[list[str] | None, Query(max_length=20, description="only what these services did")]

router = APIRouter(tags=["traces"])


def _queries(request: Request) -> TraceQueries:
    queries: TraceQueries = request.app.state.traces
    return queries


@router.get("/orders/{order_id}/trace")
async def get_order_trace(
    request: Request, who: Support, order_id: UUID, service: Services = None, lines: Lines = "all"
) -> schemas.TraceAnswer:
    """Everything that was done for an order, its log lines, and whether its trace holds together."""
    found = await _queries(request).of_order(order_id)
    return _answer(order_id, found, Shown(frozenset(service or ()), lines), order_id=order_id)


@router.get("/traces/{trace_id}")
async def get_trace(
    request: Request, who: Support, trace_id: str, service: Services = None, lines: Lines = "all"
) -> schemas.TraceAnswer:
    """One trace, by its 32 hex digits."""
    known = trace_of(trace_id)
    return _answer(known, await _queries(request).of_trace(known), Shown(frozenset(service or ()), lines))


def trace_of(text: str) -> UUID:
    """The trace that somebody names. Raises NotFound for what names none."""
    known = uuid_of(text)
    if known is None:
        raise NotFound("trace-unknown", "A trace is named by 32 hex digits.")
    return known


def _answer(trace_id: UUID, found: Found, shown: Shown, *, order_id: UUID | None = None) -> schemas.TraceAnswer:
    view = view_of(trace_id, found, shown)
    spans = [span for span in found.spans if span.trace_id == trace_id and shown.takes(span)]
    lines = [line for line in found.lines if line.trace_id in (trace_id, None) and shown.takes(line)]
    return schemas.TraceAnswer(
        trace_id=trace_id.hex,
        order_id=order_id,
        unbroken=view.is_unbroken,
        gaps=[_gap(gap) for gap in view.gaps],
        services=list(view.services),
        spans=[_span(span) for span in spans],
        lines=[_line(line) for line in lines],
        clicks=[click.trace_id.hex for click in view.clicks],
        spans_left_out=not view.is_whole,
        lines_left_out=not view.has_all_lines,
    )


def _gap(gap: Gap) -> schemas.GapView:
    return schemas.GapView(
        what=gap.what,
        service=gap.service,
        name=gap.name,
        span_id=gap.span_id,
        missing_span_id=gap.missing_span_id,
        text=gap.text,
    )


def _span(span: Span) -> schemas.SpanView:
    return schemas.SpanView(
        trace_id=span.trace_id.hex,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        service=span.service,
        name=span.name,
        kind=span.kind,
        started_at=span.started_at,
        duration_ms=span.duration_us / 1000,
        is_error=span.is_error,
        is_entry=span.is_entry,
        order_id=span.order_id,
        release=span.release,
        attributes=dict(span.attributes),
        links=[schemas.LinkView(trace_id=link.trace_id.hex, span_id=link.span_id) for link in span.links],
    )


def _line(line: LogLine) -> schemas.LineView:
    return schemas.LineView(
        at=line.at,
        trace_id=line.trace_id.hex if line.trace_id else None,
        span_id=line.span_id,
        service=line.service,
        severity=line.severity,
        body=line.body,
        attributes=dict(line.attributes),
    )
