"""A world in memory for promotions: an environment, a ledger, a clock; each effect can fail, or be the last before a kill."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from release.candidate import Candidate, Release
from release.errors import DeploymentFailed
from release.pins import Pin, PinMoved, Pinned
from release.results import GateResult
from release.ring import Journal, Line, Parts, Ruling, Turn
from release.verdict import Verdict
from release.watch import Counts, Limits, Sample

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CALM = dict.fromkeys(Limits.load().business, 0.0)


class Killed(BaseException):
    """The process is gone: no handler of ours runs to any effect any more."""


def release_of(letter: str) -> Release:
    """A release whose digest is this hex letter, 64 times."""
    digest = f"sha256:{letter * 64}"
    return Release(digest, letter * 40, f"127.0.0.1:5000/alexandrite/system@{digest}")


def candidate_of(letter: str) -> Candidate:
    """A candidate likewise."""
    release = release_of(letter)
    return Candidate(release.digest, release.commit, release.image, START, "0" * 64)


class FakeClock:
    """Passes only when somebody waits, or says that something took time."""

    def __init__(self) -> None:
        self.seconds = START.timestamp()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.seconds

    def wait(self, seconds: float) -> None:
        """They pass at once."""
        self.seconds += seconds

    def moment(self) -> datetime:
        """The same as a datetime."""
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass
class World:
    """What survives a kill. Its every effect goes through `act`, which counts, and kills or fails where a test wants it."""

    clock: FakeClock = field(default_factory=FakeClock)
    pins: dict[str, Pinned] = field(default_factory=dict)
    written: int = 0
    slots: dict[str, Release] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    migrated: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    superseded_by: list[tuple[str, str]] = field(default_factory=list)
    evidence: list[GateResult] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    kill_before: int | None = None
    kill_after: int | None = None
    fail: dict[str, int] = field(default_factory=dict)
    """Name of an act to how many times it fails."""
    dead: bool = False

    def act(self, name: str, effect: Callable[[], None]) -> None:
        """One effect, or the failure instead of it, or the kill before or after it."""
        if self.dead:
            raise Killed
        number = len(self.acts)
        self.acts.append(name)
        if self.kill_before == number:
            self.dead = True
            raise Killed
        if self.fail.get(name, 0) > 0:
            self.fail[name] -= 1
            raise DeploymentFailed(f"{name} broke.")
        effect()
        self._nobody_is_sent_to_a_closed_door()
        if self.kill_after == number:
            self.dead = True
            raise Killed

    def _nobody_is_sent_to_a_closed_door(self) -> None:
        for slot, weight in self.weights.items():
            assert not weight or slot in self.slots, f"{weight} % of the traffic goes to {slot}, where nothing runs"

    def reboot(self) -> None:
        """The next process."""
        self.dead, self.kill_before, self.kill_after = False, None, None
        self.fail.clear()


@dataclass
class FakePlace:
    """The environment `production` of a World."""

    world: World
    name: str = "production"
    shares: tuple[int, ...] = (5, 25, 100)
    watch_s: float = 30.0
    keep_previous_s: float = 3600.0

    def pinned(self) -> Pinned | None:
        """The pin."""
        if self.world.dead:
            raise Killed
        return self.world.pins.get(self.name)

    def pin(self, pin: Pin, *, after: Pinned | None, why: str) -> Pinned:
        """Compare and swap."""
        there = self.world.pins.get(self.name)
        if (there and there.pin) != (after and after.pin):
            raise PinMoved("The pin was changed meanwhile.")
        pinned = Pinned(pin, f"{self.world.written:040x}")

        def effect() -> None:
            self.world.written += 1
            # As it is read back from the branch.
            self.world.pins[self.name] = Pinned(Pin.from_json(pin.to_json(), environment=self.name), pinned.commit)

        self.world.act("pin", effect)
        return pinned

    def apply(self, pin: Pin) -> list[str]:
        """As the agent does it: what is needed comes up, the weights move, what is not needed goes."""
        idle = pin.in_idle_slot(self.world.clock.moment())
        wanted = {pin.slot: pin.release} | ({pin.idle_slot: idle} if idle else {})
        for slot, release in wanted.items():
            if self.world.slots.get(slot) != release:
                self.start(slot, release)
        self._weigh(pin.weights)
        for slot in [slot for slot in self.world.slots if slot not in wanted]:
            self.world.act("stop", lambda slot=slot: self._stop(slot))  # type: ignore[misc]
        return []

    def infrastructure(self) -> None:
        """There."""
        self.world.act("infrastructure", lambda: None)

    def jobs(self, release: Release) -> None:
        """Remembers who has migrated; it is never taken back."""
        self.world.act("jobs", lambda: self.world.migrated.append(release.digest))

    def start_first(self, release: Release) -> None:
        """Unseen."""
        self.start("blue", release)

    def stop_first(self) -> None:
        """Closed."""
        self._weigh({})
        for slot in list(self.world.slots):
            self.world.act("stop", lambda slot=slot: self._stop(slot))  # type: ignore[misc]

    def start(self, slot: str, release: Release) -> None:
        """Twenty seconds."""

        def effect() -> None:
            self.world.clock.wait(20)
            self.world.slots[slot] = release

        self.world.act("start", effect)

    def is_up(self, slot: str, release: Release) -> bool:
        """Healthy and of this digest."""
        return self.world.slots.get(slot) == release

    def all_to(self, slot: str) -> float:
        """At once."""
        self._weigh({slot: 100})
        return 0.2

    def _weigh(self, weights: dict[str, int]) -> None:
        given = {slot: weight for slot, weight in weights.items() if weight}
        self.world.act("weigh", lambda: self._set(given))

    def _set(self, weights: dict[str, int]) -> None:
        self.world.clock.wait(0.2)
        self.world.weights = weights

    def _stop(self, slot: str) -> None:
        self.world.slots.pop(slot, None)


@dataclass
class FakeRecords:
    """The ledger of a World."""

    world: World

    def step(self, line: Line) -> None:
        """Appended."""
        self.world.act("record", lambda: self.world.lines.append(line))

    def superseded(self, environment: str, digest: str, *, by: str) -> None:
        """Appended."""
        self.world.superseded_by.append((digest, by))

    def evidence(self, result: GateResult, candidate: Candidate) -> None:
        """Appended."""
        self.world.act("evidence", lambda: self.world.evidence.append(result))

    def head(self) -> str:
        """Any."""
        return f"{len(self.world.lines):064x}"


@dataclass
class FakeInstruments:
    """Traffic as the world's weights have it, at a steady rate, and what a test adds."""

    world: World
    candidate: str
    rate: float
    errors_from_share: int
    business: Callable[[], dict[str, float]]
    blind: Callable[[], bool] = lambda: False
    supplied: Callable[[], float] = lambda: 0.0
    _last: float = 0.0
    _counts: dict[str, list[float]] = field(default_factory=lambda: {"blue": [0.0, 0.0], "green": [0.0, 0.0]})

    def sample(self) -> Sample:
        """Counts what was answered since the last look."""
        now = self.world.clock.now()
        elapsed, self._last = (now - self._last if self._last else 0.0), now
        for slot, weight in self.world.weights.items():
            self._counts[slot][0] += elapsed * self.rate * weight / 100
            if slot == self.candidate and weight >= self.errors_from_share:
                self._counts[slot][1] += elapsed * self.rate * weight / 100 / 3
        self._counts[self.candidate][0] += elapsed * self.supplied()
        stable = "green" if self.candidate == "blue" else "blue"
        blind = self.blind()
        return Sample(
            now,
            _counts(self._counts[self.candidate]),
            _counts(self._counts[stable]),
            CALM | self.business(),
            float("-inf") if blind else now,
            "Prometheus is away" if blind else "",
        )


def _counts(given: list[float]) -> Counts:
    requests, errors = given
    return Counts(requests, errors, {0.1: requests, float("inf"): requests})


@dataclass
class Stage:
    """A place with parts whose behaviour a test chooses before it begins."""

    directory: Path
    world: World = field(default_factory=World)
    place: FakePlace = field(init=False)
    rate: float = 40.0
    errors_from_share: int = 1000
    business: Callable[[], dict[str, float]] = dict
    blind: Callable[[], bool] = lambda: False
    ruling: Ruling = field(default_factory=lambda: Ruling(Verdict.PASSED, ()))
    smoke_verdicts: dict[str, Verdict] = field(default_factory=dict)
    supply_fails: str = ""
    supplies: int = 0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = FakePlace(self.world)

    @property
    def turn(self) -> Turn:
        """Of this environment."""
        return Turn(self.directory, self.world.clock)

    @property
    def journal(self) -> Journal:
        """Of this environment."""
        return Journal(self.directory)

    @property
    def parts(self) -> Parts:
        """As chosen."""
        return Parts(
            judge=lambda _: self.ruling,
            records=FakeRecords(self.world),
            smoke=self._smoke,
            supply=self._supply,
            instruments=self._instruments,
            limits=Limits.load(),
            clock=self.world.clock,
            say=self.said.append,
            now=self.world.clock.moment,
        )

    def in_production(self, release: Release, *, previous: Release | None = None, kept: bool = False) -> None:
        """A release that runs in blue with all traffic, and perhaps the one before in green."""
        until = START + timedelta(hours=1) if kept else None
        pin = Pin("production", release, "blue", "0" * 64, START, "tests", previous=previous, kept_until=until)
        self.world.pins["production"] = Pinned(pin, "f" * 40)
        self.world.slots = {"blue": release} | ({"green": previous} if kept and previous else {})
        self.world.weights = {"blue": 100}

    def _smoke(self, release: Release, tag: str) -> GateResult:
        now = self.world.clock.moment()
        verdict = self.smoke_verdicts.get(tag, Verdict.PASSED)
        reasons = () if verdict is Verdict.PASSED else ("an order found no price",)
        return GateResult(f"{tag}-production", verdict, reasons, now, now, passed=6, checked=6)

    @contextlib.contextmanager
    def _supply(self) -> Iterator[Stage]:
        self.supplies += 1
        yield self
        self._supplying = False

    _supplying: bool = False

    def failed(self) -> str:
        """As a supply."""
        self._supplying = True
        return self.supply_fails

    def finish(self) -> None:
        """As a supply."""

    @contextlib.contextmanager
    def _instruments(self, slot: str) -> Iterator[FakeInstruments]:
        yield FakeInstruments(
            self.world, slot, self.rate, self.errors_from_share, self.business, self.blind,
            lambda: 5.0 if self._supplying else 0.0,
        )  # fmt: skip
