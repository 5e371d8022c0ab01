"""The same rules, on PostgreSQL."""

from __future__ import annotations

import pytest

from system.crm.tests import rules_of_care, rules_of_cases, rules_suite

pytestmark = pytest.mark.integration


class TestReadModel(rules_suite.ReadModelRules):
    pass


class TestDecisions(rules_suite.DecisionRules):
    pass


class TestLetters(rules_suite.LetterRules):
    pass


class TestEnding(rules_suite.EndingRules):
    pass


class TestDeliveries(rules_suite.DeliveryRules):
    pass


class TestNotes(rules_of_care.NoteRules):
    pass


class TestReminders(rules_of_care.ReminderRules):
    pass


class TestEscalations(rules_of_care.EscalationRules):
    pass


class TestOpeningCases(rules_of_cases.OpeningRules):
    pass


class TestAnsweringCases(rules_of_cases.AnsweringRules):
    pass
