"""Tries commits: builds each, runs the gates one after the other as a release would, and says which of them stopped it.

Before anything is believed of a gate it must let the untouched commit pass: what stops everything proves nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from release import policy as declaration
from release.candidate import Candidate
from release.commits.commit import Commit
from release.commits.ground import BASE, Ground, Said
from release.errors import NotReady
from release.ledger import select
from release.pipeline import DECLARATION, DEPENDS_ON
from release.policy import ENVIRONMENTS, Gate, Policy
from release.ship import ATTEMPTS_MAX
from release.statement import TestResult
from release.verdict import Verdict
from tools.prepare import state

BUILD = "build"
NOBODY = "nobody"
REASON_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """What one gate said of one candidate."""

    gate: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a commit came. `stopped_by` is a gate, `build`, or `nobody`."""

    name: str
    expected: str
    stopped_by: str
    verdict: str
    reason: str
    seconds: float
    base: str
    """The commit it was tried on."""
    asked: tuple[str, ...]
    """The gates that were run."""
    right: bool

    @property
    def cells(self) -> tuple[str, ...]:
        """As a row of the table."""
        right = "yes" if self.right else "NO"
        return (self.name, self.expected, self.stopped_by, self.verdict, f"{self.seconds:.0f}", right)


HEADINGS = ("commit", "expected", "stopped by", "verdict", "seconds", "right?")


def outcome_of(commit: Commit, found: Sequence[Finding], *, seconds: float, base: str) -> Outcome:
    """Compares what happened with what was named beforehand. `found` ends with the gate that stopped it, if one did."""
    last = found[-1] if found and found[-1].verdict is not Verdict.PASSED else None
    stopped_by = last.gate if last else NOBODY
    reason = " ".join(last.reasons) if last else ""
    right = stopped_by == (commit.stopped_by or NOBODY) and commit.because.casefold() in reason.casefold()
    return Outcome(
        name=commit.name,
        expected=commit.stopped_by or NOBODY,
        stopped_by=stopped_by,
        verdict=last.verdict.value if last else Verdict.PASSED.value,
        reason=reason[:REASON_CHARACTERS_MAX],
        seconds=round(seconds, 1),
        base=base,
        asked=tuple(dict.fromkeys(one.gate for one in found)),
        # A harmless commit that no gate looked at was not tried.
        right=right and bool(found),
    )


def gates_in_order(policy: Policy, *, up_to: str | None = None, only: str | None = None) -> tuple[Gate, ...]:
    """The blocking gates on the way to production as they are run: all, those up to one, or one alone. Raises PolicyInvalid."""
    # What is asked of a release that runs is left out: nothing is deployed here.
    gates = [gate for gate in policy.needed_for(ENVIRONMENTS[-1]) if gate.is_blocking and not gate.asked_in]
    # As a release runs them: those before dev first, in the order of the declaration.
    gates.sort(key=lambda gate: ENVIRONMENTS.index(gate.before))
    if only is not None:
        return tuple(gate for gate in gates if gate.name == policy.gate(only).name)
    if up_to is not None:
        names = [gate.name for gate in gates]
        return tuple(gates[: names.index(policy.gate(up_to).name) + 1])
    return tuple(gates)


def by_run(gates: Iterable[Gate]) -> dict[str, tuple[Gate, ...]]:
    """The gates by the command that answers them, in the order in which the first of each is asked."""
    runs: dict[str, tuple[Gate, ...]] = {}
    for gate in gates:
        runs[gate.run] = (*runs.get(gate.run, ()), gate)
    return runs


def cheapest_first(commits: Iterable[Commit], policy: Policy) -> list[Commit]:
    """Those that an early gate stops come first; the harmless ones, which pay for every gate, last."""
    order = [gate.name for gate in gates_in_order(policy)]
    return sorted(commits, key=lambda one: order.index(one.stopped_by) if one.stopped_by in order else len(order))


@dataclass
class Trial:
    """One session on one ground."""

    ground: Ground
    say: Callable[[str], None] = print
    _released: Candidate | None = None

    def policy(self) -> Policy:
        """The declaration of what is checked out, weakened or not."""
        there, *others = (self.ground.directory / path.relative_to(state.ROOT) for path in (DECLARATION, *DEPENDS_ON))
        return declaration.load(there, depends_on=others)

    def try_commit(self, commit: Commit, *, up_to: str | None = None, quick: bool = False) -> Outcome:
        """Runs the gates until the first that does not let it pass; with `quick` only the one named for it.

        Raises NotReady when the untouched commit does not pass one of these gates, OutOfDate when the tree has changed.
        """
        self.release()
        for gates in by_run(self._asked(commit, up_to=up_to, quick=quick)).values():
            self._require_base(gates)
            if commit.stopped_by in {gate.name for gate in gates}:
                # Later gates are asked only if this one fails to stop it.
                break
        made = self.ground.check_out(commit)
        began = time.monotonic()
        built = self.ground.built(made, commit.name)
        if isinstance(built, Said):
            found = [Finding(BUILD, Verdict.ERRORED, (built.end[-REASON_CHARACTERS_MAX:],))]
        else:
            found = self._through(commit, built, up_to=up_to, quick=quick)
        return outcome_of(commit, found, seconds=time.monotonic() - began, base=self.ground.base)

    def release(self) -> Candidate:
        """The untouched commit, pinned as what production runs; once per session."""
        if self._released is None:
            self.say(f"base {self.ground.base[:12]}: building what production runs")
            self._released = self.ground.release_base()
        return self._released

    def _asked(self, commit: Commit, *, up_to: str | None, quick: bool) -> tuple[Gate, ...]:
        return gates_in_order(self.policy(), up_to=up_to, only=commit.stopped_by if quick else None)

    def _through(self, commit: Commit, candidate: Candidate, *, up_to: str | None, quick: bool) -> list[Finding]:
        found: list[Finding] = []
        for run, gates in by_run(self._asked(commit, up_to=up_to, quick=quick)).items():
            said = self.run(run, gates, candidate, commit.name)
            for one in said:
                found.append(one)
                if one.verdict is not Verdict.PASSED:
                    return found
        return found

    def run(self, run: str, gates: Sequence[Gate], candidate: Candidate, name: str) -> list[Finding]:
        """What the gates of one run say of the candidate that is checked out. What could not tell is asked once more, as ever."""
        found: list[Finding] = []
        for attempt in range(ATTEMPTS_MAX):
            before = len(self.ground.ledger.read())
            log = f"{name}-{run}" + (f"-{attempt + 1}" if attempt else "")
            said = self.ground.run(log, "release", "gate", *(gate.name for gate in gates))
            told = {
                result.gate: Finding(result.gate, result.verdict, tuple(result.reasons))
                for _, result in select(self.ground.ledger.read()[before:], TestResult, digest=candidate.digest)
            }
            silent = Finding("", Verdict.ERRORED, (f"It left no evidence: {said.end[-REASON_CHARACTERS_MAX:]}",))
            found = [told.get(gate.name, replace(silent, gate=gate.name)) for gate in gates]
            for one in found:
                self.say(f"  {name}: {one.gate} {one.verdict} {' '.join(one.reasons)[:160]}")
            if not {Verdict.ERRORED, Verdict.INCONCLUSIVE} & {one.verdict for one in found}:
                break
        return found

    def _require_base(self, gates: Sequence[Gate]) -> None:
        """The untouched commit passes these gates; what it passed before, under the same policy, is not asked again."""
        base = self.release()
        self.ground.check_out_base()
        policy = self.policy()
        passed = {
            result.gate
            for _, result in self.ground.ledger.entries(TestResult, digest=base.digest)
            if result.verdict is Verdict.PASSED and result.policy == policy.digest
        }
        if missing := [gate for gate in gates if gate.name not in passed]:
            found = self.run(missing[0].run, missing, base, BASE)
            for one in found:
                if one.verdict is not Verdict.PASSED:
                    raise NotReady(
                        f"The untouched commit does not pass {one.gate} ({one.verdict}), so nothing it says of others counts: "
                        f"{' '.join(one.reasons)[:REASON_CHARACTERS_MAX]}"
                    )


# -- what is kept -------------------------------------------------------------------------------------------------------


def remember(outcome: Outcome, file: Path) -> dict[str, Outcome]:
    """Adds it to what was found earlier on the same commit, which is returned; what was found on another one is dropped."""
    known = {name: one for name, one in recalled(file).items() if one.base == outcome.base}
    known[outcome.name] = outcome
    state.write_file(file, json.dumps([asdict(one) for one in known.values()], ensure_ascii=False, indent=2) + "\n")
    return known


def recalled(file: Path) -> dict[str, Outcome]:
    """What `remember` kept, by the commit's name."""
    if not file.is_file():
        return {}
    kept = json.loads(file.read_text(encoding="utf-8"))
    return {one["name"]: Outcome(**{**one, "asked": tuple(one["asked"])}) for one in kept}


def page(title: str, commits: Sequence[Commit], found: Mapping[str, Outcome]) -> str:
    """The table in Markdown: every commit, tried or not, and below it what the gates said."""
    bases = {one.base for one in found.values()}
    lines = [f"# {title}", "", f"On commit {', '.join(sorted(base[:12] for base in bases)) or 'none yet'}.", ""]
    lines += ["| " + " | ".join((*HEADINGS, "what it would do")) + " |", "|---" * (len(HEADINGS) + 1) + "|"]
    for commit in commits:
        one = found.get(commit.name)
        cells = one.cells if one else (commit.name, commit.stopped_by or NOBODY, "not tried", "", "", "")
        lines.append("| " + " | ".join((*cells, commit.effect)) + " |")
    right = sum(found[commit.name].right for commit in commits if commit.name in found)
    lines += ["", f"{right} of {len(commits)} as named beforehand.", ""]
    for one in found.values():
        if one.reason:
            lines.append(f"- **{one.name}**: {' '.join(one.reason.split())} (asked: {', '.join(one.asked)})")
    return "\n".join(lines) + "\n"
