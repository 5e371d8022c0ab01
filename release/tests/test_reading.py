"""A report passes a gate only when it is whole, agrees with itself, and the command agrees with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from release.policy import Gate
from release.reading import Reading, read, settle
from release.verdict import Verdict

DIGEST = "sha256:" + "a" * 64
PASSED, FAILED, ERRORED, INCONCLUSIVE = Verdict.PASSED, Verdict.FAILED, Verdict.ERRORED, Verdict.INCONCLUSIVE
GREEN = (
    '<testsuites><testsuite name="x" tests="2" failures="0">'
    '<testcase classname="a" name="b"/><testcase name="c"/></testsuite></testsuites>'
)
RED = (
    '<testsuite tests="2" failures="1"><testcase classname="a" name="b"/>'
    '<testcase classname="a" name="c"><failure message="no&#10;more"/></testcase></testsuite>'
)


def gate(
    *,
    reads: str = "junit",
    tests_min: int = 1,
    counted: bool = False,
    reports: tuple[str, ...] = ("x.xml",),
    skipped_max: int = 0,
) -> Gate:
    return Gate(
        name="unit",
        run="unit",
        question="?",
        before="dev",
        severity="blocking",
        reads="junit" if reads == "junit" else "verdict",
        reports=reports,
        tests_min=tests_min,
        max_age_h=24,
        counted=counted,
        skipped_max=skipped_max,
    )


def of_junit(out: Path, *texts: str | None, tests_min: int = 1, counted: bool = False, skipped_max: int = 0) -> Reading:
    for number, text in enumerate(texts):
        if text is not None:
            (out / f"x{number or ''}.xml").write_text(text)
    reports = tuple(f"x{number or ''}.xml" for number in range(len(texts)))
    asked = gate(tests_min=tests_min, counted=counted, reports=reports, skipped_max=skipped_max)
    return read(asked, out, digest=DIGEST)


def test_green_report_passes_with_its_figures(tmp_path: Path) -> None:
    skip = '<testcase name="d"><skipped message="no printer"/></testcase></testsuite>'
    text = GREEN.replace('tests="2"', 'tests="3"').replace("</testsuite>", skip)
    reading = of_junit(tmp_path, text, skipped_max=1)
    assert (reading.verdict, reading.passed, reading.failed, reading.skipped, reading.checked) == (PASSED, 2, 0, 1, 2)
    assert reading.figures == {"skipped": 1} and reading.reasons == ()
    # Somebody excused a test, with a reason even, and nobody agreed to it.
    excused = of_junit(tmp_path, text)
    assert excused.verdict is FAILED
    assert "1 tests were skipped, 0 may be" in excused.reasons[0]


def test_red_report_fails_and_names_the_test_with_its_first_line(tmp_path: Path) -> None:
    reading = of_junit(tmp_path, RED)
    assert (reading.verdict, reading.reasons) == (FAILED, ("a::c: no",))


def test_one_red_report_among_several_fails(tmp_path: Path) -> None:
    assert of_junit(tmp_path, GREEN, RED).verdict is FAILED


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(None, "missing", id="missing"),
        pytest.param("", "cannot be read", id="empty"),
        pytest.param(GREEN[:-30], "cannot be read", id="cut short"),
        pytest.param("not xml at all", "cannot be read", id="unparsable"),
        pytest.param("<html/>", "no junit report", id="something else"),
        pytest.param("<testsuites/>", "no test suite", id="no suite"),
        pytest.param('<testsuite tests="0"/>', "Nothing was executed", id="no test"),
        pytest.param(
            '<testsuite tests="1"><testcase name="a"><skipped message="why"/></testcase></testsuite>',
            "Nothing was executed",
            id="all skipped",
        ),
        pytest.param(GREEN.replace('tests="2"', 'tests="3"'), "declares 3 tests and has 2", id="a case was cut out"),
        pytest.param(GREEN.replace('tests="2"', ""), "does not declare", id="declares nothing"),
        pytest.param(GREEN.replace('tests="2"', 'tests="two"'), "does not declare", id="declares nonsense"),
        pytest.param(GREEN.replace('failures="0"', 'failures="1"'), "declares 1 failures", id="a failure was cut out"),
        pytest.param(RED.replace('failures="1"', 'failures="0"'), "declares 0 failures", id="denies its failure"),
        pytest.param(
            GREEN.replace(
                '<testcase name="c"/>', '<testcase name="c"><skipped message="unconditional skip"/></testcase>'
            ),
            "Skipped without a reason: c",
            id="skipped without a reason",
        ),
    ],
)
def test_report_that_cannot_be_relied_upon_is_errored(tmp_path: Path, text: str | None, why: str) -> None:
    reading = of_junit(tmp_path, text)
    assert reading.verdict is ERRORED and why in reading.reasons[0]


def test_fewer_tests_than_declared_by_the_gate_say_nothing_even_when_one_failed(tmp_path: Path) -> None:
    assert of_junit(tmp_path, GREEN, tests_min=2).verdict is PASSED
    assert of_junit(tmp_path, GREEN, tests_min=3).verdict is ERRORED
    assert of_junit(tmp_path, RED, tests_min=3).verdict is ERRORED


def test_every_declared_report_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text(GREEN)
    reading = read(gate(reports=("x.xml", "more-*.xml")), tmp_path, digest=DIGEST)
    assert reading.verdict is ERRORED and reading.is_there and "more-*.xml" in reading.reasons[0]


def test_report_elsewhere_on_the_disk_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.xml").write_text(GREEN)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.xml").symlink_to(tmp_path / "elsewhere.xml")
    assert read(gate(), tmp_path / "out", digest=DIGEST).verdict is ERRORED


def test_long_lists_of_failures_are_cut_and_say_so(tmp_path: Path) -> None:
    cases = "".join(f'<testcase name="t{number}"><error message="{"x" * 1000}"/></testcase>' for number in range(15))
    reading = of_junit(tmp_path, f'<testsuite tests="15" errors="15">{cases}</testsuite>')
    assert len(reading.reasons) == 11 and reading.reasons[-1] == "... and 5 more." and len(reading.reasons[0]) == 300


COUNTS = {"collected": 2, "executed": 2, "set_up_failed": 0, "reported": 2, "deselected": 5, "mismatches": []}


def counted(out: Path, counts: object, text: str = GREEN) -> Reading:
    if counts is not None:
        (out / "x.counts.json").write_text(counts if isinstance(counts, str) else json.dumps(counts))
    return of_junit(out, text, counted=True)


def test_count_that_agrees_passes_and_shows_what_was_deselected(tmp_path: Path) -> None:
    reading = counted(tmp_path, COUNTS)
    assert reading.verdict is PASSED and reading.figures == {"skipped": 0, "deselected": 5}


def test_broken_set_up_is_a_failure_of_the_candidate(tmp_path: Path) -> None:
    assert counted(tmp_path, COUNTS | {"executed": 1, "set_up_failed": 1}, RED).verdict is FAILED


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param(None, id="missing"),
        pytest.param("{", id="cut short"),
        pytest.param("[]", id="no object"),
        pytest.param(COUNTS | {"surprise": 1}, id="unknown key"),
        pytest.param({key: value for key, value in COUNTS.items() if key != "executed"}, id="lacks a key"),
        pytest.param(COUNTS | {"collected": 6}, id="collected more than it ran"),
        pytest.param(COUNTS | {"executed": 1}, id="ran fewer"),
        pytest.param(COUNTS | {"reported": 1}, id="reported fewer"),
        pytest.param(COUNTS | {"reported": None}, id="could not read its report"),
        pytest.param(COUNTS | {"collected": 3, "executed": 3, "reported": 3}, id="the report was cut afterwards"),
        pytest.param(COUNTS | {"mismatches": ["gw1 collected 1 of 2 tests"]}, id="workers differ"),
        pytest.param(json.dumps(COUNTS)[:-1] + ', "collected": 2}', id="a key twice"),
    ],
)
def test_count_that_is_missing_or_differs_is_errored(tmp_path: Path, counts: object) -> None:
    assert counted(tmp_path, counts).verdict is ERRORED


SAID: dict[str, Any] = {
    "gate": "unit", "digest": DIGEST, "verdict": "PASSED", "reasons": [], "figures": {"p95_ratio": 1.02}, "checked": 12,
}  # fmt: skip


def of_verdict(out: Path, said: object, *, tests_min: int = 1) -> Reading:
    if said is not None:
        (out / "verdict.json").write_text(said if isinstance(said, str) else json.dumps(said))
    return read(gate(reads="verdict", tests_min=tests_min, reports=("verdict.json",)), out, digest=DIGEST)


def test_verdict_is_taken_over_with_its_figures(tmp_path: Path) -> None:
    reading = of_verdict(tmp_path, SAID | {"objectives": {"p95": "kept"}})
    assert (reading.verdict, reading.checked, reading.figures) == (PASSED, 12, {"p95_ratio": 1.02})


@pytest.mark.parametrize("verdict", ["FAILED", "INCONCLUSIVE", "ERRORED"])
def test_other_verdicts_keep_their_reasons(tmp_path: Path, verdict: str) -> None:
    reading = of_verdict(tmp_path, SAID | {"verdict": verdict, "reasons": ["Slower."], "checked": 1}, tests_min=5)
    assert reading.verdict == verdict and reading.reasons == ("Slower.",)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param("[1]", id="no object"),
        pytest.param(SAID | {"digest": "sha256:" + "b" * 64}, id="another candidate"),
        pytest.param(SAID | {"gate": "static"}, id="another gate"),
        pytest.param(SAID | {"verdict": "passed"}, id="misspelt verdict"),
        pytest.param(SAID | {"note": "all is well"}, id="unknown key"),
        pytest.param(
            {key: value for key, value in SAID.items() if key != "checked"}, id="does not say what was checked"
        ),
        pytest.param(SAID | {"checked": 4}, id="checked too little"),
        pytest.param(SAID | {"checked": True}, id="checked is no number"),
        pytest.param(SAID | {"figures": {"p95": "fast"}}, id="figure is no number"),
        pytest.param(json.dumps(SAID).replace("1.02", "NaN"), id="not a number"),
        pytest.param(json.dumps(SAID).replace("1.02", "1e999"), id="infinite"),
        pytest.param('{"verdict": "FAILED", ' + json.dumps(SAID)[1:], id="two verdicts"),
        pytest.param(SAID | {"verdict": "FAILED"}, id="failed without a reason"),
        pytest.param(SAID | {"verdict": "FAILED", "reasons": [" "]}, id="empty reason"),
    ],
)
def test_verdict_that_cannot_be_relied_upon_is_errored(tmp_path: Path, said: object) -> None:
    assert of_verdict(tmp_path, said, tests_min=5).verdict is ERRORED


# --- reports and exit status must agree ---------------------------------------------------------------------------------


def verdicts(exit_status: int | None, **readings: Reading) -> dict[str, Verdict]:
    settled = settle(readings, exit_status=exit_status, ended="ended somehow")
    return {name: reading.verdict for name, reading in settled.items()}


@pytest.mark.parametrize("status", [0, 1, 2, 3, 5, 139, -9, None])
@pytest.mark.parametrize("said", [PASSED, FAILED, INCONCLUSIVE])
def test_only_the_matching_exit_status_is_believed(said: Verdict, status: int | None) -> None:
    expected = said if status == {PASSED: 0, FAILED: 1, INCONCLUSIVE: 3}[said] else ERRORED
    assert verdicts(status, one=Reading(said, ("so",))) == {"one": expected}


def test_failed_sibling_does_not_fail_a_complete_green_gate() -> None:
    assert verdicts(1, scenarios=Reading(FAILED, ("no",)), contracts=Reading(PASSED)) == {
        "scenarios": FAILED,
        "contracts": PASSED,
    }


def test_failure_that_no_gate_explains_lets_none_pass() -> None:
    assert verdicts(1, scenarios=Reading(PASSED), contracts=Reading(PASSED)) == dict.fromkeys(
        ("scenarios", "contracts"), ERRORED
    )
    assert verdicts(139, scenarios=Reading(FAILED, ("no",)), contracts=Reading(PASSED)) == dict.fromkeys(
        ("scenarios", "contracts"), ERRORED
    )


def test_gate_that_the_run_never_reached_says_why() -> None:
    absent = Reading(ERRORED, ("The report contracts.xml is missing.",), is_there=False)
    settled = settle({"scenarios": Reading(PASSED), "contracts": absent}, exit_status=4, ended="ended with status 4")
    assert settled["scenarios"].verdict is PASSED
    assert settled["contracts"].reasons[0] == "Not executed, because the run ended with status 4."


def test_killed_run_passes_nothing_and_says_so() -> None:
    settled = settle({"one": Reading(PASSED)}, exit_status=None, ended="was killed after its budget of 5 s")
    assert settled["one"].verdict is ERRORED and settled["one"].reasons == (
        "The run was killed after its budget of 5 s.",
    )
