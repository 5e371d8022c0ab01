"""A feature file as pytest collects it: one item for each case, none for a file with problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_bdd
from _pytest._code.code import Traceback

from step_defs.kit.counts import QUARANTINE
from step_defs.kit.features import Case
from step_defs.kit.problems import Problem, listing
from step_defs.kit.suite import Suite

SUITE = pytest.StashKey[Suite]()
# What concerns the steps themselves, or the tree as a whole, is said once: by the first file that is collected.
SAID = pytest.StashKey[bool]()
MACHINERY = frozenset({"_pytest", "pytest_bdd", "pluggy"})


class ScenarioItem(pytest.Function):
    """A case that runs. Its place is the line of the feature, not of this file."""

    case: Case
    quarantined: bool
    """Whether its result is told apart; decided once, so that midnight does not change it during a run."""

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.line - 1, self.name

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Traceback:
        # Between a feature and its step stand only frames of pytest-bdd and pytest, which tell a reader nothing.
        shown = super()._traceback_filter(excinfo)
        theirs = shown.filter(lambda entry: not MACHINERY & set(Path(entry.path).parts))
        return theirs if len(theirs) else shown


class FeatureFile(pytest.Module):
    """A feature file. Refuses to be collected while a problem concerns it, naming all of them."""

    def _getobj(self) -> ModuleType:
        # Plugins ask an item for its module (pytest-randomly shuffles by it), so each file has one.
        return ModuleType(f"scenarios of {self.nodeid}")

    def collect(self) -> Iterator[ScenarioItem]:
        suite = self.config.stash[SUITE]
        problems = self._problems(suite)
        feature = suite.feature(self.path)
        if problems:
            raise self.CollectError(listing(problems, suite.root))
        if feature is None:
            raise self.CollectError(f"{self.path} is outside {suite.directory}: scenarios live below it")
        # All before the first item: pytest-bdd marks a whole outline with the tags of each of its examples.
        for tag in sorted({tag for case in feature.cases for tag in case.tags}):
            self.config.addinivalue_line("markers", f"{tag.split(':', 1)[0]}: a tag of a scenario")
        names: set[str] = set()
        for case in feature.cases:
            yield self._item(case, _unique(_node_name(case), names), suite)

    def _problems(self, suite: Suite) -> list[Problem]:
        problems = [problem for problem in suite.problems() if problem.path == self.path]
        if not self.config.stash.get(SAID, False):
            self.config.stash[SAID] = True
            paths = {feature.path for feature in suite.features}
            problems += [problem for problem in suite.problems() if problem.path not in paths]
            if _whole_tree_asked(self.config, suite.directory):
                problems += suite.unused()
        return problems

    def _item(self, case: Case, name: str, suite: Suite) -> ScenarioItem:
        expired = case.quarantined and case.quarantine().expired(datetime.now(UTC).date())
        function = _proposed(case) if case.proposed else _expired(case) if expired else _scenario(case, suite)
        item: ScenarioItem = ScenarioItem.from_parent(self, name=name, callobj=function)
        item.case = case
        item.quarantined = case.quarantined and not expired
        item.user_properties.append(("scenario", case.id))
        if item.quarantined:
            item.user_properties.append((QUARANTINE, case.quarantine().owner))
        for tag in case.tags:
            mark, _, value = tag.partition(":")
            item.add_marker(getattr(pytest.mark, mark)(value) if value else getattr(pytest.mark, mark))
        return item


def _whole_tree_asked(config: pytest.Config, directory: Path) -> bool:
    asked = [Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args]
    return any(directory.resolve().is_relative_to(path) for path in asked if path.is_dir())


def _node_name(case: Case) -> str:
    name = case.name.replace("::", ": ")
    if case.values and case.name == case.template:
        return f"{name} ({', '.join(case.values.values())})"
    return name


def _unique(name: str, names: set[str]) -> str:
    candidates = (name, *(f"{name} #{number}" for number in range(2, len(names) + 3)))
    chosen = next(candidate for candidate in candidates if candidate not in names)
    names.add(chosen)
    return chosen


def _scenario(case: Case, suite: Suite) -> Callable[..., None]:
    feature = case.feature.path.relative_to(suite.directory).as_posix()
    decorate = pytest_bdd.scenario(feature, case.template, features_base_dir=str(suite.directory))
    run_by_pytest_bdd = decorate(_nothing_after_the_steps)

    def run(request: pytest.FixtureRequest) -> None:
        __tracebackhide__ = True
        run_by_pytest_bdd(request, dict(case.values))

    return run


def _nothing_after_the_steps() -> None:
    """pytest-bdd runs the decorated function last; everything a scenario says is in its steps."""


def _proposed(case: Case) -> Callable[[], None]:
    proposal = case.proposal()

    def run() -> None:
        __tracebackhide__ = True
        if proposal.expired(datetime.now(UTC).date()):
            pytest.fail(f"proposed by {proposal.owner} until {proposal.until}: make it pass, or agree on a new date")
        pytest.skip(f"proposed by {proposal.owner} until {proposal.until}")

    return run


def _expired(case: Case) -> Callable[[], None]:
    term = case.quarantine()

    def run() -> None:
        __tracebackhide__ = True
        pytest.fail(f"in quarantine with {term.owner} until {term.until}: mend it, or remove it")

    return run


def case_of(item: Any) -> Case | None:
    """The case of a scenario item; None for any other test."""
    return item.case if isinstance(item, ScenarioItem) else None
