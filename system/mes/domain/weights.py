"""What a work order's metal weighs: as quoted, when it was cast, when it was finished; and what was lost between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from system.mes.domain.work_order import Operator, WorkOrder

GRAMS_MAX = Decimal("99999.99")
DOUBTED_FROM = Decimal("0.20")
"""How far from the quote, as a share of it, a weight is believed at once."""


class Stage(StrEnum):
    """When a piece was weighed: cast, with the sprue cut off; or finished, without stones."""

    CAST = "cast"
    FINISHED = "finished"


class Doubt(StrEnum):
    """Why a weight is asked about once more."""

    CAST_OFF_QUOTE = "cast-off-quote"
    FINISHED_OFF_QUOTE = "finished-off-quote"
    FINISHED_ABOVE_CAST = "finished-above-cast"


@dataclass(frozen=True, slots=True)
class Weighing:
    """One weight of all pieces of a work order together. A correction has the next `no`; the highest of a stage counts.

    `in_doubt`: it was asked about, and whoever weighed stood by it."""

    work_order_id: UUID
    claim_no: int
    stage: Stage
    no: int
    grams: Decimal
    operator: Operator
    at: datetime
    in_doubt: bool


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights that count, in grams, each for all pieces together; None is not known."""

    quoted_g: Decimal | None = None
    cast_g: Decimal | None = None
    finished_g: Decimal | None = None

    @property
    def is_weighed(self) -> bool:
        """Whether a loss can be told."""
        return self.cast_g is not None and self.finished_g is not None

    @property
    def lost_g(self) -> Decimal | None:
        """The loss of finishing in grams, by the balance of mass: what went in less what came out. Negative where metal was added."""
        return None if self.cast_g is None or self.finished_g is None else self.cast_g - self.finished_g

    @property
    def lost_percent(self) -> Decimal | None:
        """The loss as a percentage by mass of what went in: lost / cast * 100."""
        lost = self.lost_g
        return None if lost is None or not self.cast_g else lost / self.cast_g * 100


def weights_of(work_order: WorkOrder, weighings: Sequence[Weighing]) -> Weights:
    """What counts of all that was written down. Quoted is the weight of a piece times the quantity."""
    quoted = None if work_order.weight_g is None else work_order.weight_g * work_order.quantity
    newest = {each.stage: each.grams for each in sorted(weighings, key=lambda each: each.no)}
    return Weights(quoted, newest.get(Stage.CAST), newest.get(Stage.FINISHED))


def corrected(weights: Weights, entered: Mapping[Stage, Decimal]) -> Weights:
    """The weights that would count with those entered now."""
    return replace(weights, **{f"{stage}_g": grams for stage, grams in entered.items()})


def news(weights: Weights, entered: Mapping[Stage, Decimal]) -> dict[Stage, Decimal]:
    """Of what was entered, that which is not so already: pressed twice is written once."""
    known = {Stage.CAST: weights.cast_g, Stage.FINISHED: weights.finished_g}
    return {stage: grams for stage, grams in entered.items() if known[stage] != grams}


def doubts_about(weights: Weights, entered: Mapping[Stage, Decimal]) -> tuple[Doubt, ...]:
    """What speaks against the weights entered: far from the quote, or more finished than was cast."""
    after = corrected(weights, entered)
    found = []
    for stage, doubt in ((Stage.CAST, Doubt.CAST_OFF_QUOTE), (Stage.FINISHED, Doubt.FINISHED_OFF_QUOTE)):
        if stage in entered and is_off(entered[stage], after.quoted_g):
            found.append(doubt)
    if entered and after.cast_g is not None and after.finished_g is not None and after.finished_g > after.cast_g:
        found.append(Doubt.FINISHED_ABOVE_CAST)
    return tuple(found)


def is_off(grams: Decimal, quoted: Decimal | None) -> bool:
    """Whether a weight is further from the quote than DOUBTED_FROM of it; never where nothing was quoted."""
    return quoted is not None and quoted > 0 and abs(grams - quoted) > quoted * DOUBTED_FROM
