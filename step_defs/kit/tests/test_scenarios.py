"""Scenarios as pytest runs them: collected by themselves, marked by their tags, never passed by accident."""

import pytest

from step_defs.kit.tests.project import RINGS, RINGS_RU, Project

pytest_plugins = ["pytester"]

OUTLINE = """
@rings
Feature: More rings
  Background:
    Given Anna has 2 rings

  Rule: rings add up
    Background:
      When Anna buys 1 ring

    @slow @owner:anna
    Scenario Outline: Anna buys <n> rings
      When Anna buys <n> rings
      Then Anna owns <sum> rings

      Examples:
        | n | sum |
        | 1 | 4   |

      @many
      Examples:
        | n | sum |
        | 7 | 10  |
"""
PROPOSED = """
Feature: Later
  @proposed @owner:anna @until:{until}
  Scenario: A robot sells rings
    Given a robot
    When it smiles
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


def test_both_languages_run_and_failures_fail(project: Project) -> None:
    project.feature(RINGS)
    project.feature(RINGS_RU, "ordering/кольца.feature")
    wrong = RINGS.replace("a ring\n", "too few\n").replace("owns 3", "owns 4")
    project.feature(wrong, "ordering/wrong.feature")
    result = project.run("-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["features/ordering/wrong.feature::Anna buys too few FAILED*"])
    assert project.counts()["mismatches"] == []


def test_outlines_rules_and_backgrounds(project: Project) -> None:
    project.feature(OUTLINE)
    result = project.run("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(["*::Anna buys 1 rings PASSED*", "*::Anna buys 7 rings PASSED*"])


def test_an_outline_with_a_fixed_name_gets_readable_ids(project: Project) -> None:
    project.feature(OUTLINE.replace("Anna buys <n> rings\n", "Anna buys\n", 1))
    result = project.run("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(["*::Anna buys (1, 4) PASSED*", "*::Anna buys (7, 10) PASSED*"])


@pytest.mark.parametrize(("mark", "selected"), [("many", 1), ("slow", 2), ("rings and not many", 1), ("not slow", 0)])
def test_tags_are_marks(project: Project, mark: str, selected: int) -> None:
    project.feature(OUTLINE)
    result = project.run("-m", mark)
    result.assert_outcomes(passed=selected, deselected=2 - selected)


def test_one_scenario_is_run_by_its_name(project: Project) -> None:
    project.feature(RINGS_RU, "ordering/кольца.feature")
    project.feature(OUTLINE)
    result = project.pytester.runpytest_inprocess("features/ordering/кольца.feature::Анна покупает кольцо")
    result.assert_outcomes(passed=1)


def test_blocks_reach_the_step_with_outline_values(project: Project) -> None:
    project.more_steps(
        """
        @step(en="the list is", ru="список такой", about="A table.", example="the list is")
        @Then
        def listed(datatable, scenario_text):
            assert datatable == [["ring", "n"], ["wide", "5"]]
            assert scenario_text.name == "A list"

        @step(en="the note says", ru="записка гласит", about="A text.", example="the note says")
        @Then
        def noted(docstring):
            assert docstring == "five rings"
        """
    )
    project.feature(
        RINGS
        + '''
  Scenario Outline: A list
    Then the list is
      | ring | n   |
      | wide | <n> |
    And the note says
      """
      <word> rings
      """
    Examples:
      | n | word |
      | 5 | five |
'''
    )
    project.run().assert_outcomes(passed=2)


def test_a_proposed_scenario_is_listed_and_never_passed(project: Project) -> None:
    project.feature(RINGS)
    project.feature(PROPOSED.format(until="2999-01-31"), "ordering/later.feature")
    result = project.run()
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*later.feature:3*proposed by anna until 2999-01-31"])
    counts = project.counts()
    assert (counts["passed"], counts["proposed"], counts["mismatches"]) == (1, 1, [])


def test_an_expired_proposal_fails(project: Project) -> None:
    project.feature(RINGS)
    project.feature(PROPOSED.format(until="2020-01-31"), "ordering/later.feature")
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*proposed by anna until 2020-01-31: make it pass*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def quarantined(until: str, feature: str = RINGS) -> str:
    return feature.replace("  Scenario:", f"  @quarantine @owner:anna @until:{until}\n  Scenario:")


FLAKY = RINGS.replace("Anna buys a ring", "Anna is lucky")


@pytest.mark.parametrize(
    ("feature", "said"),
    [(FLAKY, "it passed"), (FLAKY.replace("owns 3", "owns 4"), "it failed:*AssertionError*")],
)
def test_a_quarantined_scenario_runs_and_is_told_apart(project: Project, feature: str, said: str) -> None:
    project.feature(RINGS)
    project.feature(quarantined("2999-01-31", feature), "ordering/flaky.feature")
    result = project.run("--junit-xml=junit.xml")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED*flaky.feature:3*in quarantine with anna until 2999-01-31; {said}"])
    result.stdout.fnmatch_lines(["1 passed, 0 failed, 0 proposed, 1 in quarantine *"])
    counts = project.counts()
    assert (counts["passed"], counts["failed"], counts["quarantined"], counts["mismatches"]) == (1, 0, 1, [])


def test_the_page_shows_what_failed_in_quarantine(project: Project) -> None:
    project.feature(quarantined("2999-01-31", FLAKY.replace("owns 3", "owns 4")))
    project.run()
    statuses = [
        one["testStepFinished"]["testStepResult"]["status"] for one in project.envelopes() if "testStepFinished" in one
    ]
    assert statuses.count("FAILED") == 1


def test_a_fixture_that_fails_in_quarantine_fails_nothing(project: Project) -> None:
    project.write("conftest.py", "import pytest\n@pytest.fixture(autouse=True)\ndef world():\n    assert not 'today'\n")
    project.feature(quarantined("2999-01-31"))
    result = project.run("--junit-xml=junit.xml")
    assert result.ret == pytest.ExitCode.OK
    assert project.counts()["quarantined"] == 1
    assert project.counts()["mismatches"] == []


@pytest.mark.parametrize("expected", ["owns 3", "owns 4"])
def test_an_expired_quarantine_fails_whatever_the_scenario_does(project: Project, expected: str) -> None:
    project.feature(RINGS)
    project.feature(quarantined("2020-01-31", FLAKY.replace("owns 3", expected)), "ordering/flaky.feature")
    result = project.run("--junit-xml=junit.xml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*in quarantine with anna until 2020-01-31: mend it, or remove it*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    counts = project.counts()
    assert (counts["failed"], counts["quarantined"], counts["mismatches"]) == (1, 0, [])


def test_quarantine_in_parallel_workers(project: Project) -> None:
    project.feature(RINGS)
    project.feature(quarantined("2999-01-31", FLAKY.replace("owns 3", "owns 4")), "ordering/flaky.feature")
    result = project.run("-n", "2", "--junit-xml=junit.xml")
    assert result.ret == pytest.ExitCode.OK
    assert (project.counts()["quarantined"], project.counts()["mismatches"]) == (1, [])


@pytest.mark.parametrize("where", ["step", "fixture"])
def test_a_scenario_may_not_skip_itself(project: Project, where: str) -> None:
    skip = 'pytest.skip("not today")'
    if where == "step":
        project.more_steps(
            f"import pytest\n@step(en='it rains', ru='дождь', about='Rain.', example='it rains')\n"
            f"@When\ndef rains():\n    {skip}\n"
        )
        project.feature(RINGS + "    When it rains\n")
    else:
        project.write("conftest.py", f"import pytest\n@pytest.fixture(autouse=True)\ndef world():\n    {skip}\n")
        project.feature()
    result = project.run()
    outcomes = result.parseoutcomes()
    assert outcomes.get("skipped", 0) == outcomes.get("passed", 0) == 0
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*a scenario may not skip itself*"])
    assert project.counts()["mismatches"] == []


@pytest.mark.parametrize(("body", "kind"), [("return world['Anna'] == 99", "bool"), ("return checked()", "coroutine")])
def test_a_step_that_returns_something_fails(project: Project, body: str, kind: str) -> None:
    project.more_steps(
        f"""
        async def checked():
            assert False

        @step(en="all is well", ru="всё хорошо", about="A lost assertion.", example="all is well")
        @Then
        def well(world):
            {body}
        """
    )
    project.feature(RINGS + "    And all is well\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*well returned {kind}*"])


def test_a_problem_stops_the_run_before_anything_passes(project: Project) -> None:
    project.feature(RINGS)
    project.feature(RINGS.replace("Anna buys 1", "Anna buyz 1"), "quoting/rings.feature")
    result = project.run()
    result.assert_outcomes(errors=2)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["features/quoting/rings.feature:4: undefined: when 'Anna buyz 1 ring'*"])
    result.stdout.fnmatch_lines(["features/ordering/rings.feature:2: same-name*quoting/rings.feature:2"])


def test_unused_phrases_matter_to_whole_runs_only(project: Project) -> None:
    project.more_steps(
        "@step(en='it rains', ru='дождь', about='Rain.', example='it rains')\n@When\ndef rains():\n    pass\n"
    )
    feature = project.feature()
    project.run().assert_outcomes(errors=1)
    project.pytester.runpytest_inprocess(str(feature.relative_to(project.root))).assert_outcomes(passed=1)


def test_a_step_module_that_cannot_be_imported_is_an_error(project: Project) -> None:
    project.more_steps("raise RuntimeError('no such metal')")
    project.feature()
    result = project.run()
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*no such metal*"])


def test_other_tests_run_beside_scenarios(project: Project) -> None:
    project.feature()
    project.write(
        "tests/test_plain.py", "import pytest\ndef test_it():\n    pass\ndef test_later():\n    pytest.skip('x')\n"
    )
    project.pytester.runpytest_inprocess().assert_outcomes(passed=2, skipped=1)
    assert project.counts()["collected"] == 1


def test_a_run_without_scenarios_leaves_nothing(project: Project) -> None:
    project.write("tests/test_plain.py", "def test_it():\n    pass\n")
    project.pytester.runpytest_inprocess("tests").assert_outcomes(passed=1)
    assert not (project.root / "build").exists()


def test_random_order_and_parallel_workers_together(project: Project) -> None:
    project.feature(RINGS)
    project.feature(RINGS_RU, "ordering/кольца.feature")
    project.feature(OUTLINE, "ordering/more.feature")
    project.feature(PROPOSED.format(until="2999-01-31"), "ordering/later.feature")
    result = project.run("-n", "2", "-p", "randomly", "--randomly-seed=7", "--junit-xml=junit.xml")
    result.assert_outcomes(passed=4, skipped=1)
    counts = project.counts()
    assert counts["mismatches"] == []
    assert (counts["collected"], counts["executed"], counts["reported"], counts["junit"]) == (5, 5, 5, 5)
    workers = {one["testCaseStarted"]["workerId"] for one in project.envelopes() if "testCaseStarted" in one}
    assert workers == {"gw0", "gw1"}


def test_a_problem_stops_parallel_workers_too(project: Project) -> None:
    project.feature(RINGS)
    project.feature(RINGS_RU.replace("покупает 1", "продаёт 1"), "ordering/кольца.feature")
    result = project.run("-n", "2")
    outcomes = result.parseoutcomes()
    assert "passed" not in outcomes
    assert outcomes["errors"] == 1
    assert result.ret != pytest.ExitCode.OK
