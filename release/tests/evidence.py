"""A pipeline in a temporary directory with one candidate that every gate let through: what the tests then spoil."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from release import canonical, signing, statement
from release.candidate import Candidate
from release.home import Home
from release.judge import Judgement, judge
from release.ledger import Entry, Ledger
from release.policy import Policy, load
from release.results import GateResult
from release.signing import SigningKey
from release.statement import CandidateBuilt, Predicate, Waiver
from release.verdict import Verdict

NOW = datetime(2030, 5, 17, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
COMMIT = "c" * 40
GATES_TOML = """
[runs.unit]
command = ["{python}", "-m", "pytest", "--junit-xml", "{out}/unit.xml"]
budget_s = 120
[runs.upgrade]
command = ["{python}", "-m", "release.upgrade", "{previous_image}", "{image}"]
budget_s = 300

[gates.unit]
run = "unit"
question = "Does each part work?"
before = "dev"
severity = "blocking"
reads = "junit"
reports = ["unit.xml"]
tests_min = 3
max_age_h = 24
counted = true

[gates.upgrade]
run = "upgrade"
question = "Does what production runs survive beside it?"
before = "production"
severity = "blocking"
reads = "verdict"
reports = ["verdict.json"]
tests_min = 2
max_age_h = 12
needs_previous = true

[gates.style]
run = "unit"
question = "Is it pretty?"
before = "dev"
severity = "advisory"
reads = "junit"
reports = ["unit.xml"]
tests_min = 1
max_age_h = 24
"""
JUNIT = b"""<?xml version="1.0"?><testsuites><testsuite name="unit" tests="4" failures="0" errors="0" skipped="0">
<testcase classname="a" name="one"/><testcase classname="a" name="two"/><testcase classname="b" name="three"/>
<testcase classname="b" name="four"/></testsuite></testsuites>"""
COUNTS = {"collected": 4, "executed": 4, "set_up_failed": 0, "reported": 4, "deselected": 0, "mismatches": []}


def candidate_of(digest: str = DIGEST) -> Candidate:
    """A candidate that nobody built, with the given digest."""
    return Candidate(digest, COMMIT, f"127.0.0.1:5000/alexandrite/system@{digest}", NOW - timedelta(hours=3), "d" * 64)


def verdict_json(verdict: Verdict = Verdict.PASSED, *, digest: str = DIGEST) -> bytes:
    """What the upgrade gate's command leaves."""
    said = {"gate": "upgrade", "digest": digest, "verdict": verdict, "reasons": [], "figures": {}, "checked": 5}
    return json.dumps(said).encode()


@dataclass
class Pipeline:
    """Home, policy, keys and ledger of one pipeline."""

    home: Home
    policy: Policy
    ledger: Ledger
    key: SigningKey
    person: SigningKey
    anchors: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, path: Path, *, gates_toml: str = GATES_TOML) -> Pipeline:
        """A new one below `path`; nothing was said in it yet."""
        home = Home(path / "release")
        home.path.mkdir(parents=True)
        declaration = path / "gates.toml"
        declaration.write_text(gates_toml, encoding="utf-8")
        key, person = signing.pipeline_key(home), signing.new_person_key(home, "vera")
        return cls(home, load(declaration), Ledger(home), key, person)

    def unit(
        self, *, junit: bytes = JUNIT, counts: Mapping[str, object] = COUNTS, verdict: Verdict = Verdict.PASSED
    ) -> GateResult:
        """A result of the unit gate, its raw reports kept."""
        raw = {
            "unit.xml": self.ledger.blobs.put(junit),
            "unit.counts.json": self.ledger.blobs.put(json.dumps(counts).encode()),
        }
        return GateResult(
            gate="unit",
            verdict=verdict,
            reasons=() if verdict is Verdict.PASSED else (f"unit says {verdict}.",),
            started=NOW - timedelta(hours=2),
            finished=NOW - timedelta(hours=1),
            command=("pytest",),
            exit_status=0 if verdict is Verdict.PASSED else 1,
            passed=4,
            checked=4,
            figures={"seconds": 12.5},
            raw=raw,
            tools={"pytest": "9.1.1"},
        )

    def upgrade(self, *, verdict: Verdict = Verdict.PASSED, raw: bytes | None = None) -> GateResult:
        """A result of the upgrade gate."""
        return GateResult(
            gate="upgrade",
            verdict=verdict,
            reasons=() if verdict is Verdict.PASSED else (f"upgrade says {verdict}.",),
            started=NOW - timedelta(hours=2),
            finished=NOW - timedelta(hours=1),
            exit_status={Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 3}.get(verdict, 2),
            checked=5,
            raw={"verdict.json": self.ledger.blobs.put(verdict_json(verdict) if raw is None else raw)},
        )

    def record(self, result: GateResult, *, digest: str = DIGEST, under: Policy | None = None) -> Entry:
        """Appends gate evidence."""
        evidence = statement.evidence_of(result, candidate_of(digest), under or self.policy, {"previous": OTHER_DIGEST})
        return self.ledger.append(evidence.TYPE, digest, evidence, self.key)

    def built(self) -> Entry:
        """Appends the record of the build."""
        candidate = candidate_of()
        said = CandidateBuilt(
            commit=candidate.commit,
            image=candidate.image,
            built_at=candidate.built_at,
            sbom=candidate.sbom,
            materials={},
        )
        return self.ledger.append(said.TYPE, DIGEST, said, self.key)

    def waive(
        self, gate: str, *, digest: str = DIGEST, at: datetime = NOW, expires_at: datetime = NOW + timedelta(days=7)
    ) -> Entry:
        """Appends a person's waiver as it is, whatever the rules say of it."""
        said = Waiver(gate=gate, owner=self.person.name, reason="It was agreed upon.", at=at, expires_at=expires_at)
        return self.ledger.append(said.TYPE, digest, said, self.person)

    def judge(
        self, environment: str = "production", *, now: datetime = NOW, previous: str | None = OTHER_DIGEST
    ) -> Judgement:
        """The judgement of the candidate, by a process that has read nothing before."""
        return judge(self.policy, Ledger(self.home), DIGEST, environment, now, anchors=self.anchors, previous=previous)

    def lines(self) -> list[bytes]:
        """The ledger's lines."""
        return self.home.ledger.read_bytes().splitlines()

    def write_lines(self, lines: list[bytes]) -> None:
        """Puts other lines into the ledger."""
        self.home.ledger.write_bytes(b"".join(line + b"\n" for line in lines))

    def forge(self, predicate: Predicate, key: SigningKey, *, digest: str = DIGEST) -> None:
        """Adds a line with a right place in the chain that `Ledger.append` would refuse."""
        lines = self.lines()
        previous = hashlib.sha256(lines[-1]).hexdigest() if lines else statement.NOTHING_BEFORE
        payload = statement.build(predicate, digest, sequence=len(lines) + 1, previous=previous)
        self.write_lines([*lines, signing.sign(payload, key)])


def passing(path: Path) -> Pipeline:
    """A pipeline whose candidate may enter production, with the ledger's head pinned."""
    pipeline = Pipeline.at(path)
    pipeline.built()
    pipeline.record(pipeline.unit())
    pipeline.record(pipeline.upgrade())
    pipeline.anchors = [pipeline.ledger.head()]
    return pipeline


def envelope_of(line: bytes) -> dict[str, object]:
    """The envelope in a line, to be changed and spelt again."""
    return canonical.decode(line)
