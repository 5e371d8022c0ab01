"""Budgets are read strictly: what is misspelt, missing or contradictory is refused."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from perf import budgets
from perf.load import MIX


@pytest.fixture
def told() -> dict[str, Any]:
    with budgets.FILE.open("rb") as file:
        return copy.deepcopy(tomllib.load(file))


def test_the_budgets_in_use_are_sound() -> None:
    terms = budgets.load()
    assert [one.name for one in terms.metrics] == list(budgets.METRICS)
    assert set(terms.advisory_p95_ms) <= set(MIX)


@pytest.mark.parametrize("name", ["p50", "errors", "kinds"])
def test_a_missing_metric_is_refused(told: dict[str, Any], name: str) -> None:
    del told["metrics"][name]
    with pytest.raises(budgets.BudgetsInvalid, match=name):
        budgets.parse(told)


def test_an_unknown_metric_or_key_is_refused(told: dict[str, Any]) -> None:
    told["metrics"]["p50"]["budgets"] = 1.1
    with pytest.raises(budgets.BudgetsInvalid, match="budgets"):
        budgets.parse(told)


@pytest.mark.parametrize(
    ("metric", "key", "value"),
    [("p50", "budget", 0.9), ("p50", "tolerance", 1.01), ("throughput", "tolerance", 0.95), ("errors", "budget", 0.02)],
)
def test_a_budget_that_contradicts_itself_is_refused(told: dict[str, Any], metric: str, key: str, value: float) -> None:
    told["metrics"][metric][key] = value
    with pytest.raises(budgets.BudgetsInvalid, match=metric):
        budgets.parse(told)


@pytest.mark.parametrize(("key", "value"), [("doubt", 0.5), ("doubt", 0.0), ("pairs_min", 1), ("resamples", 10)])
def test_a_rule_that_would_judge_by_nothing_is_refused(told: dict[str, Any], key: str, value: float) -> None:
    told["rule"][key] = value
    with pytest.raises(budgets.BudgetsInvalid, match="rule"):
        budgets.parse(told)
