"""Starting the system: once, apart from `make up`, and never when it is somebody else's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from step_defs import assembly
from step_defs.drivers.address import ROOT, SystemAddress
from step_defs.fixtures import wants_system
from tools.prepare import topology

ADDRESS = SystemAddress(url="https://here.example", ca_file="", demo_password="d", carrier_secret="c")


def asked(*arguments: str, directory: Path = ROOT, collect_only: bool = False) -> bool:
    config = SimpleNamespace(
        args=list(arguments),
        option=SimpleNamespace(collectonly=collect_only),
        invocation_params=SimpleNamespace(dir=directory),
    )
    return wants_system(cast(Any, config))


def test_tests_have_a_project_of_their_own() -> None:
    assert assembly.test_project() == f"{topology.project_name()}-test"


def test_commands_are_separated_by_then() -> None:
    assert assembly.split_commands(["a", "-n", "2", "--then", "b"]) == [["a", "-n", "2"], ["b"]]


@pytest.mark.parametrize("arguments", [[], ["a", "--then"], ["--then", "a"]])
def test_an_empty_command_is_refused(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="name a command"):
        assembly.split_commands(arguments)


def test_a_failed_command_does_not_hide_the_next_one_and_is_remembered(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    fails = [sys.executable, "-c", "raise SystemExit(3)"]
    runs = [sys.executable, "-c", f"open({str(mark)!r}, 'w').close()"]
    assert assembly.run_all([fails, runs], ADDRESS) == 3
    assert mark.exists()


def test_commands_are_told_the_address(tmp_path: Path) -> None:
    said = tmp_path / "said"
    code = f"import os; open({str(said)!r}, 'w').write(os.environ['{assembly.ADDRESS_VARIABLE}'])"
    assert assembly.run_all([[sys.executable, "-c", code]], ADDRESS) == 0
    assert SystemAddress.from_dict(json.loads(said.read_text())) == ADDRESS


def test_commands_share_a_file_for_the_orders_that_they_make(tmp_path: Path) -> None:
    said = tmp_path / "said"
    makes = "from step_defs.made_orders import remember; remember([('1', 'A-1')], scenario='s', tags=())"
    reads = f"from step_defs.made_orders import remembered; open({str(said)!r}, 'w').write(remembered()[0].number)"
    assert assembly.run_all([[sys.executable, "-c", makes], [sys.executable, "-c", reads]], ADDRESS) == 0
    assert said.read_text() == "A-1"


def test_a_named_system_is_not_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(assembly.ADDRESS_VARIABLE, json.dumps(ADDRESS.to_dict()))
    monkeypatch.setattr(assembly.Assembly, "start", lambda self: pytest.fail("started"))
    with assembly.running_system() as address:
        assert address == ADDRESS


def test_a_start_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []

    def fails(self: assembly.Assembly) -> None:
        raise RuntimeError("rabbitmq is unwell")

    monkeypatch.delenv(assembly.ADDRESS_VARIABLE, raising=False)
    monkeypatch.delenv(assembly.URL_VARIABLE, raising=False)
    monkeypatch.setattr(assembly.Assembly, "start", fails)
    monkeypatch.setattr(assembly.Assembly, "stop", lambda self: removed.append(self.project))
    with pytest.raises(RuntimeError, match="rabbitmq is unwell"), assembly.running_system():
        pass
    assert removed == [assembly.test_project()]


def test_a_second_run_neither_starts_nor_removes_the_first_ones_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "STATE", tmp_path)
    first = assembly.Assembly("alexandrite-probe", {})
    second = assembly.Assembly("alexandrite-probe", {})
    first._claim()
    with pytest.raises(RuntimeError, match="another test run of this checkout"):
        second._claim()
    monkeypatch.setattr(assembly.Assembly, "_compose", lambda self: pytest.fail("removed the other run's system"))
    second.stop()
    assert first._lock is not None
    first._lock.close()


def test_the_topology_variables_do_not_stay_in_the_process() -> None:
    with assembly._environment({"ALEXANDRITE_SCENARIO_PROBE": "1"}):
        assert os.environ["ALEXANDRITE_SCENARIO_PROBE"] == "1"
    assert "ALEXANDRITE_SCENARIO_PROBE" not in os.environ


def test_scenarios_want_the_system_and_unit_tests_do_not() -> None:
    assert asked("features")
    assert asked("features/ordering/cancelling.feature::Some scenario")
    assert asked(".")
    assert asked("step_defs", "features")
    assert not asked("step_defs/tests")
    assert not asked("features", collect_only=True)
