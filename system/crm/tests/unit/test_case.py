"""What a customer is offered."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from system.crm.domain.case import CaseKind, CaseReason, CaseState, CaseWish, kinds_offered, opened, return_until
from system.crm.domain.sales_order import SalesOrder
from system.crm.tests.harness import CASE_TERMS, START, sent
from system.crm.tests.in_memory import InMemoryCrm
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus

BOTH = (CaseKind.RETURN, CaseKind.COMPLAINT)


async def order_in(status: OrderStatus) -> SalesOrder:
    crm = InMemoryCrm()
    return await crm.order(await sent(crm, status))


@pytest.mark.parametrize(
    ("status", "now", "offered"),
    [
        (OrderStatus.SUBMITTED, START, BOTH[1:]),
        (OrderStatus.PACKAGING, START, BOTH[1:]),
        (OrderStatus.SHIPPED, START + timedelta(days=300), BOTH),
        (OrderStatus.CLOSED, START + timedelta(days=14), BOTH),
        (OrderStatus.CLOSED, START + timedelta(days=14, seconds=1), BOTH[1:]),
        (OrderStatus.CANCELLED, START, BOTH[1:]),
    ],
)
async def test_a_return_is_offered_while_it_is_taken(
    status: OrderStatus, now: datetime, offered: tuple[CaseKind, ...]
) -> None:
    assert kinds_offered(await order_in(status), (), now=now, terms=CASE_TERMS) == offered


async def test_nothing_is_offered_while_one_is_looked_at() -> None:
    order = await order_in(OrderStatus.SHIPPED)
    wish = CaseWish(CaseKind.RETURN, CaseReason.OTHER)
    case = opened(wish, order, (), case_id=new_id(), by="Clara", at=START, terms=CASE_TERMS)
    assert kinds_offered(order, [case], now=START, terms=CASE_TERMS) == ()
    accepted = case.decided(CaseState.ACCEPTED, by="Sofia", text="", at=START)
    assert kinds_offered(order, [accepted], now=START, terms=CASE_TERMS) == BOTH


async def test_the_last_moment_is_known_once_it_was_delivered() -> None:
    assert return_until(await order_in(OrderStatus.SHIPPED), CASE_TERMS) is None
    assert return_until(await order_in(OrderStatus.CLOSED), CASE_TERMS) == START + timedelta(days=14)
