"""The statistics: detects what it must, cries no wolf, and never passes what it has not seen."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from perf import budgets
from perf.comparison import FAILED, INCONCLUSIVE, PASSED, Comparison, Incomparable, compare, episodes, twins
from perf.rounds import Answer, Pair, Round
from perf.tests.simulated import pairs

TERMS = budgets.load()
RUNS = range(30)


def finding(comparison: Comparison, metric: str) -> tuple[float, str]:
    found = next(one for one in comparison.findings if one.metric == metric)
    return found.estimate, found.verdict


def changed(pair: Pair, side: int, **more: object) -> Pair:
    rounds = list(pair)
    rounds[side] = replace(rounds[side], **more)  # type: ignore[arg-type]
    return Pair(*rounds)


def test_two_equal_systems_are_not_accused_and_mostly_passed() -> None:
    verdicts = [compare(pairs(32, seed), TERMS).verdict for seed in RUNS]
    assert verdicts.count(FAILED) == 0
    assert verdicts.count(PASSED) >= 27


def test_a_fifth_slower_is_failed_for_its_median() -> None:
    compared = [compare(pairs(32, seed, slower=1.2), TERMS) for seed in RUNS]
    assert [one.verdict for one in compared].count(FAILED) >= 29
    estimate, _ = finding(compared[0], "p50")
    assert estimate == pytest.approx(1.2, rel=0.05)


def test_a_slow_tail_is_failed_though_the_median_is_well() -> None:
    compared = [compare(pairs(32, seed, tail=0.02), TERMS) for seed in RUNS]
    assert [one.verdict for one in compared].count(FAILED) >= 27
    assert finding(compared[0], "p50")[1] == PASSED


def test_one_slow_kind_of_request_is_found_and_named() -> None:
    compared = compare(pairs(32, slow_kind="mes: claim"), TERMS)
    found = next(one for one in compared.findings if one.metric == "kinds")
    assert (found.verdict, found.detail) == (FAILED, "mes: claim")
    assert any("mes: claim" in reason for reason in compared.reasons)


def test_failures_are_failed_though_those_that_succeed_are_fast() -> None:
    compared = compare(pairs(16, failing=0.03), TERMS)
    assert compared.verdict == FAILED
    assert finding(compared, "errors")[1] == FAILED


def test_failures_that_the_base_has_too_are_not_the_candidates() -> None:
    compared = compare(pairs(32, failing=0.03, base_failing=0.03), TERMS)
    assert finding(compared, "errors")[1] != FAILED


def test_a_system_that_does_less_in_the_same_time_is_failed() -> None:
    slow = [changed(pair, 1, seconds=pair.candidate.seconds * 1.5) for pair in pairs(16)]
    assert finding(compare(slow, TERMS), "throughput")[1] == FAILED


def test_a_system_that_needs_more_of_the_machine_is_failed_though_it_answers_as_fast() -> None:
    compared = compare(pairs(16, hungrier=1.35), TERMS)
    assert finding(compared, "cpu")[1] == FAILED
    assert finding(compared, "p50")[1] != FAILED
    assert finding(compare(pairs(32), TERMS), "cpu")[1] == PASSED


def test_where_nobody_tells_processor_time_nothing_is_passed() -> None:
    silent = [Pair(*(replace(one, cpu_s=math.nan) for one in pair)) for pair in pairs(32, 3)]
    compared = compare(silent, TERMS)
    assert compared.verdict == INCONCLUSIVE
    assert any(reason.startswith("cpu: cannot be measured") for reason in compared.reasons)


def test_a_candidate_without_a_success_is_failed() -> None:
    assert compare(pairs(16, failing=1.0), TERMS).verdict == FAILED


def test_two_systems_without_a_success_are_never_passed() -> None:
    compared = compare(pairs(16, failing=1.0, base_failing=1.0), TERMS)
    assert compared.verdict == INCONCLUSIVE
    assert any("no mes: claim succeeded" in reason for reason in compared.reasons)


def test_a_kind_that_never_succeeded_on_either_side_keeps_it_from_passing() -> None:
    def without(one: Round) -> tuple[Answer, ...]:
        return tuple(a._replace(ok=False) if a.name == "crm: search" else a for a in one.answers)

    broken = [Pair(*(replace(one, answers=without(one)) for one in pair)) for pair in pairs(32, 3)]
    assert compare(pairs(32, 3), TERMS).verdict == PASSED
    assert compare(broken, TERMS).verdict == INCONCLUSIVE


def test_the_same_rounds_get_the_same_verdict() -> None:
    assert compare(pairs(16, 5), TERMS) == compare(pairs(16, 5), TERMS)


@pytest.mark.parametrize("count", [0, 1, TERMS.rule.pairs_min - 1])
def test_too_few_rounds_are_refused(count: int) -> None:
    with pytest.raises(Incomparable, match="fewer than"):
        compare(pairs(count), TERMS)


def test_a_short_round_is_refused() -> None:
    few = pairs(16)
    few[3] = changed(few[3], 1, answers=few[3].candidate.answers[:20])
    with pytest.raises(Incomparable, match="round 3 of the candidate"):
        compare(few, TERMS)


def test_an_unequal_mix_is_refused() -> None:
    unequal = pairs(16)
    answers = tuple(
        a._replace(name="shop: catalogue") if a.name == "mes: claim" else a for a in unequal[2].base.answers
    )
    unequal[2] = changed(unequal[2], 0, answers=answers)
    with pytest.raises(Incomparable, match="round 2 had"):
        compare(unequal, TERMS)


@pytest.mark.parametrize("ms", [float("nan"), float("inf"), -1.0])
def test_a_latency_that_is_none_is_refused(ms: float) -> None:
    wrong = pairs(16)
    answers = (wrong[0].base.answers[0]._replace(ms=ms), *wrong[0].base.answers[1:])
    wrong[0] = changed(wrong[0], 0, answers=answers)
    with pytest.raises(Incomparable, match="a latency that is none"):
        compare(wrong, TERMS)


def test_one_bad_round_of_the_machine_does_not_decide() -> None:
    hit = pairs(32, 7)
    assert compare(hit, TERMS).verdict == PASSED
    answers = tuple(a._replace(ms=a.ms * 10) for a in hit[4].candidate.answers)
    hit[4] = changed(hit[4], 1, answers=answers)
    assert compare(hit, TERMS).verdict == PASSED


def test_a_hiccup_is_one_episode_and_scattered_slow_requests_are_many() -> None:
    assert episodes([1.0 + 0.05 * place for place in range(10)], 0.4) == 1
    assert episodes([0.9 * place for place in range(10)], 0.4) == 10
    assert episodes([], 0.4) == 0


def test_twins_are_the_same_request_of_one_plan() -> None:
    pair = pairs(1)[0]
    matched = twins(pair)
    assert len(matched) == len(pair.base.answers)
    assert all((base.name, base.at) == (candidate.name, candidate.at) for base, candidate in matched)
    fewer = changed(pair, 1, answers=pair.candidate.answers[:40])
    assert len(twins(fewer)) == 40


def test_what_slows_both_sides_at_once_is_nobodys_tail() -> None:
    """A pause of the machine in every round, on both sides: no slow episode is the candidate's."""

    def paused(one: Round) -> tuple[Answer, ...]:
        return tuple(a._replace(ms=a.ms + 3000) if 3.0 <= a.at < 3.5 else a for a in one.answers)

    hit = [Pair(*(replace(one, answers=paused(one)) for one in pair)) for pair in pairs(24, 11)]
    estimate, verdict = finding(compare(hit, TERMS), "slow")
    # A hundredth of what a pause in every round of one side alone would be.
    assert abs(estimate) < 0.0005 and verdict == PASSED
