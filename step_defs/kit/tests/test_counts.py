"""The count: each source of difference, produced once for real or on paper."""

from pathlib import Path

import pytest

from step_defs.kit.counts import Collected, Executed, Outcome, count, junit_outcomes
from step_defs.kit.tests.project import RINGS, RINGS_RU, Project

pytest_plugins = ["pytester"]

TWO = (Collected("a", "x.feature::A", False, 2), Collected("b", "x.feature::B", False, 1))
RAN = {"a": Executed("passed", 2), "b": Executed("passed", 1)}
SAID: dict[str, Outcome] = {"a": "passed", "b": "passed"}


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    project = Project(pytester)
    project.feature(RINGS)
    project.feature(RINGS_RU, "ordering/кольца.feature")
    return project


def test_equal_counts_are_honest() -> None:
    counts = count(collections={"gw0": TWO, "gw1": TWO}, executed=RAN, reported=SAID, junit=SAID)
    assert counts.mismatches == ()
    assert (counts.collected, counts.executed, counts.reported, counts.passed, counts.junit) == (2, 2, 2, 2, 2)


def test_not_executed() -> None:
    counts = count(collections={"main": TWO}, executed={"a": RAN["a"]}, reported=SAID, junit=None)
    assert counts.mismatches == ("collected but not executed: x.feature::B",)


def test_not_reported() -> None:
    counts = count(collections={"main": TWO}, executed=RAN, reported={"a": "passed"}, junit=None)
    assert counts.mismatches == ("collected but not reported: x.feature::B",)


def test_not_in_the_junit_file() -> None:
    counts = count(collections={"main": TWO}, executed=RAN, reported=SAID, junit={"a": "passed"})
    assert counts.mismatches == ("collected but not junit: x.feature::B",)


def test_executed_but_never_collected() -> None:
    counts = count(collections={"main": TWO[:1]}, executed=RAN, reported={"a": "passed"}, junit=None)
    assert counts.mismatches == ("executed but not collected: b",)


def test_workers_that_collect_differently() -> None:
    counts = count(collections={"gw0": TWO, "gw1": TWO[:1]}, executed=RAN, reported=SAID, junit=None)
    assert counts.mismatches == ("gw1 did not collect x.feature::B",)


def test_sources_that_disagree_on_the_outcome() -> None:
    executed = {**RAN, "b": Executed("failed", 0)}
    counts = count(collections={"main": TWO}, executed=executed, reported=SAID, junit={"a": "failed", "b": "passed"})
    assert counts.mismatches == (
        "the steps say failed, pytest reported passed: x.feature::B",
        "the steps say passed, the junit file has failed: x.feature::A",
        "the steps say failed, the junit file has passed: x.feature::B",
    )
    assert counts.failed == 1


def test_begun_and_never_finished() -> None:
    executed = {**RAN, "b": Executed("unfinished", 0)}
    counts = count(collections={"main": TWO}, executed=executed, reported=SAID, junit=None)
    assert counts.mismatches == ("began and never finished: x.feature::B",)
    assert (counts.executed, counts.failed) == (1, 1)


def test_a_pass_without_all_its_steps() -> None:
    counts = count(collections={"main": TWO}, executed={**RAN, "a": Executed("passed", 1)}, reported=SAID, junit=None)
    assert counts.mismatches == ("passed with 1 of 2 steps executed: x.feature::A",)


SWALLOW = """
import pytest

@pytest.fixture
def world():
    return {}

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    if "Анна" in item.name:
        return True
"""
HALF = """
import pytest

@pytest.fixture
def world():
    return {}

def pytest_collection_modifyitems(items):
    for item in items:
        if "Анна" in item.name:
            item._obj = lambda request: None
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "parallel"])
def test_a_scenario_that_is_silently_dropped_fails_the_run(project: Project, workers: tuple[str, ...]) -> None:
    project.write("conftest.py", SWALLOW)
    result = project.run("--junit-xml=junit.xml", *workers)
    assert result.parseoutcomes().get("failed", 0) == 0
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["THE COUNT DIFFERS: began and never finished: *Анна покупает кольцо"])
    result.stdout.fnmatch_lines(["THE COUNT DIFFERS: collected but not junit: *Анна покупает кольцо"])


def test_a_scenario_that_runs_no_steps_fails_the_run(project: Project) -> None:
    project.write("conftest.py", HALF)
    result = project.run()
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["THE COUNT DIFFERS: passed with 0 of 3 steps executed: *"])


def test_a_worker_that_dies_is_a_failed_scenario(project: Project) -> None:
    dying = "import os\n@step(en='it ends', ru='конец', about='End.', example='it ends')\n@When\ndef ends():\n    os._exit(9)\n"
    project.more_steps(dying)
    project.feature(RINGS + "    When it ends\n")
    result = project.run("-n", "2", "--max-worker-restart=1")
    assert result.ret != pytest.ExitCode.OK
    counts = project.counts()
    assert (counts["passed"], counts["failed"]) == (1, 1)


def test_junit_outcomes_are_read_by_property(tmp_path: Path) -> None:
    cases = "".join(
        f'<testcase name="{name}">{inside}<properties><property name="scenario" value="{name}"/></properties></testcase>'
        for name, inside in (("a", ""), ("b", "<failure/>"), ("c", "<error/>"), ("d", "<skipped/>"))
    )
    path = tmp_path / "junit.xml"
    path.write_text(f"<testsuites><testsuite>{cases}<testcase name='unit'/></testsuite></testsuites>")
    assert junit_outcomes(path) == {"a": "passed", "b": "failed", "c": "failed", "d": "proposed"}
