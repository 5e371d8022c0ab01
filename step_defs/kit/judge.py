"""Ends a run: gathers the parts, compares the counts, writes the messages, the numbers and the page."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from step_defs.kit.collector import SUITE
from step_defs.kit.counts import Collected, Counts, Outcome, count, executed_cases, junit_outcomes
from step_defs.kit.envelopes import read_envelopes, run_envelopes
from step_defs.kit.page import FormatterMissing, write_page
from step_defs.kit.suite import load_suite


class Judge:
    """Lives in the process that the person started: alone it is the only one, with xdist the controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.parts = Path(tempfile.mkdtemp(prefix="scenario-parts-"))
        self._phases: dict[str, list[str]] = {}
        self._lines: list[str] = []
        self._honest = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["scenario_parts"] = str(self.parts)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._phases.setdefault(report.nodeid, []).append(report.outcome)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        # Last of all plugins: the workers are down and the junit file is written.
        collections = {path.name.split(".")[0]: _read_collected(path) for path in self.parts.glob("*.collected.json")}
        cases = {one.case_id: one for collection in collections.values() for one in collection}
        if not cases:
            return
        envelopes = [envelope for path in sorted(self.parts.glob("*.ndjson")) for envelope in read_envelopes(path)]
        counts = count(
            collections=collections,
            executed=executed_cases(envelopes),
            reported=self._reported(cases),
            junit=self._junit(),
        )
        if counts.mismatches and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._leave(counts, envelopes, set(cases), success=session.exitstatus == pytest.ExitCode.OK)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._lines:
            terminalreporter.section("scenarios")
            for line in self._lines:
                terminalreporter.write_line(line, red=not self._honest)

    def pytest_unconfigure(self) -> None:
        shutil.rmtree(self.parts, ignore_errors=True)

    def _reported(self, cases: dict[str, Collected]) -> dict[str, Outcome]:
        reported: dict[str, Outcome] = {}
        for case_id, one in cases.items():
            phases = self._phases.get(one.node_id)
            if phases:
                reported[case_id] = "quarantined" if one.quarantined else _outcome_of(phases)
        return reported

    def _junit(self) -> dict[str, Outcome] | None:
        asked = self._config.getoption("xmlpath", None)
        if not asked:
            return None
        path = Path(asked).absolute()
        return junit_outcomes(path) if path.exists() else {}

    def _leave(self, counts: Counts, parts: list[dict[str, Any]], case_ids: set[str], *, success: bool) -> None:
        directory = Path(self._config.rootpath, self._config.getoption("--bdd-report"))
        directory.mkdir(parents=True, exist_ok=True)
        config = self._config
        suite = config.stash.get(SUITE, None) or load_suite(
            root=config.rootpath, features=config.getini("bdd_features"), steps=config.getini("bdd_steps")
        )
        envelopes = run_envelopes(suite, parts, case_ids, success=success)
        lines = "".join(json.dumps(envelope, ensure_ascii=False) + "\n" for envelope in envelopes)
        (directory / "messages.ndjson").write_text(lines, encoding="utf-8")
        numbers = json.dumps(counts.as_json(), ensure_ascii=False, indent=2)
        (directory / "counts.json").write_text(numbers + "\n", encoding="utf-8")
        self._honest = not counts.mismatches
        self._lines = [
            f"{counts.passed} passed, {counts.failed} failed, {counts.proposed} proposed"
            f"{f', {counts.quarantined} in quarantine' if counts.quarantined else ''} "
            f"(collected {counts.collected}, executed {counts.executed}, reported {counts.reported})",
            *(f"THE COUNT DIFFERS: {mismatch}" for mismatch in counts.mismatches),
        ]
        try:
            page = write_page(envelopes, directory / "index.html", node_modules=config.rootpath / "node_modules")
            self._lines.append(f"page: {page}")
        except FormatterMissing as missing:
            self._lines.append(f"no page: {missing}")


def _read_collected(path: Path) -> list[Collected]:
    return [Collected(**one) for one in json.loads(path.read_text(encoding="utf-8"))]


def _outcome_of(phases: list[str]) -> Outcome:
    if "failed" in phases:
        return "failed"
    return "proposed" if "skipped" in phases else "passed"
