"""`python -m perf.power`: how often the gate's verdicts are right, on rounds recorded from two systems of the same image.

Each trial draws pairs of recorded rounds, turns base and candidate round for every other trial, and asks the gate's own rule, looks
and all. Bars: the same image FAILED at most 1 %; 20 % slower FAILED at least 95 %; 2 % of requests 20 times slower FAILED at least
90 %. Beside them: how often the same image is PASSED (aim: 90 %).  `--record` makes a new recording with two real systems.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from perf import budgets, machine
from perf.beside import Wanted, project_named, systems
from perf.budgets import Budgets
from perf.comparison import FAILED, INCONCLUSIVE, PASSED, compare
from perf.duel import Unprepared, duel
from perf.gate import FOREIGN_MAX, LOOKS, terminated
from perf.rounds import Answer, Pair, Round, duration_of, pack, unpack
from perf.system import NotStarted
from tools.prepare import images

RECORDED = Path(__file__).with_name("recorded")
RECORDING = RECORDED / "same-image.json.gz"
RECORDED_PAIRS = 48
RECORDING_S_MAX = 3600.0
TRIALS = 1000
SLOWER = 1.2
TAIL_SHARE = 0.02
TAIL_FACTOR = 20.0

Change = Callable[[Round, np.random.Generator], Round]


@dataclass(frozen=True, slots=True)
class Bar:
    """What is asked of the verdicts on one kind of candidate."""

    name: str
    change: Change
    verdict: str
    least: float = 0.0
    most: float = 1.0
    binding: bool = True

    def met(self, share: float) -> bool:
        """Whether so large a share of `verdict` is as it should be."""
        return self.least <= share <= self.most


def unchanged(one: Round, random: np.random.Generator) -> Round:
    """The same image."""
    return one


def slower(one: Round, random: np.random.Generator) -> Round:
    """Every request takes a fifth longer."""
    return timed(one, lambda answer: answer.ms * SLOWER)


def tail(one: Round, random: np.random.Generator) -> Round:
    """Two requests of a hundred, whichever they are, take twenty times as long."""
    struck = set(np.flatnonzero(random.random(len(one.answers)) < TAIL_SHARE).tolist())
    answers = tuple(
        answer._replace(ms=answer.ms * TAIL_FACTOR) if place in struck else answer
        for place, answer in enumerate(one.answers)
    )
    return replace(one, answers=answers, seconds=max(one.seconds, duration_of(answers)))


def timed(one: Round, ms: Callable[[Answer], float]) -> Round:
    """The round with other latencies."""
    answers = tuple(answer._replace(ms=ms(answer)) for answer in one.answers)
    return replace(one, answers=answers, seconds=max(one.seconds, duration_of(answers)))


BARS = (
    Bar("same image", unchanged, FAILED, most=0.01),
    Bar("20 % slower", slower, FAILED, least=0.95),
    Bar("2 % of requests 20 times slower", tail, FAILED, least=0.90),
)
USABLE = Bar("same image", unchanged, PASSED, least=0.90, binding=False)


def trial(recorded: Sequence[Pair], change: Change, terms: Budgets, number: int) -> str:
    """The gate's verdict on rounds drawn for this trial's number."""
    random = np.random.default_rng(number)
    drawn = [recorded[place] for place in random.integers(len(recorded), size=LOOKS[-1])]
    pairs = []
    for base, candidate in drawn:
        # The recorded systems differ a little too, as two of one image do: each is the candidate in half of the trials.
        first, second = (candidate, base) if number % 2 else (base, candidate)
        pairs.append(Pair(first, change(second, random)))
    verdict = INCONCLUSIVE
    for look in LOOKS:
        verdict = compare(pairs[:look], terms).verdict
        if verdict != INCONCLUSIVE:
            break
    return verdict


def verdicts(recorded: Sequence[Pair], change: Change, terms: Budgets, trials: int) -> Counter[str]:
    """How often each verdict was given."""
    return Counter(trial(recorded, change, terms, number) for number in range(trials))


def measure(recorded: Sequence[Pair], terms: Budgets, trials: int) -> int:
    """Prints every bar; 1 when one is missed."""
    missed = False
    counted: dict[Change, Counter[str]] = {}
    for bar in (*BARS, USABLE):
        if bar.change not in counted:
            counted[bar.change] = verdicts(recorded, bar.change, terms, trials)
        counts = counted[bar.change]
        share = counts[bar.verdict] / trials
        wanted = f"at least {bar.least:.0%}" if bar.least else f"at most {bar.most:.0%}"
        missed |= bar.binding and not bar.met(share)
        word = "met" if bar.met(share) else "MISSED" if bar.binding else "below the aim"
        others = ", ".join(f"{name} {counts[name] / trials:.1%}" for name in sorted(counts) if name != bar.verdict)
        print(f"power: {bar.name}: {bar.verdict} {share:.1%} ({wanted}) {word}   [{others}]", flush=True)
    return 1 if missed else 0


async def record(pairs: int, path: Path) -> None:
    """Keeps so many undisturbed pairs of rounds from two systems of this checkout's image, as they come, with what they are."""
    image = images.references()["system"]
    both = [Wanted(project_named(role), image) for role in ("base", "candidate")]
    provenance: dict[str, Any] = {
        "what": "two systems of the same image, side by side, loaded by perf.duel",
        "image": image,
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "foreign_share_max": FOREIGN_MAX,
        **machine.described(),
    }
    with systems(*both) as (base, candidate):
        async with duel(base, candidate) as contest:
            provenance |= {"requests_per_second": contest.rate, "round_s": contest.seconds}
            deadline = time.monotonic() + RECORDING_S_MAX
            quiet: list[Pair] = []
            while len(quiet) < pairs and time.monotonic() < deadline:
                await contest.quiet_moment(FOREIGN_MAX, deadline=deadline)
                await contest.play(1)
                quiet = [pair for pair in contest.pairs if pair.foreign <= FOREIGN_MAX]
                left_out = len(contest.pairs) - len(quiet)
                # A recording that is cut short keeps what it has.
                pack(quiet, provenance | {"pairs": len(quiet), "disturbed_pairs_left_out": left_out}, path)
                print(
                    f"{len(quiet)} pairs kept, {left_out} left out; foreign {contest.pairs[-1].foreign:.0%}", flush=True
                )


def main() -> int:
    """Prints the figures; the exit status says whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--record", action="store_true", help="replace the recording; takes two systems and ten minutes"
    )
    parser.add_argument("--pairs", type=int, default=RECORDED_PAIRS)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--recording", type=Path, default=RECORDING)
    arguments = parser.parse_args()
    # A terminated recording still removes what it started, also where interrupts are ignored.
    signal.signal(signal.SIGTERM, terminated)
    if arguments.record:
        arguments.recording.parent.mkdir(exist_ok=True)
        try:
            asyncio.run(record(arguments.pairs, arguments.recording))
        except (NotStarted, Unprepared) as error:
            print(error)
            return 2
    if not arguments.recording.is_file():
        print(f"there is no recording {arguments.recording}; make one with --record")
        return 2
    recorded, provenance = unpack(arguments.recording)
    print(
        f"{len(recorded)} pairs of rounds recorded {provenance['recorded_at']} on {provenance['processors']} processors"
    )
    return measure(recorded, budgets.load(), arguments.trials)


if __name__ == "__main__":
    raise SystemExit(main())
