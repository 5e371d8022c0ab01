"""The index as data: environments, candidates with a cell for every gate, the latest promotions. Templates only lay it out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from release.dora import Attempt
from release.judge import Judgement
from release.ledger import select
from release.pages import wording
from release.pages.facts import Facts
from release.pages.wording import NOT_RUN, TONES, WAIVED, Tone
from release.pins import Pin
from release.policy import ENVIRONMENTS
from release.statement import CandidateBuilt, Drift, Superseded, TestResult, Waiver
from release.verdict import Verdict

OBSTACLES_MAX = 3
ATTEMPTS_MAX = 20
# What a promotion's line says after its reason: since when, how long, and figures.
_TOLD = re.compile(r" \(since \S+, (?P<seconds>[\d.]+) s(?:, (?P<figures>[^()]*))?\)$")


@dataclass(frozen=True, slots=True)
class Share:
    """One release in one environment and its part of the customers."""

    digest: str
    commit: str
    subject: str
    percent: int
    role: str


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """What runs in one environment."""

    name: str
    shares: tuple[Share, ...]
    since: datetime | None
    by: str
    kept: str
    """The release before, while it still stands by; empty otherwise."""
    kept_until: datetime | None
    drift: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One gate of one candidate."""

    gate: str
    before: str
    tone: Tone
    said: str
    """Its reasons, for whoever points at it."""
    advisory: bool


@dataclass(frozen=True, slots=True)
class State:
    """Where a candidate is: one of the tones, and a sentence."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One candidate on the index."""

    digest: str
    commit: str
    subject: str
    built_at: datetime
    state: State
    obstacles: tuple[str, ...]
    cells: tuple[tuple[str, tuple[Cell, ...]], ...]
    """By the environment they stand before."""
    waivers: tuple[str, ...]
    closed: bool
    """Nothing more is expected of it: what was decided is shown, not how old the evidence has become."""

    @property
    def asked(self) -> bool:
        """Whether any gate was ever asked of it, or waived."""
        return any(cell.tone is not NOT_RUN for _, group in self.cells for cell in group)


@dataclass(frozen=True, slots=True)
class Told:
    """A step's reason, taken apart from its time and figures."""

    why: str
    seconds: float | None
    figures: str


@dataclass(frozen=True, slots=True)
class Move:
    """One attempt to enter an environment, for the list of promotions and rollbacks."""

    attempt: Attempt
    tone: Tone
    outcome: str
    why: str
    subject: str


def told(why: str) -> Told:
    """`why` of a promotion's line in its parts; all of it is the reason when it has no such ending."""
    found = _TOLD.search(why)
    if found is None:
        return Told(why, None, "")
    return Told(why[: found.start()], float(found["seconds"]), found["figures"] or "")


def environments(facts: Facts) -> list[EnvironmentView]:
    """In the order of a candidate's way."""
    return [_environment(facts, name, facts.pins[name]) for name in ENVIRONMENTS]


def _environment(facts: Facts, name: str, pin: Pin | None) -> EnvironmentView:
    if pin is None:
        return EnvironmentView(name, (), None, "", "", None, "")
    role = "stable" if pin.candidate else "has all traffic"
    shares = [_share(facts, pin.release.digest, pin.release.commit, 100 - pin.share, role)]
    if pin.candidate:
        role = "candidate" if pin.share else "candidate, reached by checks only"
        shares.append(_share(facts, pin.candidate.digest, pin.candidate.commit, pin.share, role))
    kept = pin.previous is not None and pin.kept_until is not None and pin.kept_until > facts.now
    settled = [one.settled for one in facts.attempts[name] if one.digest == pin.release.digest and one.settled]
    drifts = [one for _, one in select(facts.entries, Drift) if one.environment == name]
    open_drift = drifts[-1] if drifts and not drifts[-1].mended else None
    return EnvironmentView(
        name=name,
        shares=tuple(shares),
        since=settled[-1] if settled else pin.at,
        by=pin.by,
        kept=pin.previous.digest if kept and pin.previous else "",
        kept_until=pin.kept_until if kept else None,
        drift=f"{open_drift.found} (expected: {open_drift.expected})" if open_drift else "",
    )


def _share(facts: Facts, digest: str, commit: str, percent: int, role: str) -> Share:
    change = facts.change(commit)
    return Share(digest, commit, change.subject if change else "", percent, role)


def candidates(facts: Facts, *, limit: int) -> list[CandidateView]:
    """The newest first, at most `limit`."""
    return [candidate(facts, digest, built) for digest, built in facts.candidates()[:limit]]


def candidate(facts: Facts, digest: str, built: CandidateBuilt) -> CandidateView:
    """One candidate: its state, what stands in its way, a cell for every gate."""
    change = facts.change(built.commit)
    closed = _closed(facts, digest, built)
    # What was decided about a candidate that is out of the race is shown as it was decided; its evidence only grows stale.
    cells = _recorded(facts, digest) if closed else _judged(facts, digest)
    state, obstacles = (closed, ()) if closed else _open(facts, digest)
    groups = tuple((name, tuple(cell for cell in cells if cell.before == name)) for name in ENVIRONMENTS)
    return CandidateView(
        digest=digest,
        commit=built.commit,
        subject=change.subject if change else "",
        built_at=built.built_at,
        state=state,
        obstacles=obstacles,
        cells=tuple((name, group) for name, group in groups if group),
        waivers=waivers(facts, digest),
        closed=closed is not None,
    )


def waivers(facts: Facts, digest: str) -> tuple[str, ...]:
    """Every waiver that was signed for it, in force or not."""
    return tuple(
        f"{one.gate}: {one.owner}, "
        f"{'until' if one.expires_at > facts.now else 'expired'} {wording.moment(one.expires_at)}: {one.reason}"
        for _, one in select(facts.entries, Waiver, digest=digest)
    )


def _closed(facts: Facts, digest: str, built: CandidateBuilt) -> State | None:
    """The state of a candidate that nothing more is expected of, None while it may still go on."""
    production = ENVIRONMENTS[-1]
    pins = facts.pins
    pin = pins[production]
    if pin and pin.release.digest == digest:
        return State(TONES[Verdict.PASSED], f"runs in production with {100 - pin.share} % of the customers")
    if any(pin and pin.candidate and pin.candidate.digest == digest for pin in pins.values()):
        return None
    tried = [one for one in facts.attempts[production] if one.digest == digest]
    if tried and tried[-1].restored:
        last = tried[-1]
        after = "after" if last.settled else "on its way in, at"
        step = wording.moment(last.settled) if last.settled else last.step
        return State(TONES[Verdict.FAILED], f"taken back from production {after} {step}: {told(last.why).why}")
    if tried and tried[-1].settled:
        return State(NOT_RUN, f"was in production from {wording.moment(tried[-1].settled)}")
    if newer := select(facts.entries, Superseded, digest=digest):
        return State(NOT_RUN, f"superseded by {wording.short(newer[-1][1].by)}")
    released = next((one for d, one in facts.candidates() if pin and d == pin.release.digest), None)
    anywhere = any(pin and pin.release.digest == digest for pin in pins.values())
    if released and not anywhere and built.built_at < released.built_at:
        return _left_behind(facts, digest)
    return None


def _left_behind(facts: Facts, digest: str) -> State:
    bad = [cell.gate for cell in _recorded(facts, digest) if cell.tone is TONES[Verdict.FAILED] and not cell.advisory]
    if bad:
        return State(TONES[Verdict.FAILED], f"stopped by {', '.join(bad)}; a newer one went on")
    return State(NOT_RUN, "left behind: a newer one is in production")


def _open(facts: Facts, digest: str) -> tuple[State, tuple[str, ...]]:
    """The state of a candidate on its way, and what stands in it."""
    for name in reversed(ENVIRONMENTS):
        pin = facts.pins[name]
        if pin and pin.candidate and pin.candidate.digest == digest:
            return State(TONES[Verdict.INCONCLUSIVE], f"on its way into {name}, {pin.share} % of the traffic"), ()
    for name in reversed(ENVIRONMENTS):
        tried = [one for one in facts.attempts[name] if one.digest == digest]
        if tried and tried[-1].stopped:
            met = "" if tried[-1].served else ", before any customer met it"
            text = f"stopped on its way into {name}, at {tried[-1].step}{met}"
            return State(TONES[Verdict.FAILED], text), (told(tried[-1].why).why,)
    reached = [name for name in ENVIRONMENTS if (pin := facts.pins[name]) and pin.release.digest == digest]
    place = f"in {reached[-1]}; " if reached else ""
    following = ENVIRONMENTS[ENVIRONMENTS.index(reached[-1]) + 1] if reached else ENVIRONMENTS[0]
    judgement = facts.judgement(digest, following)
    words = {
        Verdict.PASSED: f"may enter {following}",
        Verdict.FAILED: f"stopped before {following}",
        Verdict.ERRORED: f"waits before {following}: a gate is broken",
        Verdict.INCONCLUSIVE: f"waits before {following}: not everything is known",
    }
    return State(TONES[judgement.verdict], place + words[judgement.verdict]), _obstacles(judgement)


def _obstacles(judgement: Judgement) -> tuple[str, ...]:
    """What somebody must mend first; gates that were merely not asked yet stand together at the end."""
    if judgement.reasons:
        return judgement.reasons
    asked = [one for one in judgement.stopping if one.evidence is not None]
    told_of = sorted(asked, key=lambda one: _GRAVITY.index(one.verdict))
    lines = [f"{one.gate}: {' '.join(one.reasons)}" for one in told_of[:OBSTACLES_MAX]]
    if len(told_of) > OBSTACLES_MAX:
        lines.append(f"and {len(told_of) - OBSTACLES_MAX} more")
    if unasked := [one.gate for one in judgement.stopping if one.evidence is None]:
        lines.append(f"not asked yet: {', '.join(unasked)}")
    return tuple(lines)


_GRAVITY = (Verdict.FAILED, Verdict.ERRORED, Verdict.INCONCLUSIVE, Verdict.PASSED)


def _judged(facts: Facts, digest: str) -> list[Cell]:
    findings = {one.gate: one for one in facts.judgement(digest, ENVIRONMENTS[-1]).findings}
    cells = []
    for gate in facts.policy.gates.values():
        finding = findings[gate.name]
        tone = TONES[finding.verdict]
        said = " ".join(finding.reasons)
        if finding.waiver:
            tone, said = WAIVED, f"{tone.word}; waived by {finding.waiver.owner}: {finding.waiver.reason} {said}"
        elif finding.evidence is None and finding.verdict is Verdict.INCONCLUSIVE:
            tone = NOT_RUN
        cells.append(Cell(gate.name, gate.before, tone, said, not gate.is_blocking))
    return cells


def _recorded(facts: Facts, digest: str) -> list[Cell]:
    waived = {one.gate for _, one in select(facts.entries, Waiver, digest=digest)}
    cells = []
    for gate in facts.policy.gates.values():
        results: Sequence[TestResult] = [
            one for _, one in select(facts.entries, TestResult, digest=digest, gate=gate.name)
        ]
        tone = TONES[results[-1].verdict] if results else NOT_RUN
        said = " ".join(results[-1].reasons) if results else "There is no evidence: it never ran."
        if gate.name in waived and tone is not wording.GOOD:
            tone = WAIVED
        cells.append(Cell(gate.name, gate.before, tone, said, not gate.is_blocking))
    return cells


def moves(facts: Facts) -> list[Move]:
    """The latest promotions and rollbacks of every environment, the newest first."""
    commits = {digest: built.commit for digest, built in facts.candidates()}
    changes = {digest: facts.change(commit) for digest, commit in commits.items()}
    every = sorted((one for tried in facts.attempts.values() for one in tried), key=lambda one: one.last, reverse=True)
    return [move_of(one, change.subject if (change := changes.get(one.digest)) else "") for one in every[:ATTEMPTS_MAX]]


def move_of(attempt: Attempt, subject: str) -> Move:
    """How it ended, in words."""
    why = told(attempt.why).why
    if attempt.settled and attempt.stopped:
        return Move(attempt, TONES[Verdict.FAILED], "rolled back", why, subject)
    if attempt.settled:
        return Move(attempt, TONES[Verdict.PASSED], "promoted", why, subject)
    if attempt.stopped:
        met = "taken back" if attempt.served else "stopped before any customer"
        return Move(attempt, TONES[Verdict.FAILED], f"{met}, at {attempt.step}", why, subject)
    return Move(attempt, TONES[Verdict.INCONCLUSIVE], f"under way, at {attempt.step}", why, subject)
