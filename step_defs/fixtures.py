"""The pytest plugin of the scenarios: the running system, and the world of one scenario.

The system is started once per test run, by the process that controls it; parallel workers are told its address.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from step_defs.assembly import Assembly, given_address
from step_defs.drivers.address import ROOT, SystemAddress
from step_defs.dsl.backstage import Backstage
from step_defs.dsl.world import World
from step_defs.kit.features import Case
from step_defs.made_orders import remember

FEATURES = ROOT / "features"
WORKER_KEY = "alexandrite_address"
ASSEMBLY: pytest.StashKey[Assembly] = pytest.StashKey()
ADDRESS: pytest.StashKey[SystemAddress] = pytest.StashKey()


def address_of(config: pytest.Config) -> SystemAddress:
    """Where the system is: told by the controller, named in the environment, or started now and for the rest of the run."""
    workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
    if workerinput is not None and WORKER_KEY in workerinput:
        return SystemAddress.from_dict(json.loads(workerinput[WORKER_KEY]))
    known = config.stash.get(ADDRESS, None) or given_address()
    if known is None:
        assembly = Assembly.fresh()
        # Kept before the start, so that a start that fails half-way is tidied up as well.
        config.stash[ASSEMBLY] = assembly
        assembly.start()
        _say(config, assembly.summary())
        known = assembly.address
    config.stash[ADDRESS] = known
    return known


def wants_system(config: pytest.Config) -> bool:
    """Whether this run was asked for scenarios, as far as the controller can tell from its arguments."""
    if config.option.collectonly:
        return False
    for argument in config.args:
        path = Path(os.path.abspath(config.invocation_params.dir / argument.split("::")[0]))
        if path.is_relative_to(FEATURES) or FEATURES.is_relative_to(path):
            return True
    return False


def scenarios_at_once(cores: int) -> int:
    """How many workers `-n auto` means: the system under judgement runs on the same machine and needs the other half."""
    return max(1, cores // 2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Half the cores for scenarios; other tests as xdist would have it. Asked before plugins are configured."""
    return scenarios_at_once(os.cpu_count() or 1) if wants_system(config) else None


class ParallelRun:
    """Hooks of pytest-xdist, registered only where it is there."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tells a worker where the system is; the first worker waits until it is healthy."""
        if wants_system(node.config):
            node.workerinput[WORKER_KEY] = json.dumps(address_of(node.config).to_dict())


def pytest_addoption(parser: pytest.Parser) -> None:
    """How people reach the system in this run."""
    parser.addoption(
        "--through",
        choices=("apis", "pages"),
        default="apis",
        help="scenarios through the APIs, or through the pages in a real browser wherever there are pages for it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the hooks for parallel runs."""
    config.pluginmanager.register(ParallelRun(), "alexandrite-parallel-run")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the system, if this run started it."""
    assembly = config.stash.get(ASSEMBLY, None)
    if assembly is not None:
        assembly.stop()


def _say(config: pytest.Config, text: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(text)


@pytest.fixture(scope="session")
def system_address(request: pytest.FixtureRequest) -> SystemAddress:
    """Where the system under judgement is."""
    return address_of(request.config)


@pytest.fixture(scope="session")
def backstage(system_address: SystemAddress, request: pytest.FixtureRequest) -> Iterator[Backstage]:
    """What the scenarios of one worker share."""
    shared = Backstage(system_address, in_browser=request.config.getoption("--through") == "pages")
    yield shared
    shared.close()


@pytest.fixture
def world(backstage: Backstage, diagnosis: list[Callable[[], tuple[str, str]]], scenario_text: Case) -> Iterator[World]:
    """The world of one scenario; on a failure its order's timeline and logs go onto the page."""
    scenario = World(backstage, beside=scenario_text.feature.path.parent)
    opened_before = windows_opened(backstage)
    diagnosis.append(scenario.diagnosis)
    diagnosis.append(scenario.logs)
    yield scenario
    remember(scenario.orders.items(), scenario=scenario_text.name, tags=scenario_text.tags)
    scenario.close()
    if backstage.in_browser:
        goes_through_pages(scenario_text.tags, windows=windows_opened(backstage) - opened_before)


def windows_opened(backstage: Backstage) -> int:
    """How many windows people have opened so far."""
    return backstage.browser.windows_opened if backstage.browser is not None else 0


def goes_through_pages(tags: Collection[str], *, windows: int) -> None:
    """A scenario that says it goes through pages opens one. Raises AssertionError when all of it went by the APIs."""
    assert windows or "pages" not in tags, "it is tagged @pages and nobody in it opens a page: take the tag away"
