"""`python -m perf.faults`: every fault, several seeds each, on a system of its own; behind `make faults [SEED=n] [FAULT=name]`.

Each run sends a small crowd of orders through the system, has the fault strike in the middle, mends it, waits until nothing is on
its way any more, and judges what is left by perf/faults/invariants.py. The last line counts: `faults: N run, M invariants broken`;
the exit status is 0 only when none is. A failure prints its seed and the command that repeats it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from perf.actors import Undone, client
from perf.faults.crowd import People
from perf.faults.matrix import FAULTS
from perf.faults.run import Outcome, run_of
from perf.faults.stage import Stage, set_up
from tools.prepare import state

SEEDS = 5
SHOWN_MAX = 6
REPORT = state.REPORTS / "faults" / "runs.jsonl"


async def matrix(stage: Stage, names: Sequence[str], seeds: Sequence[int]) -> list[Outcome]:
    """Runs every fault with every seed, a seed at a time, so that a short matrix still sees every fault."""
    outcomes: list[Outcome] = []
    async with client(stage.target, connections=80) as http:
        staff = await People.gather(http, stage.target)
        for seed in seeds:
            for name in names:
                outcome = await run_of(FAULTS[name], seed, stage, staff)
                outcomes.append(outcome)
                _tell(outcome)
    return outcomes


def _tell(outcome: Outcome) -> None:
    print(outcome.line(), flush=True)
    for one in outcome.broken[:SHOWN_MAX]:
        print(f"    {one.invariant}: {one.detail}", flush=True)
    if len(outcome.broken) > SHOWN_MAX:
        print(f"    and {len(outcome.broken) - SHOWN_MAX} more, in {REPORT}", flush=True)
    if outcome.broken:
        print(f"    again: {outcome.repeat()}", flush=True)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    with REPORT.open("a", encoding="utf-8") as report:
        report.write(json.dumps(asdict(outcome)) + "\n")


def last_line(outcomes: Sequence[Outcome]) -> str:
    """The count that people and machines read."""
    return f"faults: {len(outcomes)} run, {sum(len(outcome.invariants) for outcome in outcomes)} invariants broken"


def main() -> int:
    """0: every invariant held in every run; 1: one did not; 2: the matrix could not be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", action="append", metavar="NAME", help=f"one of: {', '.join(FAULTS)}; default: all")
    parser.add_argument("--seed", type=int, action="append", help=f"default: 1 to {SEEDS}")
    parser.add_argument("--keep", action="store_true", help="leave the system running, and take one that was left")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.fault or ()) - set(FAULTS))
    if unknown:
        parser.error(f"no fault is named {unknown[0]!r}; there are {', '.join(FAULTS)}")
    REPORT.unlink(missing_ok=True)
    began = time.monotonic()
    try:
        with set_up(keep=arguments.keep) as stage:
            print(f"the system runs as {stage.project} after {time.monotonic() - began:.0f} s", flush=True)
            seeds = arguments.seed or range(1, SEEDS + 1)
            outcomes = asyncio.run(matrix(stage, arguments.fault or list(FAULTS), seeds))
    except (RuntimeError, Undone, AssertionError) as error:
        print(f"the matrix could not be run: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(last_line(outcomes))
    return 0 if not any(outcome.broken for outcome in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
