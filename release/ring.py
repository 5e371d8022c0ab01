"""What a promotion and a rollback need of the world, and whose turn it is.

Place         one environment: its pin, its slots, its weights            release/deployed.py, in tests a fake
Records       the ledger                                                   likewise
Turn          one promotion per environment at a time; a newer candidate takes the place of one that waits; a person can halt it
Journal       what was begun, so that whoever comes after a kill knows
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from release.candidate import Candidate, Release
from release.errors import NotReady, ReleaseError
from release.pins import Pin, Pinned
from release.results import GateResult
from release.verdict import Verdict
from release.watch import Clock, Counts, Instruments, Limits, Sample
from tools.prepare import state

TURN_WAIT_S_MAX = 3600.0
TURN_POLL_S = 0.5


class Superseded(ReleaseError):
    """A newer candidate came while this one waited for its turn."""

    def __init__(self, by: str) -> None:
        self.by = by
        super().__init__(f"A newer candidate, {by}, goes on instead of this one.")


class Place(Protocol):
    """One environment. Everything may be asked for twice and then changes nothing; failures raise ReleaseError."""

    @property
    def name(self) -> str:
        """As declared."""

    @property
    def shares(self) -> tuple[int, ...]:
        """Percent of the traffic, step after step; the last is 100."""

    @property
    def watch_s(self) -> float:
        """How long each share is watched; 0: not at all."""

    @property
    def keep_previous_s(self) -> float:
        """How long the release before stays up."""

    def pinned(self) -> Pinned | None:
        """What should run; None before the first release."""

    def pin(self, pin: Pin, *, after: Pinned | None, why: str) -> Pinned:
        """Pins it. Raises PinMoved when somebody else was faster."""

    def apply(self, pin: Pin) -> list[str]:
        """Makes what is pinned true; returns what was done."""

    def infrastructure(self) -> None:
        """Secrets, ports, and the infrastructure up and healthy."""

    def jobs(self, release: Release) -> None:
        """The release's migrations and broker declarations: they expand, nothing that runs loses anything."""

    def start_first(self, release: Release) -> None:
        """Where nothing is pinned: the release up, reached by the ring header only."""

    def stop_first(self) -> None:
        """Where nothing is pinned: no slot runs, no traffic goes anywhere."""

    def start(self, slot: str, release: Release) -> None:
        """The release up and healthy in a slot, its traffic unchanged."""

    def is_up(self, slot: str, release: Release) -> bool:
        """Whether every service of the slot is healthy and of this very digest."""

    def all_to(self, slot: str) -> float:
        """All traffic to one slot, at once; returns the seconds until the gateway says so."""


class Records(Protocol):
    """The ledger, as far as promotions write it."""

    def step(self, line: Line) -> None:
        """One promotion/v1 entry; on disk when it returns."""

    def superseded(self, environment: str, digest: str, *, by: str) -> None:
        """One superseded/v1 entry."""

    def evidence(self, result: GateResult, candidate: Candidate) -> None:
        """What a gate found."""

    def head(self) -> str:
        """For the next pin."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the ledger keeps of one step."""

    environment: str
    origin: str | None
    """Digest of the release that has the traffic the candidate has not; None before the first."""
    to: str
    step: str
    share: int
    """Percent of the traffic for `to` after the step."""
    outcome: str
    """started, done, stopped or rolled back: see release.statement.Outcome."""
    why: str
    started: datetime
    finished: datetime
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the judgement comes to."""

    verdict: Verdict
    findings: tuple[str, ...]


class Supply(Protocol):
    """Synthetic customers who use the release in the ring while it is watched."""

    def failed(self) -> str:
        """Why they could not do what they came for; empty while they can."""

    def finish(self) -> None:
        """Lets those who are there end what they began; leaving the context without this sends them home at once."""


@dataclass(frozen=True)
class Parts:
    """What a promotion works with, besides the environment."""

    judge: Callable[[Candidate], Ruling]
    records: Records
    smoke: Callable[[Release, str], GateResult]
    """Smoke of a release through the ring header: the release, and which scenarios (`smoke` or `synthetic`)."""
    supply: Callable[[], AbstractContextManager[Supply]]
    instruments: Callable[[str], AbstractContextManager[Instruments]]
    """Figures with this slot as the candidate's, and what has changed since the context was entered."""
    limits: Limits
    clock: Clock
    say: Callable[[str], None] = print
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


# -- whose turn it is -----------------------------------------------------------------------------------------------------


class Turn:
    """Holds for as long as the process lives: the kernel gives the lock back when it is killed."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    @property
    def _lock(self) -> Path:
        return self._directory / "promotion.lock"

    @property
    def _ticket(self) -> Path:
        return self._directory / "promotion.ticket"

    @property
    def _halt(self) -> Path:
        return self._directory / "promotion.halt"

    @contextlib.contextmanager
    def take(self, digest: str, *, wait_s: float = TURN_WAIT_S_MAX) -> Iterator[None]:
        """The turn of a candidate. Raises Superseded when a newer one comes while it waits, NotReady after `wait_s`."""
        self._directory.mkdir(parents=True, exist_ok=True)
        ticket = uuid.uuid4().hex
        with self._lock.open("a", encoding="ascii") as lock:
            # Whoever came last goes next, also past one that waited before: an older candidate must not follow a newer one.
            state.write_file(self._ticket, json.dumps({"ticket": ticket, "digest": digest}))
            self._wait(lock.fileno(), ticket, wait_s)
            # A wish to halt was meant for the promotion before.
            self._halt.unlink(missing_ok=True)
            yield

    def _wait(self, descriptor: int, ticket: str, wait_s: float) -> None:
        deadline = self._clock.now() + wait_s
        while True:
            mine = _locked(descriptor)
            last = _read_json(self._ticket) or {}
            if last.get("ticket", ticket) != ticket:
                raise Superseded(str(last.get("digest")))
            if mine:
                return
            if self._clock.now() > deadline:
                raise NotReady(
                    f"Another promotion has had its turn for {wait_s:.0f} s.", remedy="Look at its ledger lines."
                )
            self._clock.wait(TURN_POLL_S)

    @contextlib.contextmanager
    def interrupt(self, by: str, why: str, *, wait_s: float) -> Iterator[None]:
        """The turn of a rollback: a promotion that has it is told to end itself. Raises NotReady when it does not."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a", encoding="ascii") as lock:
            deadline = self._clock.now() + wait_s
            while not _locked(lock.fileno()):
                self.halt(by, why)
                if self._clock.now() > deadline:
                    raise NotReady(
                        f"The promotion that has its turn has not ended itself within {wait_s:.0f} s.",
                        remedy="All traffic is on the stable slot; end that process and run rollback again.",
                    )
                self._clock.wait(TURN_POLL_S)
            self._halt.unlink(missing_ok=True)
            yield

    @contextlib.contextmanager
    def idle(self) -> Iterator[bool]:
        """True when nobody had it: then it is held for the block. False at once when somebody has it."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a", encoding="ascii") as lock:
            yield _locked(lock.fileno())

    def busy(self) -> bool:
        """Whether a promotion or rollback has its turn now."""
        with self.idle() as free:
            return not free

    def halt(self, by: str, why: str) -> None:
        """Asks the promotion that has its turn to go back."""
        state.write_file(self._halt, f"{by}: {why}")

    def halted(self) -> str:
        """Who wants it to go back, and why; empty when nobody does."""
        try:
            return self._halt.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# -- what was begun --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Note:
    """What is under way: a promotion of this release, or a rollback away from it."""

    kind: str
    digest: str
    why: str


class Journal:
    """At most one note per environment, there while something is under way; found afterwards only if that was killed."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "promotion.json"
        self._baseline = directory / "baseline.json"

    def write(self, note: Note) -> None:
        """Replaces the note."""
        state.write_file(self._file, json.dumps(asdict(note)))

    def read(self) -> Note | None:
        """The note; None when there is none, and when it cannot be read: the pin then says enough."""
        given = _read_json(self._file)
        if not given or set(given) != set(Note.__slots__):
            return None
        return Note(str(given["kind"]), str(given["digest"]), str(given["why"]))

    def clear(self) -> None:
        """Nothing is under way."""
        self._file.unlink(missing_ok=True)

    def keep_baseline(self, digest: str, baseline: Sample) -> None:
        """How the business was before this release came, for whoever watches it afterwards."""
        state.write_file(self._baseline, json.dumps({"digest": digest, "baseline": _of_sample(baseline)}))

    def baseline_of(self, digest: str) -> Sample | None:
        """The baseline kept for this release; None when another's is kept, or none."""
        given = _read_json(self._baseline)
        return _to_sample(given["baseline"]) if given and given.get("digest") == digest else None


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return given if isinstance(given, dict) else None


def _of_sample(sample: Sample) -> dict[str, Any]:
    """JSON has no infinity as a key and none as a number: bounds are written as text."""
    document = asdict(sample)
    for slot in ("candidate", "stable"):
        document[slot]["buckets"] = {str(bound): count for bound, count in document[slot]["buckets"].items()}
    return document


def _to_sample(given: Mapping[str, Any]) -> Sample:
    counts = {
        slot: Counts(
            given[slot]["requests"],
            given[slot]["errors"],
            {float(bound): count for bound, count in given[slot]["buckets"].items()},
        )
        for slot in ("candidate", "stable")
    }
    return Sample(
        given["at"], counts["candidate"], counts["stable"], given["business"], given["fresh_at"], given["blind"]
    )
