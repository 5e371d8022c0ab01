"""What the pages show, read once: ledger, pins, commits and policy, as of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from release import dora
from release.blobs import Blobs
from release.dora import Attempt, Change, Dora
from release.errors import EvidenceInvalid, NotReady
from release.judge import Judgement, judge
from release.ledger import Entry, Ledger, check_anchors, select
from release.pins import Pin, Pins
from release.policy import ENVIRONMENTS, Policy
from release.repository import Repository
from release.statement import CandidateBuilt


@dataclass(frozen=True, slots=True)
class Sources:
    """Where everything is read from."""

    policy: Policy
    ledger: Ledger
    pins: Pins
    repository: Repository
    now: datetime


@dataclass(frozen=True)
class Facts:
    """Everything known at one moment. With `broken` the ledger says nothing: no entry of it is shown then."""

    sources: Sources
    pins: Mapping[str, Pin | None]
    anchors: Sequence[str]
    entries: Sequence[Entry]
    broken: str
    attempts: Mapping[str, Sequence[Attempt]]
    """By environment, oldest first."""
    dora: Dora
    _subjects: dict[str, Change | None] = field(default_factory=dict)
    _judgements: dict[tuple[str, str], Judgement] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """As of when."""
        return self.sources.now

    @property
    def policy(self) -> Policy:
        """In force now."""
        return self.sources.policy

    @property
    def blobs(self) -> Blobs:
        """The raw results."""
        return self.sources.ledger.blobs

    def candidates(self) -> list[tuple[str, CandidateBuilt]]:
        """Digest and record of each, the newest first; one that was built twice stands where it was built last."""
        found = {entry.digest: built for entry, built in select(self.entries, CandidateBuilt)}
        return sorted(found.items(), key=lambda one: one[1].built_at, reverse=True)

    def change(self, commit: str) -> Change | None:
        """What git knows of a commit; None when it does not have it."""
        if commit not in self._subjects:
            told = dora.changes_of(self.sources.repository)(None, commit)
            self._subjects[commit] = told[0] if told else None
        return self._subjects[commit]

    def judgement(self, digest: str, environment: str) -> Judgement:
        """Whether the candidate may enter, as of now."""
        key = (digest, environment)
        if key not in self._judgements:
            production = self.pins[ENVIRONMENTS[-1]]
            self._judgements[key] = judge(
                self.policy,
                self.sources.ledger,
                digest,
                environment,
                self.now,
                anchors=self.anchors,
                previous=production.release.digest if production else None,
            )
        return self._judgements[key]


def gather(sources: Sources) -> Facts:
    """Reads everything. A ledger that cannot be relied upon is a fact as well: see `Facts.broken`."""
    pins: dict[str, Pin | None] = {}
    anchors: list[str] = []
    entries: Sequence[Entry] = ()
    broken = ""
    try:
        for name in ENVIRONMENTS:
            pinned = sources.pins.read(name)
            pins[name] = pinned.pin if pinned else None
            anchors += [one.pin.ledger for one in sources.pins.history(name)]
        entries = sources.ledger.read()
        check_anchors(entries, anchors)
    except (EvidenceInvalid, NotReady, OSError) as failure:
        entries, broken = (), str(failure)
    return Facts(
        sources=sources,
        pins={name: pins.get(name) for name in ENVIRONMENTS},
        anchors=anchors,
        entries=entries,
        broken=broken,
        attempts={name: dora.attempts(entries, name) for name in ENVIRONMENTS},
        dora=dora.measure(entries, dora.changes_of(sources.repository), sources.now),
    )
