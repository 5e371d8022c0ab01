"""What pytest-bdd lets pass silently, found before anything runs. Each rule is a function that yields its problems."""

from __future__ import annotations

import difflib
import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from step_defs.kit.features import Case, CaseStep, FeatureFileText
from step_defs.kit.phrases import Phrase
from step_defs.kit.problems import Problem
from step_defs.kit.registry import BLOCK_ARGUMENTS, LANGUAGES, POSITIONS, StepDefinition

# A tag becomes a mark of pytest, and these would change the outcome of a scenario without a word.
TAGS_REFUSED = frozenset({"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings"})
TAGS_OF_SCENARIOS = frozenset({"@proposed", "@quarantine", "@pins_behaviour"})
PLACEHOLDER = re.compile(r"<([^<>\s][^<>]*)>")

Definitions = Sequence[StepDefinition]
Features = Sequence[FeatureFileText]


def matches(text: str, position: str, definitions: Definitions) -> list[tuple[StepDefinition, Phrase]]:
    """Every phrase, of either language, that pytest-bdd could choose for this text in this position."""
    return [
        (definition, phrase)
        for definition in definitions
        if position in definition.positions
        for phrase in definition.phrases.values()
        if phrase.regex.fullmatch(text)
    ]


def nearest_phrases(text: str, language: str, definitions: Definitions) -> list[str]:
    """The three phrases of the language most like the text, the most like first."""
    phrases = {definition.phrases[language].text: definition for definition in definitions}
    near = difflib.get_close_matches(text, phrases, n=3, cutoff=0.0)
    return [f"{'/'.join(phrases[phrase].positions)}: {phrase}" for phrase in near]


# --- the steps ---------------------------------------------------------------------------------------------------


def step_is_plain(definition: StepDefinition) -> Iterator[str]:
    """pytest-bdd calls an async step and throws its coroutine away; a generator may never reach its assertion."""
    function = definition.function
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield f"{definition.name} is async: pytest-bdd never awaits it, so it would always pass"
    elif inspect.isgeneratorfunction(function):
        yield f"{definition.name} yields: put the clean-up in a fixture"


def step_has_position(definition: StepDefinition) -> Iterator[str]:
    if not definition.positions:
        yield f"{definition.name} has no position: write @Given, @When or @Then below @step"


def step_is_described(definition: StepDefinition) -> Iterator[str]:
    if not definition.about.strip():
        yield f"{definition.name} has no description: about= is what a product owner reads"


def languages_capture_alike(definition: StepDefinition) -> Iterator[str]:
    en, ru = (dict(definition.phrases[language].parameters) for language in LANGUAGES)
    if en != ru:
        yield f"{definition.name} captures {_signature(en)} in English but {_signature(ru)} in Russian"


def captures_are_arguments(definition: StepDefinition) -> Iterator[str]:
    """pytest-bdd drops a captured value that the function does not ask for."""
    captured = {name for phrase in definition.phrases.values() for name in phrase.parameters}
    for name in sorted(captured - set(definition.arguments)):
        yield f"{definition.name} captures {{{name}}} but has no argument of that name"
    for name in sorted(captured & set(BLOCK_ARGUMENTS)):
        yield f"{definition.name}: {{{name}}} is the name of a step's block; choose another"


def example_parses(definition: StepDefinition) -> Iterator[str]:
    for language, example in definition.examples.items():
        problem = _parse_failure(definition.phrases[language], example)
        if problem:
            yield f"{definition.name}: its example {example!r} {problem}"


STEP_RULES: dict[str, Callable[[StepDefinition], Iterator[str]]] = {
    "async-step": step_is_plain,
    "no-position": step_has_position,
    "no-description": step_is_described,
    "languages-differ": languages_capture_alike,
    "lost-parameter": captures_are_arguments,
    "example": example_parses,
}


def step_problems(definitions: Definitions) -> Iterator[Problem]:
    """Everything wrong with the steps themselves, whatever the features say."""
    for definition in definitions:
        for kind, rule in STEP_RULES.items():
            for text in rule(definition):
                yield Problem(definition.path, definition.line, kind, text)
        yield from _example_is_its_own(definition, definitions)


def _example_is_its_own(definition: StepDefinition, definitions: Definitions) -> Iterator[Problem]:
    for example in definition.examples.values():
        others = {
            other.id: other
            for position in definition.positions
            for other, _ in matches(example, position, definitions)
            if other is not definition
        }
        for other in others.values():
            text = f"the example {example!r} of {definition.name} is also a sentence of {other.name} ({other.id})"
            yield Problem(definition.path, definition.line, "ambiguous", text)


def unused_phrases(definitions: Definitions, features: Features) -> Iterator[Problem]:
    """Steps that no scenario uses in any language, and reserves that are needed no longer."""
    used = usage(definitions, features)
    for definition in definitions:
        if not used[definition.id] and not definition.reserve:
            text = f"no scenario says {definition.phrases['en'].text!r}; use it, remove it, or give reserve= a reason"
            yield Problem(definition.path, definition.line, "unused", text)
        if used[definition.id] and definition.reserve:
            text = f"{definition.phrases['en'].text!r} is used now: remove its reserve="
            yield Problem(definition.path, definition.line, "reserve", text)


def usage(definitions: Definitions, features: Features) -> dict[str, int]:
    """For each step id, how many cases use it. Proposed cases count: a step may be written before they pass."""
    used: dict[str, int] = defaultdict(int)
    for feature in features:
        for case in feature.cases:
            found = {
                definition.id for step in case.steps for definition, _ in matches(step.text, step.position, definitions)
            }
            for step_id in found:
                used[step_id] += 1
    return used


# --- the features ------------------------------------------------------------------------------------------------


def names_are_unique(features: Features) -> Iterator[Problem]:
    """pytest-bdd keeps the last of two scenarios of one name and forgets the other."""
    places: dict[str, list[tuple[FeatureFileText, int]]] = defaultdict(list)
    for feature in features:
        for scenario in feature.scenarios():
            places[scenario["name"]].append((feature, scenario["location"]["line"]))
    for name, found in places.items():
        if len(found) > 1:
            everywhere = ", ".join(f"{feature.uri}:{line}" for feature, line in found)
            for feature, line in found:
                yield Problem(feature.path, line, "same-name", f"{name!r} is the name of {len(found)}: {everywhere}")


def feature_is_whole(feature: FeatureFileText) -> Iterator[Problem]:
    """Files, backgrounds, scenarios and outlines that would run less than they say."""
    if not feature.errors and not any(True for _ in feature.scenarios()):
        yield Problem(feature.path, 1, "empty", "the file has no scenario")
    if not feature.errors and feature.document.get("feature") and feature.language not in LANGUAGES:
        yield Problem(feature.path, 1, "language", f"{feature.language!r}: features are written in en or ru")
    for child in feature.children():
        for kind in ("background", "scenario"):
            if kind in child:
                for line, problem, text in _node_problems(child[kind], kind):
                    yield Problem(feature.path, line, problem, text)


def _node_problems(node: dict[str, Any], kind: str) -> Iterator[tuple[int, str, str]]:
    line = node["location"]["line"]
    if not node["name"] and kind == "scenario":
        yield line, "no-name", "the scenario has no name"
    if not node["steps"]:
        yield line, "no-steps", f"the {kind} has no steps"
    elif node["steps"][0]["keywordType"] == "Conjunction":
        yield line, "first-step", f"the {kind} begins with And or But; begin with Given, When or Then"
    for one in node["steps"]:
        if one["keywordType"] == "Unknown":
            yield one["location"]["line"], "star", "write Given, When, Then, And or But instead of *"
    for examples in node.get("examples", []):
        yield from _examples_problems(node, examples)


def _examples_problems(scenario: dict[str, Any], examples: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    line = examples["location"]["line"]
    header = [cell["value"] for cell in (examples.get("tableHeader") or {}).get("cells", [])]
    if not header or not examples.get("tableBody"):
        yield line, "no-rows", "the examples have no rows, so nothing would run"
    texts = [scenario["name"], *(one["text"] for one in scenario["steps"])]
    asked = {name for text in texts for name in PLACEHOLDER.findall(text)}
    for name in sorted(asked - set(header)):
        yield line, "placeholder", f"<{name}> has no column in these examples"
    for tag in examples["tags"]:
        if ":" in tag["name"] or tag["name"] in TAGS_OF_SCENARIOS:
            yield line, "tag", f"{tag['name']} belongs on the scenario, the rule or the feature, not on examples"


def descriptions_hide_no_step(feature: FeatureFileText, definitions: Definitions) -> Iterator[Problem]:
    """Gherkin reads a first line with a misspelt keyword as free description, and the step is gone."""
    for child in feature.children():
        for node in child.values():
            for line in node["description"].splitlines():
                keyword, _, text = line.strip().partition(" ")
                if any(matches(text, position, definitions) for position in POSITIONS):
                    said = f"{line.strip()!r} is read as description: {keyword!r} is no keyword in {feature.language!r}"
                    yield Problem(feature.path, node["location"]["line"], "hidden-step", said)


def tags_are_sound(case: Case) -> Iterator[Problem]:
    for tag in case.tags:
        if tag.split(":", 1)[0] in TAGS_REFUSED:
            yield Problem(case.feature.path, case.line, "tag", f"@{tag} would hide a result; use @proposed")
    asked: dict[str, tuple[bool, Callable[[], object]]] = {
        "proposed": (case.proposed, case.proposal),
        "quarantine": (case.quarantined, case.quarantine),
        "pins": (case.pins_behaviour, case.pin),
    }
    for kind, (tagged, read) in asked.items():
        if tagged:
            try:
                read()
            except ValueError as mistake:
                yield Problem(case.feature.path, case.line, kind, str(mistake))
    if case.proposed and (case.quarantined or case.pins_behaviour):
        yield Problem(
            case.feature.path, case.line, "tag", "a @proposed scenario does not run: no other of these tags fits"
        )


def steps_are_defined(case: Case, definitions: Definitions) -> Iterator[Problem]:
    """Each step means exactly one step function, in the language of its feature, with the block it expects."""
    if case.proposed or case.language not in LANGUAGES:
        return
    for step in case.steps:
        if not step.position:
            continue
        for kind, text in _step_text_problems(step, case.language, definitions):
            yield Problem(case.feature.path, step.line, kind, text)


def _step_text_problems(step: CaseStep, language: str, definitions: Definitions) -> Iterator[tuple[str, str]]:
    found = matches(step.text, step.position, definitions)
    if len(found) > 1:
        phrases = "; ".join(f"{phrase.text!r} ({definition.id})" for definition, phrase in found)
        yield "ambiguous", f"{step.text!r} is a sentence of {phrases}"
        return
    if not found or found[0][1].language != language:
        near = "".join(f"\n    - {phrase}" for phrase in nearest_phrases(step.text, language, definitions))
        yield "undefined", f"{step.position} {step.text!r} is not a phrase in {language!r}; nearest:{near}"
        return
    definition, phrase = found[0]
    failure = _parse_failure(phrase, step.text)
    if failure:
        yield "value", f"{step.text!r} {failure}"
    for block in BLOCK_ARGUMENTS:
        if step.has(block) and not definition.takes(block):
            yield "lost-block", f"{definition.name} has no argument {block}, so what is written below would be ignored"
        if definition.takes(block) and not step.has(block):
            yield "missing-block", f"{definition.name} needs a {block} below the step"


def expired_proposals(features: Features, today: date) -> Iterator[Problem]:
    """Proposals and quarantines past their last day."""
    for feature in features:
        for case in feature.cases:
            if not (case.proposed or case.quarantined) or list(tags_are_sound(case)):
                continue
            term, what = (
                (case.proposal(), "proposed by") if case.proposed else (case.quarantine(), "in quarantine with")
            )
            if term.expired(today):
                text = f"{case.name!r}, {what} {term.owner}, expired on {term.until}"
                yield Problem(feature.path, case.line, "expired", text)


def feature_problems(features: Features, definitions: Definitions) -> Iterator[Problem]:
    """Everything wrong with the features that does not depend on the day or on their results."""
    yield from names_are_unique(features)
    for feature in features:
        yield from feature.errors
        yield from feature_is_whole(feature)
        yield from descriptions_hide_no_step(feature, definitions)
        for case in feature.cases:
            yield from tags_are_sound(case)
            yield from steps_are_defined(case, definitions)


def _parse_failure(phrase: Phrase, text: str) -> str:
    try:
        return "" if phrase.captures(text) is not None else f"does not match {phrase.text!r}"
    except Exception as mistake:  # a converter is the steps' own code and may raise anything
        return f"cannot be converted: {type(mistake).__name__}: {mistake}"


def _signature(parameters: dict[str, str]) -> str:
    shown = (f"{{{name}:{kind}}}" if kind else f"{{{name}}}" for name, kind in sorted(parameters.items()))
    return ", ".join(shown) or "nothing"
