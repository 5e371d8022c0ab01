"""The count of tests must not be flattered: whatever is missing, broken or empty is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import count

GOOD = """<testsuites><testsuite name="pytest" errors="0" failures="1" skipped="1" tests="4">
<testcase name="a"/><testcase name="b"/><testcase name="c"><failure message="no"/></testcase>
<testcase name="d"><skipped message="why"/></testcase></testsuite></testsuites>"""


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.strip().splitlines()[-1]


def test_suites_are_summed_and_one_failure_fails_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "unit.xml").write_text(GOOD)
    (tmp_path / "http-1.xml").write_text('<testsuite tests="2"><testcase name="x"/><testcase name="y"/></testsuite>')
    assert count.sum_up(["unit", "http"], reports=tmp_path, status=0) == 1
    assert last_line(capsys) == "4 passed, 1 failed, 1 skipped"


def test_all_passed_is_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "unit.xml").write_text('<testsuite tests="1"><testcase name="x"/></testsuite>')
    assert count.sum_up(["unit"], reports=tmp_path, status=0) == 0
    assert last_line(capsys) == "1 passed, 0 failed, 0 skipped"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no report"),
        pytest.param("", id="empty file"),
        pytest.param(GOOD[:120], id="cut short"),
        pytest.param('<testsuite tests="0"/>', id="nothing executed"),
        pytest.param('<testsuite><testcase name="x"><skipped/></testcase></testsuite>', id="everything skipped"),
        pytest.param('<testsuite errors="1"><testcase name="x"/></testsuite>', id="an error without its case"),
    ],
)
def test_unreliable_report_counts_as_failed(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "unit.xml").write_text(content)
    assert count.sum_up(["unit"], reports=tmp_path, status=0) == 1
    assert ", 1 failed, " in last_line(capsys)


def test_runner_that_failed_silently_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "unit.xml").write_text('<testsuite><testcase name="x"/></testsuite>')
    assert count.sum_up(["unit"], reports=tmp_path, status=3) == 1
    assert last_line(capsys) == "1 passed, 1 failed, 0 skipped"


def test_no_suites_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert count.sum_up([], reports=tmp_path, status=0) == 1
    assert last_line(capsys) == "0 passed, 1 failed, 0 skipped"


def test_suites_come_from_tox(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("[tox]\nenv_list = static, unit\n  http\n[testenv]\ncommands = {[x]y}%\n")
    assert count.suites_of_tox(tmp_path / "tox.ini") == ["static", "unit", "http"]
    assert count.suites_of_tox(tmp_path / "absent.ini") == []


def test_command_line_ends_with_the_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "unit.xml").write_text('<testsuite><testcase name="x"/></testsuite>')
    assert count.main(["--reports", str(tmp_path), "--status", "0", "unit"]) == 0
    assert last_line(capsys) == "1 passed, 0 failed, 0 skipped"
