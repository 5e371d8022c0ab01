"""A trace on one axis: below each other by parent, beside each other by time, long waits short."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from system.observability.domain.waterfall import DEPTH_MAX, WAIT_WIDTH, WAITS_WIDTH_MAX, WIDTH, axis_of, lay_out
from system.observability.tests.telling import NOON, a_line, a_span

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def test_work_without_a_wait_is_drawn_evenly() -> None:
    axis = axis_of([(NOON, NOON + SECOND), (NOON + SECOND / 2, NOON + 2 * SECOND)])
    assert [axis.at(NOON + SECOND * n) for n in (0, 1, 2)] == [0.0, pytest.approx(WIDTH / 2), pytest.approx(WIDTH)]
    assert axis.waits == ()


def test_a_wait_of_days_is_as_narrow_as_one_of_minutes_and_says_how_long_it_is() -> None:
    starts = (NOON, NOON + HOUR, NOON + 3 * DAY)
    axis = axis_of([(start, start + SECOND) for start in starts])
    assert [wait.lasts for wait in axis.waits] == [HOUR - SECOND, 3 * DAY - HOUR - SECOND]
    assert {wait.width for wait in axis.waits} == {WAIT_WIDTH}
    places = [axis.at(start) for start in starts]
    assert places == sorted(places) and axis.at(starts[-1] + SECOND) == pytest.approx(WIDTH)
    busy = [segment.width for segment in axis.segments if not segment.is_wait]
    assert busy == [pytest.approx(busy[0])] * 3, "equal work is equally wide"


def test_many_waits_leave_room_for_the_work() -> None:
    axis = axis_of([(NOON + n * HOUR, NOON + n * HOUR + SECOND) for n in range(100)])
    assert sum(wait.width for wait in axis.waits) == pytest.approx(WAITS_WIDTH_MAX)
    assert axis.segments[-1].left + axis.segments[-1].width == pytest.approx(WIDTH)


def test_work_that_takes_no_time_has_a_place() -> None:
    axis = axis_of([(NOON, NOON)])
    assert 0 <= axis.at(NOON) <= WIDTH
    assert axis_of([]).at(NOON) == 0.0


def test_each_below_its_parent_the_earlier_first() -> None:
    trace = uuid4()
    root = a_span(trace, "root")
    late = a_span(trace, "late", parent=root.span_id, at=NOON + SECOND)
    early = a_span(trace, "early", parent=root.span_id, at=NOON + SECOND / 2)
    inner = a_span(trace, "inner", parent=late.span_id, at=NOON + SECOND)
    line = a_line("in early", at=NOON + SECOND / 2, trace_id=trace, span_id=early.span_id)
    loose = a_line("outside", at=NOON + 2 * SECOND)
    _, rows = lay_out([inner, late, early, root], [loose, line])
    told = [(row.depth, row.span.name if row.span else row.line.body if row.line else "") for row in rows]
    assert told == [(0, "root"), (1, "early"), (2, "in early"), (1, "late"), (2, "inner"), (0, "outside")]


def test_a_bar_lies_where_its_time_is_and_can_always_be_seen() -> None:
    trace = uuid4()
    root = a_span(trace, lasts=SECOND)
    half = a_span(trace, parent=root.span_id, at=NOON + SECOND / 2, lasts=SECOND / 4)
    last = a_span(trace, parent=root.span_id, at=NOON + SECOND, lasts=timedelta())
    _, rows = lay_out([root, half, last])
    assert [(round(row.left), round(row.width)) for row in rows] == [(0, 1000), (500, 250), (998, 2)]


def test_a_stream_that_is_watched_for_minutes_does_not_keep_the_axis_even() -> None:
    trace = uuid4()
    stream = a_span(trace, lasts=timedelta(minutes=5))
    work = a_span(trace, at=NOON + timedelta(minutes=4))
    axis, rows = lay_out([stream, work])
    assert len(axis.waits) == 1 and rows[0].width > 0


def test_a_span_without_its_parent_stands_outside_and_says_so() -> None:
    _, rows = lay_out([a_span(uuid4(), parent="00000000000000ee")])
    assert [(row.depth, row.is_orphan) for row in rows] == [(0, True)]


def test_a_trace_that_goes_deep_or_round_ends() -> None:
    trace = uuid4()
    deep = [a_span(trace)]
    for _ in range(3000):
        deep.append(a_span(trace, parent=deep[-1].span_id))
    _, rows = lay_out(deep)
    assert len(rows) == 3001 and max(row.depth for row in rows) == DEPTH_MAX
    one = a_span(trace, span_id="000000000000a001", parent="000000000000a002")
    other = a_span(trace, span_id="000000000000a002", parent="000000000000a001")
    _, rows = lay_out([one, other])
    assert len(rows) == 2, "nothing of it is left out"
