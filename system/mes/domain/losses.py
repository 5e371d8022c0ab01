"""Metal lost between casting and the finished piece: by operator and alloy, and what stands out.

A work order is one sample: its loss is that of all its pieces together. Only what has both weights is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import sqrt
from statistics import fmean, stdev
from uuid import UUID

from system.mes.domain.weights import Weights
from system.mes.domain.work_order import Operator

SAMPLES_MIN = 8
"""With fewer, one sample can hardly be further from their mean than the limit: (n - 1) / sqrt(n) deviations at most."""
LIMIT_DEVIATIONS = 2.0
"""The warning limits of a control chart (Shewhart 1931; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2)."""


@dataclass(frozen=True, slots=True)
class Made:
    """A work order that was made, by whom and when, with what it weighed."""

    work_order_id: UUID
    order_number: str
    title: str
    material: str
    quantity: int
    operator: Operator
    made_at: datetime
    weights: Weights


@dataclass(frozen=True, slots=True)
class Norm:
    """What an alloy usually loses: mean and sample standard deviation of the percentages of its work orders."""

    material: str
    samples: int
    mean_percent: float
    deviation: float

    def is_outlier(self, percent: float, *, samples: int = 1) -> bool:
        """Whether a mean of so many samples lies outside mean +- LIMIT_DEVIATIONS * deviation / sqrt(samples)."""
        if self.samples < SAMPLES_MIN or not self.deviation:
            return False
        return abs(percent - self.mean_percent) > LIMIT_DEVIATIONS * self.deviation / sqrt(samples)


@dataclass(frozen=True, slots=True)
class Losses:
    """What one operator made of one alloy. Sums are over what has both weights, so that they can be compared.

    Pieces are counted, not work orders. `quoted_g` is of those whose weight was quoted."""

    operator: Operator
    material: str
    weighed: int
    unweighed: int
    weights: Weights
    is_outlier: bool


def percents(made: Iterable[Made]) -> list[float]:
    """The loss of each that was weighed."""
    return [float(each.weights.lost_percent) for each in made if each.weights.lost_percent is not None]


def norms_of(made: Sequence[Made]) -> dict[str, Norm]:
    """The norm of every alloy of which something was weighed."""
    norms = {}
    for material in sorted({each.material for each in made}):
        found = percents(each for each in made if each.material == material)
        if found:
            norms[material] = Norm(material, len(found), fmean(found), stdev(found) if len(found) > 1 else 0.0)
    return norms


def stands_out(made: Made, norms: dict[str, Norm]) -> bool:
    """Whether a work order lost unusually much, or little, for its alloy."""
    percent = made.weights.lost_percent
    return percent is not None and norms[made.material].is_outlier(float(percent))


def by_operator_and_alloy(made: Sequence[Made], norms: dict[str, Norm]) -> list[Losses]:
    """One line for each operator and alloy, by name and then by alloy."""
    groups: dict[tuple[UUID, str], list[Made]] = {}
    for each in made:
        groups.setdefault((each.operator.id, each.material), []).append(each)
    lines = [_line(group, norms) for group in groups.values()]
    return sorted(lines, key=lambda line: (line.operator.name, line.operator.id, line.material))


def _line(group: Sequence[Made], norms: dict[str, Norm]) -> Losses:
    newest = max(group, key=lambda each: each.made_at)
    weighed = [each for each in group if each.weights.is_weighed]
    found = percents(weighed)
    norm = norms.get(newest.material)
    return Losses(
        operator=newest.operator,
        material=newest.material,
        weighed=sum(each.quantity for each in weighed),
        unweighed=sum(each.quantity for each in group) - sum(each.quantity for each in weighed),
        weights=total(weighed),
        is_outlier=bool(found) and norm is not None and norm.is_outlier(fmean(found), samples=len(found)),
    )


def total(weighed: Sequence[Made]) -> Weights:
    """The sums of what was weighed; nothing is known of nothing."""
    if not weighed:
        return Weights()
    return Weights(
        sum((each.weights.quoted_g or Decimal(0) for each in weighed), Decimal(0)),
        sum((each.weights.cast_g or Decimal(0) for each in weighed), Decimal(0)),
        sum((each.weights.finished_g or Decimal(0) for each in weighed), Decimal(0)),
    )
