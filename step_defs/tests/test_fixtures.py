"""How many scenarios run at once: the system they judge shares the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from step_defs.fixtures import goes_through_pages, pytest_xdist_auto_num_workers, scenarios_at_once


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 1), (4, 2), (9, 4)])
def test_half_the_cores_are_left_to_the_system(cores: int, workers: int) -> None:
    assert scenarios_at_once(cores) == workers


@pytest.mark.parametrize(("asked", "is_ours"), [("features", True), ("features/making", True), ("tools", False)])
def test_only_a_run_of_scenarios_is_held_to_it(
    asked: str, is_ours: bool, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytestconfig, "args", [str(Path(pytestconfig.rootpath) / asked)])
    monkeypatch.setattr(pytestconfig.option, "collectonly", False)
    assert (pytest_xdist_auto_num_workers(pytestconfig) is not None) == is_ours


def test_a_scenario_that_says_it_goes_through_pages_opens_one() -> None:
    goes_through_pages(("pages",), windows=1)
    goes_through_pages(("smoke",), windows=0)
    with pytest.raises(AssertionError, match="nobody in it opens a page"):
        goes_through_pages(("smoke", "pages"), windows=0)
