"""The suite: the step modules that exist and the features that exist, and what is wrong with either."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from step_defs.kit import checks
from step_defs.kit.features import FeatureFileText, read_features
from step_defs.kit.problems import Problem
from step_defs.kit.registry import StepDefinition, definitions_in

STEPS_DEFAULT = "step_defs.steps"
FEATURES_DEFAULT = "features"


@dataclass(slots=True)
class Suite:
    """Everything below one root. Problems are computed when asked for, once."""

    root: Path
    directory: Path
    modules: list[ModuleType]
    definitions: list[StepDefinition]
    features: list[FeatureFileText]
    _problems: list[Problem] | None = field(default=None, repr=False)

    def problems(self) -> list[Problem]:
        """What must be mended before any scenario may run, unused phrases aside."""
        if self._problems is None:
            self._problems = list(self._find())
        return self._problems

    def unused(self) -> list[Problem]:
        """Phrases that the features, taken together, do not use."""
        return list(checks.unused_phrases(self.definitions, self.features))

    def feature(self, path: Path) -> FeatureFileText | None:
        return next((feature for feature in self.features if feature.path == path), None)

    def _find(self) -> Iterator[Problem]:
        if not self.definitions:
            yield Problem(self.directory, 1, "no-steps", "no step is declared in the step modules")
        yield from checks.step_problems(self.definitions)
        yield from checks.feature_problems(self.features, self.definitions)


def load_suite(*, root: Path, features: str, steps: Iterable[str]) -> Suite:
    """Imports every step module and parses every feature. A module that cannot be imported raises what it raised."""
    modules = [module for name in steps for module in modules_of(name)]
    directory = root / features
    return Suite(
        root=root,
        directory=directory,
        modules=modules,
        definitions=[definition for module in modules for definition in definitions_in(module)],
        features=read_features(root, directory),
    )


def modules_of(name: str) -> list[ModuleType]:
    """The module, and all modules below it when it is a package."""
    module = importlib.import_module(name)
    found = [module]
    for below in pkgutil.walk_packages(getattr(module, "__path__", []), prefix=f"{name}."):
        found.append(importlib.import_module(below.name))
    return found
