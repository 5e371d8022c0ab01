"""Going back: first the traffic, whatever else is under way; then the pin, then the slot; and again after a kill."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from release.errors import NotReady, PromotionRefused
from release.promotion import promote
from release.ring import Turn
from release.rollback import RolledBack, guard, recover, rollback
from release.tests.ring_world import START, Killed, Stage, candidate_of, release_of
from release.watch import WallClock

OLD, NEW = release_of("a"), release_of("b")


def staged(directory: Path, *, kept: bool = True, **chosen: object) -> Stage:
    stage = Stage(directory, **chosen)  # type: ignore[arg-type]
    stage.in_production(NEW, previous=OLD, kept=kept)
    return stage


def back(stage: Stage, **how: str) -> RolledBack:
    return rollback(stage.place, stage.parts, stage.turn, stage.journal, by="anna", why="customers call", **how)


def is_back(stage: Stage) -> None:
    pinned = stage.place.pinned()
    assert pinned is not None
    assert (pinned.pin.release, pinned.pin.slot, pinned.pin.previous) == (OLD, "green", None)
    assert stage.world.weights == {"green": 100}
    assert stage.world.slots == {"green": OLD}
    assert stage.journal.read() is None


def test_the_traffic_moves_before_anything_else(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    done = back(stage)
    is_back(stage)
    assert stage.world.acts[0] == "weigh"
    assert stage.world.acts.index("pin") < stage.world.acts.index("stop")
    assert (done.left, done.to) == (NEW.digest, OLD.digest)
    assert done.traffic_s < 1
    line = stage.world.lines[-1]
    assert (line.step, line.outcome, line.to, line.origin) == ("rollback", "rolled back", NEW.digest, OLD.digest)
    assert "anna: customers call" in line.why


def test_a_previous_release_that_was_stopped_is_started_first(tmp_path: Path) -> None:
    stage = staged(tmp_path, kept=False)
    back(stage)
    is_back(stage)
    assert stage.world.acts[:2] == ["start", "weigh"]


def test_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="Nothing was ever released"):
        back(Stage(tmp_path))
    stage = Stage(tmp_path)
    stage.in_production(NEW)
    with pytest.raises(NotReady, match="no previous release"):
        back(stage)
    assert stage.world.weights == {"blue": 100}


def test_back_twice_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    back(stage)
    with pytest.raises(NotReady):
        back(stage)
    is_back(stage)


def test_it_leaves_only_what_it_was_meant_to_leave(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    with pytest.raises(NotReady, match="nothing was changed"):
        back(stage, leaving=OLD.digest)
    assert stage.world.acts == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("kept", [True, False])
def test_killed_at_any_effect_it_is_finished_by_the_next(
    tmp_path: Path, number: int, moment: str, *, kept: bool
) -> None:
    stage = staged(tmp_path, kept=kept)
    setattr(stage.world, f"kill_{moment}", number)
    try:
        back(stage)
    except Killed:
        stage.world.reboot()
        recover(stage.place, stage.parts, stage.journal, by="agent")
    is_back(stage)
    assert recover(stage.place, stage.parts, stage.journal, by="agent") == ""


def test_a_promotion_under_way_is_told_to_end_and_nobody_waits_for_that(tmp_path: Path) -> None:
    """The watching promotion calls for the rollback itself, as a person in another process would."""
    stage = Stage(tmp_path)
    stage.in_production(OLD)
    undone: list[RolledBack] = []
    weights_seen: list[dict[str, int]] = []

    def go_back() -> None:
        turn = Turn(tmp_path, WallClock())
        undone.append(rollback(stage.place, stage.parts, turn, stage.journal, by="anna", why="customers call"))

    caller = threading.Thread(target=go_back)

    def business() -> dict[str, float]:
        if stage.world.weights.get("green") == 25 and not caller.ident:
            caller.start()
            while not stage.turn.halted():
                caller.join(0.01)
            while stage.world.weights != {"blue": 100} and caller.is_alive():
                caller.join(0.01)
            weights_seen.append(dict(stage.world.weights))
        return {}

    stage.business = business
    with pytest.raises(PromotionRefused, match="anna: customers call"):
        promote(stage.place, stage.parts, stage.turn, stage.journal, candidate_of("b"), by="tests")
    caller.join(10)
    assert weights_seen == [{"blue": 100}]
    assert [done.to for done in undone] == [OLD.digest]
    pinned = stage.place.pinned()
    assert pinned is not None and pinned.pin.candidate is None and pinned.pin.release == OLD
    assert stage.world.slots == {"blue": OLD}


# -- the keep time ------------------------------------------------------------------------------------------------------------


def kept_until_end(stage: Stage) -> RolledBack | None:
    return guard(stage.place, stage.parts, stage.turn, stage.journal)


def test_a_calm_hour_ends_with_the_previous_release_stopped(tmp_path: Path) -> None:
    stage = staged(tmp_path, rate=1.0)
    assert kept_until_end(stage) is None
    assert stage.world.clock.moment() >= START + timedelta(hours=1)
    assert stage.world.slots == {"blue": NEW}
    assert [(line.step, line.outcome) for line in stage.world.lines] == [("guard", "done")]


def test_a_breach_in_the_keep_time_brings_the_previous_release_back(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    late = START + timedelta(minutes=40)
    stage.business = lambda: {"dead_letters": 1.0 if stage.world.clock.moment() > late else 0.0}
    done = kept_until_end(stage)
    assert done is not None and done.to == OLD.digest
    assert stage.world.clock.moment() - late < timedelta(seconds=30)
    is_back(stage)
    assert "dead_letters rose from 0 to 1" in stage.world.lines[-1].why


def test_missing_figures_alone_take_no_release_back(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    stage.blind = lambda: stage.world.clock.moment() < START + timedelta(minutes=30)
    assert kept_until_end(stage) is None
    assert stage.world.weights == {"blue": 100}
    assert any("watching goes on" in said for said in stage.said)


def test_a_newer_promotion_takes_the_guard_s_place(tmp_path: Path) -> None:
    stage = staged(tmp_path, errors_from_share=0)
    with stage.turn.take("sha256:" + "c" * 64):
        assert kept_until_end(stage) is None
    assert stage.world.acts == []


def test_there_is_nothing_to_guard_where_nothing_is_kept(tmp_path: Path) -> None:
    stage = staged(tmp_path, kept=False)
    assert kept_until_end(stage) is None
    assert stage.world.acts == []
