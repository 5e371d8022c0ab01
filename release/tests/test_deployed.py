"""How promotions reach the ledger, and that the agent leaves a living promotion alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from release import cli, deployed, rollback
from release.blobs import Blobs
from release.candidate import Release
from release.deployed import Deployment, LedgerRecords
from release.errors import NotReady
from release.home import Home
from release.pins import Pinned
from release.pipeline import Pipeline
from release.results import GateResult
from release.ring import Line
from release.statement import Outcome, Promotion, Superseded
from release.tests import places
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


# -- smoke, asked again ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def running(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Dev as its pin says, and a smoke that says what the test wants."""
    world: dict[str, object] = {"pinned": Pinned(places.pin(), "f" * 40), "verdict": Verdict.PASSED, "asked": []}

    class Dev:
        place = type("Place", (), {"pinned": lambda self: world["pinned"]})()

        def smoke(self, release: Release, tag: str) -> GateResult:
            cast(list[str], world["asked"]).append(release.digest)
            raw = {"smoke.xml": Blobs(pipeline.home).put(b"<testsuites/>")}
            return GateResult("smoke-dev", cast(Verdict, world["verdict"]), (), START, START, raw=raw)

    monkeypatch.setattr(Deployment, "of", lambda pipeline, name: Dev())
    monkeypatch.setenv("RELEASE_DIGEST", places.OLD.digest)
    return world


@pytest.mark.parametrize(("verdict", "status"), [(Verdict.PASSED, 0), (Verdict.FAILED, 1), (Verdict.ERRORED, 2)])
def test_smoke_asked_again_leaves_its_reports_and_a_status_that_agrees(
    pipeline: Pipeline,
    running: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verdict: Verdict,
    status: int,
) -> None:
    running["verdict"] = verdict
    monkeypatch.setattr(Pipeline, "of_checkout", lambda: pipeline)
    assert cli.main(["smoke", "dev", str(tmp_path)]) == status
    assert (tmp_path / "smoke.xml").read_bytes() == b"<testsuites/>"
    assert running["asked"] == [places.OLD.digest]


@pytest.mark.parametrize("wanted", ["", places.NEW.digest])
def test_smoke_is_not_asked_of_another_release_than_the_gate_means(
    pipeline: Pipeline, running: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setenv("RELEASE_DIGEST", wanted)
    with pytest.raises(NotReady, match="runs sha256"):
        deployed.smoke(pipeline, "dev", tmp_path)
    running["pinned"] = None
    with pytest.raises(NotReady, match="runs nothing"):
        deployed.smoke(pipeline, "dev", tmp_path)
    assert running["asked"] == [] and not (tmp_path / "smoke.xml").exists()
