"""Running chosen scenarios against a system of a chosen image, and reading back how each of them ended.

Scenarios run as anybody runs them, by pytest in a process of its own. What is believed is the junit file *and* the kit's own
count of what was collected, executed and reported; when they disagree the run broke, whatever its colours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

OUTPUT_CHARACTERS_SHOWN = 4000
# What a scenario raises when the system does not do as it says. Anything else is a mistake in the test's own code.
REFUTATIONS = frozenset({"AssertionError", "Refusal", "NotInTime", "Trouble"})
# The one Trouble that says nothing of the release: nobody was there to answer.
NOBODY_THERE = "got no answer"


class Ending(StrEnum):
    """How a scenario ended."""

    PASSED = "passed"
    FAILED = "failed"
    """The system did not do what the scenario says."""
    BROKEN = "broken"
    """The test itself could not be carried out: nothing is known of the system."""
    PROPOSED = "proposed"
    QUARANTINED = "quarantined"
    """It ran, and its result counts neither way."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario's ending and the first line of why."""

    ending: Ending
    why: str = ""


class RunBroke(Exception):
    """No result of this run can be believed; the message says why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One pytest process: its arguments, and where it leaves its reports."""

    name: str
    arguments: tuple[str, ...]

    def command(self, out: Path) -> list[str]:
        """The whole command line."""
        reports = ["--junit-xml", str(out / f"{self.name}.xml"), "--bdd-report", str(out / self.name)]
        return [sys.executable, "-m", "pytest", *self.arguments, "-p", "no:cacheprovider", *reports]


def selection(nodes: Sequence[str], file: Path) -> str:
    """An argument that makes pytest run exactly these scenarios; a file, because a command line has an end."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{node}\n" for node in nodes), encoding="utf-8")
    return f"@{file}"


def against_fresh_system(commands: Sequence[Sequence[str]], variables: Mapping[str, str], log: Path) -> tuple[int, str]:
    """Starts a system, runs the commands against it, removes it. Returns the exit status and the end of what was said."""
    line = [sys.executable, "-m", "step_defs.assembly", "run"]
    for number, command in enumerate(commands):
        line += (["--then"] if number else []) + list(command)
    with log.open("w", encoding="utf-8") as stream:
        status = subprocess.run(
            line,
            env={**os.environ, **variables},
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
    said = log.read_text(encoding="utf-8", errors="replace")
    print(said[-OUTPUT_CHARACTERS_SHOWN:], flush=True)
    return status, said


def outcomes(out: Path, batches: Iterable[Batch], said: str) -> dict[str, Outcome]:
    """How each scenario of the batches ended, by its pytest name. Raises RunBroke when a report is missing or dishonest."""
    found: dict[str, Outcome] = {}
    for batch in batches:
        found |= _of_batch(out / f"{batch.name}.xml", out / batch.name / "counts.json", said)
    return found


def _of_batch(junit: Path, counts: Path, said: str) -> dict[str, Outcome]:
    if not junit.is_file():
        raise RunBroke(f"{junit.name} was never written. The end of the output: {said.strip()[-800:]}")
    try:
        # Written a moment ago by a pytest of ours: not a stranger's XML.
        cases = list(ElementTree.parse(junit).iter("testcase"))  # noqa: S314
    except ElementTree.ParseError as error:
        raise RunBroke(f"{junit.name} is cut short: {error}") from None
    strays = [case for case in cases if "scenario" not in _properties(case)]
    if strays:
        # A feature that could not be collected is reported as a case without a scenario.
        raise RunBroke(f"The scenarios could not be collected: {_why(strays[0])}")
    if not counts.is_file():
        raise RunBroke(f"{counts.parent.name}/counts.json was never written.")
    counted = json.loads(counts.read_text(encoding="utf-8"))
    if counted["mismatches"] or counted["collected"] != len(cases):
        raise RunBroke(f"The count differs: {'; '.join(counted['mismatches'][:3]) or f'{len(cases)} in {junit.name}'}.")
    return {_node(case): outcome_of(case) for case in cases}


def outcome_of(case: ElementTree.Element) -> Outcome:
    """What one junit test case says. A failure is the system's only when the scenario asserted it."""
    if "quarantine" in _properties(case):
        return Outcome(Ending.QUARANTINED, _why(case))
    failure = case.find("failure")
    if failure is not None:
        why = _why(case)
        return Outcome(Ending.FAILED if refutes(failure.get("message", "")) else Ending.BROKEN, why)
    if case.find("error") is not None:
        return Outcome(Ending.BROKEN, _why(case))
    return Outcome(Ending.PROPOSED if case.find("skipped") is not None else Ending.PASSED)


def refutes(message: str) -> bool:
    """Whether a failure's message is an assertion about the system, and not an accident in the test's own code."""
    first = message.split("\n", 1)[0]
    if first.startswith("assert "):
        return True
    kind = first.split(":", 1)[0].rsplit(".", 1)[-1].strip()
    return kind in REFUTATIONS and NOBODY_THERE not in message


def _node(case: ElementTree.Element) -> str:
    """`features/making/claiming.feature::name`; junit writes the path with dots."""
    path = case.get("classname", "").removesuffix(".feature").replace(".", "/")
    return f"{path}.feature::{case.get('name', '')}"


def _properties(case: ElementTree.Element) -> set[str]:
    return {prop.get("name", "") for prop in case.iter("property")}


def _why(case: ElementTree.Element) -> str:
    for tag in ("failure", "error", "skipped"):
        element = case.find(tag)
        if element is not None:
            text = (
                f"{element.get('message', '')}\n{element.text or ''}" if tag == "error" else element.get("message", "")
            )
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            return " ".join(lines)[:400]
    return ""
