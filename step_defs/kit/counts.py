"""The honest count: what was collected, what ran, what was reported and what the junit file says must be the same.

The three come from three sources: pytest's collection, the messages the steps left behind, and pytest's reports.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

# The property that tells a junit case in quarantine from a proposed one: both are skipped to every other reader.
QUARANTINE = "quarantine"
Outcome = Literal["passed", "failed", "proposed", "quarantined", "unfinished"]


@dataclass(frozen=True, slots=True)
class Collected:
    """A case as one process collected it."""

    case_id: str
    node_id: str
    proposed: bool
    step_count: int
    quarantined: bool = False
    """It runs, and however it ends, that is told apart and never counted as passed."""


@dataclass(frozen=True, slots=True)
class Executed:
    """A case as its messages tell it: how it ended, and how many of its steps passed."""

    outcome: Outcome
    steps_passed: int

    @property
    def finished(self) -> bool:
        return self.outcome != "unfinished"


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of a run. `junit` is None when no junit file was asked for."""

    collected: int
    executed: int
    reported: int
    passed: int
    failed: int
    proposed: int
    junit: int | None
    mismatches: tuple[str, ...]
    quarantined: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def count(
    *,
    collections: Mapping[str, Sequence[Collected]],
    executed: Mapping[str, Executed],
    reported: Mapping[str, Outcome],
    junit: Mapping[str, Outcome] | None,
) -> Counts:
    """Compares the sources, keyed by case id. A run with a mismatch must not be believed."""
    names = {one.case_id: one.node_id for collection in collections.values() for one in collection}
    apart = {one.case_id for collection in collections.values() for one in collection if one.quarantined}
    executed = {
        case_id: replace(one, outcome="quarantined") if case_id in apart and one.finished else one
        for case_id, one in executed.items()
    }
    mismatches = [
        *_collections_differ(collections, names),
        *_differences("collected", dict.fromkeys(names), "executed", executed, names),
        *_differences("collected", dict.fromkeys(names), "reported", reported, names),
        *(f"began and never finished: {names.get(key, key)}" for key, one in executed.items() if not one.finished),
        *_outcomes_differ(executed, reported, "pytest reported", names),
        *_dishonest_passes(collections, executed),
    ]
    if junit is not None:
        mismatches += _differences("collected", dict.fromkeys(names), "junit", junit, names)
        mismatches += _outcomes_differ(executed, junit, "the junit file has", names)
    outcomes = [one.outcome for one in executed.values()]
    return Counts(
        collected=len(names),
        executed=sum(one.finished for one in executed.values()),
        reported=len(reported),
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed") + outcomes.count("unfinished"),
        proposed=outcomes.count("proposed"),
        junit=None if junit is None else len(junit),
        mismatches=tuple(dict.fromkeys(mismatches)),
        quarantined=outcomes.count("quarantined"),
    )


def executed_cases(envelopes: Iterable[Mapping[str, Any]]) -> dict[str, Executed]:
    """What the messages say of each case. A case that began and never finished is `unfinished`."""
    case_of_run: dict[str, str] = {}
    case_of_test: dict[str, str] = {}
    statuses: dict[str, list[str]] = {}
    passed: dict[str, int] = {}
    finished: set[str] = set()
    for envelope in envelopes:
        if "testCase" in envelope:
            case_of_test[envelope["testCase"]["id"]] = envelope["testCase"]["pickleId"]
        elif "testCaseStarted" in envelope:
            started = envelope["testCaseStarted"]
            case_id = case_of_run[started["id"]] = case_of_test[started["testCaseId"]]
            statuses.setdefault(case_id, [])
            passed.setdefault(case_id, 0)
        elif "testStepFinished" in envelope:
            step = envelope["testStepFinished"]
            case_id = case_of_run[step["testCaseStartedId"]]
            statuses[case_id].append(step["testStepResult"]["status"])
            is_step = step["testStepId"].endswith("-do")
            passed[case_id] += is_step and step["testStepResult"]["status"] == "PASSED"
        elif "testCaseFinished" in envelope:
            finished.add(case_of_run[envelope["testCaseFinished"]["testCaseStartedId"]])
    return {
        case_id: Executed(_outcome(seen) if case_id in finished else "unfinished", passed[case_id])
        for case_id, seen in statuses.items()
    }


def junit_outcomes(path: Path) -> dict[str, Outcome]:
    """The outcomes of the cases in a junit file, by the `scenario` property that each test case carries."""
    found: dict[str, Outcome] = {}
    # The file is our own pytest's, written a moment ago: not a stranger's XML.
    for element in ElementTree.parse(path).iter("testcase"):  # noqa: S314
        properties = {prop.get("name"): str(prop.get("value")) for prop in element.iter("property")}
        if "scenario" in properties:
            found[properties["scenario"]] = _junit_outcome(element, quarantined=QUARANTINE in properties)
    return found


def _junit_outcome(element: ElementTree.Element, *, quarantined: bool) -> Outcome:
    if element.find("failure") is not None or element.find("error") is not None:
        return "failed"
    if quarantined:
        return "quarantined"
    return "proposed" if element.find("skipped") is not None else "passed"


def _outcome(statuses: Sequence[str]) -> Outcome:
    if {"FAILED", "UNDEFINED", "AMBIGUOUS"} & set(statuses):
        return "failed"
    return "proposed" if "PENDING" in statuses else "passed"


def _collections_differ(collections: Mapping[str, Sequence[Collected]], names: Mapping[str, str]) -> list[str]:
    return [
        f"{worker} did not collect {names[case_id]}"
        for worker, collection in collections.items()
        for case_id in sorted(names.keys() - {one.case_id for one in collection})
    ]


def _differences(
    left: str, one: Mapping[str, Any], right: str, other: Mapping[str, Any], names: Mapping[str, str]
) -> list[str]:
    missing = [f"{left} but not {right}: {names.get(key, key)}" for key in one if key not in other]
    return missing + [f"{right} but not {left}: {names.get(key, key)}" for key in other if key not in one]


def _outcomes_differ(
    executed: Mapping[str, Executed], others: Mapping[str, Outcome], who: str, names: Mapping[str, str]
) -> list[str]:
    return [
        f"the steps say {one.outcome}, {who} {others[case_id]}: {names.get(case_id, case_id)}"
        for case_id, one in executed.items()
        if case_id in others and one.finished and one.outcome != others[case_id]
    ]


def _dishonest_passes(collections: Mapping[str, Sequence[Collected]], executed: Mapping[str, Executed]) -> list[str]:
    return [
        f"passed with {executed[one.case_id].steps_passed} of {one.step_count} steps executed: {one.node_id}"
        for collection in collections.values()
        for one in collection
        if one.case_id in executed
        and executed[one.case_id].outcome == "passed"
        and executed[one.case_id].steps_passed != one.step_count
    ]
