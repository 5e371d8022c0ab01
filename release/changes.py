"""Which scenarios a range of commits adds, alters, moves or removes.

A scenario is what it says: its steps with their tables and texts, its background's among them, and whether it is only
proposed. A scenario whose words stayed the same while the code behind its phrases changed is *not* altered here: the
words are the specification, and what a phrase does is judged by the scenarios that fail when it does something else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gherkin.ast_builder import AstBuilder
from gherkin.errors import CompositeParserException
from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler
from gherkin.stream.id_generator import IdGenerator

from release.errors import NotReady
from release.repository import Repository

FEATURES = "features"
# Other tags say how a scenario is run; this one, whether it is part of the specification yet.
TAGS_OF_CONTENT = frozenset({"proposed"})
KINDS = ("added", "altered", "removed", "moved")
Kind = Literal["added", "altered", "removed", "moved"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, or one row of an outline, as it was at a commit."""

    path: str
    rule: str
    """Name of the rule it stands under; empty outside of rules."""
    name: str
    """As reports show it: values of its row filled in, or in brackets after a name that has no place for them."""
    line: int
    tags: tuple[str, ...]
    """Without `@`; those of its feature, rule and examples too."""
    content: str
    """Everything it says, as text that is equal when the scenario is."""
    step_count: int

    @property
    def id(self) -> str:
        """Path, rule and name: what makes it the same scenario at two commits."""
        return "::".join((self.path, self.rule, self.name) if self.rule else (self.path, self.name))

    @property
    def node(self) -> str:
        """What pytest calls it."""
        return f"{self.path}::{self.name}"

    @property
    def proposed(self) -> bool:
        """Listed, and not yet part of what must hold."""
        return "proposed" in self.tags

    @property
    def exclusive(self) -> bool:
        """Breaks shared parts, so it runs alone."""
        return "exclusive" in self.tags

    @property
    def pins_behaviour(self) -> bool:
        """Holds on to what was there before it was written, so that it passes on the previous release too."""
        return "pins_behaviour" in self.tags


@dataclass(frozen=True, slots=True)
class ChangedScenario:
    """One difference between two commits. `line` and `tags` are the newer ones, of a removed scenario the older."""

    path: str
    name: str
    line: int
    kind: Kind
    tags: tuple[str, ...]
    scenario: Scenario

    @property
    def node(self) -> str:
        """What pytest calls it."""
        return self.scenario.node

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.path}:{self.line} {self.name!r}"


def scenarios_of(repo: Path, commit: str) -> dict[str, Scenario]:
    """Every scenario at a commit by its identity. Raises NotReady for an unknown commit or a file gherkin refuses."""
    repository = Repository(repo)
    found: dict[str, Scenario] = {}
    for path in repository.files(commit, FEATURES):
        if path.endswith(".feature"):
            for scenario in scenarios_in(path, repository.text(commit, path)):
                if scenario.id in found:
                    raise NotReady(f"{scenario.id} is written twice at {commit[:12]}.")
                found[scenario.id] = scenario
    return found


def scenarios_in(path: str, text: str) -> Iterator[Scenario]:
    """The scenarios of one feature file, outlines expanded. Raises NotReady when gherkin refuses the file."""
    ids = IdGenerator()
    try:
        document: Any = Parser(AstBuilder(ids)).parse(text)
    except CompositeParserException as refused:
        raise NotReady(f"{path} is not readable: {refused}") from None
    document["uri"] = path
    written = {node["id"]: (rule, node) for rule, node in _nodes(document)}
    names: set[str] = set()
    for pickle in Compiler(ids).compile(document):
        rule, node = written[pickle["astNodeIds"][0]]
        name = _unique(_name_in_reports(pickle, node), names)
        tags = tuple(dict.fromkeys(tag["name"].removeprefix("@") for tag in pickle["tags"]))
        yield Scenario(
            path=path,
            rule=rule,
            name=name,
            line=pickle["location"]["line"],
            tags=tags,
            content=_content(pickle["steps"], tags),
            step_count=len(pickle["steps"]),
        )


def changed_scenarios(repo: Path, base: str, head: str) -> list[ChangedScenario]:
    """Every difference in the scenarios from `base` to `head`, by path and line. See `compare`."""
    return compare(scenarios_of(repo, base), scenarios_of(repo, head))


def compare(before: Mapping[str, Scenario], after: Mapping[str, Scenario]) -> list[ChangedScenario]:
    """What was added, altered, removed; or moved: the same words under another name, rule or file."""
    gone = [scenario for key, scenario in before.items() if key not in after]
    changes: list[ChangedScenario] = []
    for key, scenario in after.items():
        if key in before:
            if scenario.content != before[key].content:
                changes.append(_change(scenario, "altered"))
            continue
        twin = next((one for one in gone if one.content == scenario.content), None)
        if twin is not None:
            gone.remove(twin)
        changes.append(_change(scenario, "moved" if twin is not None else "added"))
    changes += [_change(scenario, "removed") for scenario in gone]
    return sorted(changes, key=lambda change: (change.path, change.line, change.name))


def _change(scenario: Scenario, kind: Kind) -> ChangedScenario:
    return ChangedScenario(scenario.path, scenario.name, scenario.line, kind, scenario.tags, scenario)


def _nodes(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every scenario node with the name of its rule."""
    for child in (document.get("feature") or {}).get("children", []):
        if "scenario" in child:
            yield "", child["scenario"]
        for below in child.get("rule", {}).get("children", []):
            if "scenario" in below:
                yield child["rule"]["name"], below["scenario"]


def _name_in_reports(pickle: Any, node: dict[str, Any]) -> str:
    name = str(pickle["name"]).replace("::", ": ")
    if pickle["name"] != node["name"] or len(pickle["astNodeIds"]) == 1:
        return name
    row = next(
        row
        for examples in node["examples"]
        for row in examples.get("tableBody", [])
        if row["id"] == pickle["astNodeIds"][1]
    )
    values = ", ".join(cell["value"] for cell in row["cells"])
    return f"{name} ({values})"


def _unique(name: str, names: set[str]) -> str:
    candidates = (name, *(f"{name} #{number}" for number in range(2, len(names) + 3)))
    chosen = next(candidate for candidate in candidates if candidate not in names)
    names.add(chosen)
    return chosen


def _content(steps: Any, tags: tuple[str, ...]) -> str:
    said = [[step["type"], step["text"], _block(step.get("argument") or {})] for step in steps]
    return json.dumps([sorted(TAGS_OF_CONTENT & set(tags)), said], ensure_ascii=False)


def _block(argument: dict[str, Any]) -> list[Any]:
    if "dataTable" in argument:
        return [[cell["value"] for cell in row["cells"]] for row in argument["dataTable"]["rows"]]
    if "docString" in argument:
        return [argument["docString"].get("mediaType", ""), argument["docString"]["content"]]
    return []
