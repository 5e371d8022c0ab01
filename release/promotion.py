"""A candidate's way into an environment: one table of steps, each with its undo.

STEPS read from top to bottom is a promotion; read upwards from where it failed is what happens instead. Whatever fails (a step,
a limit while watching, a person who halts it, a signal), everything begun is undone, and the ledger says which step and why. When
the process itself is killed, the next one finds the note and the pin, goes back to the stable release, and begins anew: a
candidate that nobody watches keeps no traffic.

Migrations and broker declarations only expand and are never undone: the stable release runs on them as well as on the old ones.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import TypedDict

from release import rollback
from release.candidate import Candidate, Release
from release.environments import BLUE
from release.errors import DeploymentFailed, PromotionRefused
from release.pins import Pin, Pinned
from release.ring import Journal, Line, Note, Parts, Place, Superseded, Turn
from release.verdict import Verdict
from release.watch import Instruments, Sample, Watched, watch

ATTEMPTS_AT_UNDO = 2
SURPLUS = 2.0
"""Customers come unevenly: fewer than so many times the needed requests to expect, and synthetic ones are sent as well."""


class Stamp(TypedDict):
    """Who pins, when, and with which head of the ledger."""

    ledger: str
    at: datetime
    by: str


@dataclass
class Work:
    """One promotion under way."""

    place: Place
    parts: Parts
    candidate: Candidate
    by: str
    turn: Turn
    journal: Journal
    before: Pinned | None
    """What was pinned when it began."""
    pinned: Pinned | None
    instruments: Instruments | None = None
    """None for the first release: there is nothing to compare it with."""
    baseline: Sample | None = None
    rate: float = 0.0
    """Requests of customers per second."""
    share: int = 0
    figures: dict[str, float] | None = None

    @property
    def release(self) -> Release:
        """The candidate as a pin holds it."""
        return Release(self.candidate.digest, self.candidate.commit, self.candidate.image)

    def repin(self, pin: Pin, why: str) -> Pin:
        """Pins what comes next."""
        self.pinned = self.place.pin(pin, after=self.pinned, why=why)
        return self.pinned.pin

    def stamp(self) -> Stamp:
        """What every pin carries."""
        return Stamp(ledger=self.parts.records.head(), at=self.parts.now(), by=self.by)

    def record(self, step: str, outcome: str, why: str, started: datetime) -> None:
        """One line in the ledger, and one for people."""
        finished = self.parts.now()
        seconds = (finished - started).total_seconds()
        origin = self.before.pin.release.digest if self.before else None
        figures = {"seconds": round(seconds, 3), **(self.figures or {})}
        self.parts.records.step(
            Line(
                self.place.name,
                origin,
                self.candidate.digest,
                step,
                self.share,
                outcome,
                why,
                started,
                finished,
                figures,
            )
        )
        self.parts.say(f"  {self.place.name}: {step}: {outcome} ({seconds:.1f} s){': ' + why if why != 'done' else ''}")


@dataclass(frozen=True, slots=True)
class Step:
    """`do` raises to stop the promotion; `undo` makes good what `do` began, however far it came, and may be repeated."""

    name: str
    do: Callable[[Work], str | None]
    """Returns what to say of it."""
    undo: Callable[[Work], None]


@dataclass(frozen=True, slots=True)
class Promoted:
    """How a promotion ended."""

    environment: str
    digest: str
    changed: bool
    """False: it was in already."""
    seconds: dict[str, float]
    """Per step."""


# -- the table ----------------------------------------------------------------------------------------------------------------


def steps_for(place: Place, *, first: bool) -> tuple[Step, ...]:
    """The way into this environment. The first release of all has nothing to share the traffic with."""
    into = (
        Step("judge", judge, nothing),
        Step("infrastructure", infrastructure, nothing),
        # Expand only: see the module's docstring.
        Step("expand", expand, nothing),
    )
    if first:
        return (
            *into,
            Step("start", start_first, stop_first),
            Step("smoke", partial(smoke, scenarios="smoke"), nothing),
            Step("settle", settle_first, nothing),
        )
    watched = place.watch_s > 0
    return (
        *into,
        *([Step("baseline", take_baseline, nothing)] if watched else []),
        Step("start", start_candidate, withdraw_candidate),
        Step("smoke", partial(smoke, scenarios="smoke"), nothing),
        *([Step("synthetic", partial(smoke, scenarios="synthetic"), nothing)] if watched else []),
        *(Step(f"share {share}", partial(give_share, share=share), take_share_back) for share in place.shares),
        Step("settle", settle, nothing),
    )


# -- the steps ----------------------------------------------------------------------------------------------------------------


def nothing(work: Work) -> None:
    """It began nothing that another release would notice."""


def judge(work: Work) -> str:
    """The judgement says PASSED. Raises PromotionRefused with what it found."""
    ruling = work.parts.judge(work.candidate)
    if ruling.verdict is not Verdict.PASSED:
        found = "; ".join(ruling.findings) or "no finding is given"
        raise PromotionRefused(f"{work.candidate.short} may not enter {work.place.name}: {ruling.verdict}: {found}.")
    return "; ".join(ruling.findings) or "PASSED"


def infrastructure(work: Work) -> None:
    """Whatever is missing of it is made."""
    work.place.infrastructure()


def expand(work: Work) -> None:
    """The candidate's migrations and broker declarations, while the stable release runs on."""
    work.place.jobs(work.release)


def take_baseline(work: Work) -> str | None:
    """How the business is before any process of the candidate runs."""
    assert work.instruments is not None
    work.baseline = work.instruments.sample()
    if work.baseline.blind:
        raise DeploymentFailed(
            f"Nothing can be compared with: {work.baseline.blind}.", remedy="Mend the monitoring first."
        )
    return ", ".join(f"{name} {value:g}" for name, value in work.baseline.business.items() if value) or None


def start_candidate(work: Work) -> None:
    """The candidate is pinned and comes up in the idle slot; only the ring header reaches it."""
    assert work.pinned is not None
    work.journal.write(Note("promotion", work.candidate.digest, work.by))
    pin = work.pinned.pin.with_candidate(work.release, share=0, **work.stamp())
    work.place.apply(work.repin(pin, f"candidate {work.candidate.short}"))


def withdraw_candidate(work: Work) -> None:
    """Traffic first, then the pin, then the slot: the order in which customers notice."""
    rollback.withdraw(work.place, work.parts, by=work.by, why="promotion failed")
    work.pinned = work.place.pinned()
    work.share = 0


def smoke(work: Work, *, scenarios: str) -> str:
    """The release in the ring does what customers do first. Raises PromotionRefused when it does not."""
    result = work.parts.smoke(work.candidate, scenarios)
    work.parts.records.evidence(result, work.candidate)
    work.figures = {"passed": result.passed, "failed": result.failed, "skipped": result.skipped}
    if result.verdict is not Verdict.PASSED:
        raise PromotionRefused(f"{scenarios} in {work.place.name}: {result.verdict}: {'; '.join(result.reasons)}.")
    return f"{result.passed} passed"


def give_share(work: Work, *, share: int) -> str:
    """So much traffic for the candidate, watched. Raises PromotionRefused unless the watch PASSED."""
    halted = work.turn.halted()
    if halted:
        raise PromotionRefused(f"Halted by {halted}.")
    assert work.pinned is not None
    work.share = share
    work.place.apply(work.repin(work.pinned.pin.with_share(share, **work.stamp()), f"share {share} %"))
    if work.place.watch_s <= 0:
        return f"{work.place.name} is not watched"
    watched = _watch_share(work, share)
    work.figures = {"watched_s": watched.watched_s, **watched.figures}
    if watched.verdict is not Verdict.PASSED:
        raise PromotionRefused(f"At {share} % in {work.place.name}: {watched.verdict}: {watched.why}.")
    return watched.why


def _watch_share(work: Work, share: int) -> Watched:
    """Too few answers say nothing, and silence never promotes: where too few customers are to be expected, synthetic ones come."""
    assert work.baseline is not None and work.instruments is not None
    parts, place, baseline = work.parts, work.place, work.baseline
    look = partial(watch, work.instruments, parts.limits, baseline, seconds=place.watch_s, clock=parts.clock)
    if not work.rate:
        # Before the first share all customers were the stable slot's.
        now = work.instruments.sample()
        work.rate = now.stable.since(baseline.stable).requests / max(now.at - baseline.at, 1.0)
    if work.rate * place.watch_s * share / 100 >= SURPLUS * parts.limits.requests_min:
        watched = look(halted=work.turn.halted)
        if watched.verdict is not Verdict.INCONCLUSIVE:
            return watched
        # The customers stayed away after all.
    with parts.supply() as supply:
        watched = look(halted=lambda: work.turn.halted() or supply.failed())
        if watched.verdict is Verdict.PASSED:
            supply.finish()
    failed = supply.failed()
    if watched.verdict is Verdict.PASSED and failed:
        return replace(watched, verdict=Verdict.FAILED, why=failed)
    return replace(watched, why=f"{watched.why}, synthetic customers' among them")


def take_share_back(work: Work) -> None:
    """All traffic to the stable slot, at once; the pin follows with the step before."""
    assert work.before is not None
    work.place.all_to(work.before.pin.slot)
    work.share = 0


def settle(work: Work) -> str:
    """The candidate is the release now; the one before stays up for the keep time, so that going back is one write."""
    assert work.pinned is not None
    keep = timedelta(seconds=work.place.keep_previous_s)
    kept_until = work.parts.now() + keep if keep else None
    pin = work.pinned.pin.promoted(kept_until=kept_until, **work.stamp())
    if work.baseline is not None:
        work.journal.keep_baseline(work.candidate.digest, work.baseline)
    settled = work.repin(pin, f"promoted {work.candidate.short}")
    # From here on it is in: what is left is tidying, which the agent does as well.
    work.share = 100
    work.place.apply(settled)
    return f"the release before stays up for {work.place.keep_previous_s:.0f} s"


def start_first(work: Work) -> None:
    """Nothing is pinned yet: the first release comes up unseen."""
    work.journal.write(Note("promotion", work.candidate.digest, work.by))
    work.place.start_first(work.release)


def stop_first(work: Work) -> None:
    """There is nothing to go back to: the environment is closed, as it was."""
    work.place.stop_first()


def settle_first(work: Work) -> None:
    """The first pin opens the environment."""
    pin = Pin.first(work.place.name, work.release, slot=BLUE, **work.stamp())
    settled = work.repin(pin, f"first release {work.candidate.short}")
    work.share = 100
    work.place.apply(settled)


# -- running the table --------------------------------------------------------------------------------------------------------


def promote(place: Place, parts: Parts, turn: Turn, journal: Journal, candidate: Candidate, *, by: str) -> Promoted:
    """Brings the candidate into the environment and returns when it has all traffic.

    Raises PromotionRefused (the candidate may not, or did not hold), DeploymentFailed (a step or its undo broke) or
    Superseded; the environment is then as it was, except for migrations, which only expand.
    """
    try:
        with turn.take(candidate.digest), _terminable():
            rollback.recover(place, parts, journal, by=by)
            before = place.pinned()
            if before is not None and before.pin.release.digest == candidate.digest:
                place.apply(before.pin)
                return Promoted(place.name, candidate.digest, False, {})
            work = Work(place, parts, candidate, by, turn, journal, before, before)
            return Promoted(place.name, candidate.digest, True, _run_table(work))
    except Superseded as newer:
        parts.records.superseded(place.name, candidate.digest, by=newer.by)
        raise


def _run_table(work: Work) -> dict[str, float]:
    """The table of this environment; where shares are watched, with instruments that remember how it was before."""
    steps = steps_for(work.place, first=work.before is None)
    if work.before is None or work.place.watch_s <= 0:
        return _run(work, steps)
    with work.parts.instruments(work.before.pin.idle_slot) as work.instruments:
        return _run(work, steps)


def _run(work: Work, steps: tuple[Step, ...]) -> dict[str, float]:
    """Runs the table. On any failure undoes what was begun, newest first, records it, and raises what failed."""
    begun: list[Step] = []
    seconds: dict[str, float] = {}
    for step in steps:
        begun.append(step)
        work.figures = None
        started = work.parts.now()
        try:
            said = step.do(work)
            work.record(step.name, "done", said or "done", started)
            seconds[step.name] = (work.parts.now() - started).total_seconds()
        except BaseException as error:
            if _is_in(work):
                # It has been pinned as the release: the agent, or whoever comes next, finishes what is left.
                work.record(step.name, "stopped", f"let in, and not tidied up: {error}", started)
                raise
            _undo(work, begun, error, started)
            raise
    work.journal.clear()
    return seconds


def _is_in(work: Work) -> bool:
    return work.pinned is not None and work.pinned.pin.release.digest == work.candidate.digest


def _undo(work: Work, begun: list[Step], error: BaseException, started: datetime) -> None:
    """Undoes every step begun, each tried twice, the rest even when one cannot be. Raises DeploymentFailed when one could not."""
    left: list[str] = []
    for step in reversed(begun):
        for attempt in range(ATTEMPTS_AT_UNDO):
            try:
                step.undo(work)
                break
            except Exception as broken:
                if attempt + 1 == ATTEMPTS_AT_UNDO:
                    left.append(f"{step.name}: {broken}")
    why = str(error) or type(error).__name__
    touched = any(step.undo is not nothing for step in begun)
    work.record(begun[-1].name, "rolled back" if touched and not left else "stopped", why, started)
    if left:
        # The note stays: the next one, promotion or agent, tries again.
        raise DeploymentFailed(
            f"{begun[-1].name} failed ({why}), and could not be undone: {'; '.join(left)}.",
            remedy=f"Run: python -m release agent {work.place.name} --once",
        ) from error
    work.journal.clear()


@contextmanager
def _terminable() -> Iterator[None]:
    """A terminated promotion undoes what it began, like one that is interrupted from the keyboard."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminated(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
