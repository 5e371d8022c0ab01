"""One run: the crowd and the fault together, then quiet, then judgement."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from perf.actors import Undone, carrier_secret
from perf.faults.collect import Collector
from perf.faults.crowd import Crowd, People
from perf.faults.invariants import Broken, broken
from perf.faults.matrix import Fault
from perf.faults.stage import NotStruck, Stage
from perf.faults.strikes import Scene

STRIKE_S_MAX = 90.0
STRIKES = "fault-strikes"
"""The name under which a fault that did not happen is counted: a run without it proves nothing."""


@dataclass
class Outcome:
    """What a run came to."""

    fault: str
    seed: int
    orders: int
    over: int
    seconds: float = 0.0
    broken: list[Broken] = field(default_factory=list)

    def line(self) -> str:
        """For people, while the matrix runs."""
        said = "holds" if not self.broken else f"{len(self.invariants)} BROKEN"
        return f"{self.fault} seed {self.seed}: {self.over} of {self.orders} orders over, {self.seconds:.0f} s, {said}"

    @property
    def invariants(self) -> list[str]:
        """The invariants that are broken, each once."""
        return sorted({one.invariant for one in self.broken})

    def repeat(self) -> str:
        """The command that does it again."""
        return f"make faults FAULT={self.fault} SEED={self.seed}"


async def run_of(fault: Fault, seed: int, stage: Stage, staff: People) -> Outcome:
    """Runs it once. Whatever is broken afterwards is in the outcome; only a system that cannot be asked raises."""
    began = time.monotonic()
    plan = fault.plan(seed)
    outcome = Outcome(fault.name, seed, len(plan.intents), 0)
    stage.desk.clear()
    # What the run before broke has come back by now; a fault is to strike a system that is well.
    await asyncio.to_thread(stage.wait_well)
    crowd = Crowd(plan, await staff.with_new_buyers(), stage.target, carrier_secret())
    scene = Scene(stage, plan, crowd)
    collector = await asyncio.to_thread(Collector, stage, crowd)
    living = asyncio.create_task(crowd.lives())
    living.add_done_callback(lambda _: scene.through.set())
    not_struck = await _strike(fault, scene)
    try:
        await asyncio.to_thread(stage.heal)
        await living
        await collector.quiet()
        evidence = await collector.evidence(planted=scene.planted, dead_seen=scene.dead_seen)
    except (AssertionError, Undone) as error:
        living.cancel()
        outcome.broken.append(Broken("system-comes-back", str(error)))
    else:
        outcome.broken += broken(evidence)
        if not not_struck and not fault.proof(evidence):
            not_struck = "the evidence does not show it"
    if not_struck:
        outcome.broken.append(Broken(STRIKES, not_struck))
    outcome.over, outcome.seconds = crowd.over, time.monotonic() - began
    return outcome


async def _strike(fault: Fault, scene: Scene) -> str:
    """Why the fault did not strike; empty when it did."""
    try:
        async with asyncio.timeout(STRIKE_S_MAX):
            await fault.strike(scene)
    except NotStruck as error:
        return str(error)
    except TimeoutError:
        return f"the strike was not through within {STRIKE_S_MAX:.0f} s"
    except (AssertionError, Undone) as error:
        return f"{type(error).__name__}: {error}"
    return ""
