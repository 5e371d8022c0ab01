"""Which scenarios a commit adds, alters, moves or removes: each kind once, and what must not count as a change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from release.changes import changed_scenarios, scenarios_in, scenarios_of
from release.errors import NotReady
from release.tests.history import History

ROOT = Path(__file__).resolve().parents[2]
RINGS = """Feature: Rings
  Background:
    Given a bench

  @slow
  Scenario Outline: Anna sells
    When Anna sells <n> rings
    Then Anna is told
      \"\"\"
      <n> sold
      \"\"\"

    Examples:
      | n |
      | 1 |
      | 2 |

  Rule: rings add up
    Scenario: Anna buys a ring
      Given Anna has 2 rings:
        | kind |
        | wide |
      When Anna buys 1 ring
      Then Anna owns 3 rings
"""
PATH = "features/ordering/rings.feature"


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path)
    history.commit({PATH: RINGS, "features/README.md": "not a feature", "system/a.py": ""})
    return history


def kinds(history: History) -> list[tuple[str, str]]:
    return [(one.kind, one.name) for one in changed_scenarios(history.path, "HEAD~1", "HEAD")]


def test_scenarios_are_known_by_path_rule_and_name(history: History) -> None:
    found = scenarios_of(history.path, "HEAD")
    assert set(found) == {
        f"{PATH}::rings add up::Anna buys a ring",
        f"{PATH}::Anna sells (1)",
        f"{PATH}::Anna sells (2)",
    }
    assert found[f"{PATH}::Anna sells (2)"].tags == ("slow",)
    assert found[f"{PATH}::rings add up::Anna buys a ring"].line == 19
    assert found[f"{PATH}::rings add up::Anna buys a ring"].step_count == 4


SELLS = [("altered", "Anna sells (1)"), ("altered", "Anna sells (2)")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("owns 3", "owns 4", [("altered", "Anna buys a ring")]),
        ("| wide |", "| thin |", [("altered", "Anna buys a ring")]),
        ("<n> sold", "<n> gone", SELLS),
        ("a bench", "a desk", [*SELLS, ("altered", "Anna buys a ring")]),
        ("When Anna buys", "Given Anna buys", [("altered", "Anna buys a ring")]),
        ("  @slow", "  @slow @proposed @owner:anna @until:2999-01-31", SELLS),
        ("      | 2 |\n", "      | 2 |\n      | 7 |\n", [("added", "Anna sells (7)")]),
        ("      | 2 |\n", "", [("removed", "Anna sells (2)")]),
        ("Anna buys a ring", "Anna gets a ring", [("moved", "Anna gets a ring")]),
        ("rings add up", "rings are counted", [("moved", "Anna buys a ring")]),
        ("Feature: Rings", "# Why rings.\nFeature: All rings", []),
        ("  @slow", "  @exclusive", []),
    ],
)  # fmt: skip
def test_a_change_of_words(history: History, old: str, new: str, expected: list[tuple[str, str]]) -> None:
    assert old in RINGS
    history.commit({PATH: RINGS.replace(old, new, 1)})
    assert kinds(history) == expected


def test_a_moved_file_changes_nothing_of_what_is_said(history: History) -> None:
    history.commit({PATH: None, "features/making/rings.feature": RINGS})
    assert {kind for kind, _ in kinds(history)} == {"moved"}


def test_a_change_of_code_alone_is_no_change_of_scenarios(history: History) -> None:
    history.commit({"system/a.py": "x = 1", "step_defs/steps/a.py": "y = 1"})
    assert kinds(history) == []


def test_a_feature_that_cannot_be_read_is_no_answer(history: History) -> None:
    history.commit({PATH: RINGS + "  Sometimes she sings\n"})
    with pytest.raises(NotReady, match="not readable"):
        scenarios_of(history.path, "HEAD")


def test_an_unknown_commit_is_no_answer(history: History) -> None:
    with pytest.raises(NotReady):
        scenarios_of(history.path, "0" * 40)


def test_names_are_those_that_pytest_uses() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "features"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    nodes = {line for line in listed.stdout.splitlines() if line.startswith("features/")}
    ours = {
        scenario.node
        for path in (ROOT / "features").rglob("*.feature")
        for scenario in scenarios_in(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    }
    assert nodes and ours == nodes
