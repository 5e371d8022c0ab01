"""Whether evidence that says PASSED can be believed: its raw reports, its counts and its clock are looked at again.

edited(result, blobs) -> str                       why a raw report is not what was recorded, or nothing
faults(result, gate, blobs, ...) -> tuple[str]     sentences, none when it is sound; call only when nothing was edited
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from xml.etree import ElementTree

from release.blobs import Blobs
from release.errors import EvidenceInvalid
from release.policy import Gate
from release.statement import TestResult
from release.verdict import Verdict

CLOCK_SKEW_MAX = timedelta(minutes=2)
"""How far the clocks of two machines of the pipeline may differ."""
COUNTS_SUFFIX = ".counts.json"


def edited(result: TestResult, blobs: Blobs) -> str:
    """Why a raw report is no longer what was signed (gone, or changed by a byte), or nothing."""
    for name, sha256 in result.raw.items():
        try:
            blobs.get(sha256)
        except EvidenceInvalid as failure:
            return f"{name}: {failure}"
    return ""


def faults(
    result: TestResult, gate: Gate, blobs: Blobs, *, digest: str, now: datetime, shares_run: bool
) -> tuple[str, ...]:
    """Everything that contradicts a PASSED of the candidate `digest`."""
    raw = {name: blobs.get(sha256) for name, sha256 in result.raw.items()}
    return (
        *_clock(result, now),
        *_ending(result, shares_run=shares_run),
        *_counts(result, gate),
        *_missing(gate, raw),
        *(fault for name in raw for fault in _report(name, raw, gate, digest)),
    )


def _clock(result: TestResult, now: datetime) -> list[str]:
    found = []
    if result.finished > now + CLOCK_SKEW_MAX:
        found.append(f"It finished in the future, at {result.finished:%Y-%m-%d %H:%M} UTC: a clock is wrong.")
    if result.finished < result.started:
        found.append("It finished before it started: a clock is wrong.")
    return found


def _ending(result: TestResult, *, shares_run: bool) -> list[str]:
    if result.exit_status is None:
        return ["It says PASSED, and its command was killed or never ran."]
    # Of several gates that share a run, another one may be the reason for the status.
    if result.exit_status != 0 and not shares_run:
        return [f"It says PASSED, and its command ended with status {result.exit_status}."]
    return []


def _counts(result: TestResult, gate: Gate) -> list[str]:
    """`checked` are the executed ones: passed and failed; a skipped test was not looked at."""
    counts = result.counts
    told = counts.passed + counts.failed
    if counts.checked == 0:
        return [f"All {counts.skipped} tests were skipped." if counts.skipped else "It executed zero tests."]
    if told != counts.checked and (told or gate.reads == "junit"):
        return [f"Its counts contradict each other: {counts.checked} were executed, {told} have an outcome."]
    if counts.failed:
        return [f"It says PASSED, and {counts.failed} failed."]
    if counts.skipped > gate.skipped_max:
        return [f"It skipped {counts.skipped}, and {gate.skipped_max} may be skipped."]
    if counts.checked < gate.tests_min:
        return [f"It executed {counts.checked}, and at least {gate.tests_min} are expected."]
    return []


def _missing(gate: Gate, raw: Mapping[str, bytes]) -> list[str]:
    return [
        f"The report {pattern} is missing."
        for pattern in gate.reports
        if not any(_means(pattern, name) for name in raw)
    ]


def _means(pattern: str, name: str) -> bool:
    """Whether the declared name or glob means the file; `**/` may also stand for no directory at all."""
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, pattern.replace("**/", ""))


def _report(name: str, raw: Mapping[str, bytes], gate: Gate, digest: str) -> list[str]:
    """Faults of one raw file. Logs and pictures beside the reports are only kept for people."""
    content = raw[name]
    if not any(_means(pattern, name) for pattern in gate.reports):
        return []
    if not content.strip():
        return [f"The raw report {name} is empty."]
    if gate.reads == "verdict":
        return _verdict(name, content, digest)
    return _junit(name, content) + (_counted(name, raw) if gate.counted else [])


def _verdict(name: str, content: bytes, digest: str) -> list[str]:
    try:
        said = json.loads(content)
    except ValueError:
        return [f"The raw report {name} is cut short or damaged: it is not JSON."]
    if not isinstance(said, dict) or said.get("digest") != digest:
        return [f"The raw report {name} is about another candidate."]
    if said.get("verdict") != Verdict.PASSED:
        return [f"It says PASSED, and {name} says {said.get('verdict')}."]
    return []


def _junit(name: str, content: bytes) -> list[str]:
    try:
        # The pipeline's own tools wrote it, and it was just found to be what they wrote.
        root = ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError:
        return [f"The raw report {name} is cut short or damaged: it is not XML."]
    bad = sum(1 for case in root.iter("testcase") if case.find("failure") is not None or case.find("error") is not None)
    return [f"It says PASSED, and {name} holds {bad} failures."] if bad else []


def _counted(report: str, raw: Mapping[str, bytes]) -> list[str]:
    """Faults of what release.counting wrote beside a junit report."""
    name = str(PurePosixPath(report).with_suffix(COUNTS_SUFFIX))
    if name not in raw:
        return [f"{report} has no {name} beside it: nobody counted what was collected."]
    try:
        counts = json.loads(raw[name])
        collected, executed, reported = (counts[key] for key in ("collected", "executed", "reported"))
        mismatches = counts["mismatches"]
    except (ValueError, KeyError, TypeError):
        return [f"{name} cannot be read: nobody knows what was collected."]
    if not collected == executed == reported or mismatches:
        return [f"{name}: {collected} tests were collected, {executed} executed and {reported} reported."]
    return []
