"""The hooks that feed the recorder, in each process that runs scenarios."""

from __future__ import annotations

import json
import traceback
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from step_defs.kit.collector import SUITE, ScenarioItem, case_of
from step_defs.kit.counts import Collected
from step_defs.kit.features import Case
from step_defs.kit.recorder import Diagnosis, Recorder

DIAGNOSIS = pytest.StashKey[Diagnosis]()


class Recording:
    """One per process. Leaves `<name>.collected.json` and `<name>.ndjson` in the directory of parts."""

    def __init__(self, parts: Path, name: str) -> None:
        self._parts = parts
        self._name = name
        self._recorder: Recorder | None = None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if SUITE not in session.config.stash:
            return
        if session.testsfailed and not session.config.getoption("continue_on_collection_errors"):
            # Alone, pytest stops here by itself; a parallel worker would run what is left of a broken suite.
            session.items.clear()
        collected = [
            Collected(item.case.id, item.nodeid, item.case.proposed, len(item.case.steps), item.quarantined)
            for item in session.items
            if isinstance(item, ScenarioItem)
        ]
        if session.config.option.collectonly:
            return
        text = json.dumps([asdict(one) for one in collected], ensure_ascii=False)
        (self._parts / f"{self._name}.collected.json").write_text(text, encoding="utf-8")
        path = self._parts / f"{self._name}.ndjson"
        self._recorder = Recorder(path, self._name, session.config.stash[SUITE].definitions)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        case = case_of(item)
        if case is not None and self._recorder is not None:
            self._recorder.start(case)
        return (yield)

    def pytest_bdd_before_step(self, step: Any) -> None:
        if self._recorder is not None:
            self._recorder.step_begins(step.name)

    def pytest_bdd_after_step(self) -> None:
        if self._recorder is not None:
            self._recorder.step_passed()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if case_of(item) is not None and self._recorder is not None:
            self._record(self._recorder, item, report)
        # After the record, which keeps what really happened.
        if isinstance(item, ScenarioItem) and item.quarantined:
            _set_apart(item.case, report)
        return report

    def _record(self, recorder: Recorder, item: pytest.Item, report: pytest.TestReport) -> None:
        failure = report.longreprtext if report.failed else ""
        if report.when == "setup":
            recorder.prepared(failure)
        elif report.when == "teardown":
            recorder.finish(failure)
        elif report.failed:
            recorder.step_failed(failure, [*_diagnosed(item), *report.sections])
        elif report.skipped:
            recorder.proposed(str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else "")

    def pytest_unconfigure(self) -> None:
        if self._recorder is not None:
            self._recorder.close()


def _set_apart(case: Case, report: pytest.TestReport) -> None:
    """A result in quarantine is neither a pass nor a failure of the run; its reason says which it was."""
    if report.when == "teardown":
        # The outcome is told already, and the record has what the clean-up said.
        report.outcome = "passed"
        return
    if report.passed and report.when == "setup":
        return
    term = case.quarantine()
    said = "it passed" if report.passed else f"it failed: {report.longreprtext.strip().splitlines()[-1]}"
    report.outcome = "skipped"
    report.longrepr = (str(case.feature.path), case.line, f"in quarantine with {term.owner} until {term.until}; {said}")


def _diagnosed(item: pytest.Item) -> list[tuple[str, str]]:
    """What the scenario's own callables say. One that fails says so, and silences none of the others."""
    said: list[tuple[str, str]] = []
    for ask in item.stash.get(DIAGNOSIS, []):
        try:
            said.append(ask())
        except Exception:  # a system that just failed may refuse any question
            said.append(("diagnosis failed", traceback.format_exc(limit=5)))
    return said
