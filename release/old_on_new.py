"""Gate `old-on-new`: the previous release's code still works on the candidate's schema and topology.

A deployment first migrates and declares with the candidate, then moves the traffic; until the last share has moved, and again
after a rollback, the old code works on the new schema. So the system is started that way, with the candidate's jobs and the previous
release's services, and judged by the previous release's own scenarios, from its own tree. Those that break shared parts stay out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from release.answer import NO_PREVIOUS, Answer, Run, main_of
from release.home import Home
from release.repository import Repository
from release.scenario_run import Batch, Ending, Outcome, RunBroke, against_fresh_system, outcomes
from release.verdict import Verdict
from tools.prepare import state

GATE = "old-on-new"
INSIDE = "--inside"
BATCH = Batch("old-scenarios", ("features", "-m", "not exclusive", "-n", "auto", "--dist", "worksteal"))
INFRASTRUCTURE = frozenset(
    {"postgres", "backup", "rabbitmq", "redis", "s3", "mailbox", "traefik", "prometheus", "alertmanager"}
    | {"postgres-exporter", "redis-exporter", "node-exporter"}
)
UNWELL = re.compile(r"^--- ([a-z0-9-]+): ", re.MULTILINE)
# What a checkout has beside its commit, and its scenarios need: tools, and nothing that this commit made.
LINKED = (".venv", "node_modules")
ADDRESS = "ALEXANDRITE_ADDRESS"
# The old tree may know fewer fields of an address than the new one writes; variables it does not know do no harm.
VARIABLE_OF_FIELD = {"url": "ALEXANDRITE_URL", "ca_file": "ALEXANDRITE_CA", "project": "ALEXANDRITE_COMPOSE_PROJECT"}


def old_tree(repo: Path, commit: str, directory: Path) -> None:
    """The previous release's tree, ready to run its scenarios. Links what is the machine's and not the commit's."""
    Repository(repo).extract(commit, directory)
    for name in LINKED:
        if (repo / name).exists():
            (directory / name).symlink_to((repo / name).resolve())
    own = directory / state.STATE.name
    own.mkdir()
    for name in ("secrets", "tls"):
        if (state.STATE / name).exists():
            (own / name).symlink_to(state.STATE / name)


def variables_of(address: Mapping[str, str]) -> dict[str, str]:
    """The address of a system as variables of the environment, one for each field."""
    return {
        VARIABLE_OF_FIELD.get(name, f"ALEXANDRITE_{name.upper()}"): value for name, value in address.items() if value
    }


def inside(tree: Path, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs a command in the old tree, against the system that the new tree started. Returns its exit status."""
    kept = {name: value for name, value in environment.items() if name != ADDRESS}
    variables = {**kept, **variables_of(json.loads(environment[ADDRESS])), "PYTHONPATH": str(tree)}
    return subprocess.run(command, cwd=tree, env=variables, check=False).returncode


def judged(found: Mapping[str, Outcome]) -> Answer:
    """The verdict, from how the previous release's scenarios ended."""
    failed = {node: one for node, one in found.items() if one.ending is Ending.FAILED}
    broken = {node: one for node, one in found.items() if one.ending is Ending.BROKEN}
    passed = sum(one.ending is Ending.PASSED for one in found.values())
    figures = {"old_scenarios_passed": float(passed), "old_scenarios_failed": float(len(failed))}
    reasons = (
        *(f"The previous release fails on this candidate's schema: {node}: {one.why}" for node, one in failed.items()),
        *(f"{node} could not be carried out: {one.why}" for node, one in broken.items()),
    )
    if not passed and not failed:
        return Answer(Verdict.ERRORED, (*reasons, "No scenario of the previous release ran."), figures)
    verdict = Verdict.FAILED if failed else Verdict.ERRORED if broken else Verdict.PASSED
    return Answer(verdict, reasons, figures, passed + len(failed))


def never_healthy(said: str) -> Answer | None:
    """The verdict when the system did not come up: the candidate's fault where one of our own processes is unwell.

    None when it came up. An unwell broker or database says nothing of the candidate.
    """
    if "the system did not become healthy" not in said or "an image of the present code is missing" in said:
        return None
    unwell = sorted(set(UNWELL.findall(said)))
    ours = [name for name in unwell if name not in INFRASTRUCTURE]
    reason = f"The previous release did not start on this candidate's schema; unwell: {', '.join(unwell) or 'unknown'}."
    if ours and len(ours) == len(unwell):
        return Answer(Verdict.FAILED, (reason,), checked=1)
    return Answer(Verdict.ERRORED, (reason,))


def ask(run: Run, tree: Path) -> Answer:
    """Starts the mixed system, runs the old scenarios against it and judges them."""
    command = [sys.executable, "-m", "release.old_on_new", INSIDE, str(tree), *BATCH.command(run.out)]
    variables = {"ALEXANDRITE_IMAGE_SYSTEM": run.previous_image, "ALEXANDRITE_JOBS_IMAGE": run.image}
    _, said = against_fresh_system([command], variables, run.out / "old-on-new.log")
    unhealthy = never_healthy(said)
    if unhealthy is not None:
        return unhealthy
    try:
        return judged(outcomes(run.out, [BATCH], said))
    except RunBroke as broke:
        return Answer(Verdict.ERRORED, (str(broke),))


def answer(run: Run, repo: Path, work: Path) -> Answer:
    """The gate's answer for one candidate; the old tree is removed again. Raises NotReady when it cannot be had."""
    if not run.has_previous or not run.previous_image:
        return NO_PREVIOUS
    work.mkdir(parents=True, exist_ok=True)
    tree = Path(tempfile.mkdtemp(prefix=f"old-{run.previous_commit[:12]}-", dir=work))
    try:
        old_tree(repo, run.previous_commit, tree)
        return ask(run, tree)
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def main(argv: Sequence[str]) -> int:
    """`python -m release old-on-new`, run as a gate's command in the candidate's checkout."""
    if argv and argv[0] == INSIDE:
        return inside(Path(argv[1]), argv[2:], os.environ)
    return main_of(GATE, argv, lambda run, repo: answer(run, repo, Home.of_checkout().work), usage=__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
