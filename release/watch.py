"""Is the release that takes traffic well? Figures of both slots and of the business, judged against the moment before.

Sample ── judge_samples(baseline, samples, limits) ──▶ Breach | None        pure
Instruments ── watch(...) ──▶ Watched                                       a loop around it, one sample a second

PASSED        watched for the whole time with enough answers, no limit was broken
FAILED        a limit was broken: the traffic goes back
ERRORED       there were no figures for too long: the traffic goes back too, but says nothing of the candidate
INCONCLUSIVE  too few answers of the candidate to say anything: the share does not grow
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from release.errors import PolicyInvalid
from release.verdict import Verdict

LIMITS_FILE = Path(__file__).with_name("limits.toml")
SAMPLE_EVERY_S = 1.0
P95 = 0.95


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of one slot at the gateway since it started; they only grow."""

    requests: float = 0.0
    errors: float = 0.0
    """Answers with 5xx, the gateway's own among them when the slot did not answer."""
    buckets: Mapping[float, float] = field(default_factory=dict)
    """Upper bound in seconds (infinity among them) to how many answers took at most that long."""

    def since(self, before: Counts) -> Counts:
        """What was counted after `before`. A counter that fell was started anew: then all of it is later."""
        if self.requests < before.requests:
            return self
        buckets = {bound: max(0.0, count - before.buckets.get(bound, 0.0)) for bound, count in self.buckets.items()}
        return Counts(self.requests - before.requests, max(0.0, self.errors - before.errors), buckets)

    @property
    def error_ratio(self) -> float:
        """Errors per request; 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0

    def quantile_s(self, share: float) -> float | None:
        """The time within which `share` of the answers came, interpolated within its bucket; None without answers.

        Beyond the last bound nothing is known but that it took longer: the last finite bound is given.
        """
        bounds = sorted(self.buckets)
        total = self.buckets[bounds[-1]] if bounds else 0.0
        if total <= 0:
            return None
        wanted = share * total
        for low, high in pairwise([0.0, *bounds]):
            below, within = self.buckets.get(low, 0.0), self.buckets[high]
            if within >= wanted:
                if high == float("inf"):
                    return low
                return low + (high - low) * ((wanted - below) / (within - below) if within > below else 1.0)
        return bounds[-1]


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment. `at` and `fresh_at` are seconds of the same clock."""

    at: float
    candidate: Counts
    stable: Counts
    business: Mapping[str, float]
    fresh_at: float
    """When the oldest of these figures was true; far behind `at` when something could not be asked."""
    blind: str = ""
    """What could not be asked, when something could not."""


@dataclass(frozen=True, slots=True)
class Limits:
    """limits.toml."""

    window_s: float
    requests_min: int
    errors_min: int
    error_ratio_max: float
    latency_window_s: float
    latency_requests_min: int
    p95_ratio_max: float
    p95_floor_s: float
    p95_s_max: float
    blind_s_max: float
    business: Mapping[str, float]

    @classmethod
    def load(cls, path: Path = LIMITS_FILE) -> Limits:
        """The limits of a file. Raises PolicyInvalid for a name that is missing, unknown or no positive number."""
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise PolicyInvalid(f"{path.name} cannot be read: {error}.") from error
        traffic, business = given.get("traffic", {}), given.get("business", {})
        names = {name for name in cls.__slots__ if name != "business"}
        if set(given) != {"traffic", "business"} or set(traffic) != names or not business:
            wrong = sorted(set(traffic) ^ names) or sorted(set(given) ^ {"traffic", "business"}) or ["business"]
            raise PolicyInvalid(f"{path.name}: missing or unknown: {', '.join(wrong)}.")
        for name, value in {**traffic, **business}.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise PolicyInvalid(f"{path.name}: {name} = {value!r} is no limit.")
        return cls(**traffic, business=business)


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that was broken."""

    what: str
    """errors, latency, stable_errors, blind or the name of a business figure."""
    value: float
    limit: float
    why: str

    @property
    def verdict(self) -> Verdict:
        """Blindness says nothing of the candidate."""
        return Verdict.ERRORED if self.what == "blind" else Verdict.FAILED


def judge_samples(baseline: Sample, samples: Sequence[Sample], limits: Limits) -> Breach | None:
    """The first limit that the newest sample breaks.

    `baseline` is the moment before the promotion, `samples` are those since this share began, the first taken as it began.
    Slots are judged by their errors within the last `window_s` and their times within `latency_window_s`, the business by its rise
    above the baseline.
    """
    if not samples:
        return None
    newest = samples[-1]
    blind_s = newest.at - max(newest.fresh_at, samples[0].at)
    if blind_s > limits.blind_s_max:
        return Breach(
            "blind", blind_s, limits.blind_s_max, f"no fresh figures for {blind_s:.0f} s: {newest.blind or 'stale'}"
        )
    since = _window_start(samples, limits.window_s)
    candidate, stable = newest.candidate.since(since.candidate), newest.stable.since(since.stable)
    longer = _window_start(samples, limits.latency_window_s)
    return (
        _of_errors("errors", "the candidate", candidate, limits)
        # A candidate can harm the stable slot through what they share; in an outage of others, stable is where to be as well.
        or _of_errors("stable_errors", "the stable slot", stable, limits)
        or _of_latency(newest.candidate.since(longer.candidate), newest.stable.since(longer.stable), limits)
        or _of_business(baseline, newest, limits)
    )


def _window_start(samples: Sequence[Sample], window_s: float) -> Sample:
    """The newest sample that is at least a window old; the first when none is."""
    edge = samples[-1].at - window_s
    return next((sample for sample in reversed(samples) if sample.at <= edge), samples[0])


def _of_errors(what: str, who: str, seen: Counts, limits: Limits) -> Breach | None:
    if seen.errors < limits.errors_min or seen.error_ratio <= limits.error_ratio_max:
        return None
    why = f"{who} answered {seen.errors:.0f} of {seen.requests:.0f} requests with an error"
    return Breach(what, seen.error_ratio, limits.error_ratio_max, why)


def _of_latency(candidate: Counts, stable: Counts, limits: Limits) -> Breach | None:
    p95_s = candidate.quantile_s(P95)
    if p95_s is None or candidate.requests < limits.latency_requests_min:
        return None
    if p95_s > limits.p95_s_max:
        return Breach("latency", p95_s, limits.p95_s_max, f"the candidate's p95 is {p95_s:.2f} s")
    reference_s = stable.quantile_s(P95) if stable.requests >= limits.latency_requests_min else None
    # At a full share nothing runs beside it: then only the absolute limit holds.
    if reference_s is None or p95_s <= max(limits.p95_floor_s, limits.p95_ratio_max * reference_s):
        return None
    why = f"the candidate's p95 is {p95_s:.2f} s, the stable slot's {reference_s:.2f} s"
    return Breach("latency", p95_s, limits.p95_ratio_max * reference_s, why)


def _of_business(baseline: Sample, newest: Sample, limits: Limits) -> Breach | None:
    for name, allowed in limits.business.items():
        if name not in newest.business:
            # Not asked this time; freshness says when that has lasted too long.
            continue
        before, now = baseline.business.get(name, 0.0), newest.business[name]
        if now - before > allowed:
            return Breach(
                name, now, before + allowed, f"{name} rose from {before:g} to {now:g} since the promotion began"
            )
    return None


class Instruments(Protocol):
    """What can be seen of an environment while two slots take its traffic."""

    def sample(self) -> Sample:
        """The figures now. Never raises: what could not be asked makes the sample blind."""


class Clock(Protocol):
    """Time that tests can let pass."""

    def now(self) -> float:
        """Seconds."""

    def wait(self, seconds: float) -> None:
        """Returns when they have passed."""


class WallClock:
    """The machine's own; its seconds are those that Prometheus stamps its samples with."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Sleeps."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Watched:
    """How a time of watching ended."""

    verdict: Verdict
    why: str
    watched_s: float
    breach: Breach | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


def watch(
    instruments: Instruments,
    limits: Limits,
    baseline: Sample,
    *,
    seconds: float,
    clock: Clock,
    halted: Callable[[], str] = str,
    requests_min: int | None = None,
) -> Watched:
    """Samples every second for `seconds`, or until a limit breaks or `halted()` says why to stop.

    `requests_min` replaces the limit of that name: a release that is in already is watched however few its customers are.
    """
    needed = limits.requests_min if requests_min is None else requests_min
    begun = clock.now()
    samples = [instruments.sample()]
    while True:
        reason = halted()
        if reason:
            return _ended(Verdict.FAILED, f"halted: {reason}", samples, clock.now() - begun)
        breach = judge_samples(baseline, samples, limits)
        if breach:
            return _ended(breach.verdict, breach.why, samples, clock.now() - begun, breach)
        if clock.now() - begun >= seconds:
            break
        clock.wait(SAMPLE_EVERY_S)
        samples.append(instruments.sample())
        # The first one carries the whole share's figures; older ones than a window serve nobody.
        edge = samples[-1].at - 2 * max(limits.window_s, limits.latency_window_s)
        samples = [samples[0], *(sample for sample in samples[1:] if sample.at >= edge)]
    newest = samples[-1]
    answered = newest.candidate.since(samples[0].candidate).requests
    if newest.blind or newest.fresh_at < samples[0].at:
        why = f"the last figures are not of this share: {newest.blind or 'stale'}"
        return _ended(Verdict.ERRORED, why, samples, clock.now() - begun)
    if answered < needed:
        why = f"the candidate answered {answered:.0f} requests; fewer than {needed} say nothing"
        return _ended(Verdict.INCONCLUSIVE, why, samples, clock.now() - begun)
    return _ended(Verdict.PASSED, f"{answered:.0f} answers within the limits", samples, clock.now() - begun)


def _ended(
    verdict: Verdict, why: str, samples: Sequence[Sample], watched_s: float, breach: Breach | None = None
) -> Watched:
    first, newest = samples[0], samples[-1]
    candidate, stable = newest.candidate.since(first.candidate), newest.stable.since(first.stable)
    figures: dict[str, Any] = {
        "candidate_requests": candidate.requests,
        "candidate_errors": candidate.errors,
        "stable_requests": stable.requests,
        "stable_errors": stable.errors,
        "candidate_p95_s": candidate.quantile_s(P95),
        "stable_p95_s": stable.quantile_s(P95),
        **newest.business,
    }
    shown = {name: round(value, 4) for name, value in figures.items() if value is not None}
    return Watched(verdict, why, round(watched_s, 3), breach, shown)
