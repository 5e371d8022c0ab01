"""What `make quick` runs: the scenarios that differ, on a system that is only touched when it is not the present one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from release import quick
from release.changes import ChangedScenario
from release.errors import NotReady
from tools.prepare import ports, state, topology

FEATURE = """Feature: claiming
  Scenario: kept
    Given an order
    Then it is there

  Scenario: altered
    Given an order
    Then it is {state}
"""


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one feature, committed twice."""
    checkout = tmp_path / "checkout"
    (checkout / "features" / "making").mkdir(parents=True)
    git(tmp_path, "init", "--quiet", "--initial-branch", "work", str(checkout))
    for text in ("open", "claimed"):
        (checkout / "features" / "making" / "claiming.feature").write_text(FEATURE.format(state=text))
        git(checkout, "add", ".")
        git(checkout, "commit", "--quiet", "-m", text)
    return checkout


def nodes(changed: list[ChangedScenario]) -> list[str]:
    return [change.node for change in changed]


def test_scenarios_of_the_working_tree_are_compared_committed_or_not(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD~1")
    assert nodes(quick.changed_since(root, base)) == ["features/making/claiming.feature::altered"]
    (root / "features" / "new.feature").write_text("Feature: x\n  @exclusive\n  Scenario: fresh\n    Given an order\n")
    assert nodes(quick.changed_since(root, "HEAD")) == ["features/new.feature::fresh"]
    assert quick.changed_since(root, "HEAD")[0].tags == ("exclusive",)


def test_what_need_not_hold_is_not_asked(root: Path) -> None:
    text = "Feature: x\n  @proposed @owner:ann\n  Scenario: idea\n    Given an order\n"
    (root / "features" / "idea.feature").write_text(text)
    (root / "features" / "making" / "claiming.feature").unlink()
    assert quick.changed_since(root, "HEAD") == []


def test_nothing_changed_is_nothing_to_run(root: Path) -> None:
    assert quick.changed_since(root, "HEAD") == []


def test_base_is_the_named_commit_else_main_else_the_commit_before(root: Path) -> None:
    head, before = git(root, "rev-parse", "HEAD"), git(root, "rev-parse", "HEAD~1")
    assert quick.base_commit(root, None) == before
    git(root, "update-ref", "refs/remotes/origin/main", head)
    assert quick.base_commit(root, None) == head
    assert quick.base_commit(root, before[:8]) == before
    with pytest.raises(NotReady):
        quick.base_commit(root, "no-such-commit")


def test_base_is_what_production_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = git(root, "rev-parse", "HEAD~1")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")

    class Pinned:
        class pin:
            class release:
                commit = before

    class Production:
        def __init__(self, repository: Path) -> None:
            assert repository == root

        def read(self, environment: str) -> type[Pinned] | None:
            return Pinned if environment == "production" else None

    monkeypatch.setattr(quick, "Pins", Production)
    assert quick.base_commit(root, None) == before


def changes(root: Path, count: int, *, exclusive: bool = False) -> list[ChangedScenario]:
    (change,) = quick.changed_since(root, git(root, "rev-parse", "HEAD~1"))
    tags = ("exclusive",) if exclusive else ()
    return [ChangedScenario(change.path, change.name, 1, "added", tags, change.scenario) for _ in range(count)]


def test_scenarios_that_break_shared_parts_run_alone_and_many_others_in_parallel(root: Path, tmp_path: Path) -> None:
    few = quick.scenario_commands([*changes(root, 1), *changes(root, 1, exclusive=True)], tmp_path)
    assert [Path(command[-1]).name for command in few] == ["quick-scenarios.xml", "quick-faults.xml"]
    assert all("-n" not in command and "release.counting" in command for command in few)
    assert (tmp_path / "quick-scenarios.txt").read_text() == "features/making/claiming.feature::altered\n"
    seen = [replace(change, tags=("pages",)) for change in changes(root, 1)]
    twice = quick.scenario_commands(seen, tmp_path)
    assert [Path(command[-1]).name for command in twice] == ["quick-scenarios.xml", "quick-pages.xml"]
    assert twice[1][twice[1].index("--through") + 1] == "pages"
    (many,) = quick.scenario_commands(changes(root, quick.PARALLEL_FROM), tmp_path)
    assert many[many.index("-n") + 1] == "auto"


# --- the warm system -----------------------------------------------------------------------------------------------------


class Engine:
    """What compose was asked to do, and what it would show."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.up_status = 0
        self.image = "alexandrite/system:one"
        self.running = False
        self.sick: list[tuple[str, str]] = []

    def wait(self) -> int:
        self.running = self.up_status == 0
        return self.up_status

    def popen(self, command: list[str], **_: object) -> Engine:
        self.asked.append(command[command.index("--progress") + 2])
        return self

    def run(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        verb = next(word for word in command if word in ("run", "logs", "down"))
        self.asked.append(verb)
        return subprocess.CompletedProcess(command, 0)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr(state, "STATE", tmp_path)
    monkeypatch.setattr(state, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    monkeypatch.setattr(topology, "running", lambda project: engine.running)
    monkeypatch.setattr(topology, "unwell", lambda project: engine.sick)
    monkeypatch.setattr(
        topology, "environment", lambda project, ports, durations: {"image": engine.image, "for": project}
    )
    monkeypatch.setattr(subprocess, "Popen", engine.popen)
    monkeypatch.setattr(subprocess, "run", engine.run)
    return engine


def start(engine: Engine) -> bool:
    system = quick.WarmSystem()
    engine.asked.clear()
    return system.ready(system.begin())


def test_warm_system_is_started_once_and_seeded(engine: Engine) -> None:
    assert start(engine) and engine.asked == ["up", "run"]
    assert start(engine) and engine.asked == []


def test_new_image_restarts_it(engine: Engine) -> None:
    start(engine)
    engine.image = "alexandrite/system:two"
    assert start(engine) and engine.asked == ["up", "run"]


def test_unwell_or_stopped_system_is_mended(engine: Engine) -> None:
    start(engine)
    engine.sick = [("mes", "Up 5 minutes (unhealthy)")]
    assert start(engine) and engine.asked == ["up", "run"]
    engine.sick, engine.running = [], False
    assert start(engine) and engine.asked == ["up", "run"]


def test_system_that_does_not_start_is_said_and_not_remembered(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.up_status, engine.sick = 1, [("mes", "Exited (1) 2 seconds ago")]
    assert not start(engine)
    assert engine.asked == ["up", "logs"] and "--- mes: Exited (1)" in capsys.readouterr().out
    engine.up_status, engine.sick = 0, []
    assert start(engine) and engine.asked == ["up", "run"]


def test_it_is_removed_with_its_data_and_started_anew_afterwards(engine: Engine) -> None:
    start(engine)
    assert quick.WarmSystem().remove() == 0 and engine.asked[-1] == "down"
    assert start(engine) and engine.asked == ["up", "run"]


def test_its_project_is_its_own(engine: Engine) -> None:
    assert quick.WarmSystem().project == f"{topology.project_name()}-quick"


# --- the whole -------------------------------------------------------------------------------------------------------------


class System(quick.WarmSystem):
    """One that is up, or does not come up."""

    def __init__(self, *, comes_up: bool) -> None:
        self.comes_up = comes_up

    def begin(self) -> None:
        return None

    def ready(self, starting: object) -> bool:
        return self.comes_up

    def variables(self) -> dict[str, str]:
        return {"PYTHONPATH": str(state.ROOT)}


WRITE = "import sys; open(sys.argv[1], 'w').write('<testsuite><testcase name=\"a\"/></testsuite>'); sys.exit(int(sys.argv[2]))"


def declare(path: Path, status: int) -> None:
    """Two runs that leave one green report each and end as told."""
    text = ""
    for name in quick.RUNS:
        command = json.dumps(["{python}", "-c", WRITE, f"{{out}}/{name}.xml", str(status)])
        text += f'[runs.{name}]\ncommand = {command}\nbudget_s = 9\n[gates.{name}]\nrun = "{name}"\nquestion = "?"\n'
        text += (
            'before = "dev"\nseverity = "blocking"\nreads = "junit"\nreports = ["x"]\ntests_min = 1\nmax_age_h = 1\n'
        )
    path.write_text(text)


def quickly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, changed: int, status: int = 0, comes_up: bool = True
) -> int:
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "quick-scenarios.xml").write_text('<testsuite><testcase name="stale"/></testsuite>')
    declare(tmp_path / "gates.toml", status)
    monkeypatch.setattr(quick, "GATES", tmp_path / "gates.toml")
    monkeypatch.setattr(state, "REPORTS", reports)
    monkeypatch.setattr(quick, "narrowed", lambda command, root, base: list(command))
    monkeypatch.setattr(quick, "changed_since", lambda root, base: [object()] * changed)
    command = [sys.executable, "-c", WRITE, str(reports / "quick-scenarios.xml"), "0"]
    monkeypatch.setattr(quick, "scenario_commands", lambda changed, reports: [command])
    real = subprocess.run

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        return real([*command, "--reports", str(reports)] if "tools.count" in command else command, **options)

    monkeypatch.setattr(subprocess, "run", run)
    return quick.run(System(comes_up=comes_up), "b" * 40)


def last_line(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().out.strip().splitlines()[-1]


def test_everything_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert quickly(tmp_path, monkeypatch, changed=1) == 0
    assert last_line(capfd) == "3 passed, 0 failed, 0 skipped"


def test_without_changed_scenarios_the_rest_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert quickly(tmp_path, monkeypatch, changed=0) == 0
    assert last_line(capfd) == "2 passed, 0 failed, 0 skipped"


def test_system_that_does_not_come_up_is_a_failure_and_an_old_report_is_no_comfort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert quickly(tmp_path, monkeypatch, changed=1, comes_up=False) == 1
    assert last_line(capfd) == "2 passed, 1 failed, 0 skipped"


def test_command_that_fails_silently_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert quickly(tmp_path, monkeypatch, changed=0, status=4) == 1
    assert last_line(capfd) == "2 passed, 1 failed, 0 skipped"
