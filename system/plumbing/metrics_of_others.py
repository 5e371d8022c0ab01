"""Metrics of processes beside this one, which have no address of their own: added to this one's, so that nothing they count is lost.

They tell their counters and histograms over a pipe (`told`); what one told last stays counted when it is gone. Gauges are not told: of
several processes no sum of them means anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

OURS = "alexandrite_"
Told = list[dict[str, Any]]
GONE = 0
"""Who went before, all together; those who are there have numbers from 1."""


def told(registry: CollectorRegistry = REGISTRY) -> Told:
    """What this process counted so far, as JSON."""
    return [
        {
            "name": family.name,
            "help": family.documentation,
            "type": family.type,
            "samples": [[sample.name, sample.labels, sample.value] for sample in _counted(family)],
        }
        for family in registry.collect()
        if family.type in ("counter", "histogram") and family.name.startswith(OURS)
    ]


class Others:
    """What the processes beside this one told last."""

    def __init__(self) -> None:
        self._told: dict[int, Told] = {}

    def hear(self, who: int, what: Told) -> None:
        """Somebody's figures so far; they replace what the same one told before."""
        self._told[who] = what

    def retire(self, who: int) -> None:
        """Somebody is gone; what they counted stays, together with that of all who went before."""
        if (last := self._told.pop(who, None)) is not None:
            both = CollectorRegistry()
            both.register(_Sum(CollectorRegistry(), [self._told.get(GONE, []), last]))
            self._told[GONE] = told(both)

    def added_to(self, registry: CollectorRegistry) -> CollectorRegistry:
        """Everything in `registry`, with theirs added."""
        if not self._told:
            return registry
        both = CollectorRegistry()
        both.register(_Sum(registry, list(self._told.values())))
        return both


OTHERS = Others()
"""Those beside this process."""


class _Sum(Collector):
    def __init__(self, registry: CollectorRegistry, others: Iterable[Told]) -> None:
        self._registry, self._others = registry, others

    def describe(self) -> Iterable[Metric]:
        """Nothing: whatever the registry holds."""
        return []

    def collect(self) -> Iterable[Metric]:
        families = {family.name: family for family in self._registry.collect()}
        for family in (family for others in self._others for family in others):
            mine = families.setdefault(family["name"], Metric(family["name"], family["help"], family["type"]))
            families[family["name"]] = _sum_of(mine, family["samples"])
        return families.values()


def _sum_of(mine: Metric, samples: Iterable[Any]) -> Metric:
    values = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in mine.samples}
    for name, labels, value in samples:
        key = name, tuple(sorted(labels.items()))
        values[key] = values.get(key, 0.0) + value
    both = Metric(mine.name, mine.documentation, mine.type)
    for (name, of), value in values.items():
        both.add_sample(name, dict(of), value)
    return both


def _counted(family: Metric) -> list[Any]:
    return [sample for sample in family.samples if not sample.name.endswith("_created")]
