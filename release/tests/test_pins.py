"""Pins: what they say, how strictly they are read, and that two writers never overwrite each other."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from release.candidate import Candidate
from release.errors import EvidenceInvalid, NotReady
from release.pins import Pin, PinMoved, Pins
from release.tests.places import HEAD, NEW, NEWER, NOON, OLD, pin

NEXT: dict[str, Any] = {"ledger": "e" * 64, "at": NOON + timedelta(minutes=1), "by": "pipeline"}


def git(repository: Path, *arguments: str, given: str = "") -> str:
    identity = {
        f"GIT_{who}_{what}": "someone@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **identity},
    )
    return done.stdout.strip()


@pytest.fixture(params=["bare", "with a working tree"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    git(tmp_path, "init", "--quiet", *(["--bare"] if request.param == "bare" else []), str(path))
    return path


def write_by_hand(repository: Path, name: str, content: str) -> None:
    """A commit on the branch as a person might make one."""
    blob = git(repository, "hash-object", "-w", "--stdin", given=content)
    tree = git(repository, "mktree", given=f"100644 blob {blob}\t{name}\n")
    git(repository, "update-ref", "refs/heads/environments", git(repository, "commit-tree", tree, given="by hand"))


# -- what a pin says --------------------------------------------------------------------------------------------------


def test_the_first_release_has_all_traffic() -> None:
    first = pin()
    assert first.weights == {"blue": 100, "green": 0}
    assert first.in_idle_slot(NOON) is None and first.previous is None


def test_a_candidate_comes_up_in_the_other_slot_without_traffic() -> None:
    with_candidate = pin().with_candidate(NEW, **NEXT)
    assert with_candidate.in_idle_slot(NOON) == NEW and with_candidate.idle_slot == "green"
    assert with_candidate.weights == {"blue": 100, "green": 0}
    assert with_candidate.with_share(25, **NEXT).weights == {"blue": 75, "green": 25}


def test_promoted_it_stays_where_it_is_and_the_one_before_is_kept_for_its_time() -> None:
    until = NOON + timedelta(hours=1)
    promoted = pin().with_candidate(NEW, **NEXT).promoted(kept_until=until, **NEXT)
    assert (promoted.release, promoted.slot, promoted.previous) == (NEW, "green", OLD)
    assert promoted.weights == {"blue": 0, "green": 100}
    assert promoted.in_idle_slot(until - timedelta(seconds=1)) == OLD
    assert promoted.in_idle_slot(until) is None


def test_rolled_back_the_previous_release_is_where_it_was_and_the_bad_one_is_not_kept() -> None:
    until = NOON + timedelta(hours=1)
    back = pin().with_candidate(NEW, **NEXT).promoted(kept_until=until, **NEXT).rolled_back(**NEXT)
    assert (back.release, back.slot, back.weights) == (OLD, "blue", {"blue": 100, "green": 0})
    assert back.in_idle_slot(NOON) is None and back.previous is None


def test_a_candidate_given_up_leaves_the_stable_release_alone() -> None:
    given_up = pin().with_candidate(NEW, share=50, **NEXT).without_candidate(**NEXT)
    assert given_up.weights == {"blue": 100, "green": 0} and given_up.in_idle_slot(NOON) is None


def test_a_next_candidate_takes_the_place_of_the_kept_release_which_rollback_still_knows() -> None:
    promoted = pin().with_candidate(NEW, **NEXT).promoted(kept_until=NOON + timedelta(hours=1), **NEXT)
    following = promoted.with_candidate(NEWER, **NEXT)
    assert following.in_idle_slot(NOON) == NEWER and following.previous == OLD


@pytest.mark.parametrize(
    "change",
    [
        lambda: pin().promoted(kept_until=None, **NEXT),
        lambda: pin().rolled_back(**NEXT),
        lambda: pin().with_share(5, **NEXT),
        lambda: pin().with_candidate(NEW, share=101, **NEXT),
        lambda: Pin.first("production", OLD, ledger="short", at=NOON, by="x"),
        lambda: Pin.first("production", OLD, ledger=HEAD, at=datetime(2026, 3, 2), by="x"),  # noqa: DTZ001
        lambda: Pin.first("production", OLD, ledger=HEAD, at=NOON, by=""),
        lambda: Pin.first("production", OLD, ledger=HEAD, at=NOON, by="x", slot="red"),
    ],
)
def test_a_pin_that_makes_no_sense_cannot_be_made(change: Callable[[], Pin]) -> None:
    with pytest.raises(EvidenceInvalid):
        change()


def test_a_judged_candidate_is_pinned_as_the_release_it_is() -> None:
    judged = Candidate(NEW.digest, NEW.commit, NEW.image, built_at=NOON, sbom="f" * 64)
    assert pin().with_candidate(judged, **NEXT) == pin().with_candidate(NEW, **NEXT)


# -- how it is read ---------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again() -> None:
    full = pin().with_candidate(NEW, **NEXT).promoted(kept_until=NOON + timedelta(hours=1), **NEXT)
    for one in (pin(), full, full.with_candidate(NEWER, share=5, **NEXT)):
        assert Pin.from_json(one.to_json(), environment="production") == one


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("digest", "sha256:abc"),
        ("digest", "sha256:" + "0" * 64),
        ("commit", "main"),
        ("image", "alexandrite/system:latest"),
        ("image", None),
        ("slot", "red"),
        ("slot", 1),
        ("share", "5"),
        ("share", 5.0),
        ("share", True),
        ("share", 5),
        ("candidate", {}),
        ("candidate", {"digest": "x", "commit": "y", "image": "z"}),
        ("previous", []),
        ("ledger", "head"),
        ("ledger", 0),
        ("at", "yesterday"),
        ("at", "2026-03-02T12:00:00"),
        ("at", None),
        ("kept_until", 1),
        ("by", ""),
        ("environment", "dev"),
        ("surprise", 1),
    ],
)
def test_an_edited_pin_is_not_relied_upon(key: str, value: object) -> None:
    document = json.loads(pin().to_json()) | {key: value}
    with pytest.raises(EvidenceInvalid):
        Pin.from_json(json.dumps(document), environment="production")


@pytest.mark.parametrize("key", json.loads(pin().to_json()))
def test_a_pin_that_lacks_anything_is_not_relied_upon(key: str) -> None:
    document = json.loads(pin().to_json())
    del document[key]
    with pytest.raises(EvidenceInvalid, match="exactly the keys"):
        Pin.from_json(json.dumps(document), environment="production")


@pytest.mark.parametrize(
    "text", ["", "null", "[]", pin().to_json()[:-20], pin().to_json().replace("{", '{"share": 0,', 1)]
)
def test_text_cut_short_or_ambiguous_is_not_relied_upon(text: str) -> None:
    with pytest.raises(EvidenceInvalid):
        Pin.from_json(text, environment="production")


# -- where it is kept -------------------------------------------------------------------------------------------------


def test_the_branch_begins_with_the_first_pin_and_its_own_root(repository: Path) -> None:
    pins = Pins(repository, remote="")
    assert pins.read("production") is None and pins.history("production") == []
    pinned = pins.write(pin(), after=None, why="first release")
    assert pins.read("production") == pinned
    assert git(repository, "rev-list", "--count", "environments") == "1"
    assert git(repository, "show", "--no-patch", "--format=%an|%s", "environments") == (
        "Alexandrite pipeline|production: first release"
    )


def test_history_is_newest_first_and_knows_only_its_environment(repository: Path) -> None:
    pins = Pins(repository, remote="")
    first = pins.write(pin(), after=None, why="first")
    pins.write(Pin.first("dev", NEW, ledger=HEAD, at=NOON, by="pipeline"), after=None, why="dev")
    second = pins.write(first.pin.with_candidate(NEW, **NEXT), after=first, why="candidate")
    assert [(one.commit, one.pin) for one in pins.history("production")] == [
        (second.commit, second.pin),
        (first.commit, first.pin),
    ]
    assert [one.pin.release for one in pins.history("dev")] == [NEW]
    assert pins.history("production", limit=1) == [second]


def test_writing_touches_neither_index_nor_working_tree(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "-b", "main")
    (tmp_path / "edited").write_text("committed")
    git(tmp_path, "add", "edited")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    (tmp_path / "edited").write_text("not yet committed")
    (tmp_path / "staged").write_text("staged")
    git(tmp_path, "add", "staged")
    before = git(tmp_path, "status", "--porcelain=v2", "--branch")
    Pins(tmp_path, remote="").write(pin(), after=None, why="first")
    assert git(tmp_path, "status", "--porcelain=v2", "--branch") == before
    assert (tmp_path / "edited").read_text() == "not yet committed"


def test_of_two_writers_the_second_is_refused(repository: Path) -> None:
    one, two = Pins(repository, remote=""), Pins(repository, remote="")
    base = one.write(pin(), after=None, why="first")
    one.write(base.pin.with_candidate(NEW, **NEXT), after=base, why="one")
    with pytest.raises(PinMoved):
        two.write(base.pin.with_candidate(NEWER, **NEXT), after=base, why="two")
    with pytest.raises(PinMoved):
        two.write(pin(), after=None, why="as if nothing were there")
    found = one.read("production")
    assert found is not None and found.pin.candidate == NEW


class Racing(Pins):
    """A writer whom another one overtakes between reading and swapping, as often as told."""

    def __init__(self, repository: Path, overtake: Callable[[], object], times: int) -> None:
        super().__init__(repository, remote="")
        self._overtake, self._times = overtake, times

    def _swap(self, new: str, old: str) -> bool:
        if self._times:
            self._times -= 1
            self._overtake()
        return super()._swap(new, old)


def test_overtaken_by_another_environment_it_writes_beside_it(repository: Path) -> None:
    dev = Pin.first("dev", NEW, ledger=HEAD, at=NOON, by="pipeline")
    racing = Racing(repository, lambda: Pins(repository, remote="").write(dev, after=None, why="dev"), 1)
    racing.write(pin(), after=None, why="first")
    found = {name: Pins(repository, remote="").read(name) for name in ("dev", "production")}
    assert all(found.values()), "neither write lost the other's"


def test_overtaken_in_its_own_environment_it_gives_way(repository: Path) -> None:
    racing = Racing(repository, lambda: Pins(repository, remote="").write(pin(NEW), after=None, why="faster"), 1)
    with pytest.raises(PinMoved):
        racing.write(pin(OLD), after=None, why="slower")
    found = racing.read("production")
    assert found is not None and found.pin.release == NEW


def test_a_pin_edited_by_hand_stops_reading_and_writing(repository: Path) -> None:
    pins = Pins(repository, remote="")
    write_by_hand(repository, "production.json", pin().to_json().replace('"share": 0', '"share": 50'))
    with pytest.raises(EvidenceInvalid):
        pins.read("production")
    with pytest.raises(EvidenceInvalid):
        pins.write(pin(), after=None, why="over it")


def test_a_file_that_is_a_link_or_not_utf8_is_not_relied_upon(repository: Path) -> None:
    blob = git(repository, "hash-object", "-w", "--stdin", given="elsewhere")
    tree = git(repository, "mktree", given=f"120000 blob {blob}\tproduction.json\n")
    git(repository, "update-ref", "refs/heads/environments", git(repository, "commit-tree", tree, given="by hand"))
    with pytest.raises(EvidenceInvalid, match="plain file"):
        Pins(repository, remote="").read("production")


def test_no_repository_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotReady):
        Pins(tmp_path / "nowhere", remote="").write(pin(), after=None, why="first")


# -- the remote -------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_clones(tmp_path: Path) -> tuple[Pins, Pins, Path]:
    remote = tmp_path / "remote"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    clones = []
    for name in ("one", "two"):
        git(tmp_path, "init", "--quiet", name)
        clones.append(Pins(tmp_path / name, remote=str(remote)))
    return clones[0], clones[1], remote


def test_a_pin_is_pushed_and_the_other_clone_builds_on_it(two_clones: tuple[Pins, Pins, Path]) -> None:
    one, two, remote = two_clones
    first = one.write(pin(), after=None, why="first")
    assert git(remote, "rev-parse", "environments") == first.commit
    with pytest.raises(PinMoved):
        two.write(pin(NEW), after=None, why="as if nothing were there")
    seen = two.read("production")
    assert seen == first, "the refused writer now has what the remote has"
    second = two.write(first.pin.with_candidate(NEW, **NEXT), after=seen, why="candidate")
    assert git(remote, "rev-parse", "environments") == second.commit


def test_what_the_remote_does_not_take_is_not_pinned_here_either(two_clones: tuple[Pins, Pins, Path]) -> None:
    one, _, remote = two_clones
    first = one.write(pin(), after=None, why="first")
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PinMoved, match="did not take"):
        one.write(first.pin.with_candidate(NEW, **NEXT), after=first, why="candidate")
    assert one.read("production") == first


class Dying(Pins):
    """A writer that is killed after the remote took the pin, before this repository has it."""

    def _swap(self, new: str, old: str) -> bool:
        raise KeyboardInterrupt


def test_killed_after_the_push_everybody_has_the_pin(two_clones: tuple[Pins, Pins, Path], tmp_path: Path) -> None:
    one, two, remote = two_clones
    with pytest.raises(KeyboardInterrupt):
        Dying(tmp_path / "one", remote=str(remote)).write(pin(), after=None, why="first")
    seen = one.read("production")
    assert seen is not None and seen.pin == pin() and two.read("production") == seen


def test_overtaken_at_the_remote_by_another_environment_it_writes_beside_it(
    two_clones: tuple[Pins, Pins, Path], tmp_path: Path
) -> None:
    _, two, remote = two_clones
    dev = Pin.first("dev", NEW, ledger=HEAD, at=NOON, by="pipeline")

    class Overtaken(Pins):
        raced = False

        def _push(self, commit: str, before: str | None) -> bool:
            if not self.raced:
                self.raced = True
                two.write(dev, after=None, why="dev")
            return super()._push(commit, before)

    Overtaken(tmp_path / "one", remote=str(remote)).write(pin(), after=None, why="first")
    found = {name: two.read(name) for name in ("dev", "production")}
    assert all(found.values())


def test_a_remote_that_does_not_answer_lets_read_but_not_write(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "one")
    known = Pins(tmp_path / "one", remote="").write(pin(), after=None, why="first")
    cut_off = Pins(tmp_path / "one", remote=str(tmp_path / "nowhere"))
    assert cut_off.read("production") == known
    with pytest.raises(NotReady):
        cut_off.write(known.pin.with_candidate(NEW, **NEXT), after=known, why="candidate")


def test_branches_that_went_apart_are_not_mended_in_silence(
    two_clones: tuple[Pins, Pins, Path], tmp_path: Path
) -> None:
    one, two, _ = two_clones
    one.write(pin(), after=None, why="first")
    Pins(tmp_path / "two", remote="").write(pin(NEW), after=None, why="never pushed")
    with pytest.raises(PinMoved, match="gone apart"):
        two.write(pin(NEW).with_candidate(NEWER, **NEXT), after=two.read("production"), why="candidate")


def test_a_silent_remote_is_no_first_release(repository: Path, tmp_path: Path) -> None:
    away = str(tmp_path / "away.git")
    with pytest.raises(NotReady):
        Pins(repository, remote=away).read("production")
    Pins(repository, remote="").write(pin(), after=None, why="first")
    known = Pins(repository, remote=away).read("production")
    assert known is not None
    assert known.pin.release == pin().release
