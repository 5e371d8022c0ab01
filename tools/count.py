"""Counts the tests of all suites from their JUnit files, honestly: a suite without a readable report has failed.

    python -m tools.count [--status N] [SUITE...]     the last line is `N passed, N failed, N skipped`

Without names the suites are tox's own `env_list`, so that none can be forgotten. A suite may leave several files:
`<suite>.xml` and `<suite>-<part>.xml`.
"""

from __future__ import annotations

import argparse
import configparser
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / ".alexandrite" / "reports"
TOX_FILE = ROOT / "tox.ini"


@dataclass(frozen=True)
class Count:
    """Tests by outcome; an error counts as failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class ReportUnreadable(Exception):
    """A report that is missing, cut short, empty, or contradicts itself."""


def read_report(path: Path) -> Count:
    """Counts the test cases of one JUnit file. Raises ReportUnreadable when it cannot be relied upon."""
    try:
        # Our own suites wrote it a moment ago; entity tricks are not expected from them.
        root = ElementTree.parse(path).getroot()  # noqa: S314
    except (OSError, ElementTree.ParseError) as error:
        raise ReportUnreadable(f"{path.name}: {error}") from None
    count = Count()
    for case in root.iter("testcase"):
        outcomes = {child.tag for child in case}
        failed = bool(outcomes & {"failure", "error"})
        skipped = "skipped" in outcomes and not failed
        count += Count(int(not failed and not skipped), int(failed), int(skipped))
    suites = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
    declared = sum(int(suite.get("failures", 0)) + int(suite.get("errors", 0)) for suite in suites)
    # A collection error is declared by a suite, sometimes without a case of its own.
    return Count(count.passed, max(count.failed, declared), count.skipped)


def count_suite(name: str, *, reports: Path) -> Count:
    """All files of one suite. Raises ReportUnreadable when there is none, one is broken, or nothing was executed."""
    files = [path for path in sorted(reports.glob("*.xml")) if path.stem == name or path.stem.startswith(f"{name}-")]
    if not files:
        raise ReportUnreadable(f"{name} left no report")
    total = sum((read_report(path) for path in files), Count())
    if total.passed + total.failed == 0:
        raise ReportUnreadable(f"{name} executed no test")
    return total


def suites_of_tox(tox_file: Path) -> list[str]:
    """The names in tox's env_list, without factors."""
    parser = configparser.ConfigParser(interpolation=None)
    if not parser.read(tox_file) or not parser.has_section("tox"):
        return []
    text = parser.get("tox", "env_list", fallback=parser.get("tox", "envlist", fallback=""))
    return [name for name in re.split(r"[\s,]+", text) if name]


def sum_up(names: list[str], *, reports: Path, status: int) -> int:
    """Prints a line per suite and the total last. Returns the exit status: 0 only when everything asked for passed."""
    total = Count()
    for name in names:
        try:
            counted = count_suite(name, reports=reports)
            print(f"{name}: {counted}")
        except ReportUnreadable as unreadable:
            counted = Count(failed=1)
            print(f"{name}: counted as failed: {unreadable}")
        total += counted
    if not names:
        print("no suite is named: counted as failed")
        total += Count(failed=1)
    if status != 0 and total.failed == 0:
        print(f"the runner ended with status {status} though no suite failed: counted as failed")
        total += Count(failed=1)
    sys.stdout.flush()
    print(total, flush=True)
    return 1 if total.failed else 0


def main(arguments: list[str] | None = None) -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m tools.count", description=__doc__)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--status", type=int, default=0, help="exit status of what ran them")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args(arguments)
    return sum_up(asked.names or suites_of_tox(TOX_FILE), reports=asked.reports, status=asked.status)


if __name__ == "__main__":
    raise SystemExit(main())
