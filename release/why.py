"""Where is my candidate, what stopped it, and what do I do now? On one screen.

why(policy, ledger, digest, pins, now, anchors=heads) -> str     at most 24 lines of 100 columns

`pins`: what each environment runs, {environment: digest or None}; `anchors` as for `judge`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.candidate import DIGEST
from release.errors import EvidenceInvalid
from release.judge import GateFinding, Judgement, judge
from release.ledger import Entry, Ledger, check_anchors, select
from release.policy import ENVIRONMENTS, Policy
from release.statement import CandidateBuilt, Promotion, Superseded
from release.verdict import Verdict

LINES_MAX = 24
COLUMNS_MAX = 100
_FINDINGS_MAX = 6
_WAIVERS_MAX = 3
_MEANINGS = {
    Verdict.PASSED: "nothing stops it",
    Verdict.FAILED: "the candidate is bad",
    Verdict.ERRORED: "a gate is broken, and the candidate is neither good nor bad yet",
    Verdict.INCONCLUSIVE: "still unknown",
}


def why(
    policy: Policy,
    ledger: Ledger,
    digest: str,
    pins: Mapping[str, str | None],
    now: datetime,
    *,
    anchors: Iterable[str] = (),
) -> str:
    """The candidate's story, for people. Raises EvidenceInvalid for what is no digest; bad evidence is told, not raised."""
    if not DIGEST.fullmatch(digest):
        raise EvidenceInvalid(f"{digest!r} is not an image digest.")
    environment = _next_environment(digest, pins)
    heads = tuple(anchors)
    last = ENVIRONMENTS[-1]
    judgement = judge(policy, ledger, digest, environment or last, now, anchors=heads, previous=pins.get(last))
    entries: tuple[Entry, ...] = ()
    remedy = ""
    try:
        entries = ledger.read()
        check_anchors(entries, heads)
    except EvidenceInvalid as failure:
        # The judgement tells what is wrong; what to do about it is told last.
        entries, remedy = (), failure.remedy
    except OSError as failure:
        entries, remedy = (), f"Make {failure.filename} readable."
    commits = _Commits(_commit(entries, digest), _commit(entries, pins.get(ENVIRONMENTS[-1])))
    lines = [
        *_who(entries, digest, now),
        _where(digest, pins),
        *_history(entries, digest, now),
        _verdict(judgement, environment),
        *_details(judgement),
        *_waivers(judgement),
        "Next",
        *(_mending(remedy) if remedy else _next_steps(policy, judgement, environment, pins, commits)),
    ]
    return "\n".join(_fit(line) for line in lines[:LINES_MAX])


@dataclass(frozen=True, slots=True)
class _Commits:
    """Twelve digits of each commit, nothing for what the ledger does not know."""

    candidate: str
    production: str

    @property
    def where(self) -> str:
        """Gates judge the checked-out commit."""
        return f" in a checkout of {self.candidate}" if self.candidate else ""


def _commit(entries: Sequence[Entry], digest: str | None) -> str:
    built = select(entries, CandidateBuilt, digest=digest) if digest else []
    return built[-1][1].commit[:12] if built else ""


def _next_environment(digest: str, pins: Mapping[str, str | None]) -> str | None:
    """The environment after the last one that runs it; None when the last of all does."""
    reached = [rank for rank, name in enumerate(ENVIRONMENTS) if pins.get(name) == digest]
    following = max(reached, default=-1) + 1
    return ENVIRONMENTS[following] if following < len(ENVIRONMENTS) else None


def _who(entries: Sequence[Entry], digest: str, now: datetime) -> list[str]:
    built = select(entries, CandidateBuilt, digest=digest)
    if not built:
        return [f"Candidate  {_short(digest)}; the ledger does not say how it was built"]
    candidate = built[-1][1]
    return [f"Candidate  {_short(digest)}, commit {candidate.commit[:12]}, built {_ago(now, candidate.built_at)}"]


def _where(digest: str, pins: Mapping[str, str | None]) -> str:
    told = []
    for name in ENVIRONMENTS:
        pinned = pins.get(name)
        told.append(f"{name}: {'this one' if pinned == digest else _short(pinned) if pinned else 'nothing yet'}")
    return "Running    " + ", ".join(told)


def _history(entries: Sequence[Entry], digest: str, now: datetime) -> list[str]:
    lines = []
    if steps := select(entries, Promotion, digest=digest):
        step = steps[-1][1]
        lines.append(
            f"Last step  {step.environment}, {step.step} at {step.share} %: {step.outcome} {_ago(now, step.at)}. {step.why}"
        )
    if newer := select(entries, Superseded, digest=digest):
        lines.append(f"Superseded by {_short(newer[-1][1].by)} {_ago(now, newer[-1][1].at)}. {newer[-1][1].why}")
    return lines


def _verdict(judgement: Judgement, environment: str | None) -> str:
    place = f"into {environment}" if environment else f"in {judgement.environment}, where it runs"
    meaning = _MEANINGS[judgement.verdict]
    if judgement.reasons and not judgement.waivers:
        meaning = "the evidence cannot be relied upon"
    return f"Verdict    {judgement.verdict} {place}: {meaning}"


def _details(judgement: Judgement) -> list[str]:
    if judgement.reasons:
        width = COLUMNS_MAX - 2
        return [f"  {line}" for reason in judgement.reasons for line in textwrap.wrap(reason, width)][:_FINDINGS_MAX]
    stopping = sorted(judgement.stopping, key=lambda finding: _ORDER.index(finding.verdict))
    lines = [f"  {finding.verdict:<12} {finding.gate}: {' '.join(finding.reasons)}" for finding in stopping]
    if len(lines) > _FINDINGS_MAX:
        rest = len(lines) - _FINDINGS_MAX + 1
        lines = [
            *lines[: _FINDINGS_MAX - 1],
            f"  and {rest} more: python -m release judge {judgement.environment} {_short(judgement.digest)}",
        ]
    advisory = [
        f"{finding.gate} {finding.verdict}"
        for finding in judgement.findings
        if finding.severity == "advisory" and finding.verdict is not Verdict.PASSED
    ]
    return lines + ([f"  Advisory, stopping nothing: {', '.join(advisory)}"] if advisory else [])


_ORDER = (Verdict.FAILED, Verdict.ERRORED, Verdict.INCONCLUSIVE, Verdict.PASSED)


def _waivers(judgement: Judgement) -> list[str]:
    lines = [
        f"Waived     {finding.gate} ({finding.verdict}) by {finding.waiver.owner}"
        f" until {finding.waiver.expires_at:%Y-%m-%d %H:%M} UTC: {finding.waiver.reason}"
        for finding in judgement.waivers
        if finding.waiver
    ]
    if len(lines) > _WAIVERS_MAX:
        names = ", ".join(finding.gate for finding in judgement.waivers[_WAIVERS_MAX - 1 :])
        lines = [*lines[: _WAIVERS_MAX - 1], f"Waived     also {names}"]
    return lines


def _mending(remedy: str) -> list[str]:
    return [f"  {line}" for line in textwrap.wrap(remedy, COLUMNS_MAX - 2)] + _command("ledger verify")


def _next_steps(
    policy: Policy, judgement: Judgement, environment: str | None, pins: Mapping[str, str | None], commits: _Commits
) -> list[str]:
    """What to do, most urgent first; commands on lines of their own, to be copied."""
    if environment is None:
        return ["  Nothing: it is where candidates go."]
    if judgement.passed:
        return [f"  Let it into {environment}:", *_command(f"promote {environment} {_short(judgement.digest)}")]
    by_verdict = {
        verdict: [finding for finding in judgement.stopping if finding.verdict is verdict] for verdict in Verdict
    }
    steps: list[str] = []
    if failed := by_verdict[Verdict.FAILED]:
        ends = f"--good {commits.production or 'COMMIT'} --bad {commits.candidate or 'COMMIT'}"
        steps += [f"  The author mends {_names(failed)} in a new commit. Which one broke it, and after mending:"]
        steps += [*_command(f"culprit {ends} -- COMMAND"), *_command("ship")]
    if errored := by_verdict[Verdict.ERRORED]:
        runs = ", ".join(sorted({policy.gate(finding.gate).run for finding in errored}))
        steps += [f"  Mend the gate, not the candidate (run {runs}), then{commits.where}:", *_ask_again(errored)]
    # A bad candidate is replaced: what else could be learnt about it helps nobody.
    if (unknown := by_verdict[Verdict.INCONCLUSIVE]) and not failed:
        steps += _steps_for_unknown(policy, unknown, judgement, pins, commits)
    return steps or ["  A person looks at the waivers: nothing else vouches for it."]


def _steps_for_unknown(
    policy: Policy,
    unknown: Sequence[GateFinding],
    judgement: Judgement,
    pins: Mapping[str, str | None],
    commits: _Commits,
) -> list[str]:
    first = pins.get(ENVIRONMENTS[-1]) is None
    alone = [finding for finding in unknown if first and finding.evidence and policy.gate(finding.gate).needs_previous]
    again = [finding for finding in unknown if finding not in alone]
    steps = []
    if again:
        steps += [f"  Nobody knows yet; run{commits.where}:", *_ask_again(again)]
    if alone:
        words = f"waive first-release {_short(judgement.digest)} --owner NAME --reason REASON"
        steps += [f"  Production runs nothing to compare with. For {_names(alone)} a person signs:", *_command(words)]
    return steps


def _ask_again(findings: Sequence[GateFinding]) -> list[str]:
    command = "python -m release gate " + " ".join(finding.gate for finding in findings)
    lines = textwrap.wrap(command, COLUMNS_MAX - 8, break_on_hyphens=False, break_long_words=False)
    return [f"    {line}{' ' + chr(92) if number < len(lines) else ''}" for number, line in enumerate(lines, start=1)]


def _command(words: str) -> list[str]:
    return [f"    python -m release {words}"]


def _names(findings: Sequence[GateFinding]) -> str:
    return ", ".join(finding.gate for finding in findings)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _ago(now: datetime, then: datetime) -> str:
    minutes = (now - then) // timedelta(minutes=1)
    if minutes < 0:
        return f"at {then:%Y-%m-%d %H:%M} UTC"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def _fit(line: str) -> str:
    one_line = " ".join(line.splitlines())
    return one_line if len(one_line) <= COLUMNS_MAX else one_line[: COLUMNS_MAX - 1].rstrip() + "…"
