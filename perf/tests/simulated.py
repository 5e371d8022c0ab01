"""Rounds made of random numbers, shaped like recorded ones: a floor, a long tail, rounds that differ, now and then a hiccup."""

from __future__ import annotations

import numpy as np

from perf.load import MIX, schedule
from perf.rounds import Answer, Pair, Round, duration_of

RATE = 12.5
SECONDS = 8.0
CPU_S = 3.0
TYPICAL_MS = {name: 10.0 + 2.0 * place for place, name in enumerate(MIX)}


def one_round(
    random: np.random.Generator,
    number: int,
    *,
    pace: float = 0.0,
    slower: float = 1.0,
    tail: float = 0.0,
    failing: float = 0.0,
    slow_kind: str = "",
    hungrier: float = 1.0,
) -> Round:
    """One round. `pace` shifts all log latencies; `tail` and `failing` are shares of requests; `hungrier` is for processor time."""
    answers = []
    hiccup = random.uniform(0, SECONDS) if random.random() < 0.05 else -9.0
    for at, name in schedule(number, rate=RATE, seconds=SECONDS):
        ms = TYPICAL_MS[name] * np.exp(pace) * (0.72 + random.exponential(0.4)) * slower
        ms *= 20.0 if random.random() < tail else 1.0
        ms *= 2.0 if name == slow_kind else 1.0
        ms += 300.0 if 0 <= at - hiccup < 0.4 else 0.0
        answers.append(Answer(name, at, float(ms), bool(random.random() >= failing)))
    cpu_s = CPU_S * hungrier * float(np.exp(random.normal(0, 0.05)))
    return Round(tuple(answers), duration_of(answers), cpu_s=cpu_s)


def pairs(
    count: int,
    seed: int = 1,
    *,
    slower: float = 1.0,
    tail: float = 0.0,
    failing: float = 0.0,
    base_failing: float = 0.0,
    slow_kind: str = "",
    hungrier: float = 1.0,
) -> list[Pair]:
    """So many pairs; the machine's pace drifts from pair to pair and differs a little inside each."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        drift = random.normal(0, 0.2)
        base = one_round(random, number, pace=drift + random.normal(0, 0.03), failing=base_failing)
        candidate = one_round(
            random,
            number,
            pace=drift + random.normal(0, 0.03),
            slower=slower,
            tail=tail,
            failing=failing,
            slow_kind=slow_kind,
            hungrier=hungrier,
        )
        made.append(Pair(base, candidate))
    return made
