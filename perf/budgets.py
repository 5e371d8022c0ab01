"""What a candidate may cost: `budgets.toml`, read strictly, because a misspelt key would switch a budget off."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("budgets.toml")
METRICS = ("p50", "p95", "p99", "slow", "errors", "throughput", "cpu", "kinds")
KINDS = ("ratio", "share", "loss")


class BudgetsInvalid(ValueError):
    """A budget that is missing, unknown or contradicts itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How verdicts are reached; the names are explained in budgets.toml."""

    doubt: float
    looks: int
    resamples: int
    pairs_min: int
    requests_min: int
    mix_tolerance: float
    slow_factor: float
    episode_s: float


@dataclass(frozen=True, slots=True)
class Budget:
    """One metric's. `kind`: `ratio` (more is worse), `loss` (a ratio where less is worse), `share` (a difference of shares)."""

    name: str
    about: str
    kind: str
    budget: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Budgets:
    """Everything that a comparison is judged by."""

    rule: Rule
    metrics: tuple[Budget, ...]
    advisory_p95_ms: dict[str, float]


def load(path: Path = FILE) -> Budgets:
    """The budgets in a file. Raises BudgetsInvalid."""
    with path.open("rb") as file:
        return parse(tomllib.load(file))


def parse(told: dict[str, Any]) -> Budgets:
    """The budgets in a parsed file. Raises BudgetsInvalid, naming what is wrong."""
    _exactly("the file", told, {"rule", "metrics", "advisory_p95_ms"})
    rule = told["rule"]
    _exactly("[rule]", rule, {field.name for field in fields(Rule)})
    if not 0 < rule["doubt"] <= 0.05 or rule["pairs_min"] < 6 or rule["resamples"] < 500 or rule["looks"] < 1:
        raise BudgetsInvalid(
            "[rule] doubt must be above 0 and at most 0.05, pairs_min at least 6, resamples at least 500, looks at least 1"
        )
    _exactly("[metrics]", told["metrics"], set(METRICS))
    return Budgets(
        rule=Rule(**rule),
        metrics=tuple(_budget(name, told["metrics"][name]) for name in METRICS),
        advisory_p95_ms={str(name): float(ms) for name, ms in told["advisory_p95_ms"].items()},
    )


def _budget(name: str, told: dict[str, Any]) -> Budget:
    _exactly(f"[metrics.{name}]", told, {"about", "kind", "budget", "tolerance"})
    if told["kind"] not in KINDS:
        raise BudgetsInvalid(f"[metrics.{name}] kind is {told['kind']!r}; there are {', '.join(KINDS)}")
    budget = Budget(name, told["about"], told["kind"], float(told["budget"]), float(told["tolerance"]))
    unchanged = 0.0 if budget.kind == "share" else 1.0
    generous = budget.budget <= unchanged if budget.kind == "loss" else budget.budget >= unchanged
    wider = budget.tolerance <= budget.budget if budget.kind == "loss" else budget.tolerance >= budget.budget
    if not (generous and wider and budget.tolerance >= 0):
        raise BudgetsInvalid(f"[metrics.{name}] an unchanged system must be within budget, and budget within tolerance")
    return budget


def _exactly(where: str, told: dict[str, Any], wanted: set[str]) -> None:
    if set(told) != wanted:
        missing, unknown = sorted(wanted - set(told)), sorted(set(told) - wanted)
        raise BudgetsInvalid(f"{where}: missing {missing}, unknown {unknown}")
