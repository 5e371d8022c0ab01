"""The agent: what it sees as drift, what it does about it and in which order, and that its rounds end where the pin says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from release import agent
from release.agent import (
    Action,
    InfrastructureUp,
    Kind,
    Observed,
    RunJobs,
    SetRouting,
    StartSlot,
    StopSlot,
    differences,
    plan,
)
from release.candidate import Release
from release.environments import BLUE, GREEN, SLOTS
from release.errors import DeploymentFailed, EvidenceInvalid
from release.pins import Pin, PinMoved, Pinned, Pins
from release.routes import Routing
from release.slots import INFRASTRUCTURE, ServiceState, SlotState
from release.targets import PROCESSES
from release.tests import places
from release.tests.places import NEW, NEWER, NOON, OLD, pin

NEXT: dict[str, Any] = {"ledger": "e" * 64, "at": NOON, "by": "pipeline"}
LATER = NOON + timedelta(hours=1)
WELL = {name: ServiceState("running", "healthy", f"alexandrite/{name}:1") for name in INFRASTRUCTURE}
ABSENT = {slot: SlotState(slot) for slot in SLOTS}


def slot_of(slot: str, release: Release, **changes: ServiceState | None) -> SlotState:
    """A slot that runs the release, but for the changes; None takes a container away."""
    services: dict[str, ServiceState | None] = dict.fromkeys(
        PROCESSES, ServiceState("running", "healthy", release.image)
    )
    services |= changes
    return SlotState(slot, {name: service for name, service in services.items() if service is not None})


def seen(up: Mapping[str, Release], routing: Routing | None, **changes: Any) -> Observed:
    """An environment in which these releases are up and the gateway does this."""
    observed = Observed(
        infrastructure=WELL,
        slots=ABSENT | {slot: slot_of(slot, release) for slot, release in up.items()},
        written=routing,
        in_force=routing,
        watched={slot: release.short for slot, release in up.items()},
    )
    return replace(observed, **changes)


FIRST = pin()
CANDIDATE = FIRST.with_candidate(NEW, **NEXT)
CANARY = CANDIDATE.with_share(5, **NEXT)
PROMOTED = CANARY.promoted(kept_until=LATER, **NEXT)
AT_ONCE = CANARY.promoted(kept_until=None, **NEXT)
BACK = PROMOTED.rolled_back(**NEXT)
GIVEN_UP = CANARY.without_candidate(**NEXT)

ALL_BLUE, ALL_GREEN = Routing({BLUE: 100}), Routing({GREEN: 100})
RING = Routing({BLUE: 100}, ring=GREEN)
FIVE = Routing({BLUE: 95, GREEN: 5}, ring=GREEN)
BOTH = {BLUE: OLD, GREEN: NEW}

# What is pinned, what is seen, what is done about it, in this order.
PLANS: dict[str, tuple[Pin, Observed, list[Action]]] = {
    "first release on an empty machine": (
        FIRST,
        Observed({}, ABSENT, None, None),
        [InfrastructureUp(), RunJobs(OLD), StartSlot(BLUE, OLD), SetRouting(ALL_BLUE)],
    ),
    "nothing to do": (FIRST, seen({BLUE: OLD}, ALL_BLUE), []),
    "a candidate comes up beside the stable release": (
        CANDIDATE,
        seen({BLUE: OLD}, ALL_BLUE),
        [RunJobs(NEW), StartSlot(GREEN, NEW), SetRouting(RING)],
    ),
    "a share is only weights": (CANARY, seen(BOTH, RING), [SetRouting(FIVE)]),
    "promoted, the previous one kept: only weights": (PROMOTED, seen(BOTH, FIVE), [SetRouting(ALL_GREEN)]),
    "promoted, nothing kept: weights before the old slot goes": (
        AT_ONCE,
        seen(BOTH, FIVE),
        [SetRouting(ALL_GREEN), StopSlot(BLUE)],
    ),
    "back to the kept release: weights before the bad slot goes": (
        BACK,
        seen(BOTH, ALL_GREEN),
        [SetRouting(ALL_BLUE), StopSlot(GREEN)],
    ),
    "back to a release that is gone: up, then weights, then the bad one goes": (
        BACK,
        seen({GREEN: NEW}, ALL_GREEN),
        [RunJobs(OLD), StartSlot(BLUE, OLD), SetRouting(ALL_BLUE), StopSlot(GREEN)],
    ),
    "a candidate given up": (GIVEN_UP, seen(BOTH, FIVE), [SetRouting(ALL_BLUE), StopSlot(GREEN)]),
    "a next candidate takes the kept release's slot": (
        PROMOTED.with_candidate(NEWER, **NEXT),
        seen(BOTH, ALL_GREEN),
        [RunJobs(NEWER), StartSlot(BLUE, NEWER), SetRouting(Routing({GREEN: 100}, ring=BLUE))],
    ),
    "a candidate with traffic lost a container: the stable release answers until it is back": (
        CANARY,
        seen(BOTH, FIVE, slots={BLUE: slot_of(BLUE, OLD), GREEN: slot_of(GREEN, NEW, shop=None)}),
        [SetRouting(ALL_BLUE), RunJobs(NEW), StartSlot(GREEN, NEW), SetRouting(FIVE)],
    ),
    "the stable release lost a container: the candidate does not inherit its customers": (
        CANARY,
        seen(BOTH, FIVE, slots={BLUE: slot_of(BLUE, OLD, shop=None), GREEN: slot_of(GREEN, NEW)}),
        [RunJobs(OLD), StartSlot(BLUE, OLD)],
    ),
    "one service runs another image": (
        FIRST,
        seen(
            {}, ALL_BLUE, slots=ABSENT | {BLUE: slot_of(BLUE, OLD, mes=ServiceState("running", "healthy", NEW.image))}
        ),
        [RunJobs(OLD), StartSlot(BLUE, OLD)],
    ),
    "a sick service is not restarted": (
        FIRST,
        seen(
            {BLUE: OLD},
            ALL_BLUE,
            slots=ABSENT | {BLUE: slot_of(BLUE, OLD, mes=ServiceState("running", "unhealthy", OLD.image))},
        ),
        [],
    ),
    "a part of the infrastructure is gone, with its data perhaps": (
        FIRST,
        seen({BLUE: OLD}, ALL_BLUE, infrastructure={name: one for name, one in WELL.items() if name != "postgres"}),
        [InfrastructureUp(), RunJobs(OLD)],
    ),
    "the gateway was down: it is told again": (
        FIRST,
        seen(
            {BLUE: OLD},
            ALL_BLUE,
            in_force=None,
            infrastructure=WELL | {"traefik": ServiceState("exited", "healthy", "alexandrite/traefik:1")},
        ),
        [InfrastructureUp(), RunJobs(OLD), SetRouting(ALL_BLUE)],
    ),
    "routes edited by hand": (FIRST, seen({BLUE: OLD}, ALL_BLUE, written=None), [SetRouting(ALL_BLUE)]),
    "weights edited by hand": (FIRST, seen({BLUE: OLD}, Routing({GREEN: 100})), [SetRouting(ALL_BLUE)]),
    "the gateway lags behind its file": (
        FIRST,
        seen({BLUE: OLD}, ALL_BLUE, in_force=ALL_GREEN),
        [SetRouting(ALL_BLUE)],
    ),
    "a slot that nobody pinned": (FIRST, seen(BOTH, ALL_BLUE), [StopSlot(GREEN)]),
    "Prometheus forgot a slot": (FIRST, seen({BLUE: OLD}, ALL_BLUE, watched={}), [RunJobs(OLD), StartSlot(BLUE, OLD)]),
}


@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str) -> None:
    pinned, observed, expected = PLANS[name]
    assert list(plan(pinned, observed, NOON)) == expected


@pytest.mark.parametrize("name", PLANS)
def test_whatever_is_done_was_a_difference_and_is_said(name: str) -> None:
    pinned, observed, expected = PLANS[name]
    found = differences(pinned, observed, NOON)
    assert bool(found) >= bool(expected), "no action without a stated reason"
    assert all(one.what.endswith(".") and one.remedy.endswith(".") for one in found)


@pytest.mark.parametrize("name", PLANS)
def test_after_the_plan_nothing_is_left_to_do(name: str) -> None:
    pinned, observed, _ = PLANS[name]
    world = World(observed)
    for action in plan(pinned, observed, NOON):
        world.act(action)
    assert plan(pinned, world.observed, NOON) == ()
    unwell = [one for one in differences(pinned, world.observed, NOON) if one.kind is not Kind.HEALTH]
    assert unwell == []


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("done", range(4))
def test_killed_after_any_step_the_next_round_finishes(name: str, done: int) -> None:
    pinned, observed, _ = PLANS[name]
    world = World(observed)
    for action in plan(pinned, observed, NOON)[:done]:
        world.act(action)
    for action in plan(pinned, world.observed, NOON):
        world.act(action)
    assert plan(pinned, world.observed, NOON) == ()


def test_kept_until_its_time_and_then_stopped() -> None:
    observed = seen(BOTH, ALL_GREEN)
    assert plan(PROMOTED, observed, LATER - timedelta(seconds=1)) == ()
    assert plan(PROMOTED, observed, LATER) == (StopSlot(BLUE),)


class World:
    """What the actions do to an environment, in memory. A slot with traffic refuses to stop, as the real one does."""

    def __init__(self, observed: Observed) -> None:
        self.observed = observed
        self.acted: list[Action] = []

    def act(self, action: Action) -> float:
        self.acted.append(action)
        now = self.observed
        match action:
            case InfrastructureUp():
                self.observed = replace(now, infrastructure=WELL, in_force=now.written)
            case StartSlot(slot, release):
                up = dict(now.slots) | {slot: slot_of(slot, release)}
                self.observed = replace(now, slots=up, watched=dict(now.watched) | {slot: release.short})
            case SetRouting(routing):
                missing = [slot for slot in routing.slots if now.slots[slot].is_absent]
                assert not missing, f"traffic for {missing}, where nobody is"
                self.observed = replace(now, written=routing, in_force=routing)
            case StopSlot(slot):
                assert now.in_force is None or slot not in now.in_force.slots, f"{slot} has traffic"
                watched = {up: release for up, release in now.watched.items() if up != slot}
                self.observed = replace(now, slots=dict(now.slots) | {slot: SlotState(slot)}, watched=watched)
            case RunJobs():
                pass
        return 1.0


# -- drift in words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "observed", "says"),
    [
        (Kind.INFRASTRUCTURE, seen({BLUE: OLD}, ALL_BLUE, infrastructure={}), "redis has no container"),
        (
            Kind.INFRASTRUCTURE,
            seen({BLUE: OLD}, ALL_BLUE, infrastructure=WELL | {"redis": ServiceState("exited", "healthy", "x")}),
            "redis is exited.",
        ),
        (
            Kind.HEALTH,
            seen({BLUE: OLD}, ALL_BLUE, infrastructure=WELL | {"redis": ServiceState("running", "unhealthy", "x")}),
            "redis is unhealthy",
        ),
        (Kind.SLOT, seen({BLUE: OLD}, ALL_BLUE, slots=ABSENT), "shop in blue has no container"),
        (
            Kind.IMAGE,
            seen({BLUE: OLD}, ALL_BLUE, slots=ABSENT | {BLUE: slot_of(BLUE, NEW)}),
            f"shop in blue runs {NEW.image}, pinned is {OLD.image}",
        ),
        (
            Kind.HEALTH,
            seen(
                {},
                ALL_BLUE,
                slots=ABSENT | {BLUE: slot_of(BLUE, OLD, shop=ServiceState("running", "unhealthy", OLD.image))},
            ),
            "shop in blue is unhealthy",
        ),
        (Kind.WEIGHTS, seen({BLUE: OLD}, ALL_BLUE, written=None), "not as the pipeline writes them"),
        (Kind.WEIGHTS, seen({BLUE: OLD}, FIVE), "blue 95 %, green 5 %"),
        (Kind.WEIGHTS, seen({BLUE: OLD}, ALL_BLUE, in_force=None), "does not say what it does"),
        (Kind.LEFTOVER, seen(BOTH, ALL_BLUE), "green holds containers"),
    ],
)
def test_drift_is_named(kind: Kind, observed: Observed, says: str) -> None:
    assert [one for one in differences(FIRST, observed, NOON) if one.kind is kind and says in one.what]


def test_an_environment_as_pinned_has_no_drift() -> None:
    assert differences(FIRST, seen({BLUE: OLD}, ALL_BLUE), NOON) == ()
    assert differences(CANARY, seen(BOTH, FIVE), NOON) == ()


# -- rounds -------------------------------------------------------------------------------------------------------------


class FixedPins(Pins):
    """Pins that say what the test says: a pin, nothing, or an error."""

    def __init__(self, answer: Pin | Exception | None) -> None:
        self.answer = answer

    def read(self, environment: str) -> Pinned | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return Pinned(self.answer, "f" * 40) if self.answer else None

    def file(self, name: str) -> str | None:
        return None


@pytest.fixture
def round_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., agent.Round]:
    """One round of an agent over a world in memory."""

    def play(world: World, answer: Pin | Exception | None, before: agent.Round | None = None) -> agent.Round:
        monkeypatch.setattr(agent, "observe", lambda _: world.observed)
        monkeypatch.setattr(agent, "act", lambda _, action: world.act(action))
        return agent.one_round(places.environment(tmp_path), FixedPins(answer), before)

    return play


Play = Callable[..., agent.Round]


def test_a_new_pin_is_a_deployment_not_drift(round_of: Play) -> None:
    world = World(seen({BLUE: OLD}, ALL_BLUE))
    first = round_of(world, FIRST)
    assert not first.changed and not first.drifted
    second = round_of(world, CANDIDATE, first)
    assert second.drifted == () and "bbbbbbbbbbbb started in green (1.0 s)" in second.changed


def test_what_changed_under_the_same_pin_is_drift_and_mended(round_of: Play) -> None:
    world = World(seen({BLUE: OLD}, ALL_BLUE))
    first = round_of(world, FIRST)
    world.observed = replace(world.observed, written=None)
    second = round_of(world, FIRST, first)
    assert [one.kind for one in second.drifted] == [Kind.WEIGHTS]
    assert second.changed == ("traffic: blue 100 % (1.0 s)",)
    third = round_of(world, FIRST, second)
    assert not third.drifted and not third.changed


def test_the_end_of_a_kept_release_is_no_drift(round_of: Play) -> None:
    over = replace(PROMOTED, kept_until=datetime.fromisoformat("2020-01-01T00:00:00+00:00"))
    world = World(seen(BOTH, ALL_GREEN))
    before = agent.Round(Pinned(over, "f" * 40))
    ended = round_of(world, over, before)
    assert ended.drifted == () and ended.changed == ("blue stopped (1.0 s)",)


def test_an_unreadable_pin_changes_nothing_and_is_drift(round_of: Play) -> None:
    world = World(seen({}, None))
    found = round_of(world, EvidenceInvalid("The pin of production is not readable."))
    assert [one.kind for one in found.drifted] == [Kind.PIN] and found.failed
    assert world.acted == []


def test_without_a_pin_nothing_happens(round_of: Play) -> None:
    world = World(Observed({}, ABSENT, None, None))
    assert round_of(world, None) == agent.Round(None)
    assert world.acted == []


def test_a_round_that_fails_says_why_and_the_next_one_is_no_drift(
    round_of: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(seen({BLUE: OLD}, ALL_BLUE))

    def refuse(_: Action) -> float:
        raise DeploymentFailed("It did not become healthy.")

    with monkeypatch.context() as broken:
        broken.setattr(world, "act", refuse)
        failed = round_of(world, CANDIDATE, agent.Round(Pinned(FIRST, "f" * 40)))
    assert failed.failed == "It did not become healthy." and not failed.changed
    finished = round_of(world, CANDIDATE, failed)
    assert not finished.failed and not finished.drifted and len(finished.changed) == 3


def test_branches_gone_apart_are_drift_of_the_pin(round_of: Play) -> None:
    assert round_of(World(seen({}, None)), PinMoved("gone apart")).drifted[0].kind is Kind.PIN


def test_a_pin_of_another_environment_is_refused(tmp_path: Path) -> None:
    dev = Pin.first("dev", OLD, **NEXT)
    for question in (agent.apply, agent.drift):
        with pytest.raises(EvidenceInvalid, match="not for production"):
            question(places.environment(tmp_path), dev)


def test_jobs_that_had_nothing_to_do_are_not_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(seen({}, ALL_BLUE))
    monkeypatch.setattr(agent, "observe", lambda _: world.observed)
    monkeypatch.setattr(agent, "act", lambda _, action: 0.0 if isinstance(action, RunJobs) else world.act(action))
    assert agent.apply(places.environment(tmp_path), FIRST) == ["aaaaaaaaaaaa started in blue (1.0 s)"]
