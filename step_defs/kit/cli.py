"""`python -m step_defs.kit steps | check | backlog | report`: the suite without running a scenario."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from step_defs.kit import catalogue, checks
from step_defs.kit.envelopes import SameCaseTwice, merged, read_envelopes
from step_defs.kit.features import Case, Proposal
from step_defs.kit.page import FormatterMissing, write_page
from step_defs.kit.problems import listing
from step_defs.kit.suite import FEATURES_DEFAULT, STEPS_DEFAULT, Suite, load_suite


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 when all is well, 1 when something must be mended."""
    asked = _parser().parse_args(arguments)
    if asked.command == "report":
        runs = [Path(run) for run in asked.runs]
        return report(runs, Path(asked.out), node_modules=Path(asked.root) / "node_modules")
    if asked.root not in sys.path:
        sys.path.insert(0, str(Path(asked.root).resolve()))
    suite = load_suite(root=Path(asked.root).resolve(), features=asked.features, steps=asked.steps or [STEPS_DEFAULT])
    today = datetime.now(UTC).date()
    if asked.command == "steps":
        return steps(suite, asked.html)
    if asked.command == "check":
        return check(suite, today)
    return backlog(suite, today)


def steps(suite: Suite, page: str | None) -> int:
    """Prints the catalogue, or writes it as a page."""
    if page is None:
        print(catalogue.as_text(suite))
        return 0
    Path(page).parent.mkdir(parents=True, exist_ok=True)
    Path(page).write_text(catalogue.as_html(suite), encoding="utf-8")
    print(f"{len(suite.definitions)} steps: {page}")
    return 0


def check(suite: Suite, today: date) -> int:
    """Every rule at once: the steps, the features, unused phrases, expired proposals."""
    problems = [*suite.problems(), *suite.unused(), *checks.expired_proposals(suite.features, today)]
    if problems:
        print(listing(problems, suite.root))
    cases = sum(len(feature.cases) for feature in suite.features)
    verdict = f"{len(set(problems))} problems" if problems else "all is well"
    print(f"{len(suite.definitions)} steps, {len(suite.features)} features, {cases} scenarios: {verdict}")
    return 1 if problems else 0


def backlog(suite: Suite, today: date) -> int:
    """The scenarios proposed or in quarantine by date, and how many steps of each exist. 1 when one has expired."""
    cases = [case for feature in suite.features for case in feature.cases if case.proposed or case.quarantined]
    unreadable = [problem for case in cases for problem in checks.tags_are_sound(case)]
    if unreadable:
        print(listing(unreadable, suite.root))
        return 1
    for case in sorted(cases, key=lambda one: _term(one).until):
        print(_backlog_line(case, suite, today))
    expired = sum(_term(case).expired(today) for case in cases)
    quarantined = sum(case.quarantined for case in cases)
    print(f"{len(cases) - quarantined} proposed, {quarantined} in quarantine, {expired} expired")
    return 1 if expired else 0


def _term(case: Case) -> Proposal:
    return case.proposal() if case.proposed else case.quarantine()


def _backlog_line(case: Case, suite: Suite, today: date) -> str:
    term = _term(case)
    existing = sum(bool(checks.matches(step.text, step.position, suite.definitions)) for step in case.steps)
    state = "EXPIRED " if term.expired(today) else ""
    progress = "in quarantine" if case.quarantined else f"{existing} of {len(case.steps)} steps exist"
    return f"{state}{term.until} {term.owner}: {case.name} ({case.place}; {progress})"


def report(runs: Sequence[Path], out: Path, *, node_modules: Path) -> int:
    """One page and one stream from several runs, and the sum of their counts."""
    try:
        envelopes = merged([read_envelopes(run / "messages.ndjson") for run in runs])
        page = write_page(envelopes, out / "index.html", node_modules=node_modules)
    except (SameCaseTwice, FormatterMissing, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    lines = "".join(json.dumps(envelope, ensure_ascii=False) + "\n" for envelope in envelopes)
    (out / "messages.ndjson").write_text(lines, encoding="utf-8")
    print(page)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m step_defs.kit", description=__doc__)
    parser.add_argument("--root", default=".", help="the root of the repository")
    parser.add_argument("--features", default=FEATURES_DEFAULT, help="the directory of the features, below the root")
    parser.add_argument("--steps", action="append", help=f"a package of steps (default {STEPS_DEFAULT}); repeatable")
    commands = parser.add_subparsers(dest="command", required=True)
    listed = commands.add_parser("steps", help="the catalogue of steps")
    listed.add_argument("--html", metavar="FILE", help="write a page instead")
    commands.add_parser("check", help="every rule, without running a scenario")
    commands.add_parser("backlog", help="the scenarios proposed or in quarantine")
    page = commands.add_parser("report", help="one page from several runs")
    page.add_argument("runs", nargs="+", metavar="DIR", help="what --bdd-report named")
    page.add_argument("--out", required=True, metavar="DIR")
    return parser
