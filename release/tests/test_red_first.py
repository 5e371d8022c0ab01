"""A new scenario that passes on the old release proves nothing; one that cannot run there says nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from release import red_first
from release.answer import Run
from release.changes import Scenario, scenarios_in
from release.red_first import Question, batches, judged, question
from release.scenario_run import Batch, Ending, Outcome, RunBroke, outcome_of, outcomes, refutes
from release.tests.history import History
from release.verdict import Verdict

PATH = "features/a.feature"
OLD = "Feature: A\n  Scenario: Old\n    Given a\n    When b\n    Then c\n  Scenario: Short\n    Given a\n"
NEW = OLD + "  Scenario: New\n    Then d\n"
TAGS = "  @pins_behaviour @owner:anna\n"
PIN = OLD + TAGS + "  Scenario: Pin\n    It was always so.\n    Then d\n"
PASSED, FAILED, BROKEN = Outcome(Ending.PASSED), Outcome(Ending.FAILED, "no d"), Outcome(Ending.BROKEN, "KeyError: 'd'")


def at(text: str) -> dict[str, Scenario]:
    return {scenario.id: scenario for scenario in scenarios_in(PATH, text)}


def found(**by_name: Outcome) -> dict[str, Outcome]:
    return {f"{PATH}::{name}": outcome for name, outcome in by_name.items()}


def names(asked: Question) -> tuple[list[str], list[str], str]:
    return (
        [one.name for one in asked.new],
        [one.name for one in asked.pins],
        asked.witness.name if asked.witness else "",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NEW, (["New"], [], "Old")),
        (PIN, ([], ["Pin"], "Old")),
        (OLD.replace("Then c", "Then e"), (["Old"], [], "Short")),
        (NEW.replace("  Scenario: New", "  @proposed @owner:a @until:2999-01-31\n  Scenario: New"), ([], [], "Old")),
        (OLD.replace("Scenario: Old", "Scenario: Older"), ([], [], "Short")),
        (OLD, ([], [], "Old")),
    ],
)
def test_what_is_asked_of_the_old_release(text: str, expected: tuple[list[str], list[str], str]) -> None:
    assert names(question(at(OLD), at(text))) == expected


@pytest.mark.parametrize(
    ("text", "outcome", "verdict", "said"),
    [
        (NEW, {"New": FAILED, "Old": PASSED}, Verdict.PASSED, ""),
        (NEW, {"New": PASSED, "Old": PASSED}, Verdict.FAILED, "passes on the previous release already"),
        (NEW, {"New": BROKEN, "Old": PASSED}, Verdict.ERRORED, "could not be carried out: KeyError"),
        (NEW, {"New": FAILED, "Old": FAILED}, Verdict.ERRORED, "untouched"),
        (NEW, {"Old": PASSED}, Verdict.ERRORED, "did not run"),
        (PIN, {"Pin": PASSED, "Old": PASSED}, Verdict.PASSED, "ran apart"),
        (PIN, {"Pin": FAILED, "Old": PASSED}, Verdict.FAILED, "says it pins what was there"),
    ],
)
def test_the_verdict(text: str, outcome: Mapping[str, Outcome], verdict: Verdict, said: str) -> None:
    answer = judged(question(at(OLD), at(text)), found(**outcome))
    assert answer.verdict is verdict
    assert said in " ".join(answer.reasons)


def test_what_need_not_hold_any_more_is_told() -> None:
    answer = judged(question(at(NEW), at(OLD)), found(Old=PASSED))
    assert answer.verdict is Verdict.PASSED
    assert answer.figures["scenarios_withdrawn"] == 1
    assert "'New' had to hold before and need not any more (removed)" in answer.reasons[0]


def test_scenarios_that_break_shared_parts_run_alone(tmp_path: Path) -> None:
    text = NEW.replace("  Scenario: New", "  @exclusive\n  Scenario: New")
    made = batches(question(at(OLD), at(text)), tmp_path)
    assert [one.name for one in made] == ["red-together", "red-alone"]
    assert (tmp_path / "red-together.txt").read_text() == f"{PATH}::Old\n"
    assert (tmp_path / "red-alone.txt").read_text() == f"{PATH}::New\n"


@pytest.mark.parametrize(
    ("message", "is_red"),
    [
        ("AssertionError: the order is still priced", True),
        ("assert 1 == 2", True),
        ("step_defs.drivers.http.Refusal: POST /x was refused with 404 not-found: no such thing", True),
        ("step_defs.drivers.waiting.NotInTime: the order: not within 10 s", True),
        ("step_defs.drivers.http.Trouble: GET /x answered 500", True),
        ("step_defs.drivers.http.Trouble: GET /x got no answer: ConnectError", False),
        ("step_defs.kit.registry.StepReturnedValue: a step asserts or acts", False),
        ("KeyError: 'promise_at'", False),
        ("AttributeError: 'Shopper' object has no attribute 'dance'", False),
        ("Failed: expired", False),
    ],
)
def test_only_an_assertion_about_the_system_is_red(message: str, is_red: bool) -> None:
    assert refutes(message) is is_red


def junit(cases: str, directory: Path, *, mismatches: list[str] | None = None, collected: int = 1) -> Batch:
    (directory / "one.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", encoding="utf-8")
    (directory / "one").mkdir()
    counts = {"mismatches": mismatches or [], "collected": collected}
    (directory / "one" / "counts.json").write_text(json.dumps(counts))
    return Batch("one", ())


def case(inside: str = "", prop: str = "scenario") -> str:
    return (
        f'<testcase classname="features.a.feature" name="New"><properties><property name="{prop}" value="x"/>'
        f"</properties>{inside}</testcase>"
    )


def test_outcomes_are_known_by_the_names_that_selected_them(tmp_path: Path) -> None:
    batch = junit(case('<failure message="assert 1 == 2">long</failure>'), tmp_path)
    assert outcomes(tmp_path, [batch], "") == {f"{PATH}::New": Outcome(Ending.FAILED, "assert 1 == 2")}


@pytest.mark.parametrize(
    ("inside", "ending"),
    [
        ("", Ending.PASSED),
        ('<error message="failed on setup">boom</error>', Ending.BROKEN),
        ('<failure message="TypeError: x"/>', Ending.BROKEN),
        ('<skipped message="proposed by anna"/>', Ending.PROPOSED),
        ('<properties><property name="quarantine" value="a"/></properties><skipped message="it passed"/>', Ending.QUARANTINED),
    ],
)  # fmt: skip
def test_the_ending_of_a_case(inside: str, ending: Ending) -> None:
    assert outcome_of(ElementTree.fromstring(case(inside))).ending is ending  # noqa: S314  written above


@pytest.mark.parametrize(
    ("cases", "mismatches", "collected", "said"),
    [
        (
            '<testcase classname="" name="features/a.feature"><error message="undefined"/></testcase>',
            [],
            1,
            "collected",
        ),
        (case(), ["collected but not executed: x"], 1, "not executed"),
        (case(), [], 2, "count differs"),
        ("<oops", [], 1, "cut short"),
    ],
)
def test_a_run_that_cannot_be_believed(
    tmp_path: Path, cases: str, mismatches: list[str], collected: int, said: str
) -> None:
    batch = junit(cases, tmp_path, mismatches=mismatches, collected=collected)
    with pytest.raises(RunBroke, match=said):
        outcomes(tmp_path, [batch], "")


def test_a_run_that_left_no_report(tmp_path: Path) -> None:
    with pytest.raises(RunBroke, match="the system did not become healthy"):
        outcomes(tmp_path, [Batch("one", ())], "the system did not become healthy")


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    history = History(tmp_path / "repo")
    monkeypatch.chdir(history.path)
    monkeypatch.setenv("RELEASE_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("RELEASE_DIGEST", f"sha256:{'1' * 64}")
    monkeypatch.setenv("RELEASE_PREVIOUS_COMMIT", history.commit({PATH: OLD}))
    monkeypatch.setenv("RELEASE_PREVIOUS_IMAGE", "old")
    return history


def verdict(tmp_path: Path) -> dict[str, object]:
    written: dict[str, object] = json.loads((tmp_path / "out" / "verdict.json").read_text())
    return written


def test_nothing_changed_passes_with_what_was_compared(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEASE_COMMIT", history.commit({"README.md": "x"}))
    assert red_first.main([]) == 0
    assert (verdict(tmp_path)["verdict"], verdict(tmp_path)["checked"]) == ("PASSED", 2)


def test_the_first_release_ever_is_inconclusive(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEASE_COMMIT", history.git("rev-parse", "HEAD"))
    monkeypatch.setenv("RELEASE_PREVIOUS_COMMIT", "")
    assert red_first.main([]) == 3
    assert verdict(tmp_path)["verdict"] == "INCONCLUSIVE"


def test_no_scenario_at_all_is_no_pass(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = history.commit({PATH: None, "README.md": "x"})
    monkeypatch.setenv("RELEASE_PREVIOUS_COMMIT", empty)
    monkeypatch.setenv("RELEASE_COMMIT", history.commit({"README.md": "y"}))
    assert red_first.main([]) == 2
    assert verdict(tmp_path)["verdict"] == "ERRORED"


def test_an_unknown_commit_is_errored(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASE_COMMIT", "f" * 40)
    assert red_first.main([]) == 2
    assert verdict(tmp_path)["verdict"] == "ERRORED"


def test_the_old_release_runs_with_its_own_jobs(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is the only thing replaced: what it is given, and what is made of its silence."""
    monkeypatch.setenv("RELEASE_COMMIT", history.commit({PATH: NEW}))
    given: dict[str, object] = {}

    def run(commands: list[list[str]], variables: dict[str, str], log: Path) -> tuple[int, str]:
        given.update(commands=commands, variables=variables)
        return 1, "no engine"

    monkeypatch.setattr(red_first, "against_fresh_system", run)
    assert red_first.main([]) == 2
    assert given["variables"] == {"ALEXANDRITE_IMAGE_SYSTEM": "old", "ALEXANDRITE_JOBS_IMAGE": "old"}
    assert (tmp_path / "out" / "red-together.txt").read_text() == f"{PATH}::New\n{PATH}::Old\n"
    assert "no engine" in str(verdict(tmp_path)["reasons"])


def test_a_run_outside_the_runner_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("RELEASE_OUT", "RELEASE_DIGEST", "RELEASE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    assert red_first.main([]) == 2
    assert "RELEASE_OUT, RELEASE_DIGEST, RELEASE_COMMIT must be set" in capsys.readouterr().err


def test_run_reads_what_the_runner_told() -> None:
    told = {"RELEASE_OUT": "/o", "RELEASE_DIGEST": "d", "RELEASE_COMMIT": "c", "RELEASE_IMAGE": "i"}
    run = Run.from_environment(told)
    assert (run.image, run.has_previous) == ("i", False)
