"""Statements are read back exactly as they were written, or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from release import canonical, statement
from release.errors import EvidenceInvalid
from release.statement import (
    CandidateBuilt,
    Culprit,
    Drift,
    Outcome,
    Predicate,
    Promotion,
    RevertMade,
    Superseded,
    TestResult,
    Waiver,
)
from release.tests.evidence import COMMIT, DIGEST, NOW, OTHER_DIGEST, Pipeline, candidate_of
from release.verdict import Verdict

PROMOTION = Promotion(
    environment="production",
    origin=OTHER_DIGEST,
    to=DIGEST,
    step="canary",
    share=25,
    outcome=Outcome.DONE,
    why="Healthy for ten minutes.",
    at=NOW,
)
EXAMPLES: tuple[Predicate, ...] = (
    PROMOTION,
    CandidateBuilt(commit=COMMIT, image=f"127.0.0.1:5000/s@{DIGEST}", built_at=NOW, sbom="d" * 64, materials={}),
    Waiver(gate="upgrade", owner="vera", reason="It was agreed upon.", at=NOW, expires_at=NOW + timedelta(days=1)),
    Superseded(environment="release", by=OTHER_DIGEST, why="A newer one is ready.", at=NOW),
    Drift(environment="dev", what="weights", expected="100", found="50", mended=True, at=NOW),
    Culprit(
        good="b" * 40,
        bad=COMMIT,
        culprit=COMMIT,
        suspects=[COMMIT],
        tried={COMMIT: Verdict.FAILED},
        revert=RevertMade(branch="revert/c", commit="d" * 40, obstacle="", cures=Verdict.PASSED),
    ),
)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline.at(tmp_path)


def _payload(predicate: Predicate = PROMOTION) -> bytes:
    return statement.build(predicate, DIGEST, sequence=4, previous="e" * 64)


def _changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    document: dict[str, Any] = canonical.decode(_payload())
    change(document)
    return canonical.encode(document)


@pytest.mark.parametrize("predicate", EXAMPLES, ids=lambda predicate: type(predicate).__name__)
def test_every_kind_is_read_back(predicate: Predicate) -> None:
    said = statement.read(_payload(predicate))
    assert (said.digest, said.sequence, said.previous) == (DIGEST, 4, "e" * 64)
    assert said.predicate == predicate


def test_it_is_an_in_toto_statement() -> None:
    document = canonical.decode(_payload())
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["subject"] == [{"name": "alexandrite/system", "digest": {"sha256": "a" * 64}}]
    assert document["predicateType"] == "https://alexandrite.example/promotion/v1"
    predicate = document["predicate"]
    assert isinstance(predicate, dict)
    assert (predicate["from"], predicate["at"]) == (OTHER_DIGEST, "2030-05-17T12:00:00.000000Z")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda document: document["predicate"].update(note="x"), "note"),
        (lambda document: document["predicate"].pop("why"), "why"),
        (lambda document: document["predicate"].pop("sequence"), "not a statement"),
        (lambda document: document["predicate"].update(sequence="4"), "not a statement"),
        (lambda document: document["predicate"].update(at="2030-05-17T12:00:00"), "at: .*time in UTC"),
        (lambda document: document["predicate"].update(at="2030-05-17T12:00:00+03:00"), "at: .*time in UTC"),
        (lambda document: document["predicate"].update(at=1905249600), "at: .*time with a zone"),
        (lambda document: document["predicate"].update(share=101), "share"),
        (lambda document: document["predicate"].update(share="25"), "share"),
        (lambda document: document["predicate"].update(outcome="fine"), "outcome"),
        (lambda document: document["subject"].append(document["subject"][0]), "not a statement"),
        (lambda document: document["subject"][0].update(uri="x"), "not a statement"),
        (lambda document: document["subject"][0].update(name="another/system"), "speaks of 'another/system'"),
        (lambda document: document["subject"][0]["digest"].update(sha512="x"), "not a statement"),
        (lambda document: document["subject"][0]["digest"].update(sha256="x"), "no digest"),
        (lambda document: document.update(extra=1), "not a statement"),
        (lambda document: document.update(_type="https://in-toto.io/Statement/v0.1"), "not an in-toto statement"),
        (lambda document: document.update(predicateType="https://alexandrite.example/other/v1"), "unknown"),
        (lambda document: document.update(predicateType=Waiver.TYPE), "not Waiver"),
    ],
)
def test_anything_unexpected_is_refused(change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(EvidenceInvalid, match=words):
        statement.read(_changed(change))


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff"])
def test_what_is_no_json_object_is_refused(payload: bytes) -> None:
    with pytest.raises(EvidenceInvalid, match=r"not JSON|not a JSON object"):
        statement.read(payload)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'":', b'": '), (b'"share":25', b'"share":25,"share":25'), (b'"share":25', b'"share":2.5e1'), (b"canary", b"\\u0063anary")],
    ids=["a space", "a repeated key", "another number", "an escape"],
)  # fmt: skip
def test_only_one_spelling_is_read(old: bytes, new: bytes) -> None:
    payload = _payload()
    assert old in payload
    with pytest.raises(EvidenceInvalid, match="not spelt"):
        statement.read(payload.replace(old, new, 1))


def test_a_field_with_a_default_cannot_be_left_out_of_the_record() -> None:
    built = EXAMPLES[1]
    said = {name: value for name, value in built.document().items() if name != "materials"}
    with pytest.raises(EvidenceInvalid, match="materials is missing"):
        statement.predicate_of(built.TYPE, said)


def test_evidence_says_what_the_gate_found(pipeline: Pipeline) -> None:
    evidence = statement.evidence_of(
        pipeline.unit(), candidate_of(), pipeline.policy, {"previous": OTHER_DIGEST}, url="https://ci.example/7"
    )
    document = evidence.document()
    assert document["result"] == document["verdict"] == "PASSED"
    assert (document["passedTests"], document["warnedTests"], document["failedTests"]) == (["unit"], [], [])
    assert document["configuration"] == [{"name": "gates.toml", "digest": {"sha256": pipeline.policy.digest}}]
    assert document["inputs"] == {
        "commit": COMMIT, "image": candidate_of().image, "previous": OTHER_DIGEST
    }  # fmt: skip
    assert document["counts"] == {"passed": 4, "failed": 0, "skipped": 0, "checked": 4}
    assert document["url"] == "https://ci.example/7"
    assert statement.predicate_of(TestResult.TYPE, document) == evidence


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.ERRORED, Verdict.INCONCLUSIVE])
def test_readers_of_the_plain_format_never_see_a_pass(pipeline: Pipeline, verdict: Verdict) -> None:
    result = pipeline.unit(verdict=verdict)
    blocking = statement.evidence_of(result, candidate_of(), pipeline.policy, {})
    assert (blocking.result, blocking.failed_tests) == ("FAILED", ["unit"])
    advisory = statement.evidence_of(dataclasses.replace(result, gate="style"), candidate_of(), pipeline.policy, {})
    assert (advisory.result, advisory.warned_tests) == ("WARNED", ["style"])


@pytest.mark.parametrize(
    "changes",
    [
        {"finished": datetime(2030, 5, 17)},  # noqa: DTZ001
        {"figures": {"p95_ms": float("nan")}},
        {"passed": -1},
        {"raw": {"unit.xml": "not a hash"}},
        {"verdict": Verdict.FAILED, "reasons": ()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_result_that_makes_no_sense_is_not_recorded(pipeline: Pipeline, changes: dict[str, Any]) -> None:
    result = dataclasses.replace(pipeline.unit(), **changes)
    with pytest.raises(EvidenceInvalid, match="unit cannot be recorded"):
        statement.evidence_of(result, candidate_of(), pipeline.policy, {})


def test_evidence_cannot_say_two_things(pipeline: Pipeline) -> None:
    document = statement.evidence_of(pipeline.unit(), candidate_of(), pipeline.policy, {}).document()
    with pytest.raises(EvidenceInvalid, match="at once"):
        statement.predicate_of(TestResult.TYPE, document | {"result": "FAILED"})


def test_a_moment_is_the_same_in_any_zone() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=3)))
    assert Superseded(environment="dev", by=DIGEST, why="x", at=elsewhere).at == NOW
    assert statement.spell_time(elsewhere) == statement.spell_time(NOW.astimezone(UTC))
    with pytest.raises(ValidationError, match="time with a zone"):
        Superseded(environment="dev", by=DIGEST, why="x", at=datetime(2030, 5, 17))  # noqa: DTZ001
