"""How far a calculation is, as whoever waits for it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from system.pricing.domain.quote import QuoteStatus

PERCENT_MAX = 99
"""What is not over is not told to be, however long it takes beyond what was foretold."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one quote stands: nobody before it is place 1, and 0 when a worker is at it; seconds until it is done, if known."""

    position: int
    eta_s: float | None


class Stage(StrEnum):
    """What happens to a model just now."""

    WAITING = "waiting"
    FIRST_LOOK = "first_look"
    SURFACE = "surface"


_STAGES: Mapping[QuoteStatus, Stage] = {
    QuoteStatus.QUEUED: Stage.WAITING,
    QuoteStatus.ANALYSING: Stage.FIRST_LOOK,
    QuoteStatus.ESTIMATED: Stage.SURFACE,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """The stage, and the share of the time until the end that is over, 0 to PERCENT_MAX; None where that is not known."""

    stage: Stage
    percent: int | None


def progress_of(status: QuoteStatus, *, waited_s: float, eta_s: float | None) -> Progress | None:
    """How far a quote is that was asked for `waited_s` ago and should be done in `eta_s`; None for one that is finished."""
    if status.is_final:
        return None
    percent = None
    if eta_s is not None:
        waited_s = max(0.0, waited_s)
        whole_s = waited_s + eta_s
        percent = min(PERCENT_MAX, int(100 * waited_s / whole_s)) if whole_s > 0 else 0
    return Progress(_STAGES[status], percent)
