"""The bars are counted rightly: a comparison that cannot detect, or cries wolf, misses them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perf import budgets, power
from perf.tests.simulated import pairs

TERMS = budgets.load()


def test_changes_do_what_their_names_say() -> None:
    one = pairs(1)[0].base
    random = np.random.default_rng(1)
    assert [a.ms for a in power.slower(one, random).answers] == pytest.approx([a.ms * 1.2 for a in one.answers])
    struck = [new.ms / old.ms for new, old in zip(power.tail(one, random).answers, one.answers, strict=True)]
    assert {round(factor) for factor in struck} <= {1, 20}


def test_the_share_of_the_tail_is_two_of_a_hundred() -> None:
    one = pairs(1)[0].base
    random = np.random.default_rng(5)
    changed = [
        a.ms > b.ms for _ in range(100) for a, b in zip(power.tail(one, random).answers, one.answers, strict=True)
    ]
    assert sum(changed) / len(changed) == pytest.approx(0.02, abs=0.005)


def test_sound_rounds_meet_the_bars(capsys: pytest.CaptureFixture[str]) -> None:
    assert power.measure(pairs(48, 2), TERMS, trials=20) == 0
    assert "MISSED" not in capsys.readouterr().out


def test_budgets_that_forgive_everything_miss_the_bars(capsys: pytest.CaptureFixture[str]) -> None:
    blind = replace(
        TERMS,
        metrics=tuple(
            replace(one, budget=0.01, tolerance=0.01)
            if one.kind == "loss"
            else replace(one, budget=99.0, tolerance=99.0)
            for one in TERMS.metrics
        ),
    )
    assert power.measure(pairs(48, 2), blind, trials=10) == 1
    assert capsys.readouterr().out.count("MISSED") == 2


def test_two_systems_that_differ_are_accused_and_miss_the_first_bar() -> None:
    assert power.measure(pairs(48, 2, slower=1.5), TERMS, trials=10) == 1
