"""From reports to a verdict. Whatever is missing, empty, cut short, contradictory or about something else is ERRORED.

read(gate, out, digest=...) -> Reading         what the gate's own reports say
settle({gate: Reading}, exit_status=...)       the same, believed only where the command's exit status agrees
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jsonschema import Draft202012Validator

from release import counting
from release.policy import Gate
from release.verdict import Verdict

REASONS_MAX = 10
REASON_CHARACTERS_MAX = 300
# What pytest writes when a test was skipped and nobody said why.
NO_REASON = frozenset({"", "unconditional skip"})
EXIT_STATUS = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 3}
VERDICT_SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["gate", "digest", "verdict", "reasons", "figures", "checked"],
        "properties": {
            "gate": {"type": "string"},
            "digest": {"type": "string"},
            "verdict": {"enum": [str(verdict) for verdict in Verdict]},
            "reasons": {"type": "array", "items": {"type": "string", "pattern": r"\S"}},
            "figures": {"type": "object", "additionalProperties": {"type": "number"}},
            "objectives": {"type": "object"},
            "checked": {"type": "integer", "minimum": 0},
        },
    }
)
COUNTS_SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["collected", "executed", "set_up_failed", "reported", "deselected", "mismatches"],
        "properties": {
            **{
                name: {"type": "integer", "minimum": 0}
                for name in ("collected", "executed", "set_up_failed", "reported", "deselected")
            },
            "mismatches": {"type": "array", "items": {"type": "string"}},
        },
    }
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What reports say of one gate."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    checked: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    is_there: bool = True
    """False when the command left none of the gate's reports."""


class ReportInvalid(Exception):
    """A report that says nothing; the message is the reason."""


@dataclass(slots=True)
class _Tally:
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skipped: int = 0
    unexplained: list[str] = field(default_factory=list)
    deselected: int = 0


def read(gate: Gate, out: Path, *, digest: str) -> Reading:
    """The verdict of the gate's own reports in `out`, whatever the command's exit status was."""
    found = {pattern: files_of(pattern, out) for pattern in gate.reports}
    missing = [pattern for pattern, files in found.items() if not files]
    if missing:
        there = len(missing) < len(found)
        return Reading(
            Verdict.ERRORED, tuple(f"The report {pattern} is missing." for pattern in missing), is_there=there
        )
    files = sorted({path for matched in found.values() for path in matched})
    try:
        if gate.reads == "verdict":
            return _read_verdict(gate, files, digest=digest)
        return _read_junit(gate, files)
    except ReportInvalid as invalid:
        return Reading(Verdict.ERRORED, (str(invalid),))


def settle(readings: Mapping[str, Reading], *, exit_status: int | None, ended: str) -> dict[str, Reading]:
    """Believes a reading only when the exit status agrees with it, or with another gate of the same run.

    `exit_status` is None when the run was killed for its budget or never started; `ended` then says so, as in
    "was killed after 120 s". A gate whose own reports are complete and green passes though a sibling failed.
    """
    return {name: _settled(name, readings, exit_status, ended) for name in readings}


def files_of(pattern: str, out: Path) -> list[Path]:
    """The regular files below `out` that a declared name or glob means."""
    return sorted(path for path in out.glob(pattern) if path.is_file() and not path.is_symlink())


def _settled(name: str, readings: Mapping[str, Reading], exit_status: int | None, ended: str) -> Reading:
    reading = readings[name]
    if reading.verdict is Verdict.ERRORED:
        if reading.is_there or exit_status == 0:
            return reading
        return replace(reading, reasons=(f"Not executed, because the run {ended}.", *reading.reasons))
    if exit_status is None:
        return replace(reading, verdict=Verdict.ERRORED, reasons=(f"The run {ended}.", *reading.reasons))
    siblings = [other for sibling, other in readings.items() if sibling != name]
    if exit_status == EXIT_STATUS[reading.verdict] or any(_explains(sibling, exit_status) for sibling in siblings):
        return reading
    contradiction = f"The reports say {reading.verdict}, the command ended with status {exit_status}."
    return replace(reading, verdict=Verdict.ERRORED, reasons=(contradiction, *reading.reasons))


def _explains(sibling: Reading, exit_status: int) -> bool:
    """Whether a status that is not 0 can be that gate's doing."""
    if exit_status == 0 or sibling.verdict is Verdict.PASSED:
        return False
    return sibling.verdict is Verdict.ERRORED or EXIT_STATUS[sibling.verdict] == exit_status


def _read_junit(gate: Gate, files: Iterable[Path]) -> Reading:
    tally = _Tally()
    for path in files:
        _add_report(path, tally)
        if gate.counted:
            _check_counts(path, tally)
    executed = tally.passed + len(tally.failures)
    reading = Reading(
        Verdict.PASSED,
        passed=tally.passed,
        failed=len(tally.failures),
        skipped=tally.skipped,
        checked=executed,
        figures={"skipped": tally.skipped, **({"deselected": tally.deselected} if gate.counted else {})},
    )
    if executed == 0:
        return _errored(reading, [f"Nothing was executed ({tally.skipped} skipped)."])
    if executed < gate.tests_min:
        few = f"{executed} tests were executed, at least {gate.tests_min} must be."
        return _errored(reading, [few, *tally.failures])
    if tally.failures:
        return replace(reading, verdict=Verdict.FAILED, reasons=_shortened(tally.failures))
    if tally.unexplained:
        return _errored(reading, [f"Skipped without a reason: {name}." for name in tally.unexplained])
    if tally.skipped > gate.skipped_max:
        many = f"{tally.skipped} tests were skipped, {gate.skipped_max} may be: excused is not passed."
        return replace(reading, verdict=Verdict.FAILED, reasons=(many,))
    return reading


def _add_report(path: Path, tally: _Tally) -> None:
    """Adds the cases of one junit file. Raises ReportInvalid when it is unreadable or contradicts itself."""
    try:
        # The run wrote it a moment ago into a directory of its own.
        root = ElementTree.parse(path).getroot()  # noqa: S314
    except (OSError, ElementTree.ParseError, UnicodeDecodeError) as error:
        raise ReportInvalid(f"{path.name} cannot be read: {error}.") from error
    if root.tag not in ("testsuites", "testsuite"):
        raise ReportInvalid(f"{path.name} is no junit report: its root is <{root.tag}>.")
    bad = 0
    for case in root.iter("testcase"):
        name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        problems = [child for child in case if child.tag in ("failure", "error")]
        skip = case.find("skipped")
        if problems:
            bad += 1
            tally.failures.append(f"{name}: {_first_line(problems[0])}")
        elif skip is not None:
            tally.skipped += 1
            if (skip.get("message") or "").strip() in NO_REASON:
                tally.unexplained.append(name)
        else:
            tally.passed += 1
    _check_declared(path, root, bad=bad)


def _check_declared(path: Path, root: ElementTree.Element, *, bad: int) -> None:
    suites = [suite for suite in root.iter("testsuite") if suite.find("testsuite") is None]
    if not suites:
        raise ReportInvalid(f"{path.name} has no test suite.")
    try:
        tests = sum(int(suite.attrib["tests"]) for suite in suites)
        wrong = sum(int(suite.get("failures", 0)) + int(suite.get("errors", 0)) for suite in suites)
    except (KeyError, ValueError) as error:
        raise ReportInvalid(f"{path.name} does not declare how many tests it has: {error}.") from error
    cases = sum(1 for _ in root.iter("testcase"))
    if tests != cases:
        raise ReportInvalid(f"{path.name} declares {tests} tests and has {cases}.")
    if bool(wrong) != bool(bad):
        raise ReportInvalid(f"{path.name} declares {wrong} failures and errors, its cases have {bad}.")


def _check_counts(junit: Path, tally: _Tally) -> None:
    """Collected, executed and reported must be one number. Raises ReportInvalid."""
    path = junit.with_suffix(counting.SUFFIX)
    counts = _json(path)
    problem = next(COUNTS_SCHEMA.iter_errors(counts), None)
    if problem is not None:
        raise ReportInvalid(f"{path.name} is not as the plugin writes it: {problem.message}.")
    executed = counts["executed"] + counts["set_up_failed"]
    told = f"collected {counts['collected']}, executed {executed}, reported {counts['reported']}"
    if counts["mismatches"] or not counts["collected"] == executed == counts["reported"]:
        reasons = _shortened(counts["mismatches"])
        raise ReportInvalid(f"{path.name}: {'; '.join([told, *reasons])}.")
    cases = sum(1 for _ in ElementTree.parse(junit).iter("testcase"))  # noqa: S314
    if cases < counts["reported"]:
        raise ReportInvalid(f"{junit.name} has {cases} tests, {counts['reported']} were reported when the run ended.")
    tally.deselected += counts["deselected"]


def _read_verdict(gate: Gate, files: list[Path], *, digest: str) -> Reading:
    if len(files) != 1:
        raise ReportInvalid(f"One verdict is expected, {len(files)} are there.")
    path = files[0]
    said = _json(path)
    problem = next(VERDICT_SCHEMA.iter_errors(said), None)
    if problem is not None:
        raise ReportInvalid(f"{path.name} is not a verdict: {problem.message}.")
    if said["gate"] != gate.name:
        raise ReportInvalid(f"{path.name} answers the gate {said['gate']!r}, not {gate.name!r}.")
    if said["digest"] != digest:
        raise ReportInvalid(f"{path.name} is about {said['digest']}, not about {digest}.")
    verdict = Verdict(said["verdict"])
    reading = Reading(verdict, _shortened(said["reasons"]), checked=said["checked"], figures=said["figures"])
    if verdict is not Verdict.PASSED and not said["reasons"]:
        return _errored(reading, [f"{path.name} says {verdict} and gives no reason."])
    # One counterexample is enough to fail; to pass, everything must have been looked at.
    if verdict is Verdict.PASSED and said["checked"] < gate.tests_min:
        few = f"{said['checked']} things were checked, at least {gate.tests_min} must be."
        return _errored(reading, [few, *reading.reasons])
    return reading


def _json(path: Path) -> Any:
    """Strict JSON: no repeated key, no NaN. Raises ReportInvalid."""
    try:
        value = json.loads(
            path.read_text(encoding="utf-8"), object_pairs_hook=_without_repeats, parse_constant=_refused
        )
    except (OSError, ValueError) as error:
        raise ReportInvalid(f"{path.name} cannot be read: {error}.") from error
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key is there twice")
    if any(isinstance(value, float) and not math.isfinite(value) for _, value in pairs):
        raise ValueError("a number is infinite")
    return dict(pairs)


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _errored(reading: Reading, reasons: list[str]) -> Reading:
    return replace(reading, verdict=Verdict.ERRORED, reasons=_shortened(reasons))


def _first_line(problem: ElementTree.Element) -> str:
    said = (problem.get("message") or problem.text or "no message").strip()
    return said.splitlines()[0] if said else "no message"


def _shortened(reasons: Iterable[str]) -> tuple[str, ...]:
    """The first reasons, each cut to a length that people read, and how many more there are."""
    every = [reason[:REASON_CHARACTERS_MAX] for reason in reasons]
    more = [f"... and {len(every) - REASONS_MAX} more."] if len(every) > REASONS_MAX else []
    return (*every[:REASONS_MAX], *more)
