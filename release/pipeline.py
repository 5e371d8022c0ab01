"""What every command of the pipeline stands on: the policy in force, the ledger, the pins, and what production runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from release import build, policy, running, signing
from release.candidate import Candidate, Release
from release.errors import NotReady
from release.home import Home
from release.judge import NO_PREVIOUS, PREVIOUS, Judgement, judge
from release.ledger import Ledger, select
from release.pins import Pins
from release.policy import ENVIRONMENTS, Gate, Policy
from release.results import GateResult
from release.statement import CandidateBuilt, TestResult, evidence_of
from tools.prepare import state

DECLARATION = Path(__file__).with_name("gates.toml")
# A verdict depends on these as much as on the declaration: a changed budget makes old evidence stale.
DEPENDS_ON = (state.ROOT / "perf" / "budgets.toml", Path(__file__).with_name("limits.toml"))


@dataclass(frozen=True)
class Pipeline:
    """One checkout's pipeline."""

    home: Home
    root: Path = state.ROOT

    @classmethod
    def of_checkout(cls) -> Pipeline:
        """The one in use here."""
        return cls(Home.of_checkout())

    @cached_property
    def policy(self) -> Policy:
        """Raises PolicyInvalid."""
        return policy.load(DECLARATION, depends_on=DEPENDS_ON)

    @cached_property
    def ledger(self) -> Ledger:
        """Everything said so far."""
        return Ledger(self.home)

    @cached_property
    def pins(self) -> Pins:
        """What should run where."""
        return Pins(self.root)

    def pinned(self) -> dict[str, Release | None]:
        """The release of each environment, in the order of a candidate's way."""
        found = {name: self.pins.read(name) for name in ENVIRONMENTS}
        return {name: pinned.pin.release if pinned else None for name, pinned in found.items()}

    def anchors(self) -> list[str]:
        """The heads of the ledger that the pins recorded."""
        return [pinned.pin.ledger for name in ENVIRONMENTS for pinned in self.pins.history(name)]

    def previous(self) -> Release | None:
        """What production runs: what a candidate is compared with."""
        return self.pinned()[ENVIRONMENTS[-1]]

    def candidate(self, reference: str) -> Candidate:
        """A candidate that the ledger knows, by its digest or the beginning of it. Raises NotReady."""
        wanted = reference.removeprefix("sha256:")
        known = {
            entry.digest: build.candidate_of(entry.digest, built)
            for entry, built in select(self.ledger.read(), CandidateBuilt)
        }
        found = [candidate for digest, candidate in known.items() if digest.removeprefix("sha256:").startswith(wanted)]
        if len(found) != 1 or len(wanted) < 6:
            raise NotReady(
                f"{reference!r} names {len(found)} candidates of the ledger.",
                remedy="Give more of its digest; `python -m release status` lists them.",
            )
        return found[0]

    def judge(self, candidate: Release, environment: str) -> Judgement:
        """Whether it may enter, as of now."""
        previous = self.previous()
        return judge(
            self.policy,
            self.ledger,
            candidate.digest,
            environment,
            datetime.now(UTC),
            anchors=self.anchors(),
            previous=previous.digest if previous else None,
        )

    def record(self, result: GateResult, candidate: Candidate) -> None:
        """What a gate found, signed, in the ledger."""
        self._record(result, candidate, self.previous())

    def _record(self, result: GateResult, candidate: Candidate, previous: Release | None) -> None:
        inputs = {"sbom": candidate.sbom, PREVIOUS: previous.digest if previous else NO_PREVIOUS}
        said = evidence_of(result, candidate, self.policy, inputs)
        self.ledger.append(TestResult.TYPE, candidate.digest, said, signing.pipeline_key(self.home))

    def run(self, run_name: str, candidate: Candidate) -> list[GateResult]:
        """Runs one command and records what each of its gates found, with the release that they compared with."""
        previous = self.previous()
        results = running.run(run_name, candidate, previous, self.policy, self.home, root=self.root)
        for result in results:
            self._record(result, candidate, previous)
        return results

    def runs_of(self, gates: Iterable[Gate]) -> list[str]:
        """The runs that answer these gates, each once, in the order of the declaration."""
        return list(dict.fromkeys(gate.run for gate in gates))
