"""What a seller sees and may do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from system.crm.application.views import order_view
from system.crm.domain.parcel import ParcelKey
from system.crm.tests.harness import MARGIN_S, START, awaiting_approval, changed, hear, submitted
from system.crm.tests.in_memory import InMemoryCrm
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus


@pytest.fixture
def crm() -> InMemoryCrm:
    return InMemoryCrm()


async def test_an_order_is_at_risk_from_the_margin_before_its_deadline(crm: InMemoryCrm) -> None:
    order = await crm.order(await awaiting_approval(crm))
    margin_begins = START + timedelta(hours=24, seconds=-MARGIN_S)
    assert not order.is_at_risk(now=margin_begins - timedelta(seconds=1), margin_s=MARGIN_S)
    assert order.is_at_risk(now=margin_begins, margin_s=MARGIN_S)


async def test_without_a_budget_the_promise_is_the_deadline(crm: InMemoryCrm) -> None:
    order_id = new_id()
    await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, budget=None))
    assert (await crm.order(order_id)).due_at == START + timedelta(days=21)


async def test_an_ended_order_is_never_at_risk(crm: InMemoryCrm) -> None:
    order_id = new_id()
    await hear(crm, changed(order_id, OrderStatus.CLOSED, version=10))
    assert not (await crm.order(order_id)).is_at_risk(now=START + timedelta(days=900), margin_s=MARGIN_S)


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        (OrderStatus.SUBMITTED, ("cancellation",)),
        (OrderStatus.PRICE_CALCULATED, ("approval", "rejection", "cancellation")),
        (OrderStatus.MANUFACTURING_APPROVED, ("cancellation",)),
        (OrderStatus.SHIPPED, ("closure",)),
        (OrderStatus.CANCELLED, ()),
    ],
)
async def test_actions_follow_the_status(crm: InMemoryCrm, status: OrderStatus, actions: tuple[str, ...]) -> None:
    content = submitted()
    await hear(crm, content)
    await hear(crm, changed(content.order_id, status, version=4))
    assert (await crm.order(content.order_id)).allowed_actions == actions


async def test_a_line_shows_what_was_agreed_and_what_it_costs_now(crm: InMemoryCrm) -> None:
    content = submitted()
    await hear(crm, content)
    before = order_view(await crm.order(content.order_id), now=START, at_risk_margin_s=MARGIN_S)
    line_id = content.lines[0].line_id
    await hear(crm, changed(content.order_id, OrderStatus.PRICE_CALCULATED, version=4, line_id=line_id))
    after = order_view(await crm.order(content.order_id), now=START, at_risk_margin_s=MARGIN_S)

    assert before["lines"][0]["total"] is None
    assert before["lines"][0]["quote_id"] == str(content.lines[0].quote_id)
    assert after["lines"][0]["agreed_total"] == {"amount": "10450.00", "currency": "RUB"}
    assert after["lines"][0]["total"] == {"amount": "10500.00", "currency": "RUB"}
    assert after["lines"][0]["quote_id"] != str(content.lines[0].quote_id)


def test_a_parcel_is_the_same_however_it_is_spelled() -> None:
    assert ParcelKey.of("CDEK", "AB-12 345") == ParcelKey.of(" cdek ", "ab12345")
    assert ParcelKey.of("CDEK", "1") != ParcelKey.of("DHL", "1")


async def test_why_there_is_no_price_is_shown_with_its_code(crm: InMemoryCrm) -> None:
    order_id, why = new_id(), {"reason": "It has holes.", "reason_code": "mesh-not-closed"}
    heard = changed(order_id, OrderStatus.PRICE_FAILED, version=3)
    (first,) = heard.history
    last = first.model_copy(update={"version": 3, "to_status": OrderStatus.PRICE_FAILED} | why)
    await hear(crm, heard.model_copy(update={"history": (first, last), "reason": "It has holes."}))
    shown = order_view(await crm.order(order_id), now=START, at_risk_margin_s=MARGIN_S)
    assert (shown["reason"], shown["reason_code"]) == ("It has holes.", "mesh-not-closed")
    assert [step["reason_code"] for step in shown["history"]] == [None, "mesh-not-closed"]


async def test_a_reason_that_came_after_the_last_step_has_no_code(crm: InMemoryCrm) -> None:
    order_id = new_id()
    heard = changed(order_id, OrderStatus.MANUFACTURING_STARTED, version=6)
    await hear(crm, heard.model_copy(update={"reason": "The cancellation was refused."}))
    assert order_view(await crm.order(order_id), now=START, at_risk_margin_s=MARGIN_S)["reason_code"] is None
