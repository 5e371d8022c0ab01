"""Compares two systems by interleaved rounds of the same load. Pure: no clock, no files; the data alone seeds what is random.

What is compared, and by which formulae, is told in perf/README.md. In short: a request is compared with its twin, the same request on
the other side at nearly the same moment, or its latency with the median of its kind; each pair of rounds gives one difference per
metric; their trimmed mean is the estimate, resampling pairs gives its standard error, Student's t the interval. FAILED needs the
whole interval beyond the budget, PASSED the whole interval within the tolerance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perf.budgets import Budget, Budgets, Rule
from perf.resampling import Floats, centre, freedom, seed_of, standard_error, student
from perf.rounds import SIDES, Answer, Pair, Round

PASSED, FAILED, INCONCLUSIVE = "PASSED", "FAILED", "INCONCLUSIVE"
PASSING_DOUBT = 0.05
QUANTILES = {"p95": 0.95, "p99": 0.99}
TRIM = 0.2
"""So large a share of the pairs is left out at each end: what a hiccup of the machine did to a few rounds does not decide."""
TIME_MS_MIN = 0.01


class Incomparable(ValueError):
    """The rounds cannot be compared: there are none, too few, too short, or not under the same load."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one metric says. `estimate`, `low` and `high` are in the metric's own unit: a ratio, or a difference of shares.

    For `loss` metrics the bad end is the low one. `detail` names the kind of request when one kind decides. NaN: not measurable.
    """

    metric: str
    estimate: float
    low: float
    high: float
    verdict: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The verdict and what it rests on."""

    verdict: str
    findings: tuple[Finding, ...]
    reasons: tuple[str, ...]
    pairs: int
    requests: int

    def figures(self) -> dict[str, float]:
        """Flat numbers for a record."""
        told = {"pairs": float(self.pairs), "requests": float(self.requests)}
        for finding in self.findings:
            told[finding.metric] = round(finding.estimate, 5)
            told[f"{finding.metric}_low"] = round(finding.low, 5)
            told[f"{finding.metric}_high"] = round(finding.high, 5)
        return {name: value for name, value in told.items() if math.isfinite(value)}


@dataclass(frozen=True, slots=True)
class _Series:
    """One number per pair of rounds, on the scale where 0 is unchanged and more is worse."""

    per_pair: Floats
    trim: float = TRIM
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Estimate:
    """The centre of a series with its standard error."""

    value: float
    error: float
    degrees: int
    detail: str

    def low(self, doubt: float) -> float:
        return self.value - student(doubt, self.degrees) * self.error

    def high(self, doubt: float) -> float:
        return self.value + student(doubt, self.degrees) * self.error


def compare(pairs: Sequence[Pair], budgets: Budgets) -> Comparison:
    """Judges the candidate's rounds against the base's. Raises Incomparable when nothing can be said at all."""
    admit(pairs, budgets.rule)
    series, missing = _measure(pairs, budgets.rule)
    random = np.random.default_rng(seed_of(*(one.per_pair for several in series.values() for one in several)))
    requests = sum(len(one.answers) for pair in pairs for one in pair)
    findings = []
    for budget in budgets.metrics:
        estimates = [_estimate(one, budgets.rule, random) for one in series.get(budget.name, [])]
        findings.append(_judge(budget, estimates, budgets, requests // 2))
    reasons = [_reason(finding, budgets) for finding in findings if finding.verdict != PASSED]
    reasons += [f"no {name} succeeded on the {side}'s side" for side, name in missing]
    verdicts = {finding.verdict for finding in findings}
    verdict = FAILED if FAILED in verdicts else INCONCLUSIVE if INCONCLUSIVE in verdicts or missing else PASSED
    return Comparison(verdict, tuple(findings), tuple(reasons), len(pairs), requests)


def admit(pairs: Sequence[Pair], rule: Rule) -> None:
    """Raises Incomparable, naming the round, unless all of them are long enough and under the same load."""
    if len(pairs) < rule.pairs_min:
        raise Incomparable(f"{len(pairs)} pairs of rounds are fewer than {rule.pairs_min}")
    for number, pair in enumerate(pairs):
        for side, one in zip(SIDES, pair, strict=True):
            if len(one.answers) < rule.requests_min or not one.seconds > 0:
                raise Incomparable(
                    f"round {number} of the {side} has {len(one.answers)} requests, fewer than {rule.requests_min}"
                )
            if not all(math.isfinite(answer.ms) and answer.ms >= 0 for answer in one.answers):
                raise Incomparable(f"round {number} of the {side} holds a latency that is none")
        mixes = [Counter(answer.name for answer in one.answers) for one in pair]
        for name in mixes[0] | mixes[1]:
            counts = [mix[name] for mix in mixes]
            if min(counts) < max(counts) * (1 - rule.mix_tolerance):
                raise Incomparable(f"round {number} had {counts[0]} {name} on one side and {counts[1]} on the other")


def _measure(pairs: Sequence[Pair], rule: Rule) -> tuple[dict[str, list[_Series]], list[tuple[str, str]]]:
    """Every metric's series, without those that cannot be measured; and which kinds never succeeded where."""
    series = {"errors": [_Series(_per_pair(pairs, _failed), trim=0.0)], "throughput": [_Series(_slowdowns(pairs))]}
    if len(used := _appetites(pairs)) >= rule.pairs_min:
        series["cpu"] = [_Series(used)]
    names = sorted({answer.name for pair in pairs for one in pair for answer in one.answers})
    times = [[_log_times(one, names) for one in pair] for pair in pairs]
    missing = [
        (SIDES[side], name) for side in range(2) for name in names if not any(len(pair[side][name]) for pair in times)
    ]
    known = [name for name in names if name not in {name for _, name in missing}]
    timed = [pair for pair in times if all(_count(one, known) >= rule.requests_min / 2 for one in pair)]
    if len(timed) < rule.pairs_min:
        return series, missing
    medians = {name: float(np.median(np.concatenate([pair[0][name] for pair in timed]))) for name in known}
    pooled = [[np.concatenate([one[name] - medians[name] for name in known]) for one in pair] for pair in timed]
    for metric, share in QUANTILES.items():
        series[metric] = [_Series(np.array([_quantile(b, share) - _quantile(a, share) for a, b in pooled]))]
    matched = [twins(pair) for pair in pairs]
    ratios = [_ratios(several) for several in matched]
    series["p50"] = [_Series(np.array([float(np.median(one)) for one in ratios if len(one) >= rule.requests_min / 2]))]
    limits_ms = {name: math.exp(median) * rule.slow_factor for name, median in medians.items()}
    # Every episode counts: what the machine did to both sides is no episode of either.
    series["slow"] = [_Series(np.array([_slow(several, limits_ms, rule) for several in matched]), trim=0.0)]
    series["kinds"] = [
        _Series(kind, detail=name) for name in known if len(kind := _kind(matched, name)) >= rule.pairs_min
    ]
    return series, missing


def twins(pair: Pair) -> list[tuple[Answer, Answer]]:
    """The same request on both sides, base first: the first of its kind with the first, and so on. Both had the same plan."""
    waiting: dict[str, list[Answer]] = {}
    for answer in pair.base.answers:
        waiting.setdefault(answer.name, []).append(answer)
    queues = {name: iter(answers) for name, answers in waiting.items()}
    found = ((next(queues.get(answer.name, iter(())), None), answer) for answer in pair.candidate.answers)
    return [(base, candidate) for base, candidate in found if base is not None]


def _ratios(several: Sequence[tuple[Answer, Answer]]) -> Floats:
    """Natural logarithms of how many times longer the candidate's twin took, of those that both succeeded."""
    return np.array([_log_ms(candidate) - _log_ms(base) for base, candidate in several if base.ok and candidate.ok])


def _log_ms(answer: Answer) -> float:
    return math.log(max(answer.ms, TIME_MS_MIN))


def _slow(several: Sequence[tuple[Answer, Answer]], limits_ms: Mapping[str, float], rule: Rule) -> float:
    """How much larger the candidate's share of slow episodes is: slower than usual for the kind, and than its twin."""
    counts = []
    for side in range(2):
        slow = [
            both[side].at
            for both in several
            if both[side].ok
            and both[side].ms > limits_ms.get(both[side].name, math.inf)
            and not (both[1 - side].ok and both[side].ms <= both[1 - side].ms * rule.slow_factor)
        ]
        counts.append(episodes(slow, rule.episode_s))
    return (counts[1] - counts[0]) / max(len(several), 1)


def _log_times(one: Round, names: list[str]) -> dict[str, Floats]:
    """Natural logarithms of the milliseconds that successes took, by kind."""
    kinds: dict[str, list[float]] = {name: [] for name in names}
    for answer in one.answers:
        if answer.ok:
            kinds[answer.name].append(max(answer.ms, TIME_MS_MIN))
    return {name: np.log(np.array(values)) for name, values in kinds.items()}


def _count(times: dict[str, Floats], names: list[str]) -> int:
    return sum(len(times[name]) for name in names)


def _quantile(values: Floats, share: float) -> float:
    return float(np.quantile(values, share))


def _kind(matched: Sequence[Sequence[tuple[Answer, Answer]]], name: str) -> Floats:
    """Medians of one kind's ratios, of the pairs of rounds where it succeeded on both sides."""
    ratios = (_ratios([both for both in several if both[0].name == name]) for several in matched)
    return np.array([float(np.median(one)) for one in ratios if len(one)])


def _per_pair(pairs: Sequence[Pair], count: Callable[[Round], int]) -> Floats:
    """Of each pair, how much larger the candidate's share of requests is that `count` finds."""
    return np.array([count(b) / len(b.answers) - count(a) / len(a.answers) for a, b in pairs])


def _failed(one: Round) -> int:
    return sum(not answer.ok for answer in one.answers)


def episodes(moments: Sequence[float], episode_s: float) -> int:
    """How many of the moments are further than `episode_s` from the one before.

    One hiccup slows everything under way, and says no more than one slow request does (runs declustering: Smith and Weissman,
    Estimating the extremal index, 1994).
    """
    ranked = sorted(moments)
    return sum(before is None or at - before > episode_s for before, at in zip([None, *ranked], ranked, strict=False))


def _slowdowns(pairs: Sequence[Pair]) -> Floats:
    """Logarithm of how many times more successes per second the base had. A round without any counts as one in its whole length."""
    rates = np.array([[max(sum(x.ok for x in one.answers), 1) / one.seconds for one in pair] for pair in pairs])
    gone: Floats = np.log(rates[:, 0]) - np.log(rates[:, 1])
    return gone


def _appetites(pairs: Sequence[Pair]) -> Floats:
    """Logarithm of how many times more processor time the candidate used, of the pairs where both are known."""
    used = np.array([[one.cpu_s for one in pair] for pair in pairs])
    known = used[np.isfinite(used).all(axis=1) & (used > 0).all(axis=1)]
    gone: Floats = np.log(known[:, 1]) - np.log(known[:, 0])
    return gone


def _estimate(series: _Series, rule: Rule, random: np.random.Generator) -> _Estimate:
    error = standard_error(series.per_pair, series.trim, resamples=rule.resamples, random=random)
    degrees = freedom(len(series.per_pair), series.trim)
    return _Estimate(float(centre(series.per_pair, series.trim)), error, degrees, series.detail)


def _judge(budget: Budget, estimates: list[_Estimate], budgets: Budgets, requests: int) -> Finding:
    """The verdict on one metric; of several kinds of request the worst is told."""
    if not estimates:
        return Finding(budget.name, math.nan, math.nan, math.nan, INCONCLUSIVE)
    # Bonferroni: any of the metrics, kinds and looks may raise the alarm. To pass, all must: that needs no correction (Berger, 1982).
    doubt = budgets.rule.doubt / (len(budgets.metrics) * budgets.rule.looks * len(estimates))
    # Of n requests without a failure, the share that fails may still be 3 / n (the rule of three).
    unseen = 3 / requests if budget.kind == "share" else 0.0
    bounds = [(one.low(doubt), max(one.high(PASSING_DOUBT), one.value + unseen)) for one in estimates]
    limit, tolerance = _worse(budget.budget, budget.kind), _worse(budget.tolerance, budget.kind)
    if any(low > limit for low, _ in bounds):
        verdict = FAILED
        told = max(range(len(bounds)), key=lambda place: bounds[place][0])
    else:
        verdict = PASSED if all(high <= tolerance for _, high in bounds) else INCONCLUSIVE
        told = max(range(len(bounds)), key=lambda place: bounds[place][1])
    low, high = sorted(_natural(end, budget.kind) for end in bounds[told])
    return Finding(
        budget.name, _natural(estimates[told].value, budget.kind), low, high, verdict, estimates[told].detail
    )


def _worse(figure: float, kind: str) -> float:
    """A figure of budgets.toml on the scale where 0 is unchanged and more is worse."""
    return figure if kind == "share" else math.log(figure) if kind == "ratio" else -math.log(figure)


def _natural(value: float, kind: str) -> float:
    """Back from that scale."""
    return value if kind == "share" else math.exp(value if kind == "ratio" else -value)


def _reason(finding: Finding, budgets: Budgets) -> str:
    budget = next(one for one in budgets.metrics if one.name == finding.metric)
    name = f"{finding.metric} ({finding.detail})" if finding.detail else finding.metric
    if not math.isfinite(finding.estimate):
        why = "nobody tells processor time here" if finding.metric == "cpu" else "too little succeeded"
        return f"{name}: cannot be measured, {why}"
    scale, unit = (100, " percentage points") if budget.kind == "share" else (1, "")
    span = f"{finding.estimate * scale:.3g}{unit} [{finding.low * scale:.3g}, {finding.high * scale:.3g}]"
    if finding.verdict == FAILED:
        return f"{name}: {span} is beyond the budget of {budget.budget * scale:g}{unit}"
    return f"{name}: {span} may lie beyond the tolerance of {budget.tolerance * scale:g}{unit}: measure longer"
