"""What backups are compared by, and in which order a system is put back; the engine itself is tried in system/deploy/tests."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.backups import drill, restore
from tools.backups.__main__ import main, moment
from tools.backups.comparison import Figures, compare
from tools.backups.restore import Container, Lost
from tools.backups.server import CommandFailed, Project, Server
from tools.prepare import state

LIVE = {"public.orders": Figures(3, "30"), "public.lease": Figures(0, "0")}
PROJECT = Project("x", "image", "x_backups", "x_postgres", "/secrets")


def test_equal_figures_are_the_same_content() -> None:
    compared = compare(LIVE, LIVE)
    assert (compared.rows, compared.same, compared.moved_on, compared.wrong) == (3, 2, 0, ())


def test_rows_that_changed_since_are_no_loss() -> None:
    compared = compare(LIVE | {"public.orders": Figures(4, "41")}, LIVE)
    assert (compared.same, compared.moved_on, compared.wrong) == (1, 1, ())


@pytest.mark.parametrize(
    ("restored", "problem"),
    [
        ({"public.orders": Figures(2, "20")}, "public.orders: 1 rows are missing"),
        ({"public.orders": Figures(3, "31")}, "public.orders: the same number of rows, and other content"),
        ({}, "public.orders is missing with 3 rows"),
    ],
    ids=["rows", "content", "table"],
)
def test_loss_is_named(restored: dict[str, Figures], problem: str) -> None:
    assert compare(restored, LIVE).wrong == (problem,)


def test_moment_needs_a_zone_and_becomes_utc() -> None:
    assert moment("2026-11-29T14:30:00+03:00") == "2026-11-29 11:30:00+00:00"
    for text in ("2026-11-29T14:30:00", "yesterday"):
        with pytest.raises(argparse.ArgumentTypeError):
            moment(text)


def test_nothing_restored_is_not_good() -> None:
    assert drill.Outcome().line() == "restore: databases=0 rows=0 rto_s=0 rpo_s=unknown FAILED"
    good = drill.Outcome(databases=8, rows=12, restored_s=3.4, rpo_s=59.6)
    assert good.line() == "restore: databases=8 rows=12 rto_s=3 rpo_s=60 ok"
    good.wrong.append("a page")
    assert good.line().endswith(" FAILED")


def test_what_is_lost_never_counts_below_nothing() -> None:
    assert drill.seconds_between("2026-11-29T11:30:01Z", "2026-11-29T11:30:00Z") == 0
    assert drill.seconds_between("2026-11-29T11:30:00Z", "2026-11-29T11:30:01.5Z") == 1.5


def test_those_that_ran_start_again_and_after_a_standstill_all_that_stay() -> None:
    green, blue = Container("green", "shop", runs=True), Container("blue", "shop", runs=False)
    job = Container("migrate", "migrate", runs=False, stays=False)
    assert restore.starting([green, blue, job]) == [green]
    assert restore.starting([blue, job]) == [blue]


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What a restore did, in order, over an engine that does nothing."""
    done: list[str] = []
    users = [Container("x-orchestrator-1", "orchestrator", runs=True)]

    def noted(name: str, answer: object = None) -> None:
        def deed(*_: object) -> object:
            done.append(name)
            return answer

        monkeypatch.setattr(restore, name, deed)

    for name, answer in (("empty_queues", 7), ("put_back", None), ("skip_numbers", None), ("start", None)):
        noted(name, answer)
    noted("wait_until_arrived", 0)
    noted("check_reachable")
    noted("what_is_lost", Lost(("A-26000007",), ("somebody",), {"shop": 2, "mes": 0}, 7))
    monkeypatch.setattr(restore, "find", lambda _: PROJECT)
    monkeypatch.setattr(restore, "users_of", lambda _: users)

    def engine(*command: str) -> str:
        done.append(" ".join(command))
        return ""

    monkeypatch.setattr(restore, "docker", engine)
    monkeypatch.setattr(drill, "finish_log", lambda _: done.append("finish_log"))
    monkeypatch.setattr(Server, "answers", lambda _: True)
    monkeypatch.setattr(Server, "last_commit", lambda _: "2026-11-29T11:29:59.000000Z")
    monkeypatch.setattr(state, "STATE", tmp_path)
    return done


def test_nothing_is_done_before_somebody_agreed(deeds: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", "--project", "x", "--time", "2026-11-29T14:30:00+03:00"]) == 2
    assert deeds == ["check_reachable", "what_is_lost"]
    assert "A-26000007" in capsys.readouterr().out


def test_queues_are_emptied_while_nobody_works_and_outboxes_follow_when_everybody_does(
    deeds: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", "--project", "x", "--time", "2026-11-29T14:30:00+03:00", "--yes"]) == 0
    republish = "exec x-orchestrator-1 python3 -m system.orchestrator republish --actor=restore --since=2026-11-28T11:29:59+00:00"
    assert deeds == [
        "check_reachable", "what_is_lost",
        "finish_log", "put_back", "skip_numbers", "empty_queues", "start", republish, "wait_until_arrived",
        "exec x-backup-1 backups now incremental",
    ]  # fmt: skip
    [kept] = (tmp_path / "restores").iterdir()
    assert json.loads(kept.read_text())["lost"]["people_who_left"] == ["somebody"]
    assert capsys.readouterr().out.splitlines()[-1].endswith("lost_orders=1 missing_messages=0 ok")


def test_restore_after_which_something_is_missing_failed(
    deeds: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(restore, "wait_until_arrived", lambda *_: 3)
    assert main(["restore", "--project", "x", "--time", "2026-11-29T14:30:00+03:00", "--yes"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("missing_messages=3 FAILED")


def test_service_that_does_not_publish_again_does_not_end_the_restore(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: str) -> str:
        raise CommandFailed("mes did not answer")

    monkeypatch.setattr(restore, "docker", fails)
    restore.publish_again(
        [Container("x-orchestrator-1", "orchestrator", runs=True)], datetime(2026, 11, 29, tzinfo=UTC)
    )
    assert "mes did not answer" in capsys.readouterr().err
