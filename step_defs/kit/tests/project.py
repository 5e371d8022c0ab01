"""A small project to break: steps, features and a run, each in a directory of its own."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from step_defs.kit.suite import Suite, load_suite

STEPS = """
from step_defs.kit import Given, Then, When, step

@step(en="{name:w} has {n:d} ring(s)", ru="у {name:w} {n:d} кольцо/кольца/колец", about="Rings a person has.",
      example="Anna has 2 rings")
@Given
def has(world, name, n):
    world[name] = n

@step(en="{name:w} buys {n:d} ring(s)", ru="{name:w} покупает {n:d} кольцо/кольца/колец", about="A purchase.",
      example="Anna buys 1 ring")
@When
def buys(world, name, n):
    world[name] += n

@step(en="{name:w} owns {n:d} ring(s)", ru="{name:w} владеет {n:d} кольцом/кольцами", about="What a person owns.",
      example="Anna owns 3 rings")
@Then
def owns(world, name, n):
    assert world[name] == n
"""

CONFTEST = """
import pytest

@pytest.fixture
def world(diagnosis):
    seen = {}
    diagnosis.append(lambda: ("Timeline", f"rings: {sorted(seen.items())}"))
    return seen
"""

RINGS = """
Feature: Rings
  Scenario: Anna buys a ring
    Given Anna has 2 rings
    When Anna buys 1 ring
    Then Anna owns 3 rings
"""

RINGS_RU = """
# language: ru
Функция: Кольца
  Сценарий: Анна покупает кольцо
    Дано у Анна 2 кольца
    Когда Анна покупает 1 кольцо
    Тогда Анна владеет 3 кольцами
"""

INI = """
[pytest]
addopts = --strict-markers --strict-config -ra -p step_defs.kit.plugin
filterwarnings = error
bdd_steps = ring_steps
asyncio_default_fixture_loop_scope = function
"""


class Project:
    """Written below pytester's directory; `run` is a pytest of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.root = pytester.path
        pytester.makeini(INI)
        self.write("ring_steps/__init__.py", "")
        self.steps(STEPS)
        self.write("conftest.py", CONFTEST)

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return target

    def steps(self, text: str) -> None:
        self.write("ring_steps/rings.py", text)

    def more_steps(self, text: str) -> None:
        """A second step module, beside the three usual steps."""
        self.write("ring_steps/more.py", "from step_defs.kit import Given, Then, When, step\n" + textwrap.dedent(text))

    def feature(self, text: str = RINGS, path: str = "ordering/rings.feature") -> Path:
        return self.write(f"features/{path}", text)

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess("features", *arguments)

    def counts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "build/scenarios/counts.json").read_text(encoding="utf-8"))
        return found

    def envelopes(self) -> list[dict[str, Any]]:
        text = (self.root / "build/scenarios/messages.ndjson").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def suite(self) -> Suite:
        self.pytester.syspathinsert()
        return load_suite(root=self.root, features="features", steps=["ring_steps"])

    def kinds(self) -> set[str]:
        """The kinds of problem that all static checks find together."""
        suite = self.suite()
        return {problem.kind for problem in [*suite.problems(), *suite.unused()]}
