"""Wrong passwords get slower."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from system.identity.domain.throttle import Attempts, ThrottleTerms

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TERMS = ThrottleTerms(
    free_failures=2, wait_first=timedelta(seconds=5), wait_max=timedelta(seconds=30), forget_after=timedelta(hours=1)
)


def failed(times: int) -> Attempts:
    attempts = Attempts()
    for _ in range(times):
        attempts = attempts.failed(now=NOW, terms=TERMS)
    return attempts


def test_the_first_failures_cost_nothing() -> None:
    assert failed(2).wait_s(NOW) == 0


def test_then_the_wait_doubles_up_to_its_limit() -> None:
    assert [failed(times).wait_s(NOW) for times in (3, 4, 5, 6, 7, 500)] == [5, 10, 20, 30, 30, 30]


def test_the_wait_ends() -> None:
    blocked = failed(3)
    assert blocked.wait_s(NOW + timedelta(seconds=4.5)) == 1
    assert blocked.wait_s(NOW + timedelta(seconds=5)) == 0


def test_old_failures_are_forgiven() -> None:
    later = NOW + timedelta(hours=1, seconds=1)
    assert failed(9).failed(now=later, terms=TERMS).failures == 1
    assert failed(9).failed(now=NOW + timedelta(minutes=59), terms=TERMS).failures == 10
