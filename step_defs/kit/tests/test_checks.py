"""Each static rule is broken once; a sound project breaks none."""

import textwrap

import pytest

from step_defs.kit.problems import listing
from step_defs.kit.tests.project import RINGS, RINGS_RU, Project

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


def test_a_sound_project_has_no_problem(project: Project) -> None:
    project.feature(RINGS)
    project.feature(RINGS_RU, "ordering/кольца.feature")
    assert project.kinds() == set()


def a_step(function: str, **changed: str) -> str:
    """A step `it shines` with a fault: other decorator arguments, or another function."""
    words = {"en": "it shines", "ru": "оно блестит", "about": "Shine.", "example": "it shines", **changed}
    arguments = ", ".join(f"{name}={value!r}" for name, value in words.items())
    return f"@step({arguments})\n{textwrap.dedent(function)}"


PLAIN = "@Then\ndef shines():\n    pass\n"


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("async-step", a_step("@Then\nasync def shines():\n    assert False\n")),
        ("async-step", a_step("@Then\nasync def shines():\n    yield\n")),
        ("async-step", a_step("@Then\ndef shines():\n    yield\n")),
        ("no-position", a_step("def shines():\n    pass\n")),
        ("no-description", a_step(PLAIN, about=" ")),
        ("languages-differ", a_step("@Then\ndef shines(n):\n    pass\n", en="it shines {n:d}", example="it shines 1")),
        (
            "languages-differ",
            a_step(
                "@Then\ndef shines(n):\n    pass\n", en="it shines {n:d}", ru="блестит {n:w}", example="it shines 1"
            ),
        ),
        ("lost-parameter", a_step(PLAIN, en="it shines {n:d}", ru="блестит {n:d}", example="it shines 1")),
        ("example", a_step(PLAIN, example="it gleams")),
        ("example", a_step(PLAIN, example_ru="it shines")),
        ("ambiguous", a_step("@Then\ndef any_owner(name):\n    pass\n", en="{name} owns 3 rings", ru="у {name} три",
                             example="Anna owns 3 rings")),
        ("unused", a_step(PLAIN)),
        ("reserve", a_step("@Then\ndef is_bought():\n    pass\n", en="it is bought", ru="куплено",
                           example="it is bought", reserve="soon")),
    ],
)  # fmt: skip
def test_a_faulty_step(project: Project, kind: str, step: str) -> None:
    project.more_steps(step)
    project.feature(RINGS + ("    And it is bought\n" if "is_bought" in step else ""))
    assert kind in project.kinds()


def test_a_reserved_step_may_go_unused(project: Project) -> None:
    project.more_steps(a_step(PLAIN, reserve="waits for the showroom"))
    project.feature()
    assert project.kinds() == set()


def scenario(steps: str, head: str = "") -> str:
    body = textwrap.indent(textwrap.dedent(steps).strip("\n"), "    ")
    return f"Feature: Rings\n{head}  Scenario: Anna\n{body}\n"


@pytest.mark.parametrize(
    ("kind", "feature"),
    [
        ("same-name", RINGS + RINGS.split("\n", 2)[2]),
        ("undefined", scenario("Given Anna has 2 watches")),
        ("undefined", scenario("When Anna has 2 rings")),
        ("undefined", scenario("Given у Анна 2 кольца")),
        ("no-steps", scenario("")),
        ("no-steps", "Feature: Rings\n  Background:\n  Scenario: Anna\n    Given Anna has 2 rings\n"),
        ("first-step", scenario("And Anna has 2 rings")),
        ("star", scenario("Given Anna has 2 rings\n* Anna has 2 rings")),
        ("no-name", "Feature: Rings\n  Scenario:\n    Given Anna has 2 rings\n"),
        ("no-rows", scenario("Given Anna has <n> rings\n\nExamples:\n  | n |")),
        ("no-rows", scenario("Given Anna has <n> rings\n\nExamples:")),
        ("placeholder", scenario("Given Anna has <n> rings\n\nExamples:\n  | m |\n  | 2 |")),
        ("tag", scenario("Given Anna has <n> rings\n\n@owner:anna\nExamples:\n  | n |\n  | 2 |")),
        ("tag", scenario("Given Anna has 2 rings", head="  @xfail\n")),
        ("tag", scenario("Given Anna has 2 rings", head="  @skip\n")),
        ("proposed", scenario("Given nothing", head="  @proposed\n")),
        ("proposed", scenario("Given nothing", head="  @proposed @owner:anna\n")),
        ("proposed", scenario("Given nothing", head="  @proposed @owner:anna @until:soon\n")),
        ("quarantine", scenario("Given Anna has 2 rings", head="  @quarantine\n")),
        ("quarantine", scenario("Given Anna has 2 rings", head="  @quarantine @owner:anna @until:soon\n")),
        ("tag", scenario("Given nothing", head="  @proposed @quarantine @owner:anna @until:2999-01-31\n")),
        ("tag", scenario("Given Anna has <n> rings\n\n@quarantine\nExamples:\n  | n |\n  | 2 |")),
        ("pins", scenario("Given Anna has 2 rings", head="  @pins_behaviour @owner:anna\n")),
        ("pins", scenario("It was always so.\nGiven Anna has 2 rings", head="  @pins_behaviour\n")),
        ("lost-block", scenario("Given Anna has 2 rings\n  | a |")),
        ("lost-block", scenario('Given Anna has 2 rings\n  """\n  a\n  """')),
        ("empty", "Feature: Rings\n"),
        ("empty", ""),
        ("language", "# language: de\nFunktionalität: Ringe\n  Szenario: Anna\n    Angenommen Anna has 2 rings\n"),
        ("not-gherkin", scenario("Given Anna has 2 rings\nSometimes she sings")),
        ("hidden-step", scenario("Givn Anna has 2 rings\nThen Anna owns 2 rings")),
    ],
)
def test_a_faulty_feature(project: Project, kind: str, feature: str) -> None:
    project.feature(feature)
    assert kind in project.kinds()


def test_one_name_in_two_features(project: Project) -> None:
    project.feature(RINGS)
    project.feature(RINGS, "quoting/rings.feature")
    assert project.kinds() == {"same-name"}


def test_a_missing_block(project: Project) -> None:
    project.more_steps(a_step("@Then\ndef shines(datatable):\n    pass\n"))
    project.feature(RINGS + "    And it shines\n")
    assert project.kinds() == {"missing-block"}


def test_two_phrases_for_one_sentence(project: Project) -> None:
    project.more_steps(
        a_step("@Then\ndef any_end(end):\n    pass\n", en="Anna {end}", ru="конец {end}", example="Anna !")
    )
    project.feature()
    found = [problem for problem in project.suite().problems() if problem.kind == "ambiguous"]
    assert any("Anna owns 3 rings" in problem.text and problem.path.suffix == ".feature" for problem in found)


def test_a_value_that_cannot_be_converted(project: Project) -> None:
    project.more_steps(
        "from step_defs.kit import parameter_type\n"
        "parameter_type('half_for_test', pattern=r'\\d+', convert=lambda text: 1 // int(text))\n"
        + a_step(
            "@Then\ndef half(n):\n    pass\n", en="half {n:half_for_test}", ru="пол {n:half_for_test}", example="half 1"
        )
    )
    project.feature(RINGS + "    And half 0\n")
    assert project.kinds() == {"value"}


def test_no_steps_at_all(project: Project) -> None:
    project.steps("")
    project.feature()
    assert "no-steps" in project.kinds()


def test_every_undefined_step_is_named_with_its_place_and_three_nearest_phrases(project: Project) -> None:
    project.feature(scenario("Given Anna has two rings\nWhen Anna buyz 1 ring\nThen Anna owns 3 rings"))
    suite = project.suite()
    said = listing(suite.problems(), suite.root)
    assert "features/ordering/rings.feature:3: undefined: given 'Anna has two rings'" in said
    assert "features/ordering/rings.feature:4: undefined: when 'Anna buyz 1 ring'" in said
    nearest = said.split(":4: undefined")[1].split("\n")[1]
    assert nearest == "    - when: {name:w} buys {n:d} ring(s)"
    assert said.count("    - ") == 6


def test_a_pin_with_owner_and_reason_is_sound(project: Project) -> None:
    pinned = RINGS.replace("  Scenario:", "  @pins_behaviour @owner:anna\n  Scenario:").replace(
        "    Given", "    Buying always worked; nobody had written it down.\n    Given", 1
    )
    feature = project.feature(pinned)
    assert project.kinds() == set()
    written = project.suite().feature(feature)
    assert written is not None
    assert written.cases[0].pin() == ("anna", "Buying always worked; nobody had written it down.")


def test_a_proposed_scenario_may_use_what_does_not_exist(project: Project) -> None:
    project.feature(RINGS + "\n  @proposed @owner:anna @until:2999-01-31\n  Scenario: Later\n    Given a robot\n")
    assert project.kinds() == set()
