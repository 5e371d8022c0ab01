"""The features as written: every file parsed, every scenario an object, ids the same in every process.

Parsing is gherkin's own; a `Case` is one scenario, or one row of an outline's examples.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gherkin.ast_builder import AstBuilder
from gherkin.errors import CompositeParserException
from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler
from gherkin.stream.id_generator import IdGenerator

from step_defs.kit.problems import Problem

POSITION_BY_TYPE = {"Context": "given", "Action": "when", "Outcome": "then"}


class _StableIds(IdGenerator):
    """Ids that depend on the file alone, so that parallel workers name the same scenario alike."""

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._prefix = hashlib.sha256(uri.encode()).hexdigest()[:10]

    def get_next_id(self) -> str:
        return f"{self._prefix}-{super().get_next_id()}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Whose proposal a scenario is, or whose care in quarantine, and the last day on which it may stay so."""

    owner: str
    until: date

    def expired(self, today: date) -> bool:
        return today > self.until


@dataclass(frozen=True, slots=True)
class CaseStep:
    """One step of a case, with outline values filled in. `position` is "" for a keyword without one (`*`)."""

    id: str
    text: str
    position: str
    line: int
    keyword: str
    has_datatable: bool
    has_docstring: bool

    def has(self, block: str) -> bool:
        return self.has_datatable if block == "datatable" else self.has_docstring


@dataclass(frozen=True, slots=True)
class Case:
    """One runnable scenario; `row` counts the cases of one outline from 0, `values` are that row's, by column."""

    id: str
    name: str
    template: str
    row: int
    values: Mapping[str, str] = field(hash=False)
    line: int
    language: str
    tags: tuple[str, ...]
    steps: tuple[CaseStep, ...]
    description: str
    """What stands between its name and its first step; empty when nothing does."""
    feature: FeatureFileText = field(repr=False)

    @property
    def proposed(self) -> bool:
        return "proposed" in self.tags

    @property
    def quarantined(self) -> bool:
        """It runs, and its result counts neither way until its last day."""
        return "quarantine" in self.tags

    @property
    def pins_behaviour(self) -> bool:
        """It holds on to what the system did before it was written."""
        return "pins_behaviour" in self.tags

    @property
    def place(self) -> str:
        return f"{self.feature.uri}:{self.line}"

    def proposal(self) -> Proposal:
        """Owner and expiry out of the tags. Raises ValueError that says which tag is missing or unreadable."""
        return self._term("@proposed")

    def quarantine(self) -> Proposal:
        """Who mends the scenario, and until when; raises as `proposal` does."""
        return self._term("@quarantine")

    def pin(self) -> tuple[str, str]:
        """Owner and reason of `@pins_behaviour`. Raises ValueError that says which of the two is missing."""
        owner = dict(tag.split(":", 1) for tag in self.tags if ":" in tag).get("owner", "")
        reason = " ".join(self.description.split())
        if not owner or not reason:
            raise ValueError("@pins_behaviour needs @owner:<name>, and the reason in a line below the scenario's name")
        return owner, reason

    def _term(self, tag: str) -> Proposal:
        values = dict(tag.split(":", 1) for tag in self.tags if ":" in tag)
        owner, until = values.get("owner", ""), values.get("until", "")
        if not owner or not until:
            raise ValueError(f"{tag} needs @owner:<name> and @until:<year-month-day>")
        try:
            return Proposal(owner=owner, until=date.fromisoformat(until))
        except ValueError:
            raise ValueError(f"@until:{until} is not a date; write @until:2027-01-31") from None


@dataclass(slots=True)
class FeatureFileText:
    """A feature file: its text, gherkin's document and pickles, and its cases. `error` when it cannot be parsed."""

    path: Path
    uri: str
    text: str
    document: dict[str, Any] = field(default_factory=dict)
    pickles: list[dict[str, Any]] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)

    @property
    def language(self) -> str:
        return str(self.document.get("feature", {}).get("language", ""))

    def scenarios(self) -> Iterator[dict[str, Any]]:
        """The scenario nodes as gherkin has them, those inside rules too."""
        for child in self.children():
            if "scenario" in child:
                yield child["scenario"]

    def children(self) -> Iterator[dict[str, Any]]:
        """Backgrounds and scenarios of the feature and its rules, each in its envelope, and the rules themselves."""
        for child in self.document.get("feature", {}).get("children", []):
            yield child
            yield from child.get("rule", {}).get("children", [])


def read_feature(path: Path, root: Path) -> FeatureFileText:
    """Parses one file. `uri` is its path below `root`. A file gherkin refuses comes back with `errors` and no cases."""
    uri = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    feature = FeatureFileText(path=path, uri=uri, text=path.read_text(encoding="utf-8"))
    ids = _StableIds(uri)
    try:
        document: Any = Parser(AstBuilder(ids)).parse(feature.text)
    except CompositeParserException as refused:
        feature.errors = [_parse_problem(path, error) for error in refused.errors]
        return feature
    document["uri"] = uri
    feature.document = document
    feature.pickles = [dict(pickle) for pickle in Compiler(ids).compile(document)]
    feature.cases = list(_cases(feature))
    return feature


def read_features(root: Path, directory: Path) -> list[FeatureFileText]:
    """Every feature file below the directory, by path."""
    return [read_feature(path, root) for path in sorted(directory.rglob("*.feature"))]


def _parse_problem(path: Path, error: Any) -> Problem:
    message = re.sub(r"^\(\d+:\d+\): ", "", str(error))
    return Problem(path, int(error.location.get("line", 1)), "not-gherkin", message)


def _cases(feature: FeatureFileText) -> Iterator[Case]:
    scenarios = {scenario["id"]: scenario for scenario in feature.scenarios()}
    nodes = {
        step["id"]: step
        for child in feature.children()
        for kind in ("background", "scenario")
        if kind in child
        for step in child[kind]["steps"]
    }
    rows: dict[str, int] = {}
    for pickle in feature.pickles:
        scenario_id = pickle["astNodeIds"][0]
        row = rows[scenario_id] = rows.get(scenario_id, -1) + 1
        yield Case(
            id=pickle["id"],
            name=pickle["name"],
            template=scenarios[scenario_id]["name"],
            row=row,
            values=_row_values(scenarios[scenario_id], pickle["astNodeIds"][1:]),
            line=pickle["location"]["line"],
            language=pickle["language"],
            tags=tuple(dict.fromkeys(tag["name"].removeprefix("@") for tag in pickle["tags"])),
            steps=tuple(_case_step(step, nodes[step["astNodeIds"][0]]) for step in pickle["steps"]),
            description=scenarios[scenario_id]["description"].strip(),
            feature=feature,
        )


def _row_values(scenario: dict[str, Any], row_ids: list[str]) -> dict[str, str]:
    return {
        column["value"]: cell["value"]
        for examples in scenario["examples"]
        for row in examples.get("tableBody", [])
        if row["id"] in row_ids
        for column, cell in zip(examples["tableHeader"]["cells"], row["cells"], strict=True)
    }


def _case_step(step: dict[str, Any], node: dict[str, Any]) -> CaseStep:
    argument = step.get("argument", {})
    return CaseStep(
        id=step["id"],
        text=step["text"],
        position=POSITION_BY_TYPE.get(step["type"], ""),
        line=node["location"]["line"],
        keyword=node["keyword"].strip(),
        has_datatable="dataTable" in argument,
        has_docstring="docString" in argument,
    )
