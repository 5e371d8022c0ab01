"""The gate's decisions, without a system: looks, disturbed rounds, no previous release, what it leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf import budgets, gate
from perf.comparison import FAILED, INCONCLUSIVE, PASSED
from perf.rounds import Pair
from perf.tests.simulated import pairs

TERMS = budgets.load()
DIGEST = "sha256:" + "a" * 64


class Replayed:
    """Plays pairs that were made before."""

    def __init__(self, made: list[Pair], *, foreign: Callable[[int], float] = lambda number: 0.0) -> None:
        self.made = [Pair(*(replace(one, foreign=foreign(number)) for one in pair)) for number, pair in enumerate(made)]
        self.played = 0

    async def __call__(self, count: int) -> list[Pair]:
        self.played += count
        return self.made[: self.played]


def soon() -> float:
    return time.monotonic() + 60


async def test_a_clear_case_needs_the_first_look_only() -> None:
    play = Replayed(pairs(40, slower=1.6))
    outcome = await gate.Judge(TERMS).decide(play, deadline=soon())
    assert outcome.verdict == FAILED
    assert play.played == gate.LOOKS[0]


async def test_doubt_is_answered_with_more_rounds_and_may_stand() -> None:
    play = Replayed(pairs(40, slower=1.131))
    outcome = await gate.Judge(TERMS).decide(play, deadline=soon())
    assert play.played == gate.LOOKS[1]
    assert outcome.verdict == INCONCLUSIVE
    assert outcome.reasons


async def test_disturbed_rounds_are_left_out_and_played_again() -> None:
    play = Replayed(pairs(60), foreign=lambda number: 0.9 if number % 2 else 0.0)
    outcome = await gate.Judge(TERMS).decide(play, deadline=soon())
    assert outcome.comparison is not None
    assert outcome.comparison.pairs in gate.LOOKS
    assert outcome.disturbed >= gate.LOOKS[0] - 1


async def test_a_machine_that_is_never_quiet_says_nothing_of_the_candidate() -> None:
    play = Replayed(pairs(20, slower=3.0), foreign=lambda number: 0.9)
    outcome = await gate.Judge(TERMS).decide(play, deadline=time.monotonic() + 0.05)
    assert outcome.verdict == INCONCLUSIVE


async def test_loads_that_were_not_the_same_are_the_gates_fault() -> None:
    made = pairs(20)
    made[0] = Pair(made[0].base, replace(made[0].candidate, answers=made[0].candidate.answers[:-10]))
    outcome = await gate.Judge(TERMS).decide(Replayed(made), deadline=soon())
    assert outcome.verdict == gate.ERRORED


def test_more_looks_than_the_budgets_correct_for_are_refused() -> None:
    with pytest.raises(ValueError, match="looks"):
        gate.Judge(TERMS, looks=(8, 16, 24))


def test_no_previous_release_is_inconclusive_and_no_candidate_is_an_error() -> None:
    assert gate.judge({"RELEASE_IMAGE": "x"}, TERMS).verdict == INCONCLUSIVE
    assert gate.judge({"RELEASE_PREVIOUS_IMAGE": "x"}, TERMS).verdict == gate.ERRORED


async def test_verdict_rounds_and_page_are_left_and_the_exit_status_agrees(tmp_path: Path) -> None:
    outcome = await gate.Judge(TERMS).decide(Replayed(pairs(40)), deadline=soon())
    assert outcome.verdict == PASSED
    assert gate.leave(outcome, TERMS, tmp_path, digest=DIGEST) == 0
    verdict: dict[str, Any] = json.loads((tmp_path / "verdict.json").read_text())
    assert (verdict["gate"], verdict["digest"], verdict["verdict"]) == ("performance", DIGEST, PASSED)
    lines = (tmp_path / "rounds.jsonl").read_text().splitlines()
    assert verdict["checked"] == len(lines) > 1000
    page = (tmp_path / "index.html").read_text()
    assert page.count("<svg") > 10
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )


def test_nothing_measured_leaves_a_verdict_too(tmp_path: Path) -> None:
    outcome = gate.judge({"RELEASE_IMAGE": "x"}, TERMS)
    assert gate.leave(outcome, TERMS, tmp_path, digest=DIGEST) == 3
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["checked"]) == (INCONCLUSIVE, 0)
