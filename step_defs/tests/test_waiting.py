"""Waiting: a condition, a deadline, and what was seen last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from step_defs.drivers.waiting import NotInTime, eventually, holds_for


def test_returns_the_first_right_value() -> None:
    values: Iterator[int] = iter([1, 2, 3, 4])
    assert eventually(lambda: next(values), lambda value: value > 2, within_s=5) == 3


def test_says_what_was_seen_last() -> None:
    with pytest.raises(NotInTime, match=r"the order is closed: not within 0.05 s .* last seen: 'SHIPPED'"):
        eventually(lambda: "SHIPPED", lambda status: status == "CLOSED", within_s=0.05, what="the order is closed")


def test_a_failed_assertion_means_not_yet() -> None:
    tries: list[int] = []

    def probe() -> int:
        tries.append(1)
        assert len(tries) > 2, "nothing there"
        return len(tries)

    assert eventually(probe, within_s=5) == 3


def test_the_last_failed_assertion_is_told() -> None:
    def probe() -> int:
        raise AssertionError("the shop answers 503")

    with pytest.raises(NotInTime, match="last seen: the shop answers 503"):
        eventually(probe, within_s=0.05)


def test_another_error_is_not_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 // 0, within_s=5)


def test_looks_at_least_once_even_without_time() -> None:
    assert eventually(lambda: "there", within_s=0) == "there"


def test_holding_fails_when_it_stops_being_true() -> None:
    values = iter([True, False])
    with pytest.raises(AssertionError, match="it stays put: stopped being true"):
        holds_for(lambda: next(values), seconds=5, what="it stays put")
