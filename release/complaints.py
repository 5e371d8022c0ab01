"""The board of complaints: each with the scenarios and figures that answer it, and the gate `complaints` that keeps it true.

The gate fails when a complaint is missing or unknown, has no scenario (a proposed one will do, for it is listed with an owner and
a last day), names a scenario or a command that does not exist, or leaves a field empty. Whether scenarios pass is the business of
their own gate; `board` puts their results beside the complaints for the page.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from release.answer import Answer, Run, main_of
from release.changes import Scenario, scenarios_of
from release.errors import PolicyInvalid
from release.repository import Repository
from release.scenario_run import Ending
from release.verdict import Verdict

GATE = "complaints"
FILE = Path(__file__).with_name("complaints.toml")
# What the business complains about. One is struck off here, by a person, when nobody complains about it any more.
IDS = (
    "late-orders",
    "lost-or-doubled",
    "slow-price",
    "statuses-disagree",
    "nobody-took-it",
    "only-words",
    "slow-board",
    "who-was-first",
    "pricing-freezes-mes",
    "never-got-it",
    "neighbours-burst",
    "api-changed",
    "customers-tell-us",
    "slow-releases",
)
TEXTS = ("id", "who", "complaint", "solved_when")
NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One row of the file."""

    id: str
    who: str
    complaint: str
    solved_when: str
    scenarios: tuple[str, ...]
    """`path::name`, the name as reports show it."""
    command: str
    """The module whose figure answers it; empty when none does."""


@dataclass(frozen=True, slots=True)
class Results:
    """What is known when the board is drawn."""

    scenarios: Mapping[str, str] = field(default_factory=dict)
    """Ending (passed, failed, broken, proposed, quarantined) by `path::name`."""
    figures: Mapping[str, str] = field(default_factory=dict)
    """What a command printed of itself, by its module."""


@dataclass(frozen=True, slots=True)
class Held:
    """One scenario of a row and how it ended; `not run` when no result is known."""

    node: str
    ending: str


@dataclass(frozen=True, slots=True)
class Row:
    """One complaint with what is known of it."""

    id: str
    who: str
    complaint: str
    solved_when: str
    scenarios: tuple[Held, ...]
    command: str
    figure: str
    """What the command printed; empty when it did not run, or no figure is asked for."""

    @property
    def held(self) -> bool:
        """Whether every scenario of it passed, and the figure it asks for is known: nothing less answers a complaint."""
        passed = all(one.ending == Ending.PASSED for one in self.scenarios)
        return bool(self.scenarios) and passed and (not self.command or bool(self.figure))


def read(text: str) -> tuple[list[Complaint], list[str]]:
    """The rows of the file, and a sentence for everything that is wrong with their form. Raises PolicyInvalid for no TOML."""
    try:
        rows = tomllib.loads(text).get("complaint", [])
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid(f"{FILE.name} cannot be read: {error}.") from None
    problems: list[str] = []
    complaints = []
    for number, row in enumerate(rows, start=1):
        name = row.get("id") or f"row {number}"
        problems += [
            f"{name}: {key} is not a key of a complaint." for key in row.keys() - {*TEXTS, "scenarios", "command"}
        ]
        problems += [f"{name}: {key} is empty." for key in TEXTS if not str(row.get(key, "")).strip()]
        complaints.append(_complaint(row))
    return complaints, problems


def _complaint(row: Mapping[str, Any]) -> Complaint:
    texts = {key: str(row.get(key, "")).strip() for key in TEXTS}
    return Complaint(**texts, scenarios=tuple(row.get("scenarios", ())), command=str(row.get("command", "")))


def board(results: Results, text: str | None = None) -> list[Row]:
    """The rows in the order of the file with what is known of each. `text` is the file's own unless given."""
    complaints, _ = read(FILE.read_text(encoding="utf-8") if text is None else text)
    return [
        Row(
            id=one.id,
            who=one.who,
            complaint=one.complaint,
            solved_when=one.solved_when,
            scenarios=tuple(Held(node, results.scenarios.get(node, NOT_RUN)) for node in one.scenarios),
            command=one.command,
            figure=results.figures.get(one.command, "") if one.command else "",
        )
        for one in complaints
    ]


def endings_of(messages: Iterable[Path]) -> dict[str, str]:
    """Endings by `path::name` from the message files that runs of scenarios left; a later file wins."""
    endings: dict[str, str] = {}
    for file in messages:
        envelopes = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        endings |= _endings(envelopes)
    return endings


def _endings(envelopes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    pickles = {one["pickle"]["id"]: one["pickle"] for one in envelopes if "pickle" in one}
    cases = {one["testCase"]["id"]: one["testCase"]["pickleId"] for one in envelopes if "testCase" in one}
    runs = {one["testCaseStarted"]["id"]: one["testCaseStarted"] for one in envelopes if "testCaseStarted" in one}
    ended = {one["testCaseFinished"]["testCaseStartedId"] for one in envelopes if "testCaseFinished" in one}
    statuses: dict[str, set[str]] = {run: set() for run in runs}
    for envelope in envelopes:
        if "testStepFinished" in envelope:
            step = envelope["testStepFinished"]
            statuses[step["testCaseStartedId"]].add(step["testStepResult"]["status"])
    endings = {}
    for run, started in runs.items():
        pickle = pickles[cases[started["testCaseId"]]]
        tags = {tag["name"] for tag in pickle["tags"]}
        if run not in ended:
            ending = Ending.BROKEN
        elif "@quarantine" in tags:
            ending = Ending.QUARANTINED
        elif statuses[run] - {"PASSED", "PENDING", "SKIPPED"} or not statuses[run]:
            ending = Ending.FAILED
        else:
            ending = Ending.PROPOSED if statuses[run] != {"PASSED"} else Ending.PASSED
        endings[f"{pickle['uri']}::{pickle['name'].replace('::', ': ')}"] = ending.value
    return endings


def judged(text: str, scenarios: Iterable[Scenario], files: Iterable[str]) -> Answer:
    """The verdict over the file, given the scenarios and the files of the candidate. Raises PolicyInvalid for no TOML."""
    complaints, problems = read(text)
    known = {scenario.node: scenario for scenario in scenarios}
    modules = {path.removesuffix(".py").replace("/", ".") for path in files if path.endswith(".py")}
    ids = [one.id for one in complaints]
    problems += [f"The complaint {name} is missing." for name in IDS if name not in ids]
    problems += [f"The complaint {name} is not among those that the business has." for name in ids if name not in IDS]
    problems += [
        f"The complaint {name} is there twice." for name in sorted({name for name in ids if ids.count(name) > 1})
    ]
    for one in complaints:
        if not one.scenarios:
            problems.append(f"{one.id}: no scenario would show that it is solved, not even a proposed one.")
        problems += [f"{one.id}: there is no scenario {node!r}." for node in one.scenarios if node not in known]
        if one.command and one.command not in modules:
            problems.append(f"{one.id}: there is no command {one.command}.")
    named = {node for one in complaints for node in one.scenarios if node in known}
    figures = {
        "complaints": float(len(complaints)),
        "complaints_fully_specified": float(
            sum(bool(one.scenarios) and all(_real(known, node) for node in one.scenarios) for one in complaints)
        ),
        "scenarios_named": float(len(named)),
        "scenarios_only_proposed": float(sum(known[node].proposed for node in named)),
    }
    return Answer(Verdict.FAILED if problems else Verdict.PASSED, tuple(problems), figures, len(complaints))


def _real(known: Mapping[str, Scenario], node: str) -> bool:
    return node in known and not known[node].proposed


def answer(run: Run, repo: Path) -> Answer:
    """The gate's answer for one candidate, from its commit alone. Raises NotReady or PolicyInvalid."""
    repository = Repository(repo)
    text = repository.text(run.commit, f"{FILE.parent.name}/{FILE.name}")
    return judged(text, scenarios_of(repo, run.commit).values(), repository.files(run.commit, "perf"))


def main(argv: Sequence[str]) -> int:
    """`python -m release complaints`, run as a gate's command in the candidate's checkout."""
    return main_of(GATE, argv, answer, usage=__doc__)
