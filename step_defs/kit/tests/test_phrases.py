"""What a phrase captures, and what it refuses to be."""

from decimal import Decimal
from typing import Any

import pytest

from step_defs.kit.phrases import PhraseMistake, compile_phrase, parameter_type, words


def values(phrase: str, text: str) -> dict[str, Any] | None:
    captured = compile_phrase(phrase, "en").captures(text)
    return None if captured is None else {one.name: one.value for one in captured}


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("{name:w} waits", "Anna waits", {"name": "Anna"}),
        ("{name:w} ждёт", "Анна ждёт", {"name": "Анна"}),
        ("{name:w} waits", "Anna Maria waits", None),
        ('the model "{model}"', 'the model "pave ring"', {"model": "pave ring"}),
        ('the model "{model}"', 'the model "a" and "b"', None),
        ("модель «{model}»", "модель «кольцо»", {"model": "кольцо"}),
        ('note ""{note}', 'note ""x', {"note": "x"}),
        ("{n:d} order(s)", "1 order", {"n": 1}),
        ("{n:d} order(s)", "-2 orders", {"n": -2}),
        ("{n:d} order(s)", "1.5 orders", None),
        ("{x:n} g", "2,62 g", {"x": Decimal("2.62")}),
        ("{x:n} RUB", "10 450.00 RUB", {"x": Decimal("10450.00")}),
        ("it is/was ready", "it was ready", {}),
        ("it is/was ready", "it is/was ready", None),
        ("the order is late", "The order is late", None),
        ("the order is late", "the order is late today", None),
        (r"a \(small\) \{ring\}", "a (small) {ring}", {}),
        ("price (net) of {what} at {n:d}", "price  of a ring at 3", {"what": "a ring", "n": 3}),
    ],
)
def test_captures(phrase: str, text: str, expected: dict[str, Any] | None) -> None:
    assert values(phrase, text) == expected


def test_words_of_both_languages_become_one_value() -> None:
    words("metal_for_test", {"gold": "au", "золото": "au", "gold 585": "au585"})
    assert values("of {m:metal_for_test}", "of gold 585") == {"m": "au585"}
    assert values("из {m:metal_for_test}", "из золото") == {"m": "au"}
    assert values("of {m:metal_for_test}", "of tin") is None


def test_own_type_converts() -> None:
    parameter_type("percent_for_test", pattern=r"\d+ %", convert=lambda text: int(text.removesuffix(" %")))
    assert values("by {p:percent_for_test}", "by 5 %") == {"p": 5}


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("{name:nosuch} waits", "'nosuch' is unknown"),
        ("{name} and {name}", "stands there twice"),
        ("{Name} waits", "write {name}"),
        ("{} waits", "write {name}"),
        ("the (small ring", "has no partner"),
        (" a ring", "spaces around"),
        ("", "empty"),
    ],
)
def test_mistakes_are_refused(phrase: str, said: str) -> None:
    with pytest.raises(PhraseMistake, match=said):
        compile_phrase(phrase, "en")


def test_a_type_is_defined_once_and_has_no_groups() -> None:
    parameter_type("letter_for_test", pattern="[A-Z]")
    parameter_type("letter_for_test", pattern="[A-Z]")
    with pytest.raises(PhraseMistake, match="already"):
        parameter_type("letter_for_test", pattern="[a-z]")
    with pytest.raises(PhraseMistake, match=r"\(\?:"):
        parameter_type("group_for_test", pattern="(a|b)")
