"""`pytest -p release.counting --junit-xml X.xml`: leaves X.counts.json beside the report, so that nothing goes missing silently.

A runner that collects six tests and runs one still says "1 passed"; here collected, executed and reported come from
three sources (collection in every process, the phases of every test, the junit file) and must agree for a pass.
Counts only: no outcome and no exit status is ever changed.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

SUFFIX = ".counts.json"
DESELECTED = "release_counting_deselected"


def pytest_configure(config: pytest.Config) -> None:
    """Every process counts what it collects; only the one that writes the junit file compares."""
    config.pluginmanager.register(Counter(config), "release-counter")


class Counter:
    """One process of a run: alone, a worker of xdist, or its controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_worker = hasattr(config, "workerinput")
        self._collections: dict[str, list[str]] = {}
        self._deselected: dict[str, int] = {}
        # Which phases of a test were reported, and how they ended.
        self._phases: dict[str, dict[str, str]] = {}
        self._deselected_here = 0
        self._own: list[str] = []

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._deselected_here += len(items)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        # The controller of xdist collects nothing itself.
        self._own = [item.nodeid for item in session.items]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        self._collections[node.gateway.id] = list(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        told = getattr(node, "workeroutput", None) or {}
        self._deselected[node.gateway.id] = int(told.get(DESELECTED, 0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._phases.setdefault(report.nodeid, {})[str(report.when)] = report.outcome

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        if self._is_worker:
            self._config.workeroutput[DESELECTED] = self._deselected_here  # type: ignore[attr-defined]
        # Around all others: the workers are down and the junit file is written when this goes on.
        yield
        asked = self._config.getoption("xmlpath", None)
        if asked and not self._is_worker:
            junit = Path(asked).absolute()
            text = json.dumps(self._counts(junit), ensure_ascii=False, indent=2)
            junit.with_suffix(SUFFIX).write_text(text + "\n", encoding="utf-8")

    def _counts(self, junit: Path) -> dict[str, Any]:
        collections = self._collections or {"main": self._own}
        collected = {nodeid for collection in collections.values() for nodeid in collection}
        executed = [nodeid for nodeid, phases in self._phases.items() if _executed(phases)]
        broken = [nodeid for nodeid, phases in self._phases.items() if phases.get("setup") == "failed"]
        # A test that fails and cannot tidy up either is two test cases to junit.
        twice = sum(
            _is(phases, "call", "failed") and _is(phases, "teardown", "failed") for phases in self._phases.values()
        )
        cases = _cases(junit)
        return {
            "collected": len(collected),
            "executed": len(executed),
            "set_up_failed": len(broken),
            "reported": None if cases is None else cases - twice,
            "deselected": max(self._deselected.values(), default=self._deselected_here),
            "mismatches": [
                *_workers_differ(collections, collected),
                *(
                    f"collected and never executed: {nodeid}"
                    for nodeid in sorted(collected - set(executed) - set(broken))
                ),
                *(f"executed though nobody collected it: {nodeid}" for nodeid in sorted(set(executed) - collected)),
            ],
        }


def _is(phases: dict[str, str], phase: str, outcome: str) -> bool:
    return phases.get(phase) == outcome


def _executed(phases: dict[str, str]) -> bool:
    return "call" in phases or _is(phases, "setup", "skipped")


def _workers_differ(collections: dict[str, list[str]], collected: set[str]) -> list[str]:
    return [
        f"{worker} collected {len(collection)} of {len(collected)} tests"
        for worker, collection in sorted(collections.items())
        if set(collection) != collected or len(set(collection)) != len(collection)
    ]


def _cases(junit: Path) -> int | None:
    """Test cases in the written report; None when it is not there or cannot be read."""
    try:
        # This very process wrote it a moment ago.
        return sum(1 for _ in ElementTree.parse(junit).iter("testcase"))  # noqa: S314
    except (OSError, ElementTree.ParseError):
        return None
