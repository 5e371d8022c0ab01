"""The four figures of delivery, from what the ledger says of production and what git says of commits.

attempts(entries, environment) -> [Attempt]              each time a candidate was on its way in, and how that ended
measure(entries, changes, now) -> Dora                   the figures over 7, 30 and 90 days; pure
changes_of(repository) -> Changes                        the commits that a release brought, asked of git

deployment frequency   releases that got all customers, per day
lead time for changes  from a commit to the moment its release has all customers; every commit of the release counts
change failure rate    of the candidates that any customer met, those that were taken back, on their way in or afterwards
time to restore        from a failed candidate's first customer until no customer met it any more

What stopped a candidate before its first customer is no failure: that is what gates are for. It is counted apart.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from release.ledger import Entry, select
from release.policy import ENVIRONMENTS
from release.repository import Repository
from release.statement import CandidateBuilt, Outcome, Promotion

WINDOWS_DAYS = (7, 30, 90)
# Steps that come after a promotion, or speak of one that was killed; every other step belongs to a promotion under way.
AFTERWARDS = ("rollback", "recover", "guard")
SHARE = "share "
SETTLED = "settle"


@dataclass(frozen=True, slots=True)
class Change:
    """A commit, as git has it."""

    commit: str
    committed: datetime
    subject: str


Changes = Callable[[str | None, str], Sequence[Change]]
"""The commits that came with a release: (commit of the release before or None, its own commit). None known: an empty answer."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate's way into one environment."""

    environment: str
    digest: str
    origin: str | None
    """Digest of what ran there before; None for the first release."""
    began: datetime
    last: datetime
    """When the newest step of it ended."""
    step: str
    """The newest step."""
    why: str
    served: datetime | None = None
    """When customers could first meet it; None when they never did."""
    settled: datetime | None = None
    """When it had all of them for good."""
    restored: datetime | None = None
    """When no customer met it any more because it was taken back."""
    stopped: bool = False
    """It was stopped or taken back."""

    @property
    def failed(self) -> bool:
        """Whether customers met it and it was taken back."""
        return self.served is not None and self.restored is not None

    @property
    def is_open(self) -> bool:
        """Whether it is still on its way, or its process was killed there."""
        return self.settled is None and not self.stopped


@dataclass(frozen=True, slots=True)
class Lead:
    """One release's commits and how long each took; empty when git does not know them."""

    attempt: Attempt
    commit: str
    changes: tuple[Change, ...]

    @property
    def seconds(self) -> tuple[float, ...]:
        """From each commit to the moment its release had all customers."""
        assert self.attempt.settled is not None
        return tuple((self.attempt.settled - one.committed).total_seconds() for one in self.changes)


@dataclass(frozen=True, slots=True)
class Window:
    """The figures of the last so many days. None where there is nothing to measure: no figure is not a zero."""

    days: int
    deployments: int
    per_day: float
    lead_median_s: float | None
    lead_p90_s: float | None
    changes: int
    changes_unknown: int
    """Releases whose commits git does not know."""
    reached_customers: int
    failures: int
    failure_rate: float | None
    restore_median_s: float | None
    restore_longest_s: float | None
    caught_before_customers: int


@dataclass(frozen=True, slots=True)
class Dora:
    """All windows, and what they were measured on, newest first."""

    at: datetime
    windows: tuple[Window, ...]
    attempts: tuple[Attempt, ...]
    leads: tuple[Lead, ...]


def attempts(entries: Iterable[Entry], environment: str) -> list[Attempt]:
    """Every attempt, oldest first."""
    found: list[Attempt] = []
    for _, step in select(entries, Promotion):
        if step.environment != environment:
            continue
        number = next((n for n in reversed(range(len(found))) if found[n].digest == step.to), None)
        if step.step in AFTERWARDS:
            # A rollback of what this ledger never saw come in says nothing of an attempt.
            if number is not None:
                found[number] = _afterwards(found[number], step)
        elif number is not None and found[number].is_open and step.step != "judge":
            found[number] = _further(found[number], step)
        elif number is not None and step.step == SETTLED and found[number].settled:
            # Finished a second time, by whoever tidied up after a kill.
            continue
        else:
            found.append(_further(_begun(step), step))
    return found


def _begun(step: Promotion) -> Attempt:
    return Attempt(step.environment, step.to, step.origin, step.at, step.at, step.step, step.why)


def _further(attempt: Attempt, step: Promotion) -> Attempt:
    """The attempt after one more step of it."""
    served = attempt.served
    if served is None and (step.step.startswith(SHARE) or step.step == SETTLED):
        # The line is written when the step ends; it began when the one before it ended.
        served = attempt.last
    after = replace(attempt, last=step.at, step=step.step, why=step.why, served=served)
    let_in = step.step == SETTLED and (step.outcome is Outcome.DONE or step.share == 100)
    if let_in:
        return replace(after, settled=step.at)
    if step.outcome in (Outcome.STOPPED, Outcome.ROLLED_BACK):
        return replace(after, stopped=True, restored=step.at if served else None)
    return after


def _afterwards(attempt: Attempt, step: Promotion) -> Attempt:
    if step.outcome is not Outcome.ROLLED_BACK or attempt.stopped:
        # A rollback that halted a promotion: the promotion's own line has said so.
        return attempt
    restored = step.at if attempt.served else None
    return replace(attempt, last=step.at, step=step.step, why=step.why, stopped=True, restored=restored)


def measure(entries: Sequence[Entry], changes: Changes, now: datetime, *, environment: str = ENVIRONMENTS[-1]) -> Dora:
    """The figures as of `now`. `changes` is asked once for every release that got in within the longest window."""
    commits = {entry.digest: built.commit for entry, built in select(entries, CandidateBuilt)}
    tried = attempts(entries, environment)
    oldest = now - timedelta(days=max(WINDOWS_DAYS))
    leads = [
        Lead(one, commits[one.digest], tuple(changes(commits.get(one.origin or ""), commits[one.digest])))
        for one in tried
        if one.settled and one.settled > oldest and one.digest in commits
    ]
    windows = tuple(_window(days, tried, leads, now) for days in WINDOWS_DAYS)
    recent = (one for one in reversed(tried) if one.last > oldest)
    return Dora(now, windows, tuple(recent), tuple(reversed(leads)))


def _window(days: int, tried: Sequence[Attempt], leads: Sequence[Lead], now: datetime) -> Window:
    since = now - timedelta(days=days)

    def within(moment: datetime | None) -> bool:
        return moment is not None and since < moment <= now

    deployed = [one for one in tried if within(one.settled)]
    met = [one for one in tried if within(one.served)]
    failed = [one for one in met if one.failed]
    restores = [(one.restored - one.served).total_seconds() for one in failed if one.restored and one.served]
    known = [lead for lead in leads if within(lead.attempt.settled)]
    seconds = sorted(value for lead in known for value in lead.seconds)
    return Window(
        days=days,
        deployments=len(deployed),
        per_day=len(deployed) / days,
        lead_median_s=statistics.median(seconds) if seconds else None,
        lead_p90_s=seconds[math.ceil(0.9 * len(seconds)) - 1] if seconds else None,
        changes=len(seconds),
        changes_unknown=len(deployed) - sum(bool(lead.changes) for lead in known),
        reached_customers=len(met),
        failures=len(failed),
        failure_rate=len(failed) / len(met) if met else None,
        restore_median_s=statistics.median(restores) if restores else None,
        restore_longest_s=max(restores) if restores else None,
        caught_before_customers=sum(one.stopped and one.served is None and within(one.last) for one in tried),
    )


def changes_of(repository: Repository) -> Changes:
    """Asks git. Merges are no changes of their own; the first release brings its own commit, not all of history."""

    def asked(before: str | None, commit: str) -> Sequence[Change]:
        wanted = ("--no-merges", f"{before}..{commit}") if before else ("--max-count=1", commit)
        told = repository.run("log", "-z", "--format=%H%x1f%cI%x1f%s", *wanted)
        if told.returncode != 0:
            return ()
        if not told.stdout and before != commit:
            # Going back to an older commit brings nothing new, and a lone merge brings itself.
            told = repository.run("log", "-z", "--max-count=1", "--format=%H%x1f%cI%x1f%s", commit)
        return tuple(_change(line) for line in told.stdout.split("\0") if line)

    return asked


def _change(line: str) -> Change:
    commit, committed, subject = line.split("\x1f", 2)
    return Change(commit, datetime.fromisoformat(committed).astimezone(UTC), subject)
