"""Who does how much of the queued work, and what a steering file may and may not change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from system.plumbing.steering import FLAGS_FILE, WORK_FILE, Steering, fair_share

BUCKETS = 256


@pytest.mark.parametrize(
    ("mine", "members", "work", "share"),
    [
        ("", {"": 1}, {}, 256),
        ("", {"": 3}, {}, 86),
        ("blue", {"blue": 1}, {"blue": 100}, 256),
        ("blue", {"blue": 1, "green": 1}, {"blue": 95, "green": 5}, 244),
        ("green", {"blue": 1, "green": 1}, {"blue": 95, "green": 5}, 13),
        ("green", {"blue": 1, "green": 1}, {"blue": 100}, 0),
        ("blue", {"blue": 1, "green": 1}, {"blue": 100}, 256),
        ("green", {"blue": 2, "green": 2}, {"blue": 50, "green": 50}, 64),
        # An environment that is closed, or that nobody steers.
        ("green", {"blue": 1, "green": 1}, {}, 128),
    ],
)
def test_a_slot_does_its_percent_of_the_work(
    mine: str, members: dict[str, int], work: dict[str, int], share: int
) -> None:
    assert fair_share(BUCKETS, mine=mine, members=members, work=work) == share


def test_the_dead_slots_work_is_done_by_those_who_live() -> None:
    assert fair_share(BUCKETS, mine="green", members={"green": 1}, work={"blue": 100}) == BUCKETS
    assert fair_share(BUCKETS, mine="green", members={"green": 2}, work={"blue": 95, "green": 5}) == BUCKETS // 2


def test_beside_a_release_that_knows_no_slots_everybody_does_the_same() -> None:
    assert fair_share(BUCKETS, mine="green", members={"": 1, "green": 1}, work={"blue": 95, "green": 5}) == 128


@pytest.mark.parametrize("percent", range(0, 101, 7))
@pytest.mark.parametrize("processes", [(1, 1), (1, 3), (2, 1), (5, 4)])
def test_no_bucket_is_left_to_nobody(percent: int, processes: tuple[int, int]) -> None:
    members = dict(zip(("blue", "green"), processes, strict=True))
    work = {"blue": 100 - percent, "green": percent}
    held = sum(fair_share(BUCKETS, mine=slot, members=members, work=work) * count for slot, count in members.items())
    assert BUCKETS <= held < BUCKETS + sum(processes)


def put(file: Path, text: str) -> None:
    """As the pipeline writes it: complete, and then renamed."""
    new = file.with_suffix(".new")
    new.write_text(text)
    os.replace(new, file)


def test_without_files_nothing_is_steered(tmp_path: Path) -> None:
    assert (Steering(tmp_path).work(), Steering(tmp_path).flags()) == ({}, {})


def test_a_changed_file_is_in_force_at_once(tmp_path: Path) -> None:
    steering = Steering(tmp_path)
    put(tmp_path / WORK_FILE, '{"blue": 100}')
    assert steering.work() == {"blue": 100}
    put(tmp_path / WORK_FILE, '{"blue": 95, "green": 5}')
    put(tmp_path / FLAGS_FILE, '{"new_board": true}')
    assert (steering.work(), steering.flags()) == ({"blue": 95, "green": 5}, {"new_board": True})


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "5", '{"blue": "many"}', '{"blue": -1}', '{"blue": true}'])
def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path, text: str) -> None:
    file, steering = tmp_path / WORK_FILE, Steering(tmp_path)
    put(file, '{"blue": 95, "green": 5}')
    before = steering.work()
    assert before
    put(file, text)
    assert steering.work() == before
    file.unlink()
    assert steering.work() == before


@pytest.mark.parametrize("text", ['{"new_board": "no"}', '{"new_board": 0}', "[]"])
def test_a_switch_is_on_or_off(tmp_path: Path, text: str) -> None:
    steering = Steering(tmp_path)
    put(tmp_path / FLAGS_FILE, '{"new_board": true}')
    assert steering.flags() == {"new_board": True}
    put(tmp_path / FLAGS_FILE, text)
    assert steering.flags() == {"new_board": True}
