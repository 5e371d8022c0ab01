"""`python -m perf.gate`: the candidate beside the previous release, under the same load at the same time; is it within its budgets?

Reads RELEASE_IMAGE, RELEASE_DIGEST, RELEASE_OUT, RELEASE_PREVIOUS_IMAGE and RELEASE_PREVIOUS_COMMIT. Leaves verdict.json, rounds.jsonl
and index.html in RELEASE_OUT. Exit status: 0 PASSED, 1 FAILED, 3 INCONCLUSIVE, 2 ERRORED (the gate broke, nothing is known).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from perf import budgets, page
from perf.beside import Wanted, project_named, systems
from perf.budgets import Budgets
from perf.comparison import FAILED, INCONCLUSIVE, PASSED, Comparison, Incomparable, compare
from perf.duel import Duel, Unprepared, duel
from perf.rounds import Pair, to_lines
from perf.system import NotStarted, Target, percentile
from tools.prepare import state

GATE = "performance"
ERRORED = "ERRORED"
EXIT_STATUS = {PASSED: 0, FAILED: 1, ERRORED: 2, INCONCLUSIVE: 3}
LOOKS = (12, 24)
"""So many undisturbed pairs of rounds before the first verdict is asked for, and before the last."""
FOREIGN_MAX = 0.60
"""A round during which something else used more of the processors than this is disturbed, and is played again."""
MEASURING_S_MAX = 540.0


@dataclass
class Outcome:
    """What the gate found."""

    verdict: str
    reasons: list[str]
    comparison: Comparison | None = None
    pairs: list[Pair] = field(default_factory=list)
    disturbed: int = 0

    def figures(self) -> dict[str, float]:
        """Numbers for the record."""
        measured = self.comparison.figures() if self.comparison else {}
        return measured | {"disturbed_pairs": float(self.disturbed)}


class Play(Protocol):
    """Something that plays more pairs of rounds and returns all of them so far."""

    async def __call__(self, count: int) -> list[Pair]:
        """So many more."""


class Judge:
    """Asks for verdicts as rounds come in: few looks, because each look at noise is a chance to be wrong."""

    def __init__(self, terms: Budgets, *, looks: tuple[int, ...] = LOOKS) -> None:
        if len(looks) > terms.rule.looks:
            raise ValueError(f"the budgets' correction is for {terms.rule.looks} looks, not {len(looks)}")
        self._terms = terms
        self._looks = looks

    def quiet(self, pairs: list[Pair]) -> list[Pair]:
        """The pairs that nothing disturbed."""
        return [pair for pair in pairs if pair.foreign <= FOREIGN_MAX]

    async def decide(self, play: Play, *, deadline: float) -> Outcome:
        """Plays until a verdict stands. `play(count)` returns all pairs so far; `deadline` is of the monotonic clock."""
        pairs: list[Pair] = []
        last: Comparison | None = None
        for look in self._looks:
            while len(self.quiet(pairs)) < look and time.monotonic() < deadline:
                pairs = await play(1)
            if last is not None and len(self.quiet(pairs)) == last.pairs:
                break
            try:
                last = compare(self.quiet(pairs), self._terms)
            except Incomparable as error:
                # Too few quiet rounds is noise; anything else is a load that was not the same, which is the gate's fault.
                noise = len(self.quiet(pairs)) < self._terms.rule.pairs_min
                return Outcome(INCONCLUSIVE if noise else ERRORED, [f"{error}."], None, pairs, self.disturbed(pairs))
            if last.verdict != INCONCLUSIVE:
                break
        if last is None:
            raise ValueError("a judge needs a look")
        return Outcome(last.verdict, list(last.reasons), last, pairs, self.disturbed(pairs))

    def disturbed(self, pairs: list[Pair]) -> int:
        """How many pairs were left out."""
        return len(pairs) - len(self.quiet(pairs))


def playing(contest: Duel, *, deadline: float) -> Play:
    """Plays a duel on, each time in a quiet moment, telling how it stands now and then."""

    async def play(count: int) -> list[Pair]:
        await contest.quiet_moment(FOREIGN_MAX, deadline=deadline)
        await contest.play(count)
        pairs = contest.pairs
        if len(pairs) % 8 == 0:
            print(
                f"{len(pairs)} pairs of rounds; something else used {pairs[-1].foreign:.0%} of the machine", flush=True
            )
        return pairs

    return play


async def measure(base: Target, candidate: Target, terms: Budgets, *, seconds_max: float) -> Outcome:
    """Compares two running systems. A candidate that cannot even be staffed is FAILED; a base that cannot is the gate's trouble."""
    try:
        async with duel(base, candidate) as contest:
            deadline = time.monotonic() + seconds_max
            outcome = await Judge(terms).decide(playing(contest, deadline=deadline), deadline=deadline)
            for side, said in zip(("base", "candidate"), contest.said, strict=True):
                for text, count in said.most_common(3):
                    print(f"  {side}: {count} x {text}", flush=True)
            return outcome
    except Unprepared as error:
        return Outcome(FAILED if error.side == "candidate" else ERRORED, [str(error)])


def leave(outcome: Outcome, terms: Budgets, out: Path, *, digest: str) -> int:
    """Writes verdict, rounds and page, prints the verdict, returns the exit status."""
    out.mkdir(parents=True, exist_ok=True)
    state.write_file(out / "rounds.jsonl", "\n".join(to_lines(outcome.pairs)) + "\n")
    page.write_comparison(
        outcome.pairs, outcome.comparison, terms, out / "index.html", title=f"{GATE}: {outcome.verdict}"
    )
    requests = sum(len(one.answers) for pair in outcome.pairs for one in pair)
    verdict: dict[str, Any] = {
        "gate": GATE,
        "digest": digest,
        "verdict": outcome.verdict,
        "reasons": outcome.reasons,
        "figures": outcome.figures(),
        "objectives": {one.name: {"budget": one.budget, "tolerance": one.tolerance} for one in terms.metrics},
        "checked": requests,
    }
    state.write_file(out / "verdict.json", json.dumps(verdict, ensure_ascii=False, indent=2) + "\n")
    for line in advice(outcome.pairs, terms):
        print(line)
    if outcome.comparison:
        for finding in outcome.comparison.findings:
            print(
                f"  {finding.metric:<11} {finding.estimate:7.3f} [{finding.low:.3f}, {finding.high:.3f}] {finding.verdict}"
            )
    print(f"{GATE}: {outcome.verdict} ({requests} requests, {outcome.disturbed} disturbed pairs left out)", flush=True)
    for reason in outcome.reasons:
        print(f"  {reason}", flush=True)
    return EXIT_STATUS[outcome.verdict]


def advice(pairs: list[Pair], terms: Budgets) -> list[str]:
    """The candidate's p95 of each kind beside what it is expected to stay below on a machine of this size. Decides nothing."""
    lines = []
    for name, limit_ms in terms.advisory_p95_ms.items():
        taken = [answer.ms for pair in pairs for answer in pair.candidate.answers if answer.name == name and answer.ok]
        if taken:
            p95 = percentile(taken, 0.95)
            lines.append(f"  {name:<20} p95 {p95:7.1f} ms{'' if p95 <= limit_ms else f'   above {limit_ms:.0f} ms'}")
    return lines


def judge(environment: Mapping[str, str], terms: Budgets, *, seconds_max: float = MEASURING_S_MAX) -> Outcome:
    """The whole gate, from images to an outcome."""
    image, previous = environment.get("RELEASE_IMAGE", ""), environment.get("RELEASE_PREVIOUS_IMAGE", "")
    if not image:
        return Outcome(ERRORED, ["RELEASE_IMAGE names no candidate."])
    if not previous:
        return Outcome(INCONCLUSIVE, ["Production runs nothing yet: there is no previous release to compare with."])
    base = Wanted(project_named("base"), previous, environment.get("RELEASE_PREVIOUS_COMMIT", ""))
    try:
        with systems(base, Wanted(project_named("candidate"), image)) as (base_target, candidate_target):
            return asyncio.run(measure(base_target, candidate_target, terms, seconds_max=seconds_max))
    except (NotStarted, OSError) as error:
        return Outcome(ERRORED, [f"The systems could not be compared: {error}"])


def terminated(number: int, frame: FrameType | None) -> None:
    """For SIGTERM: ends the process by an exception, so that what it started is removed."""
    raise SystemExit(128 + number)


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds-max", type=float, default=MEASURING_S_MAX, help="no new round begins after this")
    arguments = parser.parse_args()
    # A terminated gate still removes what it started.
    signal.signal(signal.SIGTERM, terminated)
    terms = budgets.load()
    outcome = judge(os.environ, terms, seconds_max=arguments.seconds_max)
    out = Path(os.environ.get("RELEASE_OUT") or state.REPORTS / "perf")
    return leave(outcome, terms, out, digest=os.environ.get("RELEASE_DIGEST", ""))


if __name__ == "__main__":
    raise SystemExit(main())
