"""The pytest plugin: collects features, refuses what must not pass silently, records, counts, writes the page.

Load it from the root conftest: `pytest_plugins = ["step_defs.kit.plugin"]`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from step_defs.kit.collector import SUITE, FeatureFile, ScenarioItem
from step_defs.kit.features import Case
from step_defs.kit.judge import Judge
from step_defs.kit.recorder import Diagnosis
from step_defs.kit.recording import DIAGNOSIS, Recording
from step_defs.kit.suite import FEATURES_DEFAULT, STEPS_DEFAULT, load_suite


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("scenarios")
    group.addoption("--bdd-report", default="build/scenarios", help="where a run of scenarios leaves its page")
    parser.addini("bdd_steps", "packages and modules that declare steps", type="args", default=[STEPS_DEFAULT])
    parser.addini("bdd_features", "the directory of the features, below the root", default=FEATURES_DEFAULT)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proposed: a scenario that may not pass yet; has an owner and a last day")
    config.addinivalue_line(
        "markers", "quarantine: a flaky scenario that runs and counts neither way; owner and last day"
    )
    config.addinivalue_line("markers", "pins_behaviour: writes down what was there already; has an owner and a reason")
    for name in config.getini("bdd_steps"):
        # An assertion in a step then shows both sides, as in any test; too late for what is imported already.
        if name not in sys.modules:
            pytest.register_assert_rewrite(name)
    worker = getattr(config, "workerinput", None)
    if worker is None:
        judge = Judge(config)
        config.pluginmanager.register(judge, "scenario-judge")
        config.pluginmanager.register(Recording(judge.parts, "main"), "scenario-recording")
    else:
        parts, name = Path(worker["scenario_parts"]), worker["workerid"]
        config.pluginmanager.register(Recording(parts, name), "scenario-recording")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FeatureFile | None:
    if file_path.suffix != ".feature":
        return None
    load(parent.config)
    return FeatureFile.from_parent(parent, path=file_path)


def load(config: pytest.Config) -> None:
    """Imports the steps and reads the features, once, and only in runs that have features."""
    if SUITE in config.stash:
        return
    suite = load_suite(root=config.rootpath, features=config.getini("bdd_features"), steps=config.getini("bdd_steps"))
    config.stash[SUITE] = suite
    for module in suite.modules:
        # pytest-bdd finds a step as a fixture, and pytest finds fixtures in plugins.
        if not config.pluginmanager.is_registered(module):
            config.pluginmanager.register(module, module.__name__)


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_apply_tag(tag: str, function: Callable[..., object]) -> object:
    """Tags become marks where items are made; pytest-bdd's own way cannot hold `owner:anna`."""
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if isinstance(item, ScenarioItem) and report.skipped and not item.case.proposed:
        report.outcome = "failed"
        report.longrepr = f"{item.case.place}: a scenario may not skip itself: {report.longrepr}"
    elif isinstance(item, ScenarioItem) and isinstance(report.longrepr, tuple):
        # Without this pytest would name the line that skips, the same for every proposal.
        report.longrepr = (str(item.path), item.case.line, report.longrepr[2])
    return report


@pytest.fixture
def diagnosis(request: pytest.FixtureRequest) -> Diagnosis:
    """Callables that give (title, text), called when the scenario fails, before anything is cleaned up."""
    called_on_failure: Diagnosis = []
    request.node.stash[DIAGNOSIS] = called_on_failure
    return called_on_failure


@pytest.fixture
def scenario_text(request: pytest.FixtureRequest) -> Case:
    """The scenario as it is written: `name`, `language`, `tags`, `steps`. Only scenarios have one."""
    node: Any = request.node
    if not isinstance(node, ScenarioItem):
        pytest.fail("scenario_text: only a scenario has a text")
    return node.case
