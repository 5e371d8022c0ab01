"""Promotion, rollback and guard of the environments that run here: wires the steps to slots, gateway, pins, ledger and monitoring.

promote(pipeline, "production", candidate, by="ship")      guard(pipeline, "production")
rollback(pipeline, "production", by="anna", why="...")     agent(pipeline, "production", once=False)
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from release import agent as agents
from release import promotion, routes, signing, slots, statement
from release import rollback as going_back
from release import smoke as smoking
from release.blobs import Blobs
from release.candidate import Candidate, Release
from release.environments import BLUE, SLOTS, Environment, load, other
from release.errors import NotReady, ReleaseError
from release.instruments import EnvironmentInstruments, Orchestrator, Prometheus, clients
from release.pins import Pin, Pinned, Pins
from release.pipeline import Pipeline
from release.promotion import Promoted
from release.results import GateResult
from release.ring import Journal, Line, Parts, Ruling, Turn
from release.rollback import RolledBack
from release.routes import Routing
from release.smoke import Halt, Scenarios, Synthetic
from release.watch import Instruments, Limits, WallClock
from tools.prepare import credentials

DOOR_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class DeployedPlace:
    """One environment of this machine."""

    environment: Environment
    pins: Pins

    @property
    def name(self) -> str:
        """As declared."""
        return self.environment.name

    @property
    def shares(self) -> tuple[int, ...]:
        """Percent of the traffic, step after step."""
        return self.environment.shares

    @property
    def watch_s(self) -> float:
        """How long each share is watched."""
        return self.environment.watch_s

    @property
    def keep_previous_s(self) -> float:
        """How long the release before stays up."""
        return self.environment.keep_previous_s

    def pinned(self) -> Pinned | None:
        """What should run."""
        return self.pins.read(self.name)

    def pin(self, pin: Pin, *, after: Pinned | None, why: str) -> Pinned:
        """Pins it."""
        return self.pins.write(pin, after=after, why=why)

    def apply(self, pin: Pin) -> list[str]:
        """Makes it true."""
        return agents.apply(self.environment, pin)

    def infrastructure(self) -> None:
        """Whatever is missing of it."""
        with self.environment.exclusive():
            slots.infrastructure_up(self.environment)

    def jobs(self, release: Release) -> None:
        """Migrations and declarations, unless this data has had them."""
        with self.environment.exclusive():
            slots.run_jobs(self.environment, release)

    def start_first(self, release: Release) -> None:
        """The first release, unseen."""
        with self.environment.exclusive():
            slots.start_slot(self.environment, BLUE, release)
            routes.set_routing(self.environment, Routing({}, ring=BLUE))

    def stop_first(self) -> None:
        """The environment without a release, as it was."""
        with self.environment.exclusive():
            routes.set_routing(self.environment, Routing())
            for slot in SLOTS:
                slots.stop_slot(self.environment, slot)

    def start(self, slot: str, release: Release) -> None:
        """A release in a slot, its traffic unchanged."""
        with self.environment.exclusive():
            slots.start_slot(self.environment, slot, release)

    def is_up(self, slot: str, release: Release) -> bool:
        """Whether the whole slot is that release, healthy."""
        return slots.slot_state(self.environment, slot).is_up(release)

    def all_to(self, slot: str) -> float:
        """All traffic to one slot. Takes no turn: who is starting something meanwhile must not keep customers waiting."""
        return routes.set_routing(self.environment, Routing({slot: 100}))


@dataclass(frozen=True)
class LedgerRecords:
    """The ledger, signed by the pipeline."""

    pipeline: Pipeline

    def step(self, line: Line) -> None:
        """One promotion/v1 entry; its times and figures stand in words, after the reason."""
        seconds = (line.finished - line.started).total_seconds()
        figures = [f"{name} {value:g}" for name, value in line.figures.items() if name != "seconds"]
        told = ", ".join([f"since {line.started.isoformat(timespec='milliseconds')}", f"{seconds:.1f} s", *figures])
        said = statement.Promotion.model_validate(
            {
                "environment": line.environment,
                "from": line.origin,
                "to": line.to,
                "step": line.step,
                "share": line.share,
                "outcome": statement.Outcome(line.outcome),
                "why": f"{line.why} ({told})",
                "at": line.finished,
            }
        )
        self._append(line.to, said)

    def superseded(self, environment: str, digest: str, *, by: str) -> None:
        """One superseded/v1 entry."""
        why, now = "a newer candidate came while it waited for its turn", datetime.now(UTC)
        self._append(digest, statement.Superseded(environment=environment, by=by, why=why, at=now))

    def evidence(self, result: GateResult, candidate: Candidate) -> None:
        """A gate's evidence, where the policy has such a gate; the step's own entry says the same in words."""
        if result.gate in self.pipeline.policy.gates:
            self.pipeline.record(result, candidate)

    def head(self) -> str:
        """For the next pin."""
        return self.pipeline.ledger.head()

    def _append(self, digest: str, said: statement.Predicate) -> None:
        self.pipeline.ledger.append(said.TYPE, digest, said, signing.pipeline_key(self.pipeline.home))


@dataclass(frozen=True)
class Deployment:
    """One environment with everything that a promotion works with."""

    pipeline: Pipeline
    environment: Environment

    @classmethod
    def of(cls, pipeline: Pipeline, name: str) -> Deployment:
        """The declared environment. Raises PolicyInvalid when there is none of this name."""
        return cls(pipeline, load(name, home=pipeline.home))

    @property
    def place(self) -> DeployedPlace:
        """Its slots, gateway and pin."""
        return DeployedPlace(self.environment, self.pipeline.pins)

    @property
    def turn(self) -> Turn:
        """Whose turn it is."""
        return Turn(self.environment.directory, WallClock())

    @property
    def journal(self) -> Journal:
        """What was begun."""
        return Journal(self.environment.directory)

    @property
    def parts(self) -> Parts:
        """The rest."""
        return Parts(
            judge=self._judge,
            records=LedgerRecords(self.pipeline),
            smoke=lambda release, tag: self.smoke(release, tag),
            supply=self._synthetic,
            instruments=self._instruments,
            limits=Limits.load(),
            clock=WallClock(),
            say=lambda text: print(text, flush=True),
        )

    def _judge(self, candidate: Candidate) -> Ruling:
        judgement = self.pipeline.judge(candidate, self.environment.name)
        stopping = (f"{one.gate}: {one.verdict}: {' '.join(one.reasons)}" for one in judgement.stopping)
        return Ruling(judgement.verdict, (*judgement.reasons, *stopping))

    def smoke(self, release: Release, tag: str, halt: Halt | None = None) -> GateResult:
        """Smoke of the release in the ring, wherever the gateway's ring header leads now."""
        environment = self.environment
        routing = routes.in_force(environment)
        # Without a candidate the ring leads nowhere, and everybody's way to whoever has the traffic.
        slot = (routing.ring if routing else None) or next(iter(routing.weights if routing else ()), BLUE)
        with self._door() as door:
            ring = smoking.Ring(
                environment=environment.name,
                slot=slot,
                variables=environment.judge_variables(ring=True),
                digest=lambda: slots.slot_state(environment, slot).digest,
                unwell=lambda: slots.slot_state(environment, slot).unwell,
                answered=lambda: routes.answers(environment)[slot].requests,
                door=door,
            )
            home = self.pipeline.home
            return smoking.smoke(
                ring, release, tag, work=home.work, blobs=Blobs(home), scenarios=Scenarios(), halt=halt
            )

    def _door(self) -> httpx.Client:
        environment = self.environment
        _, door = clients(
            prometheus_url=environment.prometheus_url, url=environment.url, ca_file=str(environment.ca_file)
        )
        door.headers.update(environment.ring_headers)
        door.timeout = httpx.Timeout(DOOR_TIMEOUT_S)
        return door

    def _synthetic(self) -> Synthetic:
        pinned = self.place.pinned()
        assert pinned is not None and pinned.pin.candidate is not None
        candidate = pinned.pin.candidate
        return Synthetic(lambda halt: self.smoke(candidate, "smoke", halt))

    @contextlib.contextmanager
    def _instruments(self, slot: str) -> Iterator[Instruments]:
        environment, clock = self.environment, WallClock()
        prometheus, gateway = clients(
            prometheus_url=environment.prometheus_url, url=environment.url, ca_file=str(environment.ca_file)
        )
        with prometheus, gateway:
            orchestrator = Orchestrator(gateway, environment.secret("identity", credentials.DEMO), clock)
            with EnvironmentInstruments(
                Prometheus(prometheus),
                orchestrator,
                candidate=slot,
                stable=other(slot),
                clock=clock,
                since=datetime.now(UTC),
            ) as instruments:
                yield instruments


# -- commands -----------------------------------------------------------------------------------------------------------------


def promote(pipeline: Pipeline, name: str, candidate: Candidate, *, by: str) -> Promoted:
    """Brings a candidate into an environment. Raises PromotionRefused, DeploymentFailed, Superseded: see `promotion.promote`."""
    deployment = Deployment.of(pipeline, name)
    return promotion.promote(deployment.place, deployment.parts, deployment.turn, deployment.journal, candidate, by=by)


def rollback(pipeline: Pipeline, name: str, *, by: str, why: str) -> RolledBack:
    """Brings the release before back, at once. Raises NotReady when there is none."""
    deployment = Deployment.of(pipeline, name)
    return going_back.rollback(deployment.place, deployment.parts, deployment.turn, deployment.journal, by=by, why=why)


def guard(pipeline: Pipeline, name: str) -> RolledBack | None:
    """Watches the release that is in for its keep time; what it rolled back, or None."""
    deployment = Deployment.of(pipeline, name)
    return going_back.guard(deployment.place, deployment.parts, deployment.turn, deployment.journal)


def recover(pipeline: Pipeline, name: str) -> str | None:
    """Ends what a killed promotion or rollback left. None when one lives: then its environment is its own business.

    Else what was done, empty when there was nothing to do.
    """
    deployment = Deployment.of(pipeline, name)
    with deployment.turn.idle() as free:
        if not free:
            return None
        return going_back.recover(deployment.place, deployment.parts, deployment.journal, by="agent")


def smoke(pipeline: Pipeline, name: str, out: Path) -> GateResult:
    """Asks what runs in an environment again, as its promotion did; the reports go to `out`, for the gate's runner.

    Raises NotReady when something else is pinned there than the candidate that the runner asks for.
    """
    deployment = Deployment.of(pipeline, name)
    pinned = deployment.place.pinned()
    wanted = os.environ.get("RELEASE_DIGEST", "")
    if pinned is None or pinned.pin.release.digest != wanted:
        runs = pinned.pin.release.digest if pinned else "nothing"
        raise NotReady(f"{name} runs {runs}, not {wanted or 'a candidate named by RELEASE_DIGEST'}.")
    result = deployment.smoke(pinned.pin.release, "smoke")
    for file, content in result.raw.items():
        (out / file).write_bytes(Blobs(pipeline.home).get(content))
    return result


def agent(pipeline: Pipeline, name: str, *, once: bool, every_s: float = agents.EVERY_S) -> None:
    """Makes the environment what is pinned, once or until interrupted; drift that is found goes into the ledger.

    Raises ReleaseError when it cannot, where it was asked for once.
    """
    environment = load(name, home=pipeline.home)
    before: agents.Round | None = None
    while True:
        before = _agent_round(pipeline, environment, before)
        if once:
            if before is not None and before.failed:
                raise ReleaseError(before.failed)
            return
        time.sleep(every_s)


def _agent_round(pipeline: Pipeline, environment: Environment, before: agents.Round | None) -> agents.Round | None:
    """What a killed promotion left comes first; a living one is left alone, and its pins are then no drift."""
    try:
        recovered = recover(pipeline, environment.name)
    except ReleaseError as error:
        print(f"  {environment.name}: not recovered: {error}", flush=True)
        return agents.Round(before.pinned if before else None, failed=str(error))
    if recovered is None:
        return None
    found = agents.one_round(environment, pipeline.pins, None if recovered else before)
    news = (found.drifted, found.changed, found.failed)
    if any(news) and (before is None or news != (before.drifted, before.changed, before.failed)):
        for line in (*map(str, found.drifted), *found.changed, *filter(None, [found.failed])):
            print(f"  {environment.name}: {line}", flush=True)
        _record_drift(pipeline, environment, found)
    return found


def _record_drift(pipeline: Pipeline, environment: Environment, found: agents.Round) -> None:
    if found.pinned is None:
        return
    pin = found.pinned.pin
    for one in found.drifted:
        said = statement.Drift(
            environment=environment.name,
            what=str(one.kind),
            expected=f"{pin.release.short} in {pin.slot}, as pinned in {found.pinned.commit[:12]}",
            found=one.what,
            mended=not found.failed,
            at=datetime.now(UTC),
        )
        pipeline.ledger.append(said.TYPE, pin.release.digest, said, signing.pipeline_key(pipeline.home))


def remove(pipeline: Pipeline, name: str) -> None:
    """Removes an environment with its data; its pin and the ledger stay."""
    environment = load(name, home=pipeline.home)
    with environment.exclusive():
        slots.remove(environment)
