"""Whether a trace holds together: from any span of it, everybody gets to every other one.

An order's trace is entered more than once: by the click that made the order, by every later click about it, by timers. A click says by
a link where it comes from; a timer begins by itself, there is nothing that it could follow. Below them, every span has its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from system.observability.domain.telemetry import Span

METHOD = "http.request.method"
Break = Literal["no-spans", "parent-missing", "root-unlinked", "link-missing", "too-long"]

MEANING: dict[Break, str] = {
    "no-spans": "nothing of this trace is kept",
    "parent-missing": "its parent is not in the trace",
    "root-unlinked": "it enters the trace and does not say from where",
    "link-missing": "it says that it follows a span of this trace which is not there",
    "too-long": "the trace has more spans than are looked at",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a trace is broken, at which span, and which one is missed."""

    what: Break
    service: str = ""
    name: str = ""
    span_id: str = ""
    missing_span_id: str = ""

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.service} {self.name}: {MEANING[self.what]}".strip(" :")


def gaps_of(trace_id: UUID, spans: Sequence[Span], *, is_whole: bool = True) -> tuple[Gap, ...]:
    """Where the trace is broken; nothing for one that holds together. `is_whole` is false when not all spans were read."""
    own = sorted((span for span in spans if span.trace_id == trace_id), key=lambda span: span.started_at)
    if not own:
        return (Gap("no-spans"),)
    if not is_whole:
        return (Gap("too-long"),)
    known = {span.span_id for span in own}
    roots = [span for span in own if span.parent_span_id is None]
    gaps = [_gap("parent-missing", span, span.parent_span_id) for span in own if _misses_parent(span, known)]
    maker = _maker(own)
    gaps += [_gap("root-unlinked", span, None) for span in roots if span is not maker and _must_follow(span)]
    for span in own:
        lost = [link.span_id for link in span.links if link.trace_id == trace_id and link.span_id not in known]
        gaps += [_gap("link-missing", span, each) for each in lost]
    return tuple(gaps)


def _maker(own: Sequence[Span]) -> Span:
    """Which span made the order: the first that follows nothing, unless something of the trace was over before it began.

    Of two clicks at once the later one may make the order, and the earlier one find it made.
    """
    for span in own:
        if span.parent_span_id is None and _must_follow(span):
            earlier = (each for each in own if each.started_at < span.started_at)
            return span if all(each.ended_at > span.started_at for each in earlier) else own[0]
    return own[0]


def _misses_parent(span: Span, known: set[str]) -> bool:
    return span.parent_span_id is not None and span.parent_span_id not in known


def _must_follow(span: Span) -> bool:
    """Whether somebody else's work caused it, and it does not say whose: a request or a message, that is, and no timer."""
    return not span.links and (span.kind != "internal" or METHOD in span.attributes)


def _gap(what: Break, span: Span, missing: str | None) -> Gap:
    return Gap(what, span.service, span.name, span.span_id, missing or "")
