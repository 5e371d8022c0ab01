"""The counting plugin, on small suites run by a pytest of their own, alone and with workers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from release import counting
from release.policy import Gate
from release.reading import read
from release.verdict import Verdict
from tools.prepare import state

SUITE = """
import pytest

@pytest.mark.parametrize("n", range(4))
def test_passes(n): pass

def test_skips(): pytest.skip("no printer")

@pytest.mark.skip(reason="not here")
def test_is_skipped_at_set_up(): pass

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_to_fail(): assert False

def test_left_out(): pass
"""
BROKEN = """
import pytest

@pytest.fixture
def no_set_up(): raise OSError("down")

@pytest.fixture
def no_tear_down():
    yield
    raise OSError("stuck")

def test_without_set_up(no_set_up): pass
def test_fails_twice(no_tear_down): assert False
def test_fails_late(no_tear_down): pass
"""
# What a runner does that loses tests: it collects six, runs one, and says that all is well.
LOSING = """
def pytest_runtest_protocol(item, nextitem):
    return True if not item.name.endswith("[0]") else None
"""
ALONE: tuple[str, ...] = ()
WORKERS = ("-p", "xdist.plugin", "-n", "2")


def run(directory: Path, suite: str, *options: str, conftest: str = "") -> tuple[int, dict[str, Any]]:
    """Exit status and counts of one pytest run."""
    status = pytest_in(directory, suite, "-p", "release.counting", *options, conftest=conftest)
    return status, json.loads((directory / "report.counts.json").read_text())


def pytest_in(directory: Path, suite: str, *options: str, conftest: str = "") -> int:
    (directory / "test_suite.py").write_text(suite)
    (directory / "conftest.py").write_text(conftest)
    (directory / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [*command, "--junit-xml", "report.xml"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(state.ROOT), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=False,
    )
    return done.returncode


def verdict(directory: Path) -> Verdict:
    asked = Gate("unit", "unit", "?", "dev", "blocking", "junit", ("report.xml",), 1, 24, counted=True, skipped_max=9)
    return read(asked, directory, digest="sha256:" + "a" * 64).verdict


@pytest.mark.parametrize("how", [ALONE, WORKERS], ids=["alone", "workers"])
def test_everything_collected_is_executed_and_reported(tmp_path: Path, how: tuple[str, ...]) -> None:
    status, counts = run(tmp_path, SUITE, *how, "-k", "not left_out")
    assert (status, counts) == (
        0,
        {"collected": 7, "executed": 7, "set_up_failed": 0, "reported": 7, "deselected": 1, "mismatches": []},
    )
    assert verdict(tmp_path) is Verdict.PASSED


@pytest.mark.parametrize("how", [ALONE, WORKERS], ids=["alone", "workers"])
def test_runner_that_loses_tests_silently_is_caught(tmp_path: Path, how: tuple[str, ...]) -> None:
    status, counts = run(tmp_path, SUITE, *how, conftest=LOSING)
    assert counts["collected"] == 8 and counts["executed"] < 8
    assert "collected and never executed: test_suite.py::test_passes[1]" in counts["mismatches"]
    assert status == 0 or how == WORKERS, "pytest itself sees nothing wrong"
    assert verdict(tmp_path) is Verdict.ERRORED


def test_run_that_stops_at_the_first_failure_is_not_complete(tmp_path: Path) -> None:
    _, counts = run(tmp_path, "def test_a(): assert False\ndef test_b(): pass\n", *ALONE, "--maxfail=1")
    assert (counts["collected"], counts["executed"], counts["reported"]) == (2, 1, 1)
    assert verdict(tmp_path) is Verdict.ERRORED


@pytest.mark.parametrize("how", [ALONE, WORKERS], ids=["alone", "workers"])
def test_broken_fixtures_are_counted_once_each(tmp_path: Path, how: tuple[str, ...]) -> None:
    status, counts = run(tmp_path, BROKEN, *how)
    assert status == 1
    assert counts == {
        "collected": 3, "executed": 2, "set_up_failed": 1, "reported": 3, "deselected": 0, "mismatches": [],
    }  # fmt: skip
    assert verdict(tmp_path) is Verdict.FAILED


def test_file_that_cannot_be_collected_passes_nothing(tmp_path: Path) -> None:
    status, _ = run(tmp_path, "import nothing_of_this_name\n", *ALONE)
    assert status == 2 and verdict(tmp_path) is Verdict.ERRORED


def test_results_are_the_same_with_and_without_it(tmp_path: Path) -> None:
    reports = []
    for number, plugin in enumerate(((), ("-p", "release.counting"))):
        directory = tmp_path / str(number)
        directory.mkdir()
        status = pytest_in(directory, SUITE + "\ndef test_fails(): assert 1 == 2\n", *ALONE, *plugin)
        report = re.sub(r' (time|timestamp|hostname)="[^"]*"', "", (directory / "report.xml").read_text())
        reports.append((status, report.replace(str(directory), "")))
    assert reports[0] == reports[1] and reports[0][0] == 1


def test_workers_that_collect_differently_are_named() -> None:
    told = counting._workers_differ({"gw0": ["a", "b"], "gw1": ["a"]}, {"a", "b"})
    assert told == ["gw1 collected 1 of 2 tests"]


@pytest.mark.parametrize("text", [None, "", "<testsuite><testcase"])
def test_unreadable_report_is_not_counted_as_empty(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "x.xml").write_text(text)
    assert counting._cases(tmp_path / "x.xml") is None
