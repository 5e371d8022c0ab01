"""A trace as rows under each other on one axis of time, where long waits take little room.

An order takes days, and what machines do for it takes seconds: on an even axis nothing could be seen. A time in which nothing runs is
a wait; a long one is drawn as narrow as any other long one, and its length is written on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from system.observability.domain.telemetry import LogLine, Span

WIDTH = 1000.0
"""The axis goes from 0 to this."""
WAIT_MIN = timedelta(seconds=1)
WAIT_WIDTH = 36.0
WAITS_WIDTH_MAX = 450.0
BUSY_SHARE_MIN = 0.02
BAR_WIDTH_MIN = 2.0
# A stream that is watched for minutes is no work that keeps the axis even.
LONG = timedelta(seconds=20)
DEPTH_MAX = 12


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the axis between two moments."""

    starts_at: datetime
    ends_at: datetime
    left: float
    width: float
    is_wait: bool

    @property
    def lasts(self) -> timedelta:
        """How long it is in truth."""
        return self.ends_at - self.starts_at


@dataclass(frozen=True, slots=True)
class Row:
    """A span, or a log line below the span that it was written in. Exactly one of the two is there."""

    depth: int
    left: float
    width: float
    span: Span | None = None
    line: LogLine | None = None
    is_orphan: bool = False
    """Its parent is told of, and not here."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where a moment lies between 0 and WIDTH."""

    segments: tuple[Segment, ...]

    @property
    def waits(self) -> tuple[Segment, ...]:
        """The stretches in which nothing runs."""
        return tuple(segment for segment in self.segments if segment.is_wait)

    def at(self, moment: datetime) -> float:
        """Its place; what lies outside is at the nearer end."""
        if not self.segments or moment <= self.segments[0].starts_at:
            return 0.0
        for segment in self.segments:
            if moment <= segment.ends_at:
                share = (moment - segment.starts_at) / segment.lasts if segment.lasts else 0.0
                return segment.left + segment.width * share
        return WIDTH


def axis_of(intervals: Iterable[tuple[datetime, datetime]]) -> Axis:
    """The axis for work that goes from each first moment to its second one."""
    busy = _united(sorted(intervals))
    if not busy:
        return Axis(())
    waits = [(before[1], after[0]) for before, after in pairwise(busy)]
    wait_width = min(WAIT_WIDTH, WAITS_WIDTH_MAX / len(waits)) if waits else 0.0
    total = sum(((end - start) for start, end in busy), timedelta())
    least = total * BUSY_SHARE_MIN or timedelta(microseconds=1)
    weights = [max(end - start, least) for start, end in busy]
    room = (WIDTH - wait_width * len(waits)) / (sum(weights, timedelta()) / timedelta(microseconds=1))
    segments: list[Segment] = []
    left = 0.0
    for number, ((start, end), weight) in enumerate(zip(busy, weights, strict=True)):
        width = room * (weight / timedelta(microseconds=1))
        segments.append(Segment(start, end, left, width, is_wait=False))
        left += width
        if number < len(waits):
            segments.append(Segment(*waits[number], left, wait_width, is_wait=True))
            left += wait_width
    return Axis(tuple(segments))


def _united(intervals: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """What overlaps, or follows within WAIT_MIN, is one."""
    united: list[tuple[datetime, datetime]] = []
    for start, end in intervals:
        if united and start - united[-1][1] < WAIT_MIN:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united


def lay_out(spans: Sequence[Span], lines: Sequence[LogLine] = ()) -> tuple[Axis, tuple[Row, ...]]:
    """The axis, and the rows: each span below its parent, the earlier first; each line below its span, or where its time is."""
    working = [
        (span.started_at, span.ended_at) for span in spans if span.duration_us <= LONG / timedelta(microseconds=1)
    ]
    long = [(span.started_at, span.started_at) for span in spans]
    axis = axis_of([*working, *long, *((line.at, line.at) for line in lines)])
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    inside: dict[tuple[UUID, str] | None, list[Span | LogLine]] = {}
    for span in spans:
        parent = (span.trace_id, span.parent_span_id) if span.parent_span_id else None
        inside.setdefault(parent if parent in by_id else None, []).append(span)
    for line in lines:
        owner = (line.trace_id, line.span_id) if line.trace_id and line.span_id else None
        inside.setdefault(owner if owner in by_id else None, []).append(line)
    return axis, tuple(_rows(axis, inside))


def _rows(axis: Axis, inside: Mapping[tuple[UUID, str] | None, list[Span | LogLine]]) -> Iterable[Row]:
    """Without recursion: a trace that loops in itself, or goes deep, must not end the page."""
    # Whatever is in a circle has no beginning: it comes last, from its earliest span on.
    everything = sorted((one for many in inside.values() for one in many), key=_moment, reverse=True)
    waiting = [(one, 0) for one in [*everything, *sorted(inside.get(None, ()), key=_moment, reverse=True)]]
    shown: set[Any] = set()
    while waiting:
        one, depth = waiting.pop()
        key = one.digest if isinstance(one, LogLine) else (one.trace_id, one.span_id)
        if key in shown:
            continue
        shown.add(key)
        if isinstance(one, LogLine):
            yield Row(min(depth, DEPTH_MAX), axis.at(one.at), 0.0, line=one)
            continue
        left = min(axis.at(one.started_at), WIDTH - BAR_WIDTH_MIN)
        width = max(axis.at(one.ended_at) - left, BAR_WIDTH_MIN)
        is_orphan = depth == 0 and one.parent_span_id is not None
        yield Row(min(depth, DEPTH_MAX), left, width, span=one, is_orphan=is_orphan)
        waiting += [(child, depth + 1) for child in sorted(_inside_of(one, inside), key=_moment, reverse=True)]


def _inside_of(span: Span, inside: Mapping[tuple[UUID, str] | None, list[Span | LogLine]]) -> Sequence[Span | LogLine]:
    return inside.get((span.trace_id, span.span_id), ())


def _moment(one: Span | LogLine) -> datetime:
    return one.started_at if isinstance(one, Span) else one.at
