"""Runs the command of one run within its budget and reads every gate that it answers.

The command gets an empty directory for its results, the candidate by digest, and nothing from this process's environment that
could point it at another system or leave tests out. It is believed only as far as reports and exit status agree.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from release import registry
from release.answer import NO_PREVIOUS
from release.blobs import Blobs
from release.build import commit_of_clean_checkout
from release.candidate import Candidate, Release
from release.errors import NotReady, PolicyInvalid
from release.home import Home
from release.policy import Gate, Policy, Run
from release.reading import Reading, files_of, read, settle
from release.results import GateResult
from release.verdict import Verdict
from tools.prepare import engine, shell, state

OUTPUT = "output.log"
# Long enough for a run to remove the system that it started.
GRACE_S = 60
TOLD_EVERY_S = 15
SHOWN_EVERY_S = 1
LINE_CHARACTERS_MAX = 100
TAIL_BYTES = 4096
# What could send a gate to another system, or quietly leave tests out.
REDIRECTIONS = frozenset(
    {"PYTEST_ADDOPTS", "PYTEST_PLUGINS", "ALEXANDRITE_URL", "ALEXANDRITE_ADDRESS", "PYTHONWARNINGS"}
)
PACKAGES = ("pytest", "pytest-xdist", "pytest-bdd", "ruff", "mypy", "locust", "schemathesis", "testcontainers")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `exit_status` is None when it was killed for its budget or could not be started."""

    exit_status: int | None
    said: str
    """As in "the run ...": "was killed after 120 s"."""


def run(
    run_name: str,
    candidate: Candidate,
    previous: Release | None,
    policy: Policy,
    home: Home,
    *,
    root: Path = state.ROOT,
    fetch: Callable[[str], None] = registry.pull,
) -> list[GateResult]:
    """One result for each gate of the run, in the order of the declaration; never none.

    Raises PolicyInvalid for an unknown run, NotReady when `root` is not exactly the candidate's commit: what another tree's
    tests say is no evidence about this candidate.
    """
    if run_name not in policy.runs:
        raise PolicyInvalid(f"There is no run {run_name!r}.", remedy=f"There are: {', '.join(policy.runs)}.")
    _require_commit(root, candidate)
    gates = [gate for gate in policy.gates.values() if gate.run == run_name]
    started = datetime.now(UTC)
    if previous is None and all(gate.needs_previous for gate in gates):
        nothing = Reading(Verdict.INCONCLUSIVE, NO_PREVIOUS.reasons)
        return [result_of(gate.name, nothing, started=started) for gate in gates]
    home.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.work, prefix=f"{run_name}-", ignore_cleanup_errors=True) as place:
        work = Path(place)
        out = work / "out"
        out.mkdir()
        values = _values(candidate, previous, out)
        command = fill_in(policy.runs[run_name], values)
        ended = _fetched(candidate, previous, fetch) or _execute(
            policy.runs[run_name], command, environment_of(values), root=root, output=work / OUTPUT
        )
        readings = settle(
            {gate.name: read(gate, out, digest=candidate.digest) for gate in gates},
            exit_status=ended.exit_status,
            ended=ended.said,
        )
        readings = _unchanged(readings, root, candidate)
        raw = _kept(gates, work, out, Blobs(home))
        return [
            result_of(
                gate.name,
                _without_previous(gate, readings[gate.name], previous),
                started=started,
                command=command,
                exit_status=ended.exit_status,
                raw=raw[gate.name],
            )
            for gate in gates
        ]


def fill_in(run: Run, values: Mapping[str, str]) -> tuple[str, ...]:
    """The command with its placeholders replaced; braces that name no placeholder stay as they are."""
    return tuple(_PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), word) for word in run.command)


def environment_of(values: Mapping[str, str], given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the command's environment is: the process's own without redirections, and the candidate by digest."""
    kept = {name: value for name, value in given.items() if name not in REDIRECTIONS}
    return {
        **kept,
        "RELEASE_OUT": values["out"],
        "RELEASE_DIGEST": values["digest"],
        "RELEASE_COMMIT": values["commit"],
        "RELEASE_IMAGE": values["image"],
        "ALEXANDRITE_IMAGE_SYSTEM": values["image"],
        "RELEASE_PREVIOUS_DIGEST": values["previous_digest"],
        "RELEASE_PREVIOUS_COMMIT": values["previous_commit"],
        "RELEASE_PREVIOUS_IMAGE": values["previous_image"],
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TESTCONTAINERS_RYUK_DISABLED": "true",
        "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",
    }


@functools.cache
def tools_used() -> Mapping[str, str]:
    """The versions of what judges: a verdict can depend on them."""
    found = {"python": platform.python_version(), "kernel": platform.release()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    answers = {"docker": engine.version(), "git": shell.answer(["git", "--version"])}
    return {**found, **{name: told.removeprefix("git version ") for name, told in answers.items() if told}}


def _values(candidate: Candidate, previous: Release | None, out: Path) -> dict[str, str]:
    return {
        "python": sys.executable,
        "out": str(out),
        "image": candidate.image,
        "digest": candidate.digest,
        "commit": candidate.commit,
        "previous_image": previous.image if previous else "",
        "previous_digest": previous.digest if previous else "",
        "previous_commit": previous.commit if previous else "",
    }


def _require_commit(root: Path, candidate: Candidate) -> None:
    commit = commit_of_clean_checkout(root)
    if commit != candidate.commit:
        raise NotReady(
            f"The checkout is {commit[:12]}, the candidate {candidate.short} was built from {candidate.commit[:12]}.",
            remedy=f"Check out {candidate.commit[:12]}, or build a candidate of this commit.",
        )


def _fetched(candidate: Candidate, previous: Release | None, fetch: Callable[[str], None]) -> Ended | None:
    """None when the engine has what is judged and what it is compared with."""
    try:
        fetch(candidate.image)
        if previous is not None:
            fetch(previous.image)
    except NotReady as missing:
        return Ended(None, f"could not begin: {missing}".rstrip("."))
    return None


def _execute(run: Run, command: tuple[str, ...], environment: dict[str, str], *, root: Path, output: Path) -> Ended:
    """Runs the command in a process group of its own, of which nothing is left when this returns."""
    print(f"{run.name}: at most {run.budget_s} s", flush=True)
    begun = time.monotonic()
    with output.open("wb") as stream:
        try:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return Ended(None, f"could not begin: {error}")
        try:
            in_time = _watched(process, run, begun, output)
        finally:
            _end(process)
    elapsed_s = time.monotonic() - begun
    ended = (
        Ended(process.returncode, f"ended with status {process.returncode}")
        if in_time
        else Ended(None, f"was killed after its budget of {run.budget_s} s")
    )
    print(f"{_line_start()}{run.name}: {ended.said} ({elapsed_s:.1f} s)", flush=True)
    return ended


def _watched(process: subprocess.Popen[bytes], run: Run, begun: float, output: Path) -> bool:
    """Waits for the end and tells how long it takes. False when the budget is used up and it still runs."""
    every_s = SHOWN_EVERY_S if sys.stdout.isatty() else TOLD_EVERY_S
    while True:
        left_s = run.budget_s - (time.monotonic() - begun)
        if left_s <= 0:
            return process.poll() is not None
        try:
            process.wait(min(every_s, left_s))
            return True
        except subprocess.TimeoutExpired:
            told = f"{run.name}: {time.monotonic() - begun:.0f} s of {run.budget_s} s: {_last_line(output)}"
            print(f"{_line_start()}{told}", end="" if sys.stdout.isatty() else "\n", flush=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks the whole group to end, waits, then ends it: the leader may be gone and its children not."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # Started as the leader of a new session, so its own id is the group's, for as long as anyone is in it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _line_start() -> str:
    """On a terminal the line is written over, elsewhere each line stays."""
    return "\r\033[K" if sys.stdout.isatty() else ""


def _last_line(output: Path) -> str:
    """The last thing that the command said, for people."""
    with output.open("rb") as stream:
        stream.seek(max(0, output.stat().st_size - TAIL_BYTES))
        lines = stream.read().decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:LINE_CHARACTERS_MAX] if said else "no output yet"


def _unchanged(readings: dict[str, Reading], root: Path, candidate: Candidate) -> dict[str, Reading]:
    """The readings, unless somebody edited the tree while it was tested: then nobody knows which tree they are about."""
    try:
        _require_commit(root, candidate)
    except NotReady as changed:
        reason = f"The checkout changed during the run. {changed}"
        return {name: Reading(Verdict.ERRORED, (reason, *reading.reasons)) for name, reading in readings.items()}
    return readings


def _without_previous(gate: Gate, reading: Reading, previous: Release | None) -> Reading:
    if gate.needs_previous and previous is None and reading.verdict is Verdict.PASSED:
        return Reading(Verdict.INCONCLUSIVE, NO_PREVIOUS.reasons)
    return reading


def _kept(gates: list[Gate], work: Path, out: Path, blobs: Blobs) -> dict[str, dict[str, str]]:
    """Everything the run left, as blobs: for each gate the output, its own reports, and what is no gate's report."""
    output = {OUTPUT: blobs.put(work / OUTPUT)} if (work / OUTPUT).is_file() else {}
    stored = {path: blobs.put(path) for path in files_of("**/*", out)}
    owned = {gate.name: {path for pattern in gate.reports for path in files_of(pattern, out)} for gate in gates}
    everybodys = set(stored) - set().union(*owned.values())
    return {
        gate.name: output | {str(path.relative_to(out)): stored[path] for path in sorted(owned[gate.name] | everybodys)}
        for gate in gates
    }


def result_of(
    gate: str,
    reading: Reading,
    *,
    started: datetime,
    command: tuple[str, ...] = (),
    exit_status: int | None = None,
    raw: Mapping[str, str] | None = None,
) -> GateResult:
    """What was read of a gate by now, with the versions of the tools that made it."""
    return GateResult(
        gate=gate,
        verdict=reading.verdict,
        reasons=reading.reasons,
        started=started,
        finished=datetime.now(UTC),
        command=command,
        exit_status=exit_status,
        passed=reading.passed,
        failed=reading.failed,
        skipped=reading.skipped,
        checked=reading.checked,
        figures=reading.figures,
        raw=raw or {},
        tools=tools_used(),
    )
