"""A commit on its way to production, with nobody's help: build, and for each environment its gates, then the promotion.

One at a time per pipeline. A commit that waits while a newer one arrives is superseded, and the ledger says so: what
production gets is the newest that passed, and every commit is accounted for.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from release import build, deployed, signing, waivers
from release.candidate import Candidate
from release.errors import PromotionRefused
from release.pipeline import Pipeline
from release.policy import ENVIRONMENTS
from release.repository import Repository
from release.results import GateResult
from release.ring import Superseded as LostItsTurn
from release.statement import Superseded
from release.verdict import Verdict
from tools.prepare import state

ATTEMPTS_MAX = 2
"""A measurement that could not tell is made once more; after that a person decides."""
POLL_S = 2.0
CONTAINED_MAX = 1000
"""So far back a commit in the queue is known to contain an older one."""
WAIVED_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shipped:
    """How far it came: `environment` is the last one entered, None when not even the first."""

    candidate: Candidate
    environment: str | None
    stopped_by: tuple[str, ...] = ()
    superseded_by: str | None = None

    @property
    def arrived(self) -> bool:
        """Whether production runs it."""
        return self.environment == ENVIRONMENTS[-1]


def ship(pipeline: Pipeline, *, to: str = ENVIRONMENTS[-1], by: str, first_release_by: str | None = None) -> Shipped:
    """Takes the checked-out commit as far as `to`. Stops at the first environment whose judgement is not PASSED.

    `first_release_by` names the person who answers for a first release, which has nothing to be compared with: their waivers
    are signed for this candidate and no other. Raises NotReady when the checkout is not a clean commit, PolicyInvalid,
    DeploymentFailed.
    """
    begun = time.monotonic()
    candidate = build.build(pipeline.home, pipeline.root)
    _say(begun, f"candidate {candidate.digest} of commit {candidate.commit[:12]}")
    with _turn(pipeline, candidate) as newer:
        if newer:
            _supersede(pipeline, candidate, newer)
            _say(begun, f"superseded by {newer}: a newer commit is on its way")
            return Shipped(candidate, None, superseded_by=newer)
        if first_release_by and pipeline.previous() is None:
            _vouch(pipeline, candidate, first_release_by, begun)
        reached: str | None = None
        for environment in ENVIRONMENTS[: ENVIRONMENTS.index(to) + 1]:
            stopped = _gates(pipeline, candidate, environment, begun) or _promote(
                pipeline, candidate, environment, begun, by=by
            )
            if stopped:
                return Shipped(candidate, reached, stopped)
            reached = environment
        return Shipped(candidate, reached)


def _gates(pipeline: Pipeline, candidate: Candidate, environment: str, begun: float) -> tuple[str, ...]:
    """Runs what is still unanswered before `environment`. Returns the gates that stop it; none when it may enter."""
    for _ in range(ATTEMPTS_MAX):
        judgement = pipeline.judge(candidate, environment)
        open_gates = [
            pipeline.policy.gate(finding.gate)
            for finding in judgement.findings
            if finding.verdict is not Verdict.PASSED and finding.waiver is None
        ]
        stopping: list[GateResult] = []
        for run_name in pipeline.runs_of(open_gates):
            results = pipeline.run(run_name, candidate)
            for result in results:
                _tell(begun, result)
            stopping += [
                one for one in results if one.verdict is Verdict.FAILED and pipeline.policy.gate(one.gate).is_blocking
            ]
            if stopping:
                # A candidate known to be bad needs no further proof, and the next one waits.
                break
        judgement = pipeline.judge(candidate, environment)
        if judgement.passed:
            return ()
        if stopping:
            break
    for finding in judgement.stopping:
        _say(begun, f"{environment}: stopped by {finding.gate}: {finding.verdict}: {'; '.join(finding.reasons)[:400]}")
    return tuple(finding.gate for finding in judgement.stopping) or ("ledger",)


def _promote(pipeline: Pipeline, candidate: Candidate, environment: str, begun: float, *, by: str) -> tuple[str, ...]:
    try:
        promoted = deployed.promote(pipeline, environment, candidate, by=by)
    except (PromotionRefused, LostItsTurn) as refused:
        _say(begun, f"{environment}: not promoted: {refused}")
        return (f"promotion to {environment}",)
    seconds = sum(promoted.seconds.values())
    _say(begun, f"{environment} runs {candidate.short}" + (f" ({seconds:.0f} s)" if promoted.changed else " already"))
    return ()


def _vouch(pipeline: Pipeline, candidate: Candidate, owner: str, begun: float) -> None:
    now = datetime.now(UTC)
    comparing = [gate.name for gate in pipeline.policy.gates.values() if gate.needs_previous]
    entries = pipeline.ledger.read()
    if any(waivers.of_gate(entries, gate=name, digest=candidate.digest, now=now).in_force for name in comparing):
        return
    signed = waivers.waive_first_release(
        pipeline.ledger,
        pipeline.policy,
        signing.person_key(pipeline.home, owner),
        None,
        digest=candidate.digest,
        reason="The first release: there is nothing in production to compare it with.",
        expires_at=now + WAIVED_FOR,
        now=now,
    )
    _say(begun, f"{owner} vouches for the first release: {len(signed)} waivers signed")


def _tell(begun: float, result: GateResult) -> None:
    counted = f"{result.passed} passed" + (f", {result.failed} failed" if result.failed else "")
    figures = "".join(f", {name} {value:g}" for name, value in list(result.figures.items())[:4])
    _say(begun, f"gate {result.gate:<14} {result.verdict:<12} {result.elapsed_s:6.1f} s  {counted}{figures}")
    for reason in result.reasons[:5] if result.verdict is not Verdict.PASSED else ():
        _say(begun, f"     {reason[:300]}")


def _say(begun: float, text: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - begun), 60)
    print(f"{minutes:3d}:{seconds:02d}  {text}", flush=True)


# -- whose turn it is ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _turn(pipeline: Pipeline, candidate: Candidate) -> Iterator[str | None]:
    """Waits for the pipeline. Yields the digest that superseded this one meanwhile, or None when it is this one's turn."""
    queue = pipeline.home.path / "queue"
    queue.mkdir(parents=True, exist_ok=True)
    mine = _enter(queue, candidate, Repository(pipeline.root))
    try:
        with (pipeline.home.path / "ship.lock").open("w", encoding="ascii") as lock:
            told = False
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if newer := newer_than(candidate.commit, queue):
                        yield newer
                        return
                    if not told:
                        print("ship: another commit is on its way; waiting for its end", flush=True)
                        told = True
                    time.sleep(POLL_S)
                    continue
                yield newer_than(candidate.commit, queue)
                return
    finally:
        mine.unlink(missing_ok=True)


def _enter(queue: Path, candidate: Candidate, repository: Repository) -> Path:
    """Leaves a paper with what the commit contains: whoever waits in an older checkout does not have the newer commits."""
    path = queue / f"{time.time_ns()}-{os.getpid()}.json"
    contains = repository.ask("rev-list", f"--max-count={CONTAINED_MAX}", candidate.commit).split()
    asked = {"commit": candidate.commit, "digest": candidate.digest, "process": os.getpid(), "contains": contains}
    state.write_file(path, json.dumps(asked))
    return path


def newer_than(commit: str, queue: Path) -> str | None:
    """The digest of the newest commit in the queue that contains this one and whose process lives; None when there is none."""
    newest, digest = commit, None
    waiting = []
    for path in sorted(queue.glob("*.json")):
        try:
            asked = json.loads(path.read_text(encoding="utf-8"))
            os.kill(asked["process"], 0)
            waiting.append((asked["commit"], asked["digest"], frozenset(asked["contains"])))
        except (OSError, ValueError, KeyError, TypeError):
            # A process that was killed leaves its paper behind.
            continue
    for candidate, its_digest, contains in waiting:
        if candidate != newest and newest in contains:
            newest, digest = candidate, its_digest
    return digest


def _supersede(pipeline: Pipeline, candidate: Candidate, newer: str) -> None:
    said = Superseded(
        environment=ENVIRONMENTS[0], by=newer, why="a newer commit came while it waited", at=datetime.now(UTC)
    )
    pipeline.ledger.append(Superseded.TYPE, candidate.digest, said, signing.pipeline_key(pipeline.home))
