"""The commands: what they print, and their exit status."""

import pytest

from step_defs.kit.cli import main
from step_defs.kit.tests.project import RINGS, RINGS_RU, Project

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    project = Project(pytester)
    project.feature(RINGS)
    project.feature(RINGS_RU, "ordering/кольца.feature")
    return project


def command(project: Project, *arguments: str) -> int:
    project.pytester.syspathinsert()
    return main(["--root", str(project.root), "--steps", "ring_steps", *arguments])


def test_the_catalogue_tells_what_may_be_written(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(project, "steps") == 0
    printed = capsys.readouterr().out
    for said in (
        "3 steps, 2 scenarios",
        "en       {name:w} buys {n:d} ring(s)",
        "ru       {name:w} покупает {n:d} кольцо/кольца/колец",
        "about    A purchase.",
        "example  Anna buys 1 ring",
        "where    ring_steps/rings.py:9; as when; in 2 scenarios",
    ):
        assert said in printed


def test_the_catalogue_as_a_page(project: Project) -> None:
    page = project.root / "build/steps.html"
    assert command(project, "steps", "--html", str(page)) == 0
    assert "{name:w} покупает {n:d} кольцо/кольца/колец" in page.read_text(encoding="utf-8")


def test_check_passes_a_sound_project(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(project, "check") == 0
    assert capsys.readouterr().out == "3 steps, 2 features, 2 scenarios: all is well\n"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("When Anna sings", "undefined"),
        ("", "no-steps"),
    ],
)
def test_check_fails_a_faulty_one(project: Project, capsys: pytest.CaptureFixture[str], steps: str, said: str) -> None:
    project.feature(f"Feature: More\n  Scenario: More\n    {steps}\n", "ordering/more.feature")
    assert command(project, "check") == 1
    assert said in capsys.readouterr().out


def test_check_names_an_unused_phrase(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.more_steps(
        "@step(en='it rains', ru='дождь', about='Rain.', example='it rains')\n@When\ndef rains():\n    pass\n"
    )
    assert command(project, "check") == 1
    assert "ring_steps/more.py:2: unused: no scenario says 'it rains'" in capsys.readouterr().out


@pytest.mark.parametrize(("until", "status"), [("2999-01-31", 0), ("2020-01-31", 1)])
def test_the_backlog_lists_proposals(
    project: Project, capsys: pytest.CaptureFixture[str], until: str, status: int
) -> None:
    text = f"@proposed @owner:anna @until:{until}\nFeature: Later\n  Scenario: Later\n    Given Anna has 2 rings\n    Then joy\n"
    project.feature(text, "ordering/later.feature")
    assert command(project, "backlog") == status
    printed = capsys.readouterr().out
    assert f"{until} anna: Later (features/ordering/later.feature:3; 1 of 2 steps exist)" in printed
    assert printed.startswith("EXPIRED ") == bool(status)
    assert command(project, "check") == status


@pytest.mark.parametrize(("until", "status"), [("2999-01-31", 0), ("2020-01-31", 1)])
def test_the_backlog_lists_quarantine(
    project: Project, capsys: pytest.CaptureFixture[str], until: str, status: int
) -> None:
    flaky = f"@quarantine @owner:anna @until:{until}\nFeature: Flaky\n  Scenario: Flaky\n    Given Anna has 2 rings\n"
    project.feature(flaky, "ordering/flaky.feature")
    assert command(project, "backlog") == status
    printed = capsys.readouterr().out
    assert f"{until} anna: Flaky (features/ordering/flaky.feature:3; in quarantine)" in printed
    assert printed.endswith(f"0 proposed, 1 in quarantine, {status} expired\n")
    assert command(project, "check") == status


def test_a_backlog_without_owner_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.feature("@proposed\nFeature: Later\n  Scenario: Later\n    Given joy\n", "ordering/later.feature")
    assert command(project, "backlog") == 1
    assert "@owner:<name>" in capsys.readouterr().out
