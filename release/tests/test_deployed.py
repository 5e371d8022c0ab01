"""How promotions reach the ledger, and that the agent leaves a living promotion alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from release import deployed, rollback
from release.deployed import Deployment, LedgerRecords
from release.home import Home
from release.pipeline import Pipeline
from release.results import GateResult
from release.ring import Line
from release.statement import Outcome, Promotion, Superseded
from release.tests.ring_world import START, candidate_of, release_of
from release.verdict import Verdict

OLD, NEW = release_of("a"), candidate_of("b")
LINE = Line(
    "production", OLD.digest, NEW.digest, "share 5", 5, "done", "60 answers within the limits",
    START, START + timedelta(seconds=61.5), {"seconds": 61.5, "candidate_requests": 60},
)  # fmt: skip


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline(Home(tmp_path / "home"))


def test_a_step_is_signed_with_its_share_its_times_and_its_figures(pipeline: Pipeline) -> None:
    records = LedgerRecords(pipeline)
    before = records.head()
    records.step(LINE)
    [(entry, said)] = pipeline.ledger.entries(Promotion)
    assert entry.digest == NEW.digest
    assert (said.origin, said.to, said.step, said.share, said.outcome) == (OLD.digest, NEW.digest, "share 5", 5, "done")
    assert said.at == LINE.finished
    for told in ("60 answers within the limits", "61.5 s", "candidate_requests 60", "12:00:00"):
        assert told in said.why
    assert records.head() != before


def test_every_outcome_of_a_step_is_one_that_the_ledger_knows(pipeline: Pipeline) -> None:
    for outcome in ("done", "stopped", "rolled back"):
        LedgerRecords(pipeline).step(replace(LINE, outcome=outcome))
    assert {said.outcome for _, said in pipeline.ledger.entries(Promotion)} == set(Outcome) - {Outcome.STARTED}


def test_a_superseded_candidate_is_accounted_for(pipeline: Pipeline) -> None:
    LedgerRecords(pipeline).superseded("production", NEW.digest, by=OLD.digest)
    [(entry, said)] = pipeline.ledger.entries(Superseded)
    assert (entry.digest, said.by, said.environment) == (NEW.digest, OLD.digest, "production")


def test_what_the_policy_does_not_ask_is_no_evidence(pipeline: Pipeline) -> None:
    result = GateResult("smoke-nowhere", Verdict.PASSED, (), START, START, passed=5, checked=5)
    LedgerRecords(pipeline).evidence(result, NEW)
    assert pipeline.ledger.read() == ()


def test_the_agent_leaves_a_living_promotion_alone(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    recovered: list[str] = []

    def recover(*_: object, **__: object) -> str:
        recovered.append("once")
        return ""

    monkeypatch.setattr(rollback, "recover", recover)
    with Deployment.of(pipeline, "production").turn.take(NEW.digest):
        assert deployed.recover(pipeline, "production") is None
    assert recovered == []
    assert deployed.recover(pipeline, "production") == ""
    assert recovered == ["once"]
