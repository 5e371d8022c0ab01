"""A commit's way: what is run, what stops it, and who gives way to whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from release import deployed, ship
from release.candidate import Candidate
from release.errors import PromotionRefused
from release.judge import GateFinding, Judgement
from release.pipeline import Pipeline
from release.policy import Gate
from release.promotion import Promoted
from release.repository import Repository
from release.results import GateResult
from release.ship import ATTEMPTS_MAX, newer_than
from release.verdict import Verdict, worst

NOW = datetime(2030, 5, 17, 12, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
CANDIDATE = Candidate(DIGEST, "c" * 40, f"127.0.0.1:5000/s@{DIGEST}", NOW, "b" * 64)


def gate(name: str, *, severity: str = "blocking") -> Gate:
    return Gate(name, name, "?", "dev", cast(Any, severity), "junit", ("r.xml",), 1, 24.0)


class FakePolicy:
    def __init__(self, *gates: Gate) -> None:
        self.gates = {one.name: one for one in gates}

    def gate(self, name: str) -> Gate:
        return self.gates[name]


class FakePipeline:
    """Judges by what its runs said last; each run says the next of its prepared verdicts, the last one again and again."""

    def __init__(self, policy: FakePolicy, verdicts: dict[str, list[Verdict]]) -> None:
        self.policy = policy
        self.said: dict[str, Verdict] = {}
        self.ran: list[str] = []
        self._verdicts = verdicts

    def judge(self, candidate: Candidate, environment: str) -> Judgement:
        findings = tuple(
            GateFinding(one.name, one.severity, self.said.get(one.name, Verdict.INCONCLUSIVE), ("why",))
            for one in self.policy.gates.values()
        )
        verdict = worst(finding.verdict for finding in findings if finding.severity == "blocking")
        return Judgement(verdict, environment, candidate.digest, "p", findings, (), NOW)

    def run(self, run_name: str, candidate: Candidate) -> list[GateResult]:
        self.ran.append(run_name)
        prepared = self._verdicts[run_name]
        verdict = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        self.said[run_name] = verdict
        return [GateResult(run_name, verdict, ("why",), NOW, NOW)]

    def runs_of(self, gates: Sequence[Gate]) -> list[str]:
        return [one.run for one in gates]


def stopped_by(fake: FakePipeline) -> tuple[str, ...]:
    return ship._gates(cast(Pipeline, fake), CANDIDATE, "dev", 0.0)


def test_what_passed_is_not_run_again() -> None:
    fake = FakePipeline(FakePolicy(gate("static"), gate("unit")), {"unit": [Verdict.PASSED]})
    fake.said["static"] = Verdict.PASSED
    assert stopped_by(fake) == ()
    assert fake.ran == ["unit"]


def test_a_bad_candidate_is_proved_bad_once() -> None:
    fake = FakePipeline(
        FakePolicy(gate("static"), gate("unit")), {"static": [Verdict.FAILED], "unit": [Verdict.PASSED]}
    )
    assert "static" in stopped_by(fake)
    assert fake.ran == ["static"]


def test_an_advisory_gate_stops_nothing() -> None:
    policy = FakePolicy(gate("static"), gate("prettiness", severity="advisory"))
    fake = FakePipeline(policy, {"static": [Verdict.PASSED], "prettiness": [Verdict.FAILED]})
    assert stopped_by(fake) == ()


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ERRORED])
def test_what_could_not_tell_is_asked_once_more_and_then_stops(verdict: Verdict) -> None:
    fake = FakePipeline(FakePolicy(gate("performance")), {"performance": [verdict]})
    assert stopped_by(fake) == ("performance",)
    assert fake.ran == ["performance"] * ATTEMPTS_MAX
    unsteady = FakePipeline(FakePolicy(gate("performance")), {"performance": [verdict, Verdict.PASSED]})
    assert stopped_by(unsteady) == ()


def test_a_refused_promotion_ends_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePipeline(FakePolicy(gate("static")), {"static": [Verdict.PASSED]})

    def refuse(pipeline: object, environment: str, candidate: Candidate, *, by: str) -> Promoted:
        if environment == "release":
            raise PromotionRefused("smoke in release: FAILED")
        return Promoted(environment, candidate.digest, True, {"judge": 1.0})

    monkeypatch.setattr(deployed, "promote", refuse)
    pipeline = cast(Pipeline, fake)
    assert ship._promote(pipeline, CANDIDATE, "dev", 0.0, by="test") == ()
    assert ship._promote(pipeline, CANDIDATE, "release", 0.0, by="test") == ("promotion to release",)


# -- whose turn it is ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def commits(tmp_path: Path) -> tuple[Repository, list[str]]:
    """A repository with three commits in a row and one beside them."""
    repository = Repository(tmp_path)
    repository.ask("init", "--quiet", "--initial-branch", "main")
    found = []
    for number in range(3):
        repository.ask("commit", "--quiet", "--allow-empty", "--message", f"{number}")
        found.append(repository.commit("HEAD"))
    repository.ask("checkout", "--quiet", "-b", "beside", found[0])
    repository.ask("commit", "--quiet", "--allow-empty", "--message", "beside")
    return repository, [*found, repository.commit("HEAD")]


def digest_of(commit: str) -> str:
    return f"sha256:{commit:0<64}"


def asks(queue: Path, commit: str, repository: Repository, *, process: int | None = None) -> None:
    """A commit enters the queue, as its own process does it."""
    queue.mkdir(exist_ok=True)
    candidate = Candidate(digest_of(commit), commit, f"127.0.0.1:5000/s@{digest_of(commit)}", NOW, "b" * 64)
    paper = ship._enter(queue, candidate, repository)
    if process is not None:
        paper.write_text(json.dumps({**json.loads(paper.read_text()), "process": process}))


def test_the_newest_commit_that_contains_it_goes_first(commits: tuple[Repository, list[str]], tmp_path: Path) -> None:
    repository, (first, second, third, beside) = commits
    queue = tmp_path / "queue"
    for commit in (third, second, beside):
        asks(queue, commit, repository)
    assert newer_than(first, queue) == digest_of(third)
    assert newer_than(second, queue) == digest_of(third)
    assert newer_than(third, queue) is None
    assert newer_than(beside, queue) is None


def test_a_dead_process_and_an_unreadable_paper_are_nobody(
    commits: tuple[Repository, list[str]], tmp_path: Path
) -> None:
    repository, (first, second, *_) = commits
    queue = tmp_path / "queue"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    asks(queue, second, repository, process=ended.pid)
    (queue / "old.json").write_text(json.dumps({"commit": second, "digest": "d", "process": os.getpid()}))
    (queue / "torn.json").write_text('{"commit": ')
    assert newer_than(first, queue) is None
