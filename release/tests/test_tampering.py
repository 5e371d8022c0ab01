"""Every known way for evidence to be wrong, one row each: none may be mistaken for PASSED, and each is told in words."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from release import canonical, policy, statement
from release.signing import SignerKind, SigningKey
from release.statement import Waiver
from release.tests.evidence import (
    COUNTS,
    GATES_TOML,
    JUNIT,
    NOW,
    OTHER_DIGEST,
    Pipeline,
    candidate_of,
    envelope_of,
    passing,
    verdict_json,
)
from release.verdict import Verdict

UNTRUSTED = SigningKey("pipeline", SignerKind.PIPELINE, Ed25519PrivateKey.generate())
UNEXPIRED = NOW + timedelta(days=7)


@dataclass(frozen=True)
class Row:
    """One way to spoil the evidence of a candidate that would pass."""

    name: str
    spoil: Callable[[Pipeline], object]
    verdict: Verdict
    words: str
    """What the reader is told."""


def _record(**changes: object) -> Callable[[Pipeline], object]:
    """Newer evidence of the unit gate that says PASSED and differs in `changes`."""
    return lambda pipeline: pipeline.record(dataclasses.replace(pipeline.unit(), **changes))  # type: ignore[arg-type]


def _record_report(junit: bytes) -> Callable[[Pipeline], object]:
    return lambda pipeline: pipeline.record(pipeline.unit(junit=junit))


def _no_gate_ever_ran(pipeline: Pipeline) -> None:
    pipeline.write_lines(pipeline.lines()[:1])
    pipeline.anchors = []


def _gate_missing(pipeline: Pipeline) -> None:
    pipeline.write_lines(pipeline.lines()[:2])
    pipeline.anchors = []


def _ledger_gone(pipeline: Pipeline) -> None:
    pipeline.home.ledger.unlink()
    pipeline.anchors = []


def _ledger_emptied(pipeline: Pipeline) -> None:
    pipeline.home.ledger.write_bytes(b"")


def _cut_behind_anchor(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.unit(verdict=Verdict.FAILED))
    pipeline.anchors = [pipeline.ledger.head()]
    pipeline.write_lines(pipeline.lines()[:-1])


def _torn(pipeline: Pipeline) -> None:
    content = pipeline.home.ledger.read_bytes()
    pipeline.home.ledger.write_bytes(content[:-100])


def _reordered(pipeline: Pipeline) -> None:
    first, second, third = pipeline.lines()
    pipeline.write_lines([first, third, second])


def _removed(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.unit(verdict=Verdict.FAILED))
    pipeline.record(pipeline.unit())
    lines = pipeline.lines()
    pipeline.write_lines(lines[:3] + lines[4:])


def _repeated(pipeline: Pipeline) -> None:
    lines = pipeline.lines()
    pipeline.write_lines([*lines, lines[1]])


def _chain_forked(pipeline: Pipeline) -> None:
    """The last line as it was, behind another one than it was chained to: every signature is good."""
    old = pipeline.lines()
    pipeline.write_lines(old[:1])
    pipeline.record(pipeline.unit(counts=COUNTS | {"deselected": 1}))
    pipeline.write_lines([*pipeline.lines(), old[2]])


def _byte_of_line(pipeline: Pipeline) -> None:
    lines = pipeline.lines()
    lines[1] = lines[1].replace(b'"payload":"', b'"payload": "')
    pipeline.write_lines(lines)


def _byte_of_payload(pipeline: Pipeline) -> None:
    lines = pipeline.lines()
    envelope = envelope_of(lines[1])
    payload = base64.b64decode(str(envelope["payload"])).replace(b'"passed":4', b'"passed":5')
    lines[1] = canonical.encode({**envelope, "payload": base64.b64encode(payload).decode()})
    pipeline.write_lines(lines)


def _byte_of_signature(pipeline: Pipeline) -> None:
    lines = pipeline.lines()
    envelope = envelope_of(lines[1])
    signatures = envelope["signatures"]
    assert isinstance(signatures, list)
    signature = bytearray(base64.b64decode(signatures[0]["sig"]))
    signature[7] ^= 1
    signatures[0]["sig"] = base64.b64encode(signature).decode()
    lines[1] = canonical.encode(envelope)
    pipeline.write_lines(lines)


def _no_signature(pipeline: Pipeline) -> None:
    lines = pipeline.lines()
    lines[1] = canonical.encode({**envelope_of(lines[1]), "signatures": []})
    pipeline.write_lines(lines)


def _raw(pipeline: Pipeline) -> Path:
    return pipeline.home.blobs / pipeline.unit().raw["unit.xml"]


def _byte_of_raw(pipeline: Pipeline) -> None:
    path = _raw(pipeline)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"four", b"fOur"))


def _raw_cut(pipeline: Pipeline) -> None:
    path = _raw(pipeline)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-40])


def _raw_gone(pipeline: Pipeline) -> None:
    _raw(pipeline).unlink()


def _raw_cut_and_waived(pipeline: Pipeline) -> None:
    _raw_cut(pipeline)
    pipeline.waive("unit")


def _other_digest(pipeline: Pipeline) -> None:
    _gate_missing(pipeline)
    pipeline.record(pipeline.upgrade(), digest=OTHER_DIGEST)


def _other_policy(pipeline: Pipeline) -> None:
    looser = pipeline.home.path / "looser.toml"
    looser.write_text(GATES_TOML.replace("tests_min = 2", "tests_min = 1"), encoding="utf-8")
    _gate_missing(pipeline)
    pipeline.record(pipeline.upgrade(), under=policy.load(looser))


def _budgets_changed(pipeline: Pipeline) -> None:
    budgets = pipeline.home.path / "budgets.toml"
    budgets.write_text("p95_ms_max = 250\n", encoding="utf-8")
    declaration = pipeline.home.path / "same.toml"
    declaration.write_text(GATES_TOML, encoding="utf-8")
    pipeline.policy = policy.load(declaration, depends_on=[budgets])


def _counts_file_missing(pipeline: Pipeline) -> None:
    result = pipeline.unit()
    pipeline.record(dataclasses.replace(result, raw={"unit.xml": result.raw["unit.xml"]}))


def _by_person(pipeline: Pipeline) -> None:
    evidence = statement.evidence_of(pipeline.unit(), candidate_of(), pipeline.policy, {})
    pipeline.forge(evidence, pipeline.person)


def _by_untrusted(pipeline: Pipeline) -> None:
    evidence = statement.evidence_of(pipeline.unit(), candidate_of(), pipeline.policy, {})
    pipeline.forge(evidence, UNTRUSTED)


def _key_withdrawn(pipeline: Pipeline) -> None:
    for path in (pipeline.home.keys / "trusted" / "pipeline").iterdir():
        path.unlink()


def _pipeline_as_person(pipeline: Pipeline) -> None:
    trusted = pipeline.home.keys / "trusted"
    (public,) = (trusted / "pipeline").iterdir()
    (trusted / "people" / "robot.pub.pem").write_bytes(public.read_bytes())


def _waiver(owner: str = "vera") -> Waiver:
    return Waiver(gate="upgrade", owner=owner, reason="It was agreed upon.", at=NOW, expires_at=UNEXPIRED)


def _first_release(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.upgrade(verdict=Verdict.INCONCLUSIVE))


def _waiver_by_pipeline(pipeline: Pipeline) -> None:
    _first_release(pipeline)
    pipeline.forge(_waiver(pipeline.key.name), pipeline.key)


def _waiver_in_other_name(pipeline: Pipeline) -> None:
    _first_release(pipeline)
    pipeline.forge(_waiver("boss"), pipeline.person)


def _waiver_expired(pipeline: Pipeline) -> None:
    _first_release(pipeline)
    pipeline.waive("upgrade", at=NOW - timedelta(days=3), expires_at=NOW - timedelta(minutes=1))


def _waiver_too_long(pipeline: Pipeline) -> None:
    _first_release(pipeline)
    pipeline.waive("upgrade", expires_at=NOW + timedelta(days=15))


def _waiver_of_other_digest(pipeline: Pipeline) -> None:
    _first_release(pipeline)
    pipeline.waive("upgrade", digest=OTHER_DIGEST)


def _waiver_of_other_gate(pipeline: Pipeline) -> None:
    _first_release(pipeline)
    pipeline.waive("unit")


def _waiver_before_failure(pipeline: Pipeline) -> None:
    _first_release(pipeline)
    pipeline.waive("upgrade")
    pipeline.record(pipeline.upgrade(verdict=Verdict.FAILED))


def _failed_after_passed(pipeline: Pipeline) -> None:
    pipeline.record(pipeline.unit(verdict=Verdict.FAILED))


def _rerun_until_green(pipeline: Pipeline) -> None:
    for _ in range(4):
        pipeline.record(pipeline.unit(verdict=Verdict.FAILED))
    pipeline.record(pipeline.unit())


BROKEN, UNKNOWN, BAD = Verdict.ERRORED, Verdict.INCONCLUSIVE, Verdict.FAILED
ROWS = (
    Row("no ledger", _ledger_gone, UNKNOWN, "no evidence"),
    Row("empty ledger, though a pin knows lines of it", _ledger_emptied, BROKEN, "truncated or replaced"),
    Row("no gate ever ran", _no_gate_ever_ran, UNKNOWN, "it never ran"),
    Row("one gate's evidence missing", _gate_missing, UNKNOWN, "it never ran"),
    Row("evidence of another digest", _other_digest, UNKNOWN, "another digest"),
    Row("evidence under another policy", _other_policy, UNKNOWN, "another policy"),
    Row("budgets changed since it was measured", _budgets_changed, UNKNOWN, "another policy"),
    Row("stale evidence", _record(started=NOW - timedelta(days=2), finished=NOW - timedelta(days=2)), UNKNOWN, "stale"),
    Row("evidence from the future", _record(finished=NOW + timedelta(hours=1)), BROKEN, "in the future"),
    Row(
        "finished before it started",
        _record(started=NOW, finished=NOW - timedelta(hours=1)),
        BROKEN,
        "before it started",
    ),
    Row("raw report edited by one byte", _byte_of_raw, BROKEN, "changed after it was recorded"),
    Row("raw report cut short after it was recorded", _raw_cut, BROKEN, "changed after it was recorded"),
    Row("raw report gone", _raw_gone, BROKEN, "missing"),
    Row("raw report edited, and a waiver for it", _raw_cut_and_waived, BROKEN, "does not help"),
    Row("raw report empty when it was recorded", _record_report(b""), BROKEN, "is empty"),
    Row("raw report cut short when it was recorded", _record_report(JUNIT[:-30]), BROKEN, "cut short"),
    Row("raw report never recorded", _record(raw={}), BROKEN, "unit.xml is missing"),
    Row(
        "raw report full of failures",
        _record_report(JUNIT.replace(b'name="four"/>', b'name="four"><failure/></testcase>')),
        BROKEN,
        "holds 1 failures",
    ),
    Row(
        "raw verdict about another digest",
        lambda pipeline: pipeline.record(pipeline.upgrade(raw=verdict_json(digest=OTHER_DIGEST))),
        BROKEN,
        "about another candidate",
    ),
    Row(
        "raw verdict says otherwise",
        lambda pipeline: pipeline.record(pipeline.upgrade(raw=verdict_json(Verdict.FAILED))),
        BROKEN,
        "verdict.json says FAILED",
    ),
    Row("zero tests", _record(passed=0, checked=0), BROKEN, "zero tests"),
    Row("every test skipped", _record(passed=0, skipped=4, checked=0), BROKEN, "were skipped"),
    Row("fewer tests than declared", _record(passed=2, checked=2), BROKEN, "at least 3"),
    Row("executed without an outcome", _record(checked=6), BROKEN, "contradict each other"),
    Row("PASSED with a failed test", _record(passed=3, failed=1), BROKEN, "1 failed"),
    Row("PASSED by a killed command", _record(exit_status=None), BROKEN, "killed"),
    Row(
        "PASSED by a command that failed",
        lambda pipeline: pipeline.record(dataclasses.replace(pipeline.upgrade(), exit_status=1)),
        BROKEN,
        "status 1",
    ),
    Row(
        "collected more than it executed",
        lambda pipeline: pipeline.record(pipeline.unit(counts=COUNTS | {"collected": 6})),
        BROKEN,
        "6 tests were collected, 4 executed",
    ),
    Row(
        "collected and never executed, by name",
        lambda pipeline: pipeline.record(pipeline.unit(counts=COUNTS | {"mismatches": ["never executed: a::one"]})),
        BROKEN,
        "unit.counts.json",
    ),
    Row(
        "what was collected cannot be read",
        lambda pipeline: pipeline.record(pipeline.unit(counts={})),
        BROKEN,
        "nobody knows what was collected",
    ),
    Row("nobody counted what was collected", _counts_file_missing, BROKEN, "no unit.counts.json"),
    Row("ledger: killed in the middle of an append", _torn, BROKEN, "interrupted"),
    Row("ledger: cut off behind what a pin knows", _cut_behind_anchor, BROKEN, "truncated or replaced"),
    Row("ledger: lines reordered", _reordered, BROKEN, "reordered"),
    Row("ledger: a line removed", _removed, BROKEN, "removed"),
    Row("ledger: a line repeated", _repeated, BROKEN, "repeats line 2"),
    Row("ledger: a line from another history", _chain_forked, BROKEN, "chain is broken"),
    Row("ledger: a line edited by one byte", _byte_of_line, BROKEN, "not spelt"),
    Row("ledger: a payload edited by one byte", _byte_of_payload, BROKEN, "edited after"),
    Row("ledger: a signature edited by one bit", _byte_of_signature, BROKEN, "edited after"),
    Row("ledger: a signature taken away", _no_signature, BROKEN, "exactly one signature"),
    Row("signed by an untrusted key", _by_untrusted, BROKEN, "untrusted key"),
    Row("signed by a person instead of the pipeline", _by_person, BROKEN, "signed by a person"),
    Row("signed by a key that is no longer trusted", _key_withdrawn, BROKEN, "untrusted key"),
    Row("the pipeline's key among the people's", _pipeline_as_person, BROKEN, "trusted twice"),
    Row("first release without its waiver", _first_release, UNKNOWN, "upgrade says INCONCLUSIVE"),
    Row("waiver signed by the pipeline", _waiver_by_pipeline, BROKEN, "only a person can waive"),
    Row("waiver in another's name", _waiver_in_other_name, BROKEN, "in the name of boss"),
    Row("waiver expired", _waiver_expired, UNKNOWN, "expired"),
    Row("waiver for more than 14 days", _waiver_too_long, UNKNOWN, "more than 14 days"),
    Row("waiver for another digest", _waiver_of_other_digest, UNKNOWN, "another candidate"),
    Row("waiver for another gate", _waiver_of_other_gate, UNKNOWN, "upgrade says INCONCLUSIVE"),
    Row("waiver older than the failure", _waiver_before_failure, BAD, "before it FAILED"),
    Row("FAILED after PASSED", _failed_after_passed, BAD, "unit says FAILED"),
    Row("rerun until green", _rerun_until_green, UNKNOWN, "rerun until green"),
)


def test_untouched_evidence_passes(tmp_path: Path) -> None:
    """Without this the table below would hold for a judge that says no to everything."""
    judgement = passing(tmp_path).judge()
    assert judgement.verdict is Verdict.PASSED
    assert [finding.gate for finding in judgement.findings] == ["unit", "upgrade", "style"]
    assert not judgement.stopping


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_spoilt_evidence_never_passes(row: Row, tmp_path: Path) -> None:
    pipeline = passing(tmp_path)
    row.spoil(pipeline)
    judgement = pipeline.judge()
    assert judgement.verdict is row.verdict
    told = " ".join(reason for finding in judgement.stopping for reason in finding.reasons)
    assert row.words in told


def test_any_byte_of_the_ledger_matters(tmp_path: Path) -> None:
    pipeline = passing(tmp_path)
    content = pipeline.home.ledger.read_bytes()
    for position in range(0, len(content), 61):
        changed = bytearray(content)
        changed[position] ^= 1
        pipeline.home.ledger.write_bytes(changed)
        assert pipeline.judge().verdict is Verdict.ERRORED, f"byte {position} of {len(content)}"


def test_the_ledger_cannot_be_cut_anywhere(tmp_path: Path) -> None:
    pipeline = passing(tmp_path)
    content = pipeline.home.ledger.read_bytes()
    ends = [position for position, byte in enumerate(content) if byte == ord("\n")]
    for length in [0, *range(1, len(content), 97), *(end + 1 for end in ends[:-1])]:
        pipeline.home.ledger.write_bytes(content[:length])
        assert pipeline.judge().verdict is Verdict.ERRORED, f"{length} of {len(content)} bytes"


def test_rows_have_names_of_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
