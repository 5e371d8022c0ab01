"""Everything about one candidate as data: gates with their evidence, the way through the environments, what is inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from release.dora import Change
from release.errors import EvidenceInvalid
from release.judge import GateFinding, Judgement
from release.ledger import Entry, select
from release.pages.facts import Facts
from release.pages.raw import Kept, RawFiles
from release.pages.views import CandidateView, Told, candidate, told
from release.pages.wording import NOT_RUN, TONES, WAIVED, Tone
from release.policy import ENVIRONMENTS, Gate
from release.statement import CandidateBuilt, Culprit, Promotion, TestResult
from release.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier answer to the same question."""

    sequence: int
    tone: Tone
    finished: datetime
    why: str


@dataclass(frozen=True, slots=True)
class GateView:
    """One gate with its newest evidence."""

    name: str
    question: str
    before: str
    advisory: bool
    tone: Tone
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]
    """What the judgement of today adds: staleness, another policy, an edited report."""
    waiver: str
    evidence: TestResult | None
    sequence: int
    raw: tuple[Kept, ...]
    earlier: tuple[Earlier, ...]

    @property
    def seconds(self) -> float | None:
        """How long the run took."""
        return (self.evidence.finished - self.evidence.started).total_seconds() if self.evidence else None


@dataclass(frozen=True, slots=True)
class StepView:
    """One line of a way into an environment."""

    environment: str
    step: str
    share: int
    tone: Tone
    outcome: str
    told: Told
    at: datetime


@dataclass(frozen=True, slots=True)
class Component:
    """One package inside the image."""

    name: str
    version: str
    licences: str


@dataclass(frozen=True, slots=True)
class Sbom:
    """The bill of materials."""

    file: Kept
    components: tuple[Component, ...]
    fault: str
    """Why it cannot be shown; empty when it can."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """One candidate's page."""

    view: CandidateView
    built: CandidateBuilt
    change: Change | None
    judgements: tuple[Judgement, ...]
    gates: tuple[GateView, ...]
    steps: tuple[tuple[str, tuple[StepView, ...]], ...]
    """By environment, in the order of a candidate's way."""
    sbom: Sbom
    culprits: tuple[Culprit, ...]


def dossier(facts: Facts, digest: str, built: CandidateBuilt, raw: RawFiles) -> Dossier:
    """The whole story. `raw` decides which raw results can be opened from the page."""
    judgements = tuple(facts.judgement(digest, name) for name in ENVIRONMENTS)
    findings = {one.gate: one for one in judgements[-1].findings}
    view = candidate(facts, digest, built)
    steps = [_step(step) for _, step in select(facts.entries, Promotion, digest=digest)]
    shown = {cell.gate: cell.tone for _, group in view.cells for cell in group}
    return Dossier(
        view=view,
        built=built,
        change=facts.change(built.commit),
        judgements=judgements,
        gates=tuple(
            _gate(gate, findings[gate.name], shown[gate.name], select(facts.entries, TestResult, digest=digest), raw)
            for gate in facts.policy.gates.values()
        ),
        steps=tuple(
            (name, of_name)
            for name in ENVIRONMENTS
            if (of_name := tuple(one for one in steps if one.environment == name))
        ),
        sbom=_sbom(built.sbom, facts, raw),
        culprits=tuple(one for _, one in select(facts.entries, Culprit, digest=digest)),
    )


def _gate(
    gate: Gate, finding: GateFinding, shown: Tone, results: Sequence[tuple[Entry, TestResult]], raw: RawFiles
) -> GateView:
    of_gate = [(entry, one) for entry, one in results if one.gate == gate.name]
    newest_entry, newest = of_gate[-1] if of_gate else (None, None)
    said = tuple(newest.reasons) if newest else ()
    waiver = finding.waiver
    return GateView(
        name=gate.name,
        question=gate.question,
        before=gate.before,
        advisory=not gate.is_blocking,
        tone=WAIVED if shown is WAIVED else TONES[newest.verdict] if newest else NOT_RUN,
        reasons=said,
        remarks=tuple(reason for reason in finding.reasons if reason not in said),
        waiver=f"{waiver.owner}, until {waiver.expires_at:%Y-%m-%d %H:%M} UTC: {waiver.reason}" if waiver else "",
        evidence=newest,
        sequence=newest_entry.sequence if newest_entry else 0,
        raw=tuple(raw.keep(name, sha256) for name, sha256 in newest.raw.items()) if newest else (),
        earlier=tuple(
            Earlier(entry.sequence, TONES[one.verdict], one.finished, " ".join(one.reasons))
            for entry, one in reversed(of_gate[:-1])
        ),
    )


def _step(step: Promotion) -> StepView:
    tones = {
        "done": TONES[Verdict.PASSED],
        "started": TONES[Verdict.INCONCLUSIVE],
        "stopped": TONES[Verdict.FAILED],
        "rolled back": TONES[Verdict.FAILED],
    }
    outcome = step.outcome.value
    return StepView(step.environment, step.step, step.share, tones[outcome], outcome, told(step.why), step.at)


def _sbom(sha256: str, facts: Facts, raw: RawFiles) -> Sbom:
    file = raw.keep("sbom.cdx.json", sha256)
    try:
        document = json.loads(facts.blobs.get(sha256))
        components = tuple(_component(one) for one in document.get("components", ()))
    except (EvidenceInvalid, ValueError, AttributeError, TypeError) as failure:
        return Sbom(file, (), str(failure))
    return Sbom(file, tuple(sorted(components, key=lambda one: one.name.lower())), "")


def _component(given: Mapping[str, object]) -> Component:
    licences = given.get("licenses")
    names = []
    for one in licences if isinstance(licences, list) else ():
        inner = one.get("license", {})
        names.append(str(one.get("expression") or inner.get("id") or inner.get("name") or ""))
    return Component(str(given.get("name", "")), str(given.get("version", "")), ", ".join(filter(None, names)))
