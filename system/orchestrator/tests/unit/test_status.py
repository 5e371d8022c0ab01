"""The one table of legal steps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from system.messages.orchestrator_v1 import OrderStatus
from system.orchestrator.domain.status import EDGES, TERMINAL, Status, Who, allowed_from, is_legal, may

ROAD = [
    Status.INITIATED,
    Status.FILE_UPLOADED,
    Status.SUBMITTED,
    Status.PRICE_CALCULATED,
    Status.MANUFACTURING_APPROVED,
    Status.MANUFACTURING_STARTED,
    Status.MANUFACTURING_COMPLETED,
    Status.PACKAGING,
    Status.SHIPPED,
    Status.CLOSED,
]


def test_the_published_statuses_are_the_domain_s() -> None:
    assert [status.value for status in Status] == [status.value for status in OrderStatus]


def test_the_ten_statuses_follow_one_another() -> None:
    assert is_legal(None, ROAD[0])
    for start, end in pairwise(ROAD):
        assert is_legal(start, end)


def test_no_step_is_listed_twice() -> None:
    steps = [(edge.start, edge.end) for edge in EDGES]
    assert len(steps) == len(set(steps))


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_ended_order_goes_nowhere(status: Status) -> None:
    assert allowed_from(status) == ()


@pytest.mark.parametrize("status", sorted(set(Status) - TERMINAL))
def test_every_other_status_leads_on(status: Status) -> None:
    assert allowed_from(status)


@pytest.mark.parametrize("number", range(len(ROAD) - 2))
def test_a_status_cannot_be_skipped(number: int) -> None:
    start, end = ROAD[number], ROAD[number + 2]
    assert is_legal(start, end) == ((start, end) == (Status.INITIATED, Status.SUBMITTED))


@pytest.mark.parametrize(
    ("status", "customer", "seller"),
    [
        (Status.INITIATED, True, True),
        (Status.FILE_UPLOADED, True, True),
        (Status.SUBMITTED, True, True),
        (Status.AWAITING_CUSTOMER, True, True),
        (Status.PRICE_CALCULATED, True, True),
        (Status.MANUFACTURING_APPROVED, True, True),
        (Status.MANUFACTURING_STARTED, False, True),
        (Status.MANUFACTURING_COMPLETED, False, True),
        (Status.PACKAGING, False, True),
        (Status.SHIPPED, False, False),
        (Status.CLOSED, False, False),
    ],
)
def test_who_may_cancel_until_when(status: Status, customer: bool, seller: bool) -> None:
    assert may(Who.CUSTOMER, status, Status.CANCELLED) is customer
    assert may(Who.SELLER, status, Status.CANCELLED) is seller


def test_only_work_goes_backwards() -> None:
    back = {
        (edge.start, edge.end)
        for edge in EDGES
        if edge.start in ROAD and edge.end in ROAD and ROAD.index(edge.end) < ROAD.index(edge.start)
    }
    assert back == {
        (Status.MANUFACTURING_STARTED, Status.MANUFACTURING_APPROVED),
        (Status.MANUFACTURING_COMPLETED, Status.MANUFACTURING_STARTED),
        (Status.PACKAGING, Status.MANUFACTURING_STARTED),
    }
