"""Puts the parts of a run, or several runs, together into one stream of cucumber messages."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cucumber_messages as messages  # type: ignore[import-untyped]  # ships annotations, no py.typed

from step_defs.kit.features import FeatureFileText
from step_defs.kit.recorder import AFTER_HOOK, BEFORE_HOOK, as_json, definition_message_id, timestamp
from step_defs.kit.registry import StepDefinition
from step_defs.kit.suite import Suite

Envelope = dict[str, Any]

RUN_ID = "run"
# Messages that describe, in the order in which a reader needs them, and the field that tells two of them apart.
DESCRIPTIONS = {
    "meta": None,
    "source": "uri",
    "gherkinDocument": "uri",
    "pickle": "id",
    "stepDefinition": "id",
    "hook": "id",
    "testRunStarted": None,
    "testCase": "id",
}


class SameCaseTwice(ValueError):
    """Two runs hold a result for one case: each needs a page of its own."""


def read_envelopes(path: Path) -> list[Envelope]:
    """The messages of one file. A last line cut off by a kill is left out; the count notices the missing end."""
    found: list[Envelope] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return found


def run_envelopes(suite: Suite, parts: Iterable[Envelope], case_ids: set[str], *, success: bool) -> list[Envelope]:
    """One run as a whole stream: what was written, what there is to call, what happened, how it ended.

    Only features with a case of this run are in it, and only their collected cases.
    """
    events = list(parts)
    features = [feature for feature in suite.features if any(case.id in case_ids for case in feature.cases)]
    started_ns = min((_nanos(event["testCaseStarted"]) for event in _only(events, "testCaseStarted")), default=0)
    stream = [
        as_json(messages.Envelope(meta=_meta())),
        *(envelope for feature in features for envelope in _written(feature, case_ids)),
        *(as_json(envelope) for definition in suite.definitions for envelope in _callable(definition, suite.root)),
        *(as_json(messages.Envelope(hook=hook)) for hook in _hooks()),
        as_json(messages.Envelope(test_run_started=messages.TestRunStarted(timestamp(started_ns), RUN_ID))),
        *events,
        as_json(messages.Envelope(test_run_finished=_finished(success=success, at_ns=time.time_ns()))),
    ]
    return merged([stream])


def merged(runs: Sequence[Sequence[Envelope]]) -> list[Envelope]:
    """Several streams as one: descriptions once, events in their order. Raises SameCaseTwice."""
    described: dict[str, dict[str, Envelope]] = {kind: {} for kind in DESCRIPTIONS}
    events: list[Envelope] = []
    finished: list[Envelope] = []
    seen: set[str] = set()
    for run in runs:
        here = {envelope["testCaseStarted"]["id"] for envelope in _only(run, "testCaseStarted")}
        if here & seen:
            raise SameCaseTwice(f"{len(here & seen)} scenarios are in two of these runs; make a page for each run")
        seen |= here
        for envelope in run:
            kind = next(iter(envelope))
            if kind == "testRunFinished":
                finished.append(envelope)
            elif kind in described:
                key = DESCRIPTIONS[kind]
                described[kind].setdefault(envelope[kind][key] if key else "", envelope)
            else:
                events.append(envelope)
    success = all(envelope["testRunFinished"]["success"] for envelope in finished)
    last_ns = max((_nanos(envelope["testRunFinished"]) for envelope in finished), default=0)
    end = as_json(messages.Envelope(test_run_finished=_finished(success=success, at_ns=last_ns)))
    return [*(one for kind in described.values() for one in kind.values()), *events, end]


def _only(stream: Iterable[Envelope], kind: str) -> Iterator[Envelope]:
    return (envelope for envelope in stream if kind in envelope)


def _nanos(message: dict[str, Any]) -> int:
    return int(message["timestamp"]["seconds"]) * 1_000_000_000 + int(message["timestamp"]["nanos"])


def _finished(*, success: bool, at_ns: int) -> messages.TestRunFinished:
    return messages.TestRunFinished(success=success, timestamp=timestamp(at_ns), test_run_started_id=RUN_ID)


def _meta() -> messages.Meta:
    return messages.Meta(
        protocol_version=version("cucumber-messages"),
        implementation=messages.Product(name="pytest-bdd", version=version("pytest-bdd")),
        runtime=messages.Product(name=platform.python_implementation(), version=platform.python_version()),
        os=messages.Product(name=platform.system(), version=platform.release()),
        cpu=messages.Product(name=platform.machine()),
    )


def _written(feature: FeatureFileText, case_ids: set[str]) -> Iterator[Envelope]:
    source = messages.Source(
        uri=feature.uri, data=feature.text, media_type=messages.SourceMediaType.text_x_cucumber_gherkin_plain
    )
    yield as_json(messages.Envelope(source=source))
    yield {"gherkinDocument": feature.document}
    for pickle in feature.pickles:
        if pickle["id"] in case_ids:
            yield {"pickle": pickle}


def _callable(definition: StepDefinition, root: Path) -> Iterator[messages.Envelope]:
    path = definition.path.relative_to(root) if definition.path.is_relative_to(root) else Path(definition.path.name)
    reference = messages.SourceReference(uri=path.as_posix(), location=messages.Location(line=definition.line))
    for language, phrase in definition.phrases.items():
        # The pattern is shown, never run, by a reader; to the protocol a phrase is nearest to this kind.
        pattern = messages.StepDefinitionPattern(
            source=phrase.text, type=messages.StepDefinitionPatternType.cucumber_expression
        )
        yield messages.Envelope(
            step_definition=messages.StepDefinition(
                id=definition_message_id(definition, language), pattern=pattern, source_reference=reference
            )
        )


def _hooks() -> list[messages.Hook]:
    place = messages.SourceReference(uri="step_defs/kit/recording.py")
    return [
        messages.Hook(
            id=BEFORE_HOOK, name="preparation", source_reference=place, type=messages.HookType.before_test_case
        ),
        messages.Hook(id=AFTER_HOOK, name="clean-up", source_reference=place, type=messages.HookType.after_test_case),
    ]
