"""Bars: each way of holding one is seen failing, and what was not measured holds nothing."""

from __future__ import annotations

import math

import pytest

from perf.bars import Bar, Findings, How, last_line


@pytest.mark.parametrize(
    ("figure", "how", "met"),
    [
        (0.99, "<", True),
        (1.0, "<", False),
        (1.0, "<=", True),
        (1.01, "<=", False),
        (1.0, ">=", True),
        (0.99, ">=", False),
        (math.inf, "<", False),
        *((math.nan, how, False) for how in ("<", "<=", ">=")),
    ],
)
def test_a_bar_is_met_or_not(figure: float, how: How, met: bool) -> None:
    bar = Bar("pages", figure, how, 1.0, "ms", "told beside it")
    assert bar.met is met
    assert ("MISSED" in bar.line()) is not met
    assert f"bar {how} 1 ms" in bar.line() and bar.line().endswith("told beside it")
    assert bar.row()[1] == ("PASSED" if met else "FAILED")


def test_all_bars_must_hold_and_none_is_not_all() -> None:
    good, bad = Bar("good", 0, "<=", 0), Bar("bad", 1, "<=", 0)
    assert not Findings().met
    assert Findings(bars=[good]).met
    one = Findings({"a": 1.0}, [good], remarks=["first"])
    one.take(Findings({"b": 2.0}, [bad], remarks=["second"]))
    assert not one.met
    assert (one.figures, one.remarks) == ({"a": 1.0, "b": 2.0}, ["first", "second"])


def test_the_last_line_names_what_was_not_measured_too() -> None:
    figures = {"p95_ms": 12.376, "live_p99_ms": math.inf, "other": 1.0}
    told = last_line("board", figures, ("p95_ms", "growth_ratio", "live_p99_ms"))
    assert told == "board: p95_ms=12.38 growth_ratio=- live_p99_ms=inf"
