"""`make quick`: static checks, the unit tests that this work touches, and the scenarios that it changes, on a system kept warm.

python -m release quick [--base COMMIT]      the last line is `N passed, N failed, N skipped`
python -m release quick --down               removes the warm system

Nothing of it is evidence: it judges a working tree. The commands are those that the gates declare.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from release import policy
from release.affected import affected, changed_files
from release.changes import FEATURES, ChangedScenario, Scenario, compare, scenarios_in, scenarios_of
from release.errors import NotReady
from release.pins import Pins
from release.repository import Repository
from release.running import fill_in
from release.scenario_run import selection
from tools.prepare import engine, images, ports, shell, state, topology

GATES = Path(__file__).with_name("gates.toml")
RUNS = ("static", "unit")
SCENARIOS = "quick"
DURATIONS = "durations.test.env"
START_TIMEOUT_S = 240
LOG_LINES = 15
# Starting workers costs more than it saves below so few.
PARALLEL_FROM = 6
# Not part of the specification yet, or known not to be reliable.
NOT_ASKED = frozenset({"proposed", "quarantine"})
ASK_ADDRESS = """
import json, sys
from step_defs import assembly
print(json.dumps(assembly.address_at(sys.argv[1], json.loads(sys.argv[2])).to_dict()))
"""


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 only when everything asked for passed."""
    parser = argparse.ArgumentParser(prog="python -m release quick", description=__doc__)
    parser.add_argument("--base", help="compare scenarios with this commit; default: what production runs")
    parser.add_argument("--down", action="store_true", help="remove the warm system")
    asked = parser.parse_args(arguments)
    state.make_directories()
    system = WarmSystem()
    if asked.down:
        return system.remove()
    with (state.STATE / "quick.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReady("Another quick run of this checkout is at work.", remedy="Wait for it.") from None
        return run(system, base_commit(state.ROOT, asked.base))


def run(system: WarmSystem, base: str) -> int:
    """Everything, one after the other; a failure does not keep the rest from being told."""
    begun = time.monotonic()
    changed = changed_since(state.ROOT, base)
    for report in state.REPORTS.glob("*"):
        if report.is_file():
            report.unlink()
    # It starts while the static checks run: both wait a lot.
    starting = system.begin() if changed else None
    declared = policy.load(GATES)
    values = {"python": sys.executable, "out": str(state.REPORTS)}
    commands: dict[str, Sequence[str]] = {name: fill_in(declared.runs[name], values) for name in RUNS}
    commands["unit"] = narrowed(commands["unit"], state.ROOT, base)
    names = [name for name in RUNS if commands[name]]
    statuses = [subprocess.run(commands[name], cwd=state.ROOT, check=False).returncode for name in names]
    if changed:
        print(f"quick: {len(changed)} scenarios differ from {base[:12]}", flush=True)
        names.append(SCENARIOS)
        if system.ready(starting):
            statuses += [
                subprocess.run(command, cwd=state.ROOT, env=system.variables(), check=False).returncode
                for command in scenario_commands(changed, state.REPORTS)
            ]
    else:
        print(f"quick: no scenario differs from {base[:12]}", flush=True)
    print(f"quick: {time.monotonic() - begun:.0f} s", flush=True)
    status = next((status for status in statuses if status), 0)
    count = [sys.executable, "-m", "tools.count", "--status", str(status), *names]
    return subprocess.run(count, cwd=state.ROOT, check=False).returncode


def narrowed(command: Sequence[str], root: Path, base: str) -> list[str]:
    """The command of the unit tests for those alone that the work since `base` touches; empty when it touches none."""
    tests = affected(root, changed_files(root, base))
    if tests is None:
        return list(command)
    within = tuple(f"{argument}/" for argument in command if (root / argument).is_dir())
    tests = [path for path in tests if path.startswith(within)]
    print(f"quick: {len(tests)} files of unit tests are touched by what differs from {base[:12]}", flush=True)
    if not tests:
        return []
    chosen = selection(tests, state.REPORTS / "quick-unit.txt")
    kept = [argument for argument in command if not (root / argument).is_dir()]
    # After `-m pytest`: what runs comes where the directories were.
    place = kept.index("pytest") + 1
    return [*kept[:place], chosen, *kept[place:]]


def base_commit(root: Path, named: str | None) -> str:
    """What to compare with: the named commit, else what production runs, else origin/main, else the commit before."""
    repository = Repository(root)
    if named:
        return repository.commit(named)
    pinned = Pins(root).read("production")
    candidates = [pinned.pin.release.commit] if pinned else []
    for name in (*candidates, "origin/main", "HEAD~1", "HEAD"):
        if repository.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").returncode == 0:
            return repository.commit(name)
    raise NotReady("This repository has no commit yet.")


def changed_since(root: Path, base: str) -> list[ChangedScenario]:
    """The scenarios of the working tree, committed or not, that must hold and are not as they were at `base`."""
    now: dict[str, Scenario] = {}
    for path in sorted((root / FEATURES).rglob("*.feature")):
        name = path.relative_to(root).as_posix()
        now |= {scenario.id: scenario for scenario in scenarios_in(name, path.read_text(encoding="utf-8"))}
    changes = compare(scenarios_of(root, base), now)
    return [change for change in changes if change.kind != "removed" and not NOT_ASKED & set(change.tags)]


def scenario_commands(changed: Sequence[ChangedScenario], reports: Path) -> list[list[str]]:
    """One pytest for those that may run beside each other, one for those that break shared parts, one for those at the pages."""
    together = [change.node for change in changed if "exclusive" not in change.tags]
    alone = [change.node for change in changed if "exclusive" in change.tags]
    workers = ["-n", "auto", "--dist", "worksteal"] if len(together) >= PARALLEL_FROM else ["-p", "no:xdist"]
    at_pages = [change.node for change in changed if "pages" in change.tags]
    batches = (
        ("scenarios", together, workers),
        ("faults", alone, ["-p", "no:xdist"]),
        ("pages", at_pages, ["--through", "pages", "-p", "no:xdist"]),
    )
    return [
        [
            *(sys.executable, "-m", "pytest", selection(nodes, reports / f"{SCENARIOS}-{name}.txt"), *options),
            *("-p", "release.counting", "--bdd-report", str(reports / f"{SCENARIOS}-{name}")),
            *("--junit-xml", str(reports / f"{SCENARIOS}-{name}.xml")),
        ]
        for name, nodes, options in batches
        if nodes
    ]


class WarmSystem:
    """A whole system of this checkout that outlives the run; touched only when what it is made of has changed."""

    def __init__(self) -> None:
        self.project = f"{topology.project_name()}-quick"
        self._ports_file = state.STATE / "quick.ports.env"
        self._stamp = "quick-system"
        self._ports: dict[str, int] = {}

    def begin(self) -> subprocess.Popen[bytes] | None:
        """Starts what is not as it should be, without waiting for it. None when it is well and of the present images."""
        running = topology.running(self.project)
        self._ports = ports.choose(running=running, file=self._ports_file)
        if running and state.stamp_is(self._stamp, self._made_of()) and not topology.unwell(self.project):
            return None
        state.clear_stamp(self._stamp)
        wait = ["--wait", "--wait-timeout", str(START_TIMEOUT_S)]
        return subprocess.Popen(
            self._compose("--progress", "quiet", "up", "--detach", "--remove-orphans", *wait),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
        )

    def ready(self, starting: subprocess.Popen[bytes] | None) -> bool:
        """Waits until it is healthy and its seed is in. False, after saying what is unwell, when it does not become so."""
        if starting is None:
            return True
        begun = time.monotonic()
        if starting.wait() == 0 and self._run("--profile", "seed", "run", "--rm", "--quiet-pull", "seed") == 0:
            state.set_stamp(self._stamp, self._made_of())
            print(f"quick: waited {time.monotonic() - begun:.1f} s for the system", flush=True)
            return True
        for name, status in topology.unwell(self.project):
            print(f"--- {name}: {status}", flush=True)
            self._run("logs", "--no-color", "--no-log-prefix", "--tail", str(LOG_LINES), name)
        return False

    def remove(self) -> int:
        """Removes its containers, networks and volumes."""
        self._ports = ports.remembered(self._ports_file) or ports.free_ports()
        state.clear_stamp(self._stamp)
        return self._run(
            "--profile", "*", "--progress", "quiet", "down", "--remove-orphans", "--volumes", "--timeout", "2"
        )

    def variables(self) -> dict[str, str]:
        """What scenarios need to find it. Raises NotReady when its secrets are not there."""
        command = [sys.executable, "-c", ASK_ADDRESS, self.project, json.dumps(self._ports)]
        address = shell.answer(command, environment={"PYTHONPATH": str(state.ROOT)})
        if address is None:
            raise NotReady("The warm system's address is not known.", remedy="Run: make prepare")
        return {**os.environ, "ALEXANDRITE_ADDRESS": address}

    def _made_of(self) -> str:
        """Changes with an image, the topology, or a port."""
        files = [path for path in images.DEPLOY.rglob("*") if path.is_file() and "tests" not in path.parts]
        return state.digest_of_text(state.digest_of_files(files), json.dumps(self._variables(), sort_keys=True))

    def _variables(self) -> Mapping[str, str]:
        return topology.environment(self.project, self._ports, DURATIONS)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self._variables()}

    def _compose(self, *arguments: str) -> list[str]:
        return [*engine.docker(), "compose", "--file", str(topology.COMPOSE_FILE), *arguments]

    def _run(self, *arguments: str) -> int:
        command = self._compose(*arguments)
        return subprocess.run(command, env=self._environment(), stdin=subprocess.DEVNULL, check=False).returncode
