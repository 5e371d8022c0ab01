"""Whatever a quote can fail with is said in words of whoever made the model."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import system.pagekit
from system.pagekit.problems import codes_with_words, problem_words
from system.pricing.domain.mesh import Problem, problem_codes

WORDS = Path(system.pagekit.__file__).parent / "locales" / "ru.po"
FACTS: dict[str, dict[str, object]] = {
    "mesh-not-closed": {"open_edge_count": 19},
    "mesh-too-large": {"triangle_count": 4_000_000, "triangle_count_max": 3_000_000},
    "size-implausible": {"extent_mm": "0.84", "extent_mm_min": "3", "extent_mm_max": "120"},
}


def russian(message: str) -> str:
    with WORDS.open("rb") as file:
        found = read_po(file, locale="ru").get(message)
    assert found is not None and found.string, message
    return str(found.string)


def test_every_code_of_pricing_has_words() -> None:
    assert problem_codes() <= codes_with_words()


@pytest.mark.parametrize("code", sorted(problem_codes()))
def test_words_are_there_in_both_languages(code: str) -> None:
    for facts in (None, FACTS.get(code)):
        english = problem_words(code, facts, str)
        other = problem_words(code, facts, russian)
        assert english is not None and other is not None
        assert english.title != other.title and english.what_to_do != other.what_to_do
        assert "%(" not in english.what_to_do + other.what_to_do


@pytest.mark.parametrize("code", sorted(FACTS))
def test_facts_of_a_problem_are_told(code: str) -> None:
    problem = Problem.of(code, **FACTS[code])
    for translated in (str, russian):
        told = problem_words(code, problem.facts, translated)
        assert told is not None
        assert all(fact in told.what_to_do for fact in problem.facts.values())
