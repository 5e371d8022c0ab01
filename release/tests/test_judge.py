"""What passes, what stops, and how a judgement reads."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from release.errors import EvidenceInvalid, PolicyInvalid
from release.judge import RERUNS_MAX, judge
from release.statement import Judged
from release.tests.evidence import DIGEST, GATES_TOML, NOW, Pipeline, passing
from release.verdict import Verdict


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return passing(tmp_path)


def test_a_finding_names_its_evidence(pipeline: Pipeline) -> None:
    unit, upgrade, _ = pipeline.judge().findings
    assert (unit.evidence, upgrade.evidence) == (2, 3)
    assert unit.age_h == pytest.approx(1.0)
    assert unit.finished == NOW - timedelta(hours=1)


def test_an_environment_asks_only_for_its_gates(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.upgrade(verdict=Verdict.FAILED))
    assert pipeline.judge("dev").passed
    assert pipeline.judge("production").verdict is Verdict.FAILED


def test_an_advisory_gate_stops_nothing(pipeline: Pipeline) -> None:
    pipeline.record(dataclasses.replace(pipeline.unit(verdict=Verdict.FAILED), gate="style"))
    judgement = pipeline.judge()
    assert judgement.passed
    assert judgement.findings[2].verdict is Verdict.FAILED


def test_the_gravest_gate_decides(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.unit(verdict=Verdict.INCONCLUSIVE))
    assert pipeline.judge().verdict is Verdict.INCONCLUSIVE
    pipeline.record(pipeline.upgrade(verdict=Verdict.ERRORED))
    assert pipeline.judge().verdict is Verdict.ERRORED
    pipeline.record(pipeline.unit(verdict=Verdict.FAILED))
    assert pipeline.judge().verdict is Verdict.FAILED


def test_a_rerun_may_pass(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.unit(verdict=Verdict.INCONCLUSIVE))
    pipeline.record(pipeline.unit())
    assert pipeline.judge().passed


def test_reruns_are_counted(pipeline: Pipeline) -> None:
    for _ in range(RERUNS_MAX):
        pipeline.record(pipeline.unit(verdict=Verdict.INCONCLUSIVE))
    pipeline.record(pipeline.unit())
    assert pipeline.judge().passed
    pipeline.record(pipeline.unit(verdict=Verdict.INCONCLUSIVE))
    pipeline.record(pipeline.unit())
    assert pipeline.judge().verdict is Verdict.INCONCLUSIVE


def test_passing_again_and_again_is_no_rerun(pipeline: Pipeline) -> None:
    for _ in range(RERUNS_MAX + 2):
        pipeline.record(pipeline.unit())
    assert pipeline.judge().passed


def test_evidence_lasts_to_the_hour_it_was_declared_for(pipeline: Pipeline) -> None:
    finished = NOW - timedelta(hours=1)
    assert pipeline.judge(now=finished + timedelta(hours=12)).passed
    assert not pipeline.judge(now=finished + timedelta(hours=12, seconds=1)).passed


def test_of_gates_that_share_a_run_a_failed_one_takes_no_other_with_it(pipeline: Pipeline) -> None:
    """The style gate shares unit's run: its failure is the reason for the command's status."""
    pipeline.record(dataclasses.replace(pipeline.unit(), exit_status=1))
    assert pipeline.judge().passed


def test_when_everything_is_waived_nothing_vouches_for_it(tmp_path: Path) -> None:
    pipeline = Pipeline.at(tmp_path)
    pipeline.waive("unit")
    pipeline.waive("upgrade")
    judgement = pipeline.judge()
    assert judgement.verdict is Verdict.ERRORED
    assert "nothing vouches" in judgement.reasons[0]


def test_a_broken_ledger_is_told_for_every_gate_and_not_waived(pipeline: Pipeline) -> None:
    pipeline.waive("unit")
    pipeline.write_lines(pipeline.lines()[1:])
    judgement = pipeline.judge()
    assert {finding.verdict for finding in judgement.findings} == {Verdict.ERRORED}
    assert not judgement.waivers
    assert "cannot be relied upon: line 1" in judgement.reasons[0]


def test_a_judgement_is_recorded(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.upgrade(verdict=Verdict.INCONCLUSIVE))
    waiver = pipeline.waive("upgrade")
    judgement = pipeline.judge()
    entry = pipeline.ledger.append(Judged.TYPE, DIGEST, judgement.predicate(), pipeline.key)
    assert isinstance(entry.predicate, Judged)
    assert [finding.waiver for finding in entry.predicate.findings] == [None, waiver.sequence, None]
    assert pipeline.judge().passed


def test_the_policy_in_force_is_the_one_that_counts(pipeline: Pipeline, tmp_path: Path) -> None:
    stricter = Pipeline.at(tmp_path / "other", gates_toml=GATES_TOML.replace("tests_min = 3", "tests_min = 30"))
    pipeline.policy = stricter.policy
    pipeline.record(pipeline.unit())
    assert "at least 30" in pipeline.judge("dev").stopping[0].reasons[0]


def test_mistakes_of_the_caller_are_raised(pipeline: Pipeline) -> None:
    with pytest.raises(EvidenceInvalid, match="not an image digest"):
        judge(pipeline.policy, pipeline.ledger, "latest", "dev", NOW, anchors=(), previous=None)
    with pytest.raises(PolicyInvalid, match="no environment"):
        judge(pipeline.policy, pipeline.ledger, DIGEST, "staging", NOW, anchors=(), previous=None)
    with pytest.raises(EvidenceInvalid, match="no zone"):
        judge(pipeline.policy, pipeline.ledger, DIGEST, "dev", datetime(2030, 5, 17), anchors=(), previous=None)  # noqa: DTZ001


def test_a_comparison_with_another_release_than_production_runs_now_says_nothing(tmp_path: Path) -> None:
    pipeline = passing(tmp_path)
    assert pipeline.judge().passed
    for now_in_production in ("sha256:" + "c" * 64, None):
        judgement = pipeline.judge(previous=now_in_production)
        assert judgement.verdict is Verdict.INCONCLUSIVE
        assert [finding.gate for finding in judgement.stopping] == ["upgrade"]
        assert "another release" in judgement.stopping[0].reasons[0]


def test_what_production_runs_itself_is_compared_with_nothing_any_more(tmp_path: Path) -> None:
    assert passing(tmp_path).judge(previous=DIGEST).passed
