"""Whether a trace holds together: from any span of it, everybody gets to every other one.

An order's trace is entered more than once: by the click that made the order, by every later click about it, by timers. Each of them
but the first says by a link where it comes from; below them, every span has its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from system.observability.domain.telemetry import Span

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
    # The first one made the order: there is nothing that it could follow.
    gaps += [_gap("root-unlinked", span, None) for span in roots if span is not own[0] and not span.links]
    for span in own:
        lost = [link.span_id for link in span.links if link.trace_id == trace_id and link.span_id not in known]
        gaps += [_gap("link-missing", span, each) for each in lost]
    return tuple(gaps)


def _misses_parent(span: Span, known: set[str]) -> bool:
    return span.parent_span_id is not None and span.parent_span_id not in known


def _gap(what: Break, span: Span, missing: str | None) -> Gap:
    return Gap(what, span.service, span.name, span.span_id, missing or "")
