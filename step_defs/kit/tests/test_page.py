"""What a run leaves for people: a valid stream of messages, and a page that shows failures with their diagnosis."""

from pathlib import Path
from typing import Any

import cucumber_messages as messages  # type: ignore[import-untyped]  # ships annotations, no py.typed
import pytest

from step_defs.kit.cli import main
from step_defs.kit.envelopes import SameCaseTwice, merged
from step_defs.kit.page import FormatterMissing, write_page
from step_defs.kit.tests.project import RINGS, RINGS_RU, Project

pytest_plugins = ["pytester"]

WRONG = RINGS.replace("a ring\n", "<too> few\n").replace("owns 3", "owns 4").replace("Rings", "Few rings", 1)
TEMPLATE = "<body>{{title}}|{{icon}}|{{css}}|{{custom_css}}|{{messages}}|{{script}}|{{custom_script}}</body>"


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    project = Project(pytester)
    project.feature(RINGS)
    project.feature(RINGS_RU, "ordering/кольца.feature")
    project.feature(WRONG, "ordering/wrong.feature")
    return project


def formatter(root: Path, template: str = TEMPLATE) -> Path:
    """An installed formatter, as far as the page can tell."""
    dist = root / "node_modules/@cucumber/html-formatter/dist"
    (dist / "src").mkdir(parents=True)
    for name, text in (("main.js", "run()"), ("main.css", "a{}"), ("src/icon.url", "icon\n")):
        (dist / name).write_text(text)
    (dist / "src/index.mustache").write_text(template)
    return root / "node_modules"


def of_kind(envelopes: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [envelope[kind] for envelope in envelopes if kind in envelope]


def test_every_message_follows_the_protocol_and_refers_to_what_exists(project: Project) -> None:
    project.run().assert_outcomes(passed=2, failed=1)
    envelopes = project.envelopes()
    for envelope in envelopes:
        read = messages.message_converter.from_dict(envelope, messages.Envelope)
        assert sum(value is not None for value in vars(read).values()) == 1
    pickles = {one["id"]: one for one in of_kind(envelopes, "pickle")}
    definitions = {one["id"] for one in of_kind(envelopes, "stepDefinition")}
    cases = of_kind(envelopes, "testCase")
    assert {one["pickleId"] for one in cases} == set(pickles)
    for case in cases:
        steps = [step for step in case["testSteps"] if "pickleStepId" in step]
        assert [step["pickleStepId"] for step in steps] == [step["id"] for step in pickles[case["pickleId"]]["steps"]]
        assert all(set(step["stepDefinitionIds"]) <= definitions and step["stepDefinitionIds"] for step in steps)
    assert {one["uri"] for one in of_kind(envelopes, "source")} == {
        f"features/ordering/{name}.feature" for name in ("rings", "wrong", "кольца")
    }
    assert of_kind(envelopes, "testRunFinished")[0]["success"] is False
    assert next(iter(envelopes[0])) == "meta"
    assert "testRunFinished" in envelopes[-1]


def test_a_failure_carries_the_diagnosis_taken_before_the_clean_up(project: Project) -> None:
    project.run()
    attachments = {one["fileName"]: one for one in of_kind(project.envelopes(), "attachment")}
    assert attachments["Timeline"]["body"] == "rings: [('Anna', 3)]"
    failed = [
        one for one in of_kind(project.envelopes(), "testStepFinished") if one["testStepResult"]["status"] == "FAILED"
    ]
    assert [one["testStepId"] for one in failed] == [attachments["Timeline"]["testStepId"]]
    message = failed[0]["testStepResult"]["message"]
    assert "assert 3 == 4" in message
    assert "call_fixture_func" not in message, "the frames between feature and step say nothing to a reader"


def test_a_diagnosis_that_fails_does_not_silence_the_others(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import pytest

        def broken():
            raise OSError("the system is gone")

        @pytest.fixture
        def world(diagnosis):
            diagnosis.append(broken)
            diagnosis.append(lambda: ("Log", "the last line"))
            return {}
        """,
    )
    project.run().assert_outcomes(passed=2, failed=1)
    bodies = {one["fileName"]: one["body"] for one in of_kind(project.envelopes(), "attachment")}
    assert bodies["Log"] == "the last line"
    assert "the system is gone" in bodies["diagnosis failed"]


def test_a_failing_fixture_and_a_failing_clean_up_are_failures(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture
        def world():
            return {}

        @pytest.fixture(autouse=True)
        def system(request):
            if "few" in request.node.name:
                raise OSError("no broker")
            yield
            if "ring" in request.node.name:
                raise OSError("no clean-up")
        """,
    )
    project.run().assert_outcomes(passed=2, errors=2)
    counts = project.counts()
    assert (counts["passed"], counts["failed"], counts["mismatches"]) == (1, 2, [])


def test_the_page_holds_the_numbers_in_both_languages_and_no_tag_inside_its_script(project: Project) -> None:
    formatter(project.root)
    project.run()
    page = (project.root / "build/scenarios/index.html").read_text(encoding="utf-8")
    assert "прошли / passed</td><td>2<" in page
    assert "не прошли / failed</td><td>1<" in page
    inside = page.split("|")[4]
    assert "<" not in inside
    assert "\\u003Ctoo> few" in inside


def test_without_the_formatter_the_run_says_so_and_keeps_the_messages(project: Project) -> None:
    result = project.run()
    result.stdout.fnmatch_lines(["no page: run `make prepare`*"])
    assert project.envelopes()


def test_a_formatter_of_another_shape_is_refused(tmp_path: Path) -> None:
    node_modules = formatter(tmp_path, TEMPLATE.replace("{{script}}", ""))
    with pytest.raises(FormatterMissing, match="no script"):
        write_page([], tmp_path / "index.html", node_modules=node_modules)


def test_two_runs_become_one_page(project: Project) -> None:
    formatter(project.root)
    project.run("-k", "few", "--bdd-report", "build/few")
    project.run("-k", "not few", "--bdd-report", "build/others")
    runs = [str(project.root / "build" / name) for name in ("few", "others")]
    assert main(["--root", str(project.root), "report", *runs, "--out", str(project.root / "build/all")]) == 0
    page = (project.root / "build/all/index.html").read_text(encoding="utf-8")
    assert "прошли / passed</td><td>2<" in page
    assert "не прошли / failed</td><td>1<" in page


def test_one_case_in_two_runs_needs_two_pages(project: Project) -> None:
    project.run()
    with pytest.raises(SameCaseTwice):
        merged([project.envelopes(), project.envelopes()])
