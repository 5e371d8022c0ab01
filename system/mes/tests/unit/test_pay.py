"""What a claim earns."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from system.kernel.ids import new_id
from system.kernel.money import Money
from system.mes.domain import rules
from system.mes.domain.pay import PayRate, earning, pay_for, rate_for, reversal
from system.mes.domain.work_order import WorkOrder, WorkOrderState
from system.mes.tests.harness import OLEG, START


def a_work_order(*, quantity: int = 1, weight_g: str | None = "2.62") -> WorkOrder:
    return WorkOrder(
        id=new_id(),
        order_id=new_id(),
        line_id=new_id(),
        order_number="A-26000001",
        channel="shop",
        title="Ring",
        kind="custom",
        material="gold_585",
        quantity=quantity,
        ring_size=None,
        file_id=None,
        sku=None,
        weight_g=Decimal(weight_g) if weight_g else None,
        approved_at=START,
        promise_at=START + timedelta(days=21),
        released_at=START,
        claim_no=3,
    )


def a_rate(material: str, *, days: int = 0, per_piece: str = "900.00", per_gram: str = "60.00") -> PayRate:
    return PayRate(material, START + timedelta(days=days), Money.of(per_piece, "RUB"), Money.of(per_gram, "RUB"))


def test_pay_is_per_piece_and_per_gram_of_each_piece() -> None:
    assert pay_for(a_work_order(quantity=3), a_rate("gold_585")) == Money.of("3171.60", "RUB")


def test_an_unknown_weight_counts_as_nothing() -> None:
    assert pay_for(a_work_order(weight_g=None), a_rate("gold_585")) == Money.of("900.00", "RUB")


def test_the_youngest_valid_rate_of_the_material_counts() -> None:
    rates = (
        a_rate("gold_585", days=-30, per_piece="1.00"),
        a_rate("gold_585", days=-1, per_piece="2.00"),
        a_rate("gold_585", days=1, per_piece="3.00"),
        a_rate("*", days=0, per_piece="4.00"),
    )
    assert rate_for("gold_585", rates, at=START).per_piece == Money.of("2.00", "RUB")
    assert rate_for("palladium_500", rates, at=START).per_piece == Money.of("4.00", "RUB")


def test_without_any_rate_nothing_is_paid_by_guess() -> None:
    with pytest.raises(LookupError):
        rate_for("gold_585", (a_rate("silver_925"),), at=START)


def test_a_reversal_is_the_opposite_of_its_earning() -> None:
    earned = earning(a_work_order(), a_rate("gold_585"), operator=OLEG, at=START)
    undone = reversal(earned, at=START + timedelta(hours=1))
    assert (undone.work_order_id, undone.claim_no, undone.operator) == (earned.work_order_id, 3, OLEG)
    assert undone.amount + earned.amount == Money.zero("RUB")


@pytest.mark.parametrize("state", [state for state in WorkOrderState if state is not WorkOrderState.RELEASED])
def test_only_released_work_is_free(state: WorkOrderState) -> None:
    assert not rules.claim_is_free(state)
    assert not rules.is_escalated(state, START, now=START + timedelta(days=9), claim_budget_s=1)


def test_work_is_escalated_after_its_budget_and_not_at_it() -> None:
    at_budget = START + timedelta(seconds=60)
    assert not rules.is_escalated("RELEASED", START, now=at_budget, claim_budget_s=60)
    assert rules.is_escalated("RELEASED", START, now=at_budget + timedelta(seconds=1), claim_budget_s=60)


def test_every_state_names_its_actions() -> None:
    assert set(rules.ACTIONS) == set(WorkOrderState)


def test_a_shipped_line_blocks_even_a_seller() -> None:
    shipped = replace(a_work_order(), state=WorkOrderState.SHIPPED)
    assert rules.what_blocks_withdrawal([a_work_order(), shipped], by_seller=True) == shipped
    assert rules.what_blocks_withdrawal([a_work_order()], by_seller=False) is None
