"""Gate `red-first`: a scenario that is new must fail on the release before; one that passes there proves nothing.

The scenarios added or altered since the previous release run, with the candidate's own phrases, against the previous
release's image. That they pass on the candidate is the business of the gate that runs all scenarios, not of this one.

Exempt, and told apart: `@proposed` (not yet part of the specification), `@quarantine`, and `@pins_behaviour`, which says with an
owner and a reason that a scenario writes down what the system did already. Such a one is held to its word: it must pass there.

One untouched scenario runs beside them as a witness. When even that fails, the old system is unwell and every red is worthless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from release.answer import NO_PREVIOUS, Answer, Run, main_of
from release.changes import ChangedScenario, Scenario, compare, scenarios_of
from release.scenario_run import Batch, Ending, Outcome, RunBroke, against_fresh_system, outcomes, selection
from release.verdict import Verdict

GATE = "red-first"
# One process per half of the cores; below so few scenarios starting workers costs more than it saves.
PARALLEL_FROM = 6


@dataclass(frozen=True, slots=True)
class Question:
    """What must be asked of the previous release."""

    new: tuple[ChangedScenario, ...]
    """Must fail there."""
    pins: tuple[ChangedScenario, ...]
    """Must pass there."""
    withdrawn: tuple[ChangedScenario, ...]
    """Had to hold before, and need not any more: removed, or only proposed now. Shown, so that nobody loses one unseen."""
    witness: Scenario | None
    """Was there before and is untouched: must pass there."""
    compared: int
    """How many scenarios the comparison looked at."""

    @property
    def scenarios(self) -> list[Scenario]:
        """All that has to run."""
        asked = [change.scenario for change in (*self.new, *self.pins)]
        return [*asked, self.witness] if self.witness else asked


def question(before: Mapping[str, Scenario], after: Mapping[str, Scenario]) -> Question:
    """What changed, sorted by what it must do on the previous release. `@proposed` and `@quarantine` are not asked."""
    changes = compare(before, after)
    counted = [
        change
        for change in changes
        if change.kind in ("added", "altered") and not {"proposed", "quarantine"} & set(change.tags)
    ]
    untouched = [
        scenario
        for key, scenario in after.items()
        if key in before
        and before[key].content == scenario.content
        and not {"proposed", "quarantine", "exclusive"} & set(scenario.tags)
    ]
    return Question(
        new=tuple(change for change in counted if not change.scenario.pins_behaviour),
        pins=tuple(change for change in counted if change.scenario.pins_behaviour),
        withdrawn=tuple(change for change in changes if _withdrawn(change, before)),
        # The longest walks through most of the system, so it notices most of what may be wrong with it.
        witness=max(untouched, key=lambda one: (one.step_count, one.node), default=None),
        compared=len(before.keys() | after.keys()),
    )


def _withdrawn(change: ChangedScenario, before: Mapping[str, Scenario]) -> bool:
    if change.kind == "removed":
        return not change.scenario.proposed
    older = before.get(change.scenario.id)
    return older is not None and change.scenario.proposed and not older.proposed


def judged(asked: Question, found: Mapping[str, Outcome]) -> Answer:
    """The verdict, from how each scenario ended on the previous release."""
    missing = [scenario.node for scenario in asked.scenarios if scenario.node not in found]
    if missing:
        return Answer(Verdict.ERRORED, (f"{len(missing)} scenarios did not run, the first of them {missing[0]}.",))
    if asked.witness and found[asked.witness.node].ending is not Ending.PASSED:
        why = found[asked.witness.node].why
        return Answer(
            Verdict.ERRORED,
            (f"The untouched {asked.witness.node} does not pass on the previous release, so no failure counts: {why}",),
        )
    broken = [one for one in (*asked.new, *asked.pins) if found[one.node].ending is Ending.BROKEN]
    green = [one for one in asked.new if found[one.node].ending is Ending.PASSED]
    unpinned = [one for one in asked.pins if found[one.node].ending is Ending.FAILED]
    reasons = [
        *(
            f"{one.place} passes on the previous release already, so it proves nothing of this change; "
            "say what is new, or mark it @pins_behaviour with an owner and a reason."
            for one in green
        ),
        *(
            f"{one.place} says it pins what was there, but the previous release fails it: {found[one.node].why}"
            for one in unpinned
        ),
        *(f"{one.place} could not be carried out: {found[one.node].why}" for one in broken),
        *(
            f"{one.place} ran apart: it pins what was there before, and does."
            for one in asked.pins
            if one not in unpinned
        ),
    ]
    verdict = Verdict.FAILED if green or unpinned else Verdict.ERRORED if broken else Verdict.PASSED
    return Answer(verdict, (*reasons, *_farewells(asked)), _figures(asked, found), asked.compared)


def _farewells(asked: Question) -> list[str]:
    return [f"{one.place} had to hold before and need not any more ({one.kind})." for one in asked.withdrawn]


def _figures(asked: Question, found: Mapping[str, Outcome]) -> dict[str, float]:
    return {
        "scenarios_compared": asked.compared,
        "scenarios_new_or_altered": len(asked.new),
        "scenarios_red_before": sum(found[one.node].ending is Ending.FAILED for one in asked.new if one.node in found),
        "scenarios_pinning_behaviour": len(asked.pins),
        "scenarios_withdrawn": len(asked.withdrawn),
    }


def batches(asked: Question, out: Path) -> list[Batch]:
    """The pytest runs: those that may run beside each other, then those that break shared parts."""
    together = [one.node for one in asked.scenarios if not one.exclusive]
    alone = [one.node for one in asked.scenarios if one.exclusive]
    made: list[Batch] = []
    if together:
        workers = ("-n", "auto", "--dist", "worksteal") if len(together) >= PARALLEL_FROM else ("-p", "no:randomly")
        made.append(Batch("red-together", (selection(together, out / "red-together.txt"), *workers)))
    if alone:
        made.append(Batch("red-alone", (selection(alone, out / "red-alone.txt"), "-p", "no:randomly")))
    return made


def ask(asked: Question, run: Run) -> Answer:
    """Runs what was asked against the previous release and judges it."""
    planned = batches(asked, run.out)
    # The whole of the old release, its schema too: its jobs are its own.
    variables = {"ALEXANDRITE_IMAGE_SYSTEM": run.previous_image, "ALEXANDRITE_JOBS_IMAGE": run.previous_image}
    _, said = against_fresh_system([one.command(run.out) for one in planned], variables, run.out / "red-first.log")
    try:
        return judged(asked, outcomes(run.out, planned, said))
    except RunBroke as broke:
        return Answer(Verdict.ERRORED, (str(broke),))


def answer(run: Run, repo: Path) -> Answer:
    """The gate's answer for one candidate. Raises NotReady when a commit or a feature cannot be read."""
    if not run.has_previous or not run.previous_image:
        return NO_PREVIOUS
    asked = question(scenarios_of(repo, run.previous_commit), scenarios_of(repo, run.commit))
    if not asked.compared:
        return Answer(Verdict.ERRORED, ("Neither the candidate nor the previous release has a scenario.",))
    if not asked.new and not asked.pins:
        return Answer(Verdict.PASSED, tuple(_farewells(asked)), _figures(asked, {}), asked.compared)
    return ask(asked, run)


def main(argv: Sequence[str]) -> int:
    """`python -m release red-first`, run as a gate's command in the candidate's checkout."""
    return main_of(GATE, argv, answer, usage=__doc__)
