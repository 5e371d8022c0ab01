"""How far a calculation is, as whoever waits for it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from system.pricing.domain.quote import QuoteStatus
from system.pricing.domain.stages import Stage

PERCENT_MAX = 99
"""What is not over is not told to be, however long it takes beyond what was foretold."""


@dataclass(frozen=True, slots=True)
class At:
    """The stage that a worker said it is at, for how long, and of how many triangles the model is, once that is known."""

    stage: Stage
    since_s: float
    triangle_count: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one quote stands: nobody before it is place 1, and 0 when a worker is at it; seconds until it is done, if known."""

    position: int
    eta_s: float | None
    at: At | None = None


# A worker that says nothing more, one of the release before perhaps, is at the beginning of what its quote's status tells.
_STAGES: Mapping[QuoteStatus, Stage] = {
    QuoteStatus.QUEUED: Stage.WAITING,
    QuoteStatus.ANALYSING: Stage.READING,
    QuoteStatus.ESTIMATED: Stage.SURFACE,
}
_SECONDS_PER_MILLION: Mapping[Stage, float] = {
    Stage.READING: 0.5,
    Stage.FIRST_LOOK: 0.3,
    Stage.SURFACE: 2.5,
    Stage.THICKNESS: 0.3,
}
"""About what each stage takes of a million triangles (README). Only their proportions matter for long: a slower machine halves what is
left of a stage as often as that takes."""
_SECONDS_LEAST = 0.05


@dataclass(frozen=True, slots=True)
class Progress:
    """The stage, and the share of the way to the end that is over, 0 to PERCENT_MAX; None where that is not known."""

    stage: Stage
    percent: int | None


def progress_of(status: QuoteStatus, *, waited_s: float, eta_s: float | None, at: At | None = None) -> Progress | None:
    """How far a quote is that was asked for `waited_s` ago and should be done in `eta_s`; None for one that is finished.

    The percentage is the larger one of the time until the foretold end and of the work by triangles, where each is known.
    """
    if status.is_final:
        return None
    known = [share for share in (_by_time(waited_s, eta_s), _by_triangles(at)) if share is not None]
    percent = min(PERCENT_MAX, int(100 * max(known))) if known else None
    return Progress(_stage(status, at), percent)


def _stage(status: QuoteStatus, at: At | None) -> Stage:
    told = _STAGES[status]
    order = list(Stage)
    # The quote's own status wins over a word that came before it.
    return max(told, at.stage, key=order.index) if at is not None and status is not QuoteStatus.QUEUED else told


def _by_time(waited_s: float, eta_s: float | None) -> float | None:
    if eta_s is None:
        return None
    waited_s = max(0.0, waited_s)
    whole_s = waited_s + eta_s
    return waited_s / whole_s if whole_s > 0 else 0.0


def _by_triangles(at: At | None) -> float | None:
    """The work of the stages that are over, and of the present one all but a half for each time that it should take."""
    if at is None or at.triangle_count is None or at.stage not in _SECONDS_PER_MILLION:
        return None
    before_s = own_s = whole_s = 0.0
    for stage, per_million_s in _SECONDS_PER_MILLION.items():
        stage_s = max(_SECONDS_LEAST, per_million_s * at.triangle_count / 1_000_000)
        if stage is at.stage:
            before_s, own_s = whole_s, stage_s
        whole_s += stage_s
    return float((before_s + own_s * (1 - 0.5 ** (max(0.0, at.since_s) / own_s))) / whole_s)
