"""May this candidate enter this environment? Read from the evidence alone, and closed whenever the evidence is not perfect.

judge(policy, ledger, digest, environment, now, anchors=heads, previous=digest) -> Judgement

`anchors` are the ledger's heads that pins recorded: without them nobody could see that the ledger's end was cut off.

What makes a gate PASSED: its newest evidence of this very digest, under the current policy, says so; it is fresh; every raw
report is there, unchanged and whole, and agrees; enough was executed and nothing failed; its clock is credible; and
it was not rerun until green. A waiver lets a blocking gate pass that says anything else, except when evidence was edited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from release import soundness, waivers
from release.candidate import DIGEST
from release.errors import EvidenceInvalid
from release.ledger import Entry, Ledger, check_anchors, select
from release.policy import Gate, Policy
from release.statement import Judged, JudgedGate, TestResult
from release.verdict import Verdict, worst

PREVIOUS = "previous"
"""The input of evidence that names the digest production ran when the gate did."""
NO_PREVIOUS = "none"
RERUNS_MAX = 3
"""How often a gate that did not pass may run again for one digest; a pass after more says as much as a coin."""


@dataclass(frozen=True, slots=True)
class WaiverInForce:
    """What a person signed."""

    owner: str
    reason: str
    expires_at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class GateFinding:
    """What is known of one gate."""

    gate: str
    severity: str
    verdict: Verdict
    reasons: tuple[str, ...]
    """Sentences for people; of a PASSED gate, remarks."""
    evidence: int | None = None
    """Sequence of the ledger's entry it rests upon."""
    finished: datetime | None = None
    age_h: float | None = None
    waiver: WaiverInForce | None = None
    can_be_waived: bool = True
    """False when evidence was edited: nobody knows then what would be waived."""

    @property
    def stops(self) -> bool:
        """Whether it keeps the candidate out."""
        return self.severity == "blocking" and self.verdict is not Verdict.PASSED and self.waiver is None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer, with what it rests upon."""

    verdict: Verdict
    """The gravest of the blocking gates that nobody waived. Only PASSED promotes."""
    environment: str
    digest: str
    policy: str
    findings: tuple[GateFinding, ...]
    reasons: tuple[str, ...]
    """What is wrong with the judgement as a whole: a ledger that cannot be relied upon. Empty otherwise."""
    at: datetime

    @property
    def passed(self) -> bool:
        """Whether the candidate may enter."""
        return self.verdict is Verdict.PASSED

    @property
    def waivers(self) -> tuple[GateFinding, ...]:
        """The findings that a person waived."""
        return tuple(finding for finding in self.findings if finding.waiver)

    @property
    def stopping(self) -> tuple[GateFinding, ...]:
        """The findings that keep the candidate out."""
        return tuple(finding for finding in self.findings if finding.stops)

    def predicate(self) -> Judged:
        """For the ledger."""
        return Judged(
            environment=self.environment,
            policy=self.policy,
            verdict=self.verdict,
            reasons=list(self.reasons),
            findings=[
                JudgedGate(
                    gate=finding.gate,
                    severity="blocking" if finding.severity == "blocking" else "advisory",
                    verdict=finding.verdict,
                    reasons=list(finding.reasons),
                    evidence=finding.evidence,
                    waiver=finding.waiver.sequence if finding.waiver else None,
                )
                for finding in self.findings
            ],
            at=self.at,
        )


def judge(
    policy: Policy,
    ledger: Ledger,
    digest: str,
    environment: str,
    now: datetime,
    *,
    anchors: Iterable[str],
    previous: str | None,
) -> Judgement:
    """Judges from what the ledger and the raw reports hold at `now` (any zone, not naive).

    `previous` is the digest that production runs now, None before the first release: a comparison with another says nothing.

    Never raises for bad evidence: that is a verdict. Raises PolicyInvalid for an unknown environment, and EvidenceInvalid for
    what is no digest or a naive time, because these are the caller's mistakes.
    """
    if not DIGEST.fullmatch(digest):
        raise EvidenceInvalid(f"{digest!r} is not an image digest.")
    if now.tzinfo is None:
        raise EvidenceInvalid("The time to judge at has no zone.")
    gates = policy.needed_for(environment)
    try:
        entries = ledger.read()
        check_anchors(entries, anchors)
    except (EvidenceInvalid, OSError) as failure:
        why = (str(failure),)
        nothing = tuple(
            GateFinding(gate.name, gate.severity, Verdict.ERRORED, why, can_be_waived=False) for gate in gates
        )
        return Judgement(Verdict.ERRORED, environment, digest, policy.digest, nothing, why, now)
    findings = tuple(
        _with_waiver(_finding(gate, policy, ledger, entries, digest, now, previous), entries, digest, now)
        for gate in gates
    )
    blocking = [finding for finding in findings if finding.severity == "blocking"]
    verdict = worst(finding.verdict for finding in blocking if finding.waiver is None)
    all_waived = bool(blocking) and all(finding.waiver for finding in blocking)
    reasons = ("Every blocking gate is waived: nothing vouches for this candidate.",) if all_waived else ()
    return Judgement(verdict, environment, digest, policy.digest, findings, reasons, now)


def _finding(
    gate: Gate,
    policy: Policy,
    ledger: Ledger,
    entries: Sequence[Entry],
    digest: str,
    now: datetime,
    previous: str | None,
) -> GateFinding:
    """The gate by itself, before anybody waived it."""
    results = select(entries, TestResult, digest=digest, gate=gate.name)
    of_policy = [(entry, result) for entry, result in results if result.policy == policy.digest]
    if not of_policy:
        why = _why_missing(gate, entries, other_policy=bool(results))
        return GateFinding(gate.name, gate.severity, Verdict.INCONCLUSIVE, (why,))
    entry, newest = of_policy[-1]
    age = now - newest.finished
    finding = GateFinding(
        gate.name,
        gate.severity,
        newest.verdict,
        tuple(newest.reasons),
        evidence=entry.sequence,
        finished=newest.finished,
        age_h=age / timedelta(hours=1),
    )
    if newest.verdict is not Verdict.PASSED:
        return finding
    if why := soundness.edited(newest, ledger.blobs):
        return replace(finding, verdict=Verdict.ERRORED, reasons=(why,), can_be_waived=False)
    shares_run = sum(other.run == gate.run for other in policy.gates.values()) > 1
    faults = soundness.faults(newest, gate, ledger.blobs, digest=digest, now=now, shares_run=shares_run)
    if faults:
        return replace(finding, verdict=Verdict.ERRORED, reasons=faults)
    if age > timedelta(hours=gate.max_age_h):
        why = f"The evidence is stale: {finding.age_h:.0f} h old, and it may be {gate.max_age_h:g} h at most."
        return replace(finding, verdict=Verdict.INCONCLUSIVE, reasons=(why,))
    # Once it runs in production itself, there is nothing left to compare it with.
    if gate.needs_previous and previous != digest and newest.inputs.get(PREVIOUS) != (previous or NO_PREVIOUS):
        why = "It was compared with another release than production runs now."
        return replace(finding, verdict=Verdict.INCONCLUSIVE, reasons=(why,))
    not_passed = sum(1 for _, result in of_policy if result.verdict is not Verdict.PASSED)
    if not_passed > RERUNS_MAX:
        why = (
            f"It was rerun until green: {not_passed} of {len(of_policy)} runs did not pass, {RERUNS_MAX} may. "
            "Mend what makes it unsteady."
        )
        return replace(finding, verdict=Verdict.INCONCLUSIVE, reasons=(why,))
    return finding


def _why_missing(gate: Gate, entries: Sequence[Entry], *, other_policy: bool) -> str:
    if other_policy:
        return "There is evidence under another policy only: gates or budgets changed since it ran."
    of_others = select(entries, TestResult, gate=gate.name)
    if of_others:
        newest = of_others[-1][0].digest
        return f"There is no evidence for this candidate; the newest is of another digest, {newest[7:19]}."
    return "There is no evidence: it never ran."


def _with_waiver(finding: GateFinding, entries: Sequence[Entry], digest: str, now: datetime) -> GateFinding:
    """The finding with the waiver in force; the waivers that do not count are told, so that nobody wonders."""
    if finding.verdict is Verdict.PASSED or finding.severity != "blocking":
        return finding
    found = waivers.of_gate(entries, gate=finding.gate, digest=digest, now=now)
    remarks = found.refused
    if found.in_force is not None:
        entry, waiver = found.in_force
        if not finding.can_be_waived:
            remarks += (f"The waiver of {waiver.owner} does not help: evidence was edited.",)
        elif finding.verdict is Verdict.FAILED and finding.evidence is not None and entry.sequence < finding.evidence:
            remarks += (f"{waiver.owner} signed a waiver before it FAILED, and may not have meant that.",)
        else:
            in_force = WaiverInForce(waiver.owner, waiver.reason, waiver.expires_at, entry.sequence)
            return replace(finding, waiver=in_force)
    return replace(finding, reasons=finding.reasons + remarks)
