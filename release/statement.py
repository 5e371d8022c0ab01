"""What is said of a candidate: in-toto statements (v1), one model per predicate type.

evidence_of(result, candidate, policy, inputs, url=None) -> TestResult     what a gate found, ready for `Ledger.append`
CandidateBuilt, Promotion, Waiver, Superseded, Drift, Culprit, Judged, Repaired    the other things the ledger can hold
build(predicate, digest, sequence=, previous=) -> bytes                    the statement to sign
predicate_of(predicate_type, document) -> Predicate                        a mapping (or a model) as its model
read(payload) -> Statement                                                 strict: see there

Each model has TYPE, its predicate type. Construct one with keywords (times in UTC or any other zone, never naive) and hand it
to the ledger, which adds its place in the chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from release import canonical
from release.candidate import DIGEST, Candidate
from release.errors import EvidenceInvalid
from release.policy import Policy
from release.results import GateResult
from release.verdict import Verdict

STATEMENT = "https://in-toto.io/Statement/v1"
SUBJECT = "alexandrite/system"
LEDGER_SUBJECT = "alexandrite/ledger"
NOTHING_BEFORE = "0" * 64
_OURS = "https://alexandrite.example"


def _time(value: object) -> object:
    """Only moments: a time without a zone is another moment on every machine."""
    if isinstance(value, str):
        if not value.endswith("Z"):
            raise ValueError("is not a time in UTC")
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("is not a time with a zone")
    return value.astimezone(UTC)


def spell_time(moment: datetime) -> str:
    """UTC with microseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Time = Annotated[datetime, BeforeValidator(_time), PlainSerializer(spell_time, return_type=str)]
Text = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ImageDigest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{0,62}$")]
Count = Annotated[int, Field(ge=0)]


class Predicate(BaseModel):
    """What one entry says. Unknown fields are refused, and when reading, missing ones too, defaults or not."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)
    TYPE: ClassVar[str]
    SUBJECT: ClassVar[str] = SUBJECT

    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return self.model_dump(mode="json", by_alias=True)


class Resource(BaseModel):
    """in-toto's ResourceDescriptor, as far as it is used here."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    name: Text
    digest: dict[Text, Sha256]


class Counts(BaseModel):
    """What was looked at. A skipped test is counted and was not executed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    passed: Count
    failed: Count
    skipped: Count
    checked: Count


class TestResult(Predicate):
    """Gate evidence. The first six fields are those of in-toto's test-result v0.1; a test's name there is a gate's here."""

    TYPE = "https://in-toto.io/attestation/test-result/v0.1"
    __test__ = False  # The predicate's own name; pytest must not collect it.

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: list[Resource]
    url: Text | None = None
    passed_tests: list[Name] = Field(alias="passedTests")
    warned_tests: list[Name] = Field(alias="warnedTests")
    failed_tests: list[Name] = Field(alias="failedTests")
    gate: Name
    verdict: Verdict
    policy: Sha256
    inputs: dict[Text, str]
    raw: dict[Text, Sha256]
    tools: dict[Text, str]
    command: list[str]
    exit_status: int | None
    started: Time
    finished: Time
    figures: dict[Text, float]
    reasons: list[Text]
    counts: Counts

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if (self.result == "PASSED") != (self.verdict is Verdict.PASSED):
            raise ValueError(f"says {self.result} and {self.verdict} at once")
        if self.verdict is not Verdict.PASSED and not self.reasons:
            raise ValueError(f"says {self.verdict} and gives no reason")
        return self


class CandidateBuilt(Predicate):
    """A candidate was built."""

    TYPE = f"{_OURS}/candidate/v1"
    commit: Commit
    image: Text
    built_at: Time
    sbom: Sha256
    materials: dict[Text, str] = Field(default_factory=dict)
    """What it was made of: base image, lock files, and so on, by digest."""


class Outcome(StrEnum):
    """How a step of a promotion ended."""

    STARTED = "started"
    DONE = "done"
    STOPPED = "stopped"
    """It may not go on; what it had stays as it was."""
    ROLLED_BACK = "rolled back"
    """What it had was taken away again."""


class Promotion(Predicate):
    """A step of a candidate's way into an environment. `from` runs there before, None when nothing did."""

    TYPE = f"{_OURS}/promotion/v1"
    environment: Text
    origin: ImageDigest | None = Field(alias="from")
    to: ImageDigest
    step: Text
    share: Annotated[int, Field(ge=0, le=100)]
    """Per cent of the traffic after the step."""
    outcome: Outcome
    why: Text
    at: Time


class Waiver(Predicate):
    """A person lets one candidate pass one gate, for a while. The rules are in `release.waivers`."""

    TYPE = f"{_OURS}/waiver/v1"
    gate: Name
    owner: Name
    reason: Text
    at: Time
    expires_at: Time


class Superseded(Predicate):
    """A newer candidate goes on instead of this one."""

    TYPE = f"{_OURS}/superseded/v1"
    environment: Text
    by: ImageDigest
    why: Text
    at: Time


class Drift(Predicate):
    """An environment was not what its pin says."""

    TYPE = f"{_OURS}/drift/v1"
    environment: Text
    what: Text
    expected: Text
    found: Text
    mended: bool
    at: Time


class RevertMade(BaseModel):
    """A revert of the culprit: its branch and commit, or the obstacle; `cures` is what the gate says of it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    branch: str
    commit: str
    obstacle: str
    cures: Verdict | None


class Culprit(Predicate):
    """Which commit between `good` and `bad` turned a gate red; several suspects when nothing tells them apart."""

    TYPE = f"{_OURS}/culprit/v1"
    good: Commit
    bad: Commit
    culprit: Commit | None
    suspects: list[Commit]
    tried: dict[Commit, Verdict]
    revert: RevertMade | None


class JudgedGate(BaseModel):
    """One finding of a judgement."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    gate: Name
    severity: Literal["blocking", "advisory"]
    verdict: Verdict
    reasons: list[Text]
    evidence: Count | None
    """Sequence of the entry it rests upon."""
    waiver: Count | None
    """Sequence of the waiver in force."""


class Judged(Predicate):
    """A judgement that was acted upon."""

    TYPE = f"{_OURS}/judgement/v1"
    environment: Text
    policy: Sha256
    verdict: Verdict
    reasons: list[Text]
    findings: list[JudgedGate]
    at: Time


class Repaired(Predicate):
    """The rest of an interrupted append was moved from the ledger into a file of its own; the subject is that rest."""

    TYPE = f"{_OURS}/repair/v1"
    SUBJECT = LEDGER_SUBJECT
    file: Text
    size_bytes: Count
    at: Time


_MODELS: Mapping[str, type[Predicate]] = {
    model.TYPE: model
    for model in (TestResult, CandidateBuilt, Promotion, Waiver, Superseded, Drift, Culprit, Judged, Repaired)
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, read back."""

    digest: str
    """The candidate's, with `sha256:` before it."""
    predicate: Predicate
    sequence: int
    """1 for the first."""
    previous: str
    """SHA-256 (hex) of the line before, 64 zeros for the first."""


def evidence_of(
    result: GateResult, candidate: Candidate, policy: Policy, inputs: Mapping[str, str], *, url: str | None = None
) -> TestResult:
    """What the gate found of `candidate` under `policy`, for `Ledger.append`. `inputs`: name to digest of all else it rests on.

    Readers who know test-result v0.1 alone are never led to promote: PASSED says `result: PASSED`, everything else FAILED,
    or WARNED when the gate is advisory. Raises EvidenceInvalid for figures that are no numbers and for naive times.
    """
    gate = policy.gate(result.gate)
    passed = result.verdict is Verdict.PASSED
    configuration = {"gates.toml": policy.digest, **policy.inputs}
    try:
        return TestResult(
            result="PASSED" if passed else "FAILED" if gate.is_blocking else "WARNED",
            configuration=[Resource(name=name, digest={"sha256": digest}) for name, digest in configuration.items()],
            url=url,
            passed_tests=[gate.name] if passed else [],
            warned_tests=[gate.name] if not passed and not gate.is_blocking else [],
            failed_tests=[gate.name] if not passed and gate.is_blocking else [],
            gate=gate.name,
            verdict=result.verdict,
            policy=policy.digest,
            inputs={"commit": candidate.commit, "image": candidate.image, **inputs},
            raw=dict(result.raw),
            tools=dict(result.tools),
            command=list(result.command),
            exit_status=result.exit_status,
            started=result.started,
            finished=result.finished,
            figures={name: float(value) for name, value in result.figures.items()},
            reasons=list(result.reasons),
            counts=Counts(passed=result.passed, failed=result.failed, skipped=result.skipped, checked=result.checked),
        )
    except ValidationError as failure:
        raise EvidenceInvalid(f"The result of {gate.name} cannot be recorded: {_in_words(failure)}") from failure


def predicate_of(predicate_type: str, said: Predicate | Mapping[str, object]) -> Predicate:
    """`said` as the model of its type. Raises EvidenceInvalid when it is something else."""
    model = _MODELS.get(predicate_type)
    if model is None:
        raise EvidenceInvalid(f"Its predicate type {predicate_type!r} is unknown.")
    if isinstance(said, Predicate):
        if not isinstance(said, model):
            raise EvidenceInvalid(f"It is {type(said).__name__}, not {model.__name__}.")
        return said
    try:
        predicate = model.model_validate_json(canonical.encode(said))
    except ValidationError as failure:
        raise EvidenceInvalid(f"Its predicate is not {model.__name__}: {_in_words(failure)}") from failure
    missing = [name for name in model.model_fields if name not in predicate.model_fields_set]
    if missing:
        raise EvidenceInvalid(f"Its predicate is not {model.__name__}: {missing[0]} is missing.")
    return predicate


def build(predicate: Predicate, digest: str, *, sequence: int, previous: str) -> bytes:
    """The statement's one spelling. Raises EvidenceInvalid when it could not be read back."""
    document = {
        "_type": STATEMENT,
        "subject": [{"name": predicate.SUBJECT, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate.TYPE,
        "predicate": {**predicate.document(), "sequence": sequence, "previous": previous},
    }
    payload = canonical.encode(document)
    read(payload)
    return payload


def read(payload: bytes) -> Statement:
    """The statement that `payload` spells.

    in-toto lets readers ignore what they do not know; this ledger has one writer, so anything unknown is an edit or a newer
    writer, and neither can be judged. Raises EvidenceInvalid for unknown or missing fields, another subject, naive times.
    """
    document = canonical.decode(payload)
    match document:
        case {
            "_type": str(statement_type),
            "subject": [{"name": str(subject), "digest": {"sha256": str(sha256), **other_hashes}, **other_subject}],
            "predicateType": str(predicate_type),
            "predicate": {"sequence": int(sequence), "previous": str(previous), **said},
            **other,
        } if not (other_hashes or other_subject or other):
            pass
        case _:
            raise EvidenceInvalid("It is not a statement of this pipeline.")
    if statement_type != STATEMENT:
        raise EvidenceInvalid(f"It is not an in-toto statement but {statement_type!r}.")
    predicate = predicate_of(predicate_type, {str(name): value for name, value in said.items()})
    if subject != predicate.SUBJECT:
        raise EvidenceInvalid(f"It speaks of {subject!r}, not of {predicate.SUBJECT!r}.")
    digest = f"sha256:{sha256}"
    if not DIGEST.fullmatch(digest):
        raise EvidenceInvalid(f"It speaks of {digest!r}, which is no digest.")
    return Statement(digest, predicate, sequence, previous)


def _in_words(failure: ValidationError) -> str:
    """The first fault in one sentence, without the library's links and the values, which may be long."""
    fault = failure.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where or 'it'}: {fault['msg']}."
