"""Makes an environment what its pin says, and mends what has drifted away from it.

    observe ─▶ differences (what is wrong, for people) ─▶ plan (what to do, in which order) ─▶ act

    apply(environment, pin)        one round; returns what it changed, nothing when all was well
    drift(environment, pin)        what differs, changing nothing
    watch(environment, pins)       rounds for ever, at the same pin everything found is drift

Looking and acting are apart: `differences` and `plan` are functions of the pin, of what was seen and of the time.
The order of a plan is the order of safety: what is needed comes up, then the weights move, then what is not needed goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from release import flags, routes, slots, targets
from release.candidate import Release
from release.environments import SLOTS, Environment
from release.errors import EvidenceInvalid, NotReady, ReleaseError
from release.pins import Pin, Pinned, Pins
from release.routes import Routing
from release.slots import INFRASTRUCTURE, ServiceState, SlotState

EVERY_S = 5.0


class Kind(StrEnum):
    """What a drift is about."""

    PIN = "pin"
    INFRASTRUCTURE = "infrastructure"
    SLOT = "slot"
    IMAGE = "image"
    HEALTH = "health"
    WEIGHTS = "weights"
    LEFTOVER = "leftover"


@dataclass(frozen=True, slots=True)
class Drift:
    """One way in which an environment is not what its pin says."""

    kind: Kind
    what: str
    """A sentence."""
    remedy: str
    """What the agent does about it, or what a person must do."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} {self.remedy}"


@dataclass(frozen=True, slots=True)
class Observed:
    """An environment at one moment."""

    infrastructure: Mapping[str, ServiceState]
    slots: Mapping[str, SlotState]
    written: Routing | None
    """What the gateway's file says; None when it is not ours."""
    in_force: Routing | None
    """What the gateway does; None when it does not say."""
    watched: Mapping[str, str] = field(default_factory=dict)
    """Slots that Prometheus watches, each with the first digits of its release."""


@dataclass(frozen=True, slots=True)
class InfrastructureUp:
    """Start what is missing of the infrastructure."""

    def __str__(self) -> str:
        return "infrastructure started"


@dataclass(frozen=True, slots=True)
class RunJobs:
    """Run the migrations and declarations of a release, unless the data has them already."""

    release: Release

    def __str__(self) -> str:
        return f"jobs of {self.release.short} ran"


@dataclass(frozen=True, slots=True)
class StartSlot:
    """Bring a slot to a release."""

    slot: str
    release: Release

    def __str__(self) -> str:
        return f"{self.release.short} started in {self.slot}"


@dataclass(frozen=True, slots=True)
class SetRouting:
    """Write the weights and wait until they are in force."""

    routing: Routing

    def __str__(self) -> str:
        return f"traffic: {self.routing}"


@dataclass(frozen=True, slots=True)
class StopSlot:
    """Stop a slot that nobody needs."""

    slot: str

    def __str__(self) -> str:
        return f"{self.slot} stopped"


Action = InfrastructureUp | RunJobs | StartSlot | SetRouting | StopSlot


# -- deciding: no IO ------------------------------------------------------------------------------------------------


def wanted_slots(pin: Pin, now: datetime) -> dict[str, Release]:
    """What should be up where, the stable release first."""
    idle = pin.in_idle_slot(now)
    return {pin.slot: pin.release} | ({pin.idle_slot: idle} if idle else {})


def wanted_routing(pin: Pin) -> Routing:
    """The pinned weights; the ring header reaches the candidate, else nothing special."""
    return Routing(pin.weights, ring=pin.idle_slot if pin.candidate else None)


def differences(pin: Pin, observed: Observed, now: datetime) -> tuple[Drift, ...]:
    """Everything that is not as pinned, in words."""
    found = [
        Drift(Kind.INFRASTRUCTURE, f"{name} {_words(observed.infrastructure.get(name))}.", "It is started again.")
        for name in _down(observed)
    ]
    found += [
        Drift(Kind.HEALTH, f"{name} is unhealthy.", f"Read its log: docker logs; the agent restarts no {name}.")
        for name in INFRASTRUCTURE
        if name in observed.infrastructure and observed.infrastructure[name].is_sick
    ]
    for slot, release in wanted_slots(pin, now).items():
        found += _differences_of_slot(observed, slot, release)
    routing = wanted_routing(pin)
    if observed.written != routing:
        says = f"say `{observed.written}`" if observed.written else "are not as the pipeline writes them"
        found.append(Drift(Kind.WEIGHTS, f"The gateway's routes {says}, pinned is `{routing}`.", "They are put back."))
    elif observed.in_force != routing:
        does = f"does `{observed.in_force}`" if observed.in_force else "does not say what it does"
        found.append(Drift(Kind.WEIGHTS, f"The gateway {does}, pinned is `{routing}`.", "It is told again."))
    found += [
        Drift(
            Kind.LEFTOVER, f"{slot} holds containers that nobody pinned.", "They are stopped once they have no traffic."
        )
        for slot in _leftovers(pin, observed, now)
    ]
    return tuple(found)


def _differences_of_slot(observed: Observed, slot: str, release: Release) -> list[Drift]:
    found = []
    there = observed.slots[slot].services
    again = f"{slot} is brought back to {release.short}."
    for name in observed.slots[slot].missing(release):
        if name in there and there[name].image != release.image:
            found.append(
                Drift(Kind.IMAGE, f"{name} in {slot} runs {there[name].image}, pinned is {release.image}.", again)
            )
        else:
            found.append(Drift(Kind.SLOT, f"{name} in {slot} {_words(there.get(name))}.", again))
    found += [
        Drift(
            Kind.HEALTH,
            f"{name} in {slot} is unhealthy.",
            "Its readiness check says why; the agent restarts nothing for it.",
        )
        for name, service in there.items()
        if service.is_sick and service.image == release.image
    ]
    if not found and observed.watched.get(slot) != release.short:
        found.append(Drift(Kind.SLOT, f"Prometheus does not watch {release.short} in {slot}.", again))
    return found


def _words(service: ServiceState | None) -> str:
    if service is None:
        return "has no container"
    # The last word of a health check says nothing about a process that is gone.
    return f"is {service.state}, {service.health}" if service.runs and service.health else f"is {service.state}"


def _down(observed: Observed) -> list[str]:
    return [
        name for name in INFRASTRUCTURE if not (name in observed.infrastructure and observed.infrastructure[name].runs)
    ]


def _leftovers(pin: Pin, observed: Observed, now: datetime) -> list[str]:
    wanted = wanted_slots(pin, now)
    return [slot for slot in SLOTS if slot not in wanted and not observed.slots[slot].is_absent]


def plan(pin: Pin, observed: Observed, now: datetime) -> tuple[Action, ...]:
    """What makes the environment as pinned, in a safe order; nothing when it is."""
    actions: list[Action] = []
    wanted = wanted_slots(pin, now)
    routing = wanted_routing(pin)
    down = _down(observed)
    if down:
        actions.append(InfrastructureUp())
    for slot, release in wanted.items():
        is_up = observed.slots[slot].is_up(release) and observed.watched.get(slot) == release.short
        if (
            slot != pin.slot
            and not is_up
            and _has_traffic(observed, slot)
            and observed.slots[pin.slot].is_up(pin.release)
        ):
            # Its containers are about to be replaced: meanwhile the stable release answers everybody.
            actions.append(SetRouting(Routing({pin.slot: 100})))
        if down or not is_up:
            # Also for what is up: the data may have gone with the infrastructure.
            actions.append(RunJobs(release))
        if not is_up:
            actions.append(StartSlot(slot, release))
    if observed.written != routing or observed.in_force != routing or "traefik" in down or _rerouted(actions):
        actions.append(SetRouting(routing))
    actions += [StopSlot(slot) for slot in _leftovers(pin, observed, now)]
    return tuple(actions)


def _has_traffic(observed: Observed, slot: str) -> bool:
    return any(routing is not None and slot in routing.slots for routing in (observed.in_force, observed.written))


def _rerouted(actions: Sequence[Action]) -> bool:
    return any(isinstance(action, SetRouting) for action in actions)


# -- looking and acting ---------------------------------------------------------------------------------------------


def observe(environment: Environment) -> Observed:
    """The environment as it is now. Raises DeploymentFailed when the engine does not answer."""
    found = slots.containers(environment)
    try:
        written, in_force = routes.written(environment), routes.in_force(environment)
    except NotReady:
        # Never prepared: there are neither ports nor routes.
        written = in_force = None
    return Observed(
        infrastructure=found[environment.project],
        slots={slot: SlotState(slot, found[environment.slot_project(slot)]) for slot in SLOTS},
        written=written,
        in_force=in_force,
        watched=targets.written(environment),
    )


def act(environment: Environment, action: Action) -> float:
    """Does it; seconds taken. Raises DeploymentFailed."""
    match action:
        case InfrastructureUp():
            return slots.infrastructure_up(environment)
        case RunJobs(release):
            return slots.run_jobs(environment, release)
        case StartSlot(slot, release):
            return slots.start_slot(environment, slot, release)
        case SetRouting(routing):
            return routes.set_routing(environment, routing)
        case StopSlot(slot):
            return slots.stop_slot(environment, slot)


def apply(environment: Environment, pin: Pin, *, now: datetime | None = None) -> list[str]:
    """Makes the environment as pinned; returns what was changed, each with its seconds. Raises DeploymentFailed.

    Safe to repeat at any moment, also after a failure half way: it begins from what it sees.
    """
    _must_fit(environment, pin)
    with environment.exclusive():
        changed = []
        for action in plan(pin, observe(environment), now or datetime.now(UTC)):
            elapsed_s = act(environment, action)
            # The data had what the jobs would have made.
            if elapsed_s > 0:
                changed.append(f"{action} ({elapsed_s:.1f} s)")
        return changed


def drift(environment: Environment, pin: Pin, *, now: datetime | None = None) -> list[Drift]:
    """What differs from the pin now. Changes nothing."""
    _must_fit(environment, pin)
    return list(differences(pin, observe(environment), now or datetime.now(UTC)))


def _must_fit(environment: Environment, pin: Pin) -> None:
    if pin.environment != environment.name:
        raise EvidenceInvalid(f"The pin of {pin.environment} is not for {environment.name}.")


# -- for ever -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Round:
    """One look at an environment, and what followed."""

    pinned: Pinned | None
    drifted: tuple[Drift, ...] = ()
    """What differed although the pin was already applied: nobody decided it."""
    changed: tuple[str, ...] = ()
    failed: str = ""
    """Why the round could not be finished; the next one tries again."""


def one_round(environment: Environment, pins: Pins, before: Round | None) -> Round:
    """Applies the pin. With the pin that the round before had applied, every difference is drift; a new pin is a deployment."""
    try:
        pinned = pins.read(environment.name)
    except ReleaseError as error:
        unreadable = Drift(Kind.PIN, str(error), "Correct the branch by a commit; until then nothing is changed here.")
        return Round(before.pinned if before else None, drifted=(unreadable,), failed=str(error))
    if pinned is None:
        return Round(None)
    settled = before is not None and before.pinned is not None and before.pinned.pin == pinned.pin and not before.failed
    drifted: tuple[Drift, ...] = ()
    try:
        with environment.exclusive():
            # Read again inside: a promotion that ran until now has pinned something newer.
            pinned = pins.read(environment.name) or pinned
            now = datetime.now(UTC)
            if settled and before is not None and before.pinned is not None and before.pinned.pin == pinned.pin:
                drifted = tuple(_unexpected(before.pinned.pin, drift(environment, pinned.pin, now=now)))
            changed = apply(environment, pinned.pin, now=now)
            if flags.apply(environment, flags.pinned(pins, environment.name)):
                changed.append("flags are as pinned again")
            return Round(pinned, drifted, tuple(changed))
    except ReleaseError as error:
        return Round(pinned, drifted, failed=str(error))


def _unexpected(pin: Pin, found: Sequence[Drift]) -> list[Drift]:
    """Without what the pin itself foresaw: a previous release whose time is over is no drift."""
    return [one for one in found if not (one.kind is Kind.LEFTOVER and pin.kept_until is not None)]


def watch(
    environment: Environment, pins: Pins, *, every_s: float = EVERY_S, report: Callable[[Round], None] = lambda _: None
) -> None:
    """Rounds until interrupted; `report` gets each one in which something was found, changed or failed, the same one only once."""
    before: Round | None = None
    told: Round | None = None
    while True:
        current = one_round(environment, pins, before)
        if (current.drifted or current.changed or current.failed) and current != told:
            report(current)
        told = before = current
        time.sleep(every_s)
