"""A promotion is a table of steps with undos: failed at every step, killed at every effect, repeated twice."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from release import rollback
from release.errors import DeploymentFailed, NotReady, PromotionRefused
from release.promotion import Promoted, promote, steps_for
from release.ring import Ruling, Superseded
from release.tests.ring_world import Killed, Stage, World, candidate_of, release_of
from release.verdict import Verdict
from release.watch import WallClock

OLD, CANDIDATE, NEW = release_of("a"), candidate_of("b"), release_of("b")


def staged(directory: Path, **chosen: object) -> Stage:
    stage = Stage(directory, **chosen)  # type: ignore[arg-type]
    stage.in_production(OLD)
    return stage


def run(stage: Stage) -> Promoted:
    return promote(stage.place, stage.parts, stage.turn, stage.journal, CANDIDATE, by="tests")


def outcomes(world: World) -> list[tuple[str, int, str]]:
    return [(line.step, line.share, line.outcome) for line in world.lines]


def is_as_before(stage: Stage) -> None:
    pinned = stage.place.pinned()
    assert pinned is not None and pinned.pin.candidate is None
    assert pinned.pin.release == OLD
    assert stage.world.weights == {"blue": 100}
    assert stage.world.slots == {"blue": OLD}
    assert stage.journal.read() is None


def test_a_good_candidate_gets_every_share_and_the_release_before_stays_up(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    promoted = run(stage)
    assert promoted.changed
    assert outcomes(stage.world) == [
        ("judge", 0, "done"),
        ("infrastructure", 0, "done"),
        ("expand", 0, "done"),
        ("baseline", 0, "done"),
        ("start", 0, "done"),
        ("smoke", 0, "done"),
        ("synthetic", 0, "done"),
        ("share 5", 5, "done"),
        ("share 25", 25, "done"),
        ("share 100", 100, "done"),
        ("settle", 100, "done"),
    ]
    pinned = stage.place.pinned()
    assert pinned is not None
    assert (pinned.pin.release.digest, pinned.pin.slot, pinned.pin.previous) == (NEW.digest, "green", OLD)
    assert stage.world.weights == {"green": 100}
    assert stage.world.slots == {"green": NEW, "blue": OLD}
    assert stage.journal.read() is None
    assert stage.journal.baseline_of(NEW.digest) is not None
    assert [result.gate for result in stage.world.evidence] == ["smoke-production", "synthetic-production"]


def test_an_environment_that_is_not_watched_takes_it_at_once_and_keeps_nothing(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    stage.place.shares, stage.place.watch_s, stage.place.keep_previous_s = (100,), 0, 0
    run(stage)
    steps = [step for step, _, _ in outcomes(stage.world)]
    assert steps == ["judge", "infrastructure", "expand", "start", "smoke", "share 100", "settle"]
    assert stage.world.slots == {"green": NEW}


def test_the_first_release_of_all_opens_the_environment_after_its_smoke(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    run(stage)
    steps = [step for step, _, _ in outcomes(stage.world)]
    assert steps == ["judge", "infrastructure", "expand", "start", "smoke", "settle"]
    assert stage.world.weights == {"blue": 100}
    assert stage.world.lines[0].origin is None


def test_a_first_release_that_fails_its_smoke_leaves_the_environment_closed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, smoke_verdicts={"smoke": Verdict.FAILED})
    with pytest.raises(PromotionRefused, match="no price"):
        run(stage)
    assert (stage.world.slots, stage.world.weights, stage.place.pinned()) == ({}, {}, None)


def test_what_is_in_already_is_left_as_it_is(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    run(stage)
    lines = len(stage.world.lines)
    assert not run(stage).changed
    assert len(stage.world.lines) == lines


# -- refusals ---------------------------------------------------------------------------------------------------------------


def test_only_passed_promotes_and_the_findings_are_told(tmp_path: Path) -> None:
    for verdict in (Verdict.FAILED, Verdict.ERRORED, Verdict.INCONCLUSIVE):
        stage = staged(tmp_path, ruling=Ruling(verdict, ("contracts: a field is gone",)))
        with pytest.raises(PromotionRefused, match="a field is gone"):
            run(stage)
        assert stage.world.migrated == []
        assert outcomes(stage.world) == [("judge", 0, "stopped")]


@pytest.mark.parametrize("scenarios", ["smoke", "synthetic"])
@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.ERRORED])
def test_a_candidate_that_does_not_pass_in_the_ring_gets_no_traffic(
    tmp_path: Path, scenarios: str, verdict: Verdict
) -> None:
    stage = staged(tmp_path, smoke_verdicts={scenarios: verdict})
    with pytest.raises(PromotionRefused, match="an order found no price"):
        run(stage)
    is_as_before(stage)
    assert not any(line.share for line in stage.world.lines)
    assert stage.world.evidence[-1].verdict is verdict


def test_a_breach_at_a_share_brings_all_traffic_back(tmp_path: Path) -> None:
    stage = staged(tmp_path, errors_from_share=25)
    with pytest.raises(PromotionRefused, match="with an error"):
        run(stage)
    is_as_before(stage)
    assert outcomes(stage.world)[-2:] == [("share 5", 5, "done"), ("share 25", 0, "rolled back")]


def test_a_business_figure_that_rises_brings_it_back(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    stage.business = lambda: {"disagreements": 1.0 if stage.world.weights.get("green") == 25 else 0.0}
    with pytest.raises(PromotionRefused, match="disagreements rose from 0 to 1"):
        run(stage)
    is_as_before(stage)


def test_without_figures_nothing_begins_and_nothing_goes_on(tmp_path: Path) -> None:
    stage = staged(tmp_path, blind=lambda: True)
    with pytest.raises(DeploymentFailed, match="Prometheus is away"):
        run(stage)
    assert "start" not in stage.world.acts
    later = staged(tmp_path)
    later.blind = lambda: later.world.weights.get("green") == 25
    with pytest.raises(PromotionRefused, match="ERRORED: no fresh figures"):
        run(later)
    is_as_before(later)


def test_too_few_customers_are_joined_by_synthetic_ones(tmp_path: Path) -> None:
    stage = staged(tmp_path, rate=0.5)
    run(stage)
    assert stage.supplies == 3
    share = next(line for line in stage.world.lines if line.step == "share 5")
    assert "synthetic" in share.why
    busy = staged(tmp_path, rate=80.0)
    run(busy)
    assert busy.supplies == 0


def test_too_few_answers_even_so_do_not_promote(tmp_path: Path) -> None:
    stage = staged(tmp_path, rate=0.0)
    stage.failed = lambda: ""  # type: ignore[method-assign]
    with pytest.raises(PromotionRefused, match="fewer than 30 say nothing"):
        run(stage)
    is_as_before(stage)


def test_synthetic_customers_who_fail_are_a_breach(tmp_path: Path) -> None:
    stage = staged(tmp_path, rate=0.5, supply_fails="synthetic customers: FAILED: no price")
    with pytest.raises(PromotionRefused, match="no price"):
        run(stage)
    is_as_before(stage)


# -- the table --------------------------------------------------------------------------------------------------------------


def names(*, first: bool) -> list[str]:
    return [step.name for step in steps_for(Stage(Path()).place, first=first)]


ACTS = ("infrastructure", "jobs", "start", "evidence", "pin", "weigh", "record")


@pytest.mark.parametrize("nth", range(12))
@pytest.mark.parametrize("act", ACTS)
def test_a_failure_at_any_effect_undoes_what_was_begun_or_ends_in_place(tmp_path: Path, act: str, nth: int) -> None:
    stage = staged(tmp_path)
    real, seen = stage.world.act, {"count": 0}

    def failing(name: str, effect: object) -> None:
        if name == act:
            seen["count"] += 1
            if seen["count"] == nth + 1:
                stage.world.acts.append(name)
                raise DeploymentFailed(f"{name} broke.")
        real(name, effect)  # type: ignore[arg-type]

    stage.world.act = failing  # type: ignore[method-assign]
    failure = ""
    try:
        run(stage)
    except DeploymentFailed as error:
        failure = str(error)
    assert bool(failure) == (seen["count"] > nth), "a failure was swallowed"
    pinned = stage.place.pinned()
    assert pinned is not None
    if failure and pinned.pin.release == OLD:
        is_as_before(stage)
        assert f"{act} broke" in failure
    else:
        # It arrived, or failed after it was let in: whoever comes next only tidies up.
        assert stage.world.weights == {"green": 100}


def test_an_undo_that_breaks_once_is_tried_again(tmp_path: Path) -> None:
    stage = staged(tmp_path, smoke_verdicts={"smoke": Verdict.FAILED})
    stage.world.fail["stop"] = 1
    with pytest.raises(PromotionRefused):
        run(stage)
    is_as_before(stage)


def test_an_undo_that_stays_broken_is_named_and_left_for_the_next(tmp_path: Path) -> None:
    stage = staged(tmp_path, smoke_verdicts={"smoke": Verdict.FAILED})
    stage.world.fail["stop"] = 2
    with pytest.raises(DeploymentFailed, match="could not be undone: start: stop broke"):
        run(stage)
    assert stage.world.weights == {"blue": 100}
    assert stage.journal.read() is not None
    rollback.recover(stage.place, stage.parts, stage.journal, by="agent")
    is_as_before(stage)


def effects_of_a_promotion(directory: Path) -> int:
    stage = staged(directory)
    run(stage)
    return len(stage.world.acts)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(40))
def test_killed_at_any_effect_the_next_one_finds_its_way(tmp_path: Path, number: int, moment: str) -> None:
    """Twice: the recovery itself is killed as well, then the promotion is begun anew and arrives."""
    effects = effects_of_a_promotion(tmp_path)
    if number >= effects:
        assert effects > 25
        return
    stage = staged(tmp_path)
    setattr(stage.world, f"kill_{moment}", number)
    with pytest.raises(Killed):
        run(stage)
    stage.world.reboot()
    stage.world.kill_after = len(stage.world.acts)
    try:
        rollback.recover(stage.place, stage.parts, stage.journal, by="agent")
    except Killed:
        stage.world.reboot()
        rollback.recover(stage.place, stage.parts, stage.journal, by="agent")
    stage.world.reboot()
    pinned = stage.place.pinned()
    assert pinned is not None
    if pinned.pin.release == OLD:
        is_as_before(stage)
    else:
        assert stage.world.weights == {"green": 100}
        assert stage.world.slots == {"green": NEW, "blue": OLD}
    # Again from the beginning, and once more after that.
    run(stage)
    assert not run(stage).changed
    assert stage.world.weights == {"green": 100}
    assert stage.world.slots == {"green": NEW, "blue": OLD}
    assert stage.journal.read() is None


@pytest.mark.parametrize("number", range(12))
def test_a_first_release_killed_at_any_effect_is_begun_anew(tmp_path: Path, number: int) -> None:
    stage = Stage(tmp_path)
    stage.world.kill_after = number
    try:
        run(stage)
    except Killed:
        stage.world.reboot()
        run(stage)
    assert stage.world.weights == {"blue": 100}
    assert stage.world.slots == {"blue": NEW}


def test_an_interrupted_candidate_keeps_no_traffic(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    shares = [index for index, name in enumerate(_acts_until_share(tmp_path)) if name == "weigh"]
    stage.world.kill_after = shares[1]
    with pytest.raises(Killed):
        run(stage)
    assert stage.world.weights["green"] > 0
    stage.world.reboot()
    assert "interrupted at 5 %" in rollback.recover(stage.place, stage.parts, stage.journal, by="agent")
    is_as_before(stage)
    assert stage.world.lines[-1].outcome == "rolled back"


def test_the_next_promotion_takes_an_interrupted_candidate_s_traffic_first_of_all(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    stage.world.kill_after = [index for index, name in enumerate(_acts_until_share(tmp_path)) if name == "weigh"][1]
    with pytest.raises(Killed):
        run(stage)
    done = len(stage.world.acts)
    stage.world.reboot()
    promote(stage.place, stage.parts, stage.turn, stage.journal, candidate_of("c"), by="tests")
    assert stage.world.acts[done] == "weigh"
    undone = next(line for line in stage.world.lines if line.step == "recover")
    assert (undone.to, undone.outcome) == (NEW.digest, "rolled back")
    assert stage.world.slots == {"green": release_of("c"), "blue": OLD}


def test_the_traffic_comes_back_even_when_nobody_can_read_the_pin(tmp_path: Path) -> None:
    stage = staged(tmp_path, errors_from_share=5)
    real = stage.place.pinned

    def unreadable() -> object:
        if stage.world.weights.get("green"):
            raise DeploymentFailed("git is broken.")
        return real()

    stage.place.pinned = unreadable  # type: ignore[assignment,method-assign]
    with pytest.raises(PromotionRefused):
        run(stage)
    assert stage.world.weights == {"blue": 100}


def _acts_until_share(directory: Path) -> list[str]:
    stage = staged(directory)
    run(stage)
    return stage.world.acts


def test_migrations_are_never_taken_back(tmp_path: Path) -> None:
    stage = staged(tmp_path, smoke_verdicts={"smoke": Verdict.FAILED})
    with pytest.raises(PromotionRefused):
        run(stage)
    assert stage.world.migrated == [NEW.digest]


# -- whose turn ---------------------------------------------------------------------------------------------------------------


def test_a_newer_candidate_takes_the_place_of_one_that_waits(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    turn, newest = stage.turn, "sha256:" + "d" * 64
    waiting: list[BaseException] = []

    def wait() -> None:
        try:
            promote(stage.place, stage.parts, type(turn)(tmp_path, WallClock()), stage.journal, CANDIDATE, by="tests")
        except Superseded as error:
            waiting.append(error)

    with turn.take("sha256:" + "c" * 64):
        thread = threading.Thread(target=wait)
        thread.start()
        while stage.turn._ticket.read_text().find(NEW.digest) < 0:
            thread.join(0.01)
        with pytest.raises(NotReady), stage.turn.take(newest, wait_s=0):
            pytest.fail("two had their turn at once")
        thread.join(10)
    assert [type(error) for error in waiting] == [Superseded]
    assert stage.world.superseded_by == [(NEW.digest, newest)]


def test_a_halted_promotion_goes_back(tmp_path: Path) -> None:
    stage = staged(tmp_path)

    def business() -> dict[str, float]:
        if stage.world.weights.get("green") == 25:
            stage.turn.halt("anna", "customers call")
        return {}

    stage.business = business
    with pytest.raises(PromotionRefused, match="anna: customers call"):
        run(stage)
    is_as_before(stage)


def test_a_signal_undoes_what_was_begun(tmp_path: Path) -> None:
    stage = staged(tmp_path)

    def terminated(release: object, tag: str) -> object:
        raise SystemExit(143)

    stage._smoke = terminated  # type: ignore[assignment,method-assign]
    with pytest.raises(SystemExit):
        run(stage)
    is_as_before(stage)
