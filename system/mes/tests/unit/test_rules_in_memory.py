"""The rules, in memory."""

from __future__ import annotations

import pytest

from system.mes.tests import rules_of_holding, rules_of_rates, rules_of_weighing, rules_suite
from system.mes.tests.in_memory import InMemoryMes


@pytest.fixture
def mes() -> InMemoryMes:
    return InMemoryMes()


class TestClaims(rules_suite.ClaimRules):
    pass


class TestHandOvers(rules_of_holding.HandOverRules):
    pass


class TestLimits(rules_of_holding.LimitRules):
    pass


class TestAssignments(rules_suite.AssignmentRules):
    pass


class TestMaking(rules_suite.MakingRules):
    pass


class TestLapses(rules_of_holding.LapseRules):
    pass


class TestUndoing(rules_of_holding.UndoRules):
    pass


class TestWithdrawals(rules_suite.WithdrawalRules):
    pass


class TestHearing(rules_suite.HearingRules):
    pass


class TestRates(rules_of_rates.RateRules):
    pass


class TestWeighing(rules_of_weighing.WeighingRules):
    pass
