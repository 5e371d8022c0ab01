"""Does the release in the ring do what customers do first? Asked through the ring header, before anybody's traffic goes there.

identity    every service of the slot runs the candidate's digest and is healthy
doors       every service answers through the gateway, and it is this slot that answers
scenarios   those tagged @smoke (or @synthetic, the longer journeys), as anybody runs them, by pytest in a process of its own

The people in them are made by the scenarios and have addresses at customers.example: synthetic ones, that no report of the
business takes for customers. Every order that they begin is ended by the scenario: closed, cancelled or rejected.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from release.blobs import Blobs
from release.candidate import Release
from release.policy import Gate
from release.reading import Reading, read, settle
from release.results import GateResult
from release.running import result_of
from release.verdict import Verdict
from tools.prepare import state
from tools.prepare.names import SERVICES

REPORT = "smoke.xml"
OUTPUT = "output.txt"
BUDGET_S = {"smoke": 240.0, "synthetic": 240.0}
TESTS_MIN = {"smoke": 5, "synthetic": 5}
POLL_S = 0.2
END_WITHIN_S = 5.0
# What could send the scenarios to another system, or leave some of them out.
REDIRECTIONS = ("ALEXANDRITE_ADDRESS", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")


@dataclass(frozen=True)
class Ring:
    """The slot under smoke, as it can be seen from here."""

    environment: str
    slot: str
    variables: Mapping[str, str]
    """Where it is, for the scenarios: ALEXANDRITE_URL, ALEXANDRITE_RING and so on."""
    digest: Callable[[], str | None]
    """The one digest that all services of the slot run; None when it is more than one, or none."""
    unwell: Callable[[], Mapping[str, str]]
    """Services that are not healthy, with the engine's words."""
    answered: Callable[[], int]
    """How often the slot has answered, by the gateway's count."""
    door: httpx.Client
    """To the gateway, with the ring header."""


@dataclass(frozen=True)
class Scenarios:
    """How the scenarios are run; a test runs others."""

    root: Path = state.ROOT
    arguments: Sequence[str] = ("features",)
    budgets_s: Mapping[str, float] = field(default_factory=lambda: BUDGET_S)

    def command(self, tag: str, out: Path) -> tuple[str, ...]:
        """The whole command line."""
        tail = ("-m", f"{tag} and not exclusive", "-p", "release.counting", "-p", "no:cacheprovider")
        return (sys.executable, "-m", "pytest", *self.arguments, *tail, "--junit-xml", str(out / REPORT))


class Halt:
    """Lets another thread end a run of scenarios before its time."""

    def __init__(self) -> None:
        self._wanted = threading.Event()

    def now(self) -> None:
        """From here on nothing of it goes on."""
        self._wanted.set()

    def wanted(self) -> bool:
        """Whether it has been asked for."""
        return self._wanted.is_set()


def smoke(
    ring: Ring, release: Release, tag: str, *, work: Path, blobs: Blobs, scenarios: Scenarios, halt: Halt | None = None
) -> GateResult:
    """The gate `smoke-<environment>` (or `synthetic-...`): PASSED when identity, doors and scenarios all hold.

    Never raises for what is wrong with the release or the run: that is the verdict, with its reasons.
    """
    name, started = f"{tag}-{ring.environment}", datetime.now(UTC)
    before = _identity(ring, release) or _doors(ring)
    if before is not None:
        return result_of(name, before, started=started)
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work, prefix=f"{name}-", ignore_cleanup_errors=True) as place:
        out = Path(place)
        command = scenarios.command(tag, out)
        status, said = _execute(command, ring.variables, out, scenarios, tag, halt or Halt())
        gate = _gate(name, tag)
        reading = settle({name: read(gate, out, digest=release.digest)}, exit_status=status, ended=said)[name]
        # A slot that was restarted or exchanged meanwhile makes the scenarios somebody else's.
        reading = _identity(ring, release) or reading
        raw = {path.name: blobs.put(path) for path in sorted(out.iterdir()) if path.is_file()}
    return result_of(name, reading, started=started, command=command, exit_status=status, raw=raw)


def _gate(name: str, tag: str) -> Gate:
    return Gate(
        name=name,
        run=name,
        question="Does the release in the ring do what customers do first?",
        before="production",
        severity="blocking",
        reads="junit",
        reports=(REPORT,),
        tests_min=TESTS_MIN[tag],
        max_age_h=24.0,
        counted=True,
    )


def _identity(ring: Ring, release: Release) -> Reading | None:
    """What is wrong with who runs there; None when it is the release, healthy."""
    runs, unwell = ring.digest(), ring.unwell()
    if runs != release.digest:
        return Reading(Verdict.ERRORED, (f"{ring.slot} runs {runs or 'no one release'}, not {release.digest}.",))
    if unwell:
        words = "; ".join(f"{service}: {how}" for service, how in sorted(unwell.items()))
        return Reading(Verdict.FAILED, (f"Not healthy in {ring.slot}: {words}.",), failed=len(unwell))
    return None


def _doors(ring: Ring) -> Reading | None:
    """Every service answers through the ring, and the slot has answered at least that often."""
    before, shut = ring.answered(), []
    for service in SERVICES:
        path = f"/api/{service}/v1/openapi.json"
        try:
            status = ring.door.get(path).status_code
        except httpx.HTTPError as error:
            shut.append(f"{service} does not answer: {type(error).__name__}")
            continue
        if status != 200:
            shut.append(f"{service} answers {status}")
    if shut:
        return Reading(Verdict.FAILED, (f"Through the ring, {'; '.join(shut)}.",), failed=len(shut))
    if ring.answered() - before < len(SERVICES):
        return Reading(Verdict.ERRORED, (f"The ring header does not reach {ring.slot}: it counted too few answers.",))
    return None


def _execute(
    command: Sequence[str], variables: Mapping[str, str], out: Path, scenarios: Scenarios, tag: str, halt: Halt
) -> tuple[int | None, str]:
    """Exit status (None when it was ended) and how it ended, as in "the run ...". Its output is kept beside the report."""
    given = {name: value for name, value in os.environ.items() if name not in REDIRECTIONS}
    environment = {**given, **variables, "PYTHONPATH": str(state.ROOT), "PYTHONHASHSEED": "0"}
    budget_s = scenarios.budgets_s[tag]
    with (out / OUTPUT).open("wb") as output:
        process = subprocess.Popen(
            list(command),
            cwd=scenarios.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + budget_s
        try:
            while process.poll() is None:
                if halt.wanted() or time.monotonic() > deadline:
                    return None, "was halted" if halt.wanted() else f"was killed after {budget_s:.0f} s"
                time.sleep(POLL_S)
        finally:
            _end(process)
    return process.returncode, f"ended with status {process.returncode}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole group, soon: a rollback may be waiting for it, and it started nothing that would outlive it."""
    if process.poll() is not None:
        return
    # Not SIGINT: what a shell starts in the background ignores it, and so does everything started from there.
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=END_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# -- synthetic customers ------------------------------------------------------------------------------------------------------


class Synthetic:
    """Smoke scenarios through the ring, one round after the other, while a share is watched. A context."""

    def __init__(self, round_of: Callable[[Halt], GateResult]) -> None:
        self._round_of = round_of
        self._halt = Halt()
        self._enough = threading.Event()
        self._failed = ""
        self.rounds = 0
        self._thread = threading.Thread(target=self._go_round, name="synthetic customers", daemon=True)

    def __enter__(self) -> Synthetic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._halt.now()
        self._thread.join()

    def failed(self) -> str:
        """Why a round did not pass; empty while all did."""
        return self._failed

    def finish(self) -> None:
        """Waits for the round that is under way: a customer who left in the middle would leave an order behind."""
        self._enough.set()
        self._thread.join()

    def _go_round(self) -> None:
        while not self._enough.is_set():
            try:
                result = self._round_of(self._halt)
            except Exception as error:
                # A thread that dies in silence would look like customers who are content.
                self._failed = f"synthetic customers could not be sent: {type(error).__name__}: {error}"
                return
            if self._halt.wanted():
                return
            if result.verdict is not Verdict.PASSED:
                self._failed = f"synthetic customers: {result.verdict}: {'; '.join(result.reasons)}"
                return
            self.rounds += 1
