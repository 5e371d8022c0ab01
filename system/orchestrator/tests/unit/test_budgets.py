"""The promise, the budgets, and when a person has to look."""

from __future__ import annotations

from datetime import timedelta

import pytest

from system.orchestrator.domain.budgets import BUDGETED, WHAT_TO_DO, Attention, Budgets, Deadlines, attention
from system.orchestrator.domain.status import TERMINAL, Status
from system.orchestrator.settings import OrchestratorSettings
from system.orchestrator.tests.saga_play import START

DAY = timedelta(days=1)
BUDGETS = Budgets(21 * DAY, dict.fromkeys(BUDGETED, 2 * DAY))  # The road takes 7 x 2 days.


def test_the_promise_is_21_days_and_the_default_budgets_fit_into_it() -> None:
    budgets = OrchestratorSettings().policy().budgets
    assert budgets.promise_at(START) == START + 21 * DAY
    assert budgets.per_status[Status.SUBMITTED] + budgets.rest_after(Status.SUBMITTED) <= 21 * DAY


def test_a_status_without_a_budget_cannot_be_forgotten() -> None:
    with pytest.raises(ValueError, match="PACKAGING"):
        Budgets(DAY, {status: DAY for status in BUDGETED if status is not Status.PACKAGING})


@pytest.mark.parametrize("budget", [timedelta(0), -DAY])
def test_a_budget_is_positive(budget: timedelta) -> None:
    with pytest.raises(ValueError, match="positive"):
        Budgets(DAY, dict.fromkeys(BUDGETED, budget))


@pytest.mark.parametrize("status", [Status.INITIATED, Status.FILE_UPLOADED, *TERMINAL])
def test_carts_and_ended_orders_are_never_late(status: Status) -> None:
    deadlines = BUDGETS.deadlines(status=status, since=START, promise_at=START)
    assert attention(deadlines=deadlines, step_is_stuck=False, now=START + 999 * DAY) is Attention.NONE


def test_stuck_when_the_budget_of_the_status_is_used_up() -> None:
    deadlines = BUDGETS.deadlines(status=Status.PACKAGING, since=START, promise_at=START + 21 * DAY)
    assert attention(deadlines=deadlines, step_is_stuck=False, now=START + 2 * DAY) is Attention.NONE
    late = START + 2 * DAY + timedelta(seconds=1)
    assert attention(deadlines=deadlines, step_is_stuck=False, now=late) is Attention.STUCK


def test_a_silent_step_is_stuck_at_once() -> None:
    assert attention(deadlines=Deadlines(None, None), step_is_stuck=True, now=START) is Attention.STUCK


def test_at_risk_when_the_rest_of_the_road_no_longer_fits() -> None:
    promise_at = START + 5 * DAY
    deadlines = BUDGETS.deadlines(status=Status.PACKAGING, since=START, promise_at=promise_at)
    assert deadlines.at_risk_from == promise_at - BUDGETS.rest_after(Status.PACKAGING)
    tight = BUDGETS.deadlines(status=Status.SUBMITTED, since=START, promise_at=promise_at)
    assert attention(deadlines=tight, step_is_stuck=False, now=START + timedelta(seconds=1)) is Attention.AT_RISK


def test_waiting_for_the_customer_has_the_road_of_a_submitted_order_before_it() -> None:
    assert BUDGETS.rest_after(Status.AWAITING_CUSTOMER) == BUDGETS.rest_after(Status.SUBMITTED)


def test_every_budgeted_status_says_what_to_do() -> None:
    assert set(WHAT_TO_DO) == set(BUDGETED)


def test_durations_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRITE_BUDGET_MANUFACTURING_APPROVED_S", "5")
    monkeypatch.setenv("ALEXANDRITE_STEP_CONFIRM_PRICE_S", "0.5")
    policy = OrchestratorSettings().policy()
    assert policy.budgets.per_status[Status.MANUFACTURING_APPROVED] == timedelta(seconds=5)
    assert policy.patience.deadlines["confirm_price"] == timedelta(seconds=0.5)


def test_at_risk_from_the_start_when_full_budgets_would_break_the_promise() -> None:
    promise_at = START + BUDGETS.rest_after(Status.SUBMITTED) + DAY  # One day is left for a status that may take two.
    deadlines = BUDGETS.deadlines(status=Status.SUBMITTED, since=START, promise_at=promise_at)
    assert deadlines.at_risk_from == START
