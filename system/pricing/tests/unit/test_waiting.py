"""How long a calculation will still take."""

from __future__ import annotations

import pytest

from system.pricing.domain.waiting import (
    MEASURED_MIN,
    InQueue,
    Measured,
    SizeClass,
    seconds_left,
    size_class,
    typical_seconds,
)

SMALL, LARGE = 50_000, 50_000_000
TYPICAL = {SizeClass.SMALL: 2.0, SizeClass.LARGE: 30.0}


@pytest.mark.parametrize(
    ("file_bytes", "size"),
    [(0, "small"), (999_999, "small"), (1_000_000, "medium"), (10_000_000, "large"), (75_000_000, "huge")],
)
def test_a_file_has_a_size(file_bytes: int, size: str) -> None:
    assert size_class(file_bytes) == size


def test_what_is_typical_is_the_median_of_its_size() -> None:
    measured = [Measured(SMALL, seconds) for seconds in (1.0, 2.0, 90.0)] + [Measured(LARGE, 30.0)] * MEASURED_MIN
    assert typical_seconds(measured) == {SizeClass.SMALL: 2.0, SizeClass.LARGE: 30.0}


def test_from_too_few_nothing_is_foretold() -> None:
    assert typical_seconds([Measured(SMALL, 1.0)] * (MEASURED_MIN - 1)) == {}


def test_what_waits_goes_to_the_place_that_is_free_first() -> None:
    queue = [InQueue(LARGE, running_s=10.0), InQueue(SMALL), InQueue(SMALL), InQueue(LARGE)]
    assert seconds_left(queue, TYPICAL, at_once=2) == [20.0, 2.0, 4.0, 34.0]


def test_what_runs_for_longer_than_usual_may_end_any_moment() -> None:
    assert seconds_left([InQueue(SMALL, running_s=60.0), InQueue(SMALL)], TYPICAL, at_once=1) == [0.0, 2.0]


def test_behind_something_of_unknown_length_nothing_is_foretold() -> None:
    queue = [InQueue(None, running_s=1.0), InQueue(SMALL)]
    assert seconds_left(queue, TYPICAL, at_once=1) == [None, None]
    assert seconds_left(queue, TYPICAL, at_once=2) == [None, 2.0]
    assert seconds_left([InQueue(5_000_000)], TYPICAL, at_once=1) == [None]


def test_without_a_worker_nothing_is_foretold() -> None:
    assert seconds_left([InQueue(SMALL), InQueue(SMALL)], TYPICAL, at_once=0) == [None, None]


def test_more_may_run_than_the_workers_that_are_left() -> None:
    queue = [InQueue(SMALL, running_s=0.0), InQueue(SMALL, running_s=1.0), InQueue(SMALL)]
    assert seconds_left(queue, TYPICAL, at_once=1) == [2.0, 1.0, 3.0]
