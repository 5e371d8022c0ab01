"""Figures judged against the moment before: each limit broken once, and what silence means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from release.errors import PolicyInvalid
from release.tests.ring_world import CALM, FakeClock
from release.verdict import Verdict
from release.watch import LIMITS_FILE, Counts, Limits, Sample, Watched, judge_samples, watch

LIMITS = Limits.load()
INFINITY = float("inf")


def counts(requests: float, *, errors: float = 0, slow: float = 0) -> Counts:
    """So many answers, of which so many took up to a second and the others up to 50 ms."""
    return Counts(requests, errors, {0.05: requests - slow, 1.0: requests, INFINITY: requests})


STABLE = counts(1000)


def sample(at: float, candidate: Counts, stable: Counts = STABLE, **business: float) -> Sample:
    return Sample(at, candidate, stable, CALM | business, fresh_at=at)


BASELINE = sample(0, counts(10))


def rose(at: float, candidate: Counts, figure: str, value: float) -> Sample:
    return Sample(at, candidate, STABLE, CALM | {figure: value}, fresh_at=at)


def breach_of(*samples: Sample, baseline: Sample = BASELINE) -> str | None:
    breach = judge_samples(baseline, samples, LIMITS)
    return breach.what if breach else None


def test_nothing_seen_is_no_breach_and_within_the_limits_is_none() -> None:
    assert breach_of() is None
    assert breach_of(sample(100, counts(10)), sample(105, counts(110))) is None


def test_errors_of_the_candidate() -> None:
    assert breach_of(sample(100, counts(10)), sample(105, counts(110, errors=3))) == "errors"


def test_one_error_proves_nothing_and_few_among_many_are_within_the_limit() -> None:
    assert breach_of(sample(100, counts(0)), sample(105, counts(6, errors=2))) is None
    assert breach_of(sample(100, counts(0)), sample(105, counts(1000, errors=20))) is None


def test_errors_before_the_share_are_not_the_share_s() -> None:
    assert breach_of(sample(100, counts(50, errors=9)), sample(105, counts(150, errors=9))) is None


def test_only_the_last_window_counts() -> None:
    seen = [sample(100 + second, counts(10 * second, errors=min(second, 3))) for second in range(40)]
    assert breach_of(*seen[:6]) == "errors"
    assert breach_of(*seen) is None


def test_a_candidate_that_harms_the_stable_slot_goes_as_well() -> None:
    first, later = sample(100, counts(0)), sample(105, counts(50), counts(1100, errors=10))
    assert breach_of(first, later) == "stable_errors"


def test_a_gateway_that_was_restarted_counts_from_nothing() -> None:
    assert breach_of(sample(100, counts(500)), sample(105, counts(20, errors=5))) == "errors"
    assert counts(20).since(counts(500)).requests == 20


def test_slower_than_the_stable_slot() -> None:
    first = sample(100, counts(0), counts(1000))
    slow, quick = counts(100, slow=50), counts(1100)
    assert breach_of(first, sample(105, slow, quick)) == "latency"
    # As slow as the other one: the machine is slow, not the candidate.
    assert breach_of(first, sample(105, slow, counts(1100, slow=60))) is None
    # Of few answers a p95 is the time of the slowest one.
    assert breach_of(first, sample(105, counts(39, slow=20), quick)) is None


def test_slow_alone_is_slow_when_it_is_slow_for_anybody() -> None:
    first, answers = sample(100, counts(0)), {1.0: 0.0, 5.0: 100.0, INFINITY: 100.0}
    assert breach_of(first, sample(105, Counts(100, 0, answers), counts(1000))) == "latency"


@pytest.mark.parametrize("figure", sorted(LIMITS.business))
def test_each_business_figure_may_rise_as_far_as_its_limit_and_no_further(figure: str) -> None:
    allowed = LIMITS.business[figure]
    before = rose(0, counts(10), figure, 4.0)
    first = sample(100, counts(10))
    assert breach_of(first, rose(105, counts(60), figure, 4.0 + allowed), baseline=before) is None
    assert breach_of(first, rose(105, counts(60), figure, 5.0 + allowed), baseline=before) == figure


def test_what_was_wrong_before_is_not_the_candidates_fault() -> None:
    before = sample(0, counts(10), dead_letters=7)
    assert breach_of(sample(100, counts(10)), sample(105, counts(60), dead_letters=7), baseline=before) is None


def test_old_figures_are_no_figures() -> None:
    first = sample(100, counts(10))
    stale = replace(sample(100 + LIMITS.blind_s_max + 1, counts(90)), fresh_at=99.0)
    breach = judge_samples(BASELINE, [first, stale], LIMITS)
    assert breach is not None and breach.what == "blind"
    assert breach.verdict is Verdict.ERRORED
    assert breach_of(first, replace(stale, at=110.0)) is None


def test_p95_is_interpolated_within_its_bucket() -> None:
    assert Counts(100, 0, {0.1: 90, 0.2: 100, INFINITY: 100}).quantile_s(0.95) == pytest.approx(0.15)
    assert Counts(100, 0, {0.1: 90, INFINITY: 100}).quantile_s(0.95) == 0.1
    assert Counts().quantile_s(0.95) is None
    assert Counts(0, 0, {0.1: 0, INFINITY: 0}).quantile_s(0.95) is None


# -- the loop ---------------------------------------------------------------------------------------------------------------


class Scripted:
    """Answers 10 requests a second, with errors and blindness from the given seconds on."""

    def __init__(
        self, clock: FakeClock, *, rate: float = 10, errors_from: float = 1e9, blind_from: float = 1e9
    ) -> None:
        self.clock, self.rate, self.errors_from, self.blind_from = clock, rate, errors_from, blind_from
        self.begun = clock.now()

    def sample(self) -> Sample:
        at = self.clock.now()
        seconds = at - self.begun
        bad = max(0.0, seconds - self.errors_from) * self.rate / 3
        blind = seconds >= self.blind_from
        fresh_at = self.begun + self.blind_from if blind else at
        seen = counts(seconds * self.rate, errors=bad)
        return Sample(at, seen, counts(1000), CALM, fresh_at, "Prometheus is away" if blind else "")


def watched(halted: str = "", **how: float) -> tuple[Watched, float]:
    clock = FakeClock()
    instruments = Scripted(clock, **how)
    begun = clock.now()
    found = watch(instruments, LIMITS, instruments.sample(), seconds=60, clock=clock, halted=lambda: halted)
    return found, clock.now() - begun


def test_a_calm_minute_passes_with_its_figures() -> None:
    found, took_s = watched()
    assert (found.verdict, took_s) == (Verdict.PASSED, 60)
    assert found.figures["candidate_requests"] == 600


def test_a_breach_is_noticed_within_seconds() -> None:
    found, took_s = watched(errors_from=20)
    assert found.verdict is Verdict.FAILED
    assert took_s - 20 <= 3
    assert found.breach is not None and found.breach.what == "errors"


def test_too_few_answers_are_inconclusive_and_no_pass() -> None:
    found, _ = watched(rate=0.4)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "fewer than 30" in found.why


@pytest.mark.parametrize(("blind_from", "took_s"), [(20.0, 36.0), (55.0, 60.0)])
def test_without_figures_it_errs_and_never_passes(blind_from: float, took_s: float) -> None:
    found, took = watched(blind_from=blind_from)
    assert (found.verdict, took) == (Verdict.ERRORED, took_s)


def test_who_halts_it_is_heard_at_once() -> None:
    found, took_s = watched(halted="anna: customers call")
    assert (found.verdict, took_s) == (Verdict.FAILED, 0)
    assert "anna" in found.why


# -- the limits ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("present", "instead"),
    [
        ("window_s = 15.0", "windows_s = 15.0"),
        ("errors_min = 3", ""),
        ("errors_min = 3", "errors_min = -3"),
        ("errors_min = 3", 'errors_min = "three"'),
        ("errors_min = 3", "errors_min = true"),
        ("[business]", "[busyness]"),
        ("[business]", "["),
    ],
)
def test_limits_that_are_not_understood_to_the_letter_are_refused(tmp_path: Path, present: str, instead: str) -> None:
    text = LIMITS_FILE.read_text()
    assert text.count(present) == 1
    path = tmp_path / "limits.toml"
    path.write_text(text.replace(present, instead))
    with pytest.raises(PolicyInvalid):
        Limits.load(path)
