"""Only people waive: one gate, one candidate, a reason, and an end."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from release import waivers
from release.candidate import Release
from release.errors import NotReady, PolicyInvalid
from release.ledger import Entry
from release.signing import SigningKey
from release.tests.evidence import COMMIT, DIGEST, NOW, OTHER_DIGEST, Pipeline, passing
from release.verdict import Verdict

WEEK = NOW + timedelta(days=7)
REASON = "Agreed with the owner of the service."


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    pipeline = passing(tmp_path)
    pipeline.record(pipeline.upgrade(verdict=Verdict.INCONCLUSIVE))
    return pipeline


def _sign(
    pipeline: Pipeline, *, key: SigningKey | None = None, gate: str = "upgrade", reason: str = REASON, days: float = 7
) -> Entry:
    return waivers.sign_waiver(
        pipeline.ledger,
        pipeline.policy,
        key or pipeline.person,
        gate=gate,
        digest=DIGEST,
        reason=reason,
        expires_at=NOW + timedelta(days=days),
        now=NOW,
    )


def test_a_waived_gate_lets_the_candidate_pass_and_is_shown(pipeline: Pipeline) -> None:
    entry = _sign(pipeline)
    judgement = pipeline.judge()
    assert judgement.verdict is Verdict.PASSED
    (finding,) = judgement.waivers
    assert (finding.gate, finding.verdict) == ("upgrade", Verdict.INCONCLUSIVE)
    assert finding.waiver is not None
    assert (finding.waiver.owner, finding.waiver.sequence) == ("vera", entry.sequence)


def test_it_ends_by_itself(pipeline: Pipeline) -> None:
    _sign(pipeline, days=0.01)
    assert pipeline.judge(now=NOW + timedelta(minutes=14)).passed
    late = pipeline.judge(now=NOW + timedelta(minutes=15))
    assert late.verdict is Verdict.INCONCLUSIVE
    assert "expired" in " ".join(late.stopping[0].reasons)


@pytest.mark.parametrize(
    ("reason", "days", "words"),
    [
        ("short", 7, "gives no reason"),
        (" " * 20, 7, "gives no reason"),
        (REASON, 14.01, "more than 14"),
        (REASON, -1, "expired"),
    ],
)
def test_the_rules_hold_when_signing(pipeline: Pipeline, reason: str, days: float, words: str) -> None:
    with pytest.raises(NotReady, match=words):
        _sign(pipeline, reason=reason, days=days)


def test_fourteen_days_are_allowed(pipeline: Pipeline) -> None:
    _sign(pipeline, days=14)
    assert pipeline.judge().passed


def test_the_pipeline_cannot_waive_for_itself(pipeline: Pipeline) -> None:
    with pytest.raises(NotReady, match="a person signs"):
        _sign(pipeline, key=pipeline.key)


def test_only_a_blocking_gate_that_exists_is_waived(pipeline: Pipeline) -> None:
    with pytest.raises(NotReady, match="advisory"):
        _sign(pipeline, gate="style")
    with pytest.raises(PolicyInvalid, match="no gate"):
        _sign(pipeline, gate="updrage")


def _first(pipeline: Pipeline, previous: Release | None) -> tuple[Entry, ...]:
    return waivers.waive_first_release(
        pipeline.ledger,
        pipeline.policy,
        pipeline.person,
        previous,
        digest=DIGEST,
        reason="The first release has nothing before it.",
        expires_at=WEEK,
        now=NOW,
    )


def test_a_first_release_is_waived_for_every_gate_that_compares(pipeline: Pipeline) -> None:
    assert not pipeline.judge().passed
    assert [getattr(entry.predicate, "gate", None) for entry in _first(pipeline, None)] == ["upgrade"]
    assert pipeline.judge().passed


def test_a_second_release_is_not_waived_as_the_first(pipeline: Pipeline) -> None:
    previous = Release(OTHER_DIGEST, COMMIT, f"127.0.0.1:5000/s@{OTHER_DIGEST}")
    with pytest.raises(NotReady, match="Production runs bbbbbbbbbbbb"):
        _first(pipeline, previous)
