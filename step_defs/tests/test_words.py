"""The words of scenarios: every meaning has a word in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from fixtures.models3d import model
from step_defs.dsl import roles, words

STATUSES = {
    *("INITIATED", "FILE_UPLOADED", "SUBMITTED", "PRICE_CALCULATED", "MANUFACTURING_APPROVED", "MANUFACTURING_STARTED"),
    *("MANUFACTURING_COMPLETED", "PACKAGING", "SHIPPED", "CLOSED"),
    *("AWAITING_CUSTOMER", "PRICE_FAILED", "REJECTED", "CANCELLED"),
}


@pytest.mark.parametrize(
    "vocabulary",
    [
        words.STATUSES,
        words.MODELS,
        words.MATERIALS,
        words.GOODS,
        words.PROBLEMS,
        words.CONSENT_REASONS,
        words.CASE_REASONS,
        words.REFUSALS,
        words.SCREENS,
        roles.ROLES,
        roles.DEEDS,
    ],
)
def test_every_meaning_has_a_word_in_both_languages(vocabulary: Mapping[str, Any]) -> None:
    for meaning in set(vocabulary.values()):
        called = [word for word, value in vocabulary.items() if value == meaning]
        russian = [word for word in called if re.search("[а-яё]", word)]
        assert russian, f"{meaning} has no Russian word"
        assert len(russian) < len(called), f"{meaning} has no English word"


def test_every_public_status_has_words() -> None:
    assert set(words.STATUSES.values()) == STATUSES


def test_every_model_is_a_fixture() -> None:
    for name in set(words.MODELS.values()):
        assert model(name).is_file()
