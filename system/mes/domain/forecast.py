"""When an unfinished work order will be shipped, from its place in the queue and from what the workshop has got done lately.

The time through a stage is what stands before it there, divided by how many pieces leave the stage a day: Little's law, L = lambda W
(J. D. C. Little, A Proof for the Queuing Formula L = lambda W, Operations Research 9, 1961). A piece passes its own stage behind those
that were approved before it, and each later stage behind what stands there now. The law holds for the mean whatever the order in which
operators take work; who stands where is counted oldest approval first, since what is left lying is escalated and given out.

How sure that is: counts of independent days with mean m and variance v let a piece at place k pass after k / m days, with variance
k v / m^3 (renewal theory's central limit for first passage: D. R. Cox, Renewal Theory, 1962, 3.3). That m was measured on n days only
adds (k / m)^2 v / (n m^2). Stages are taken as independent, so their variances add. Days that happen to be alike prove no certainty:
v is never taken below m, which is what counts of pieces that come by chance have (Poisson).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt
from statistics import NormalDist, fmean, variance

from system.mes.domain.flow import STAGES

EARLY, LATE = 0.15, 0.85
"""The quantiles of the band that a forecast is told with: seven pieces of ten are shipped within it."""
_SPREAD = NormalDist().inv_cdf(LATE)


class Risk(StrEnum):
    """How an unfinished work order stands to its promise."""

    LATE = "late"
    AT_RISK = "at_risk"
    UNKNOWN = "unknown"
    ON_TIME = "on_time"


@dataclass(frozen=True, slots=True)
class Rate:
    """What leaves a stage: pieces per working day, their variance between days, on how many days and pieces that was measured."""

    per_day: float
    variance: float
    days: int
    finished: int


@dataclass(frozen=True, slots=True)
class Pace:
    """The workshop's measured pace: a rate for each stage, and how many days of the calendar one working day is."""

    rates: Mapping[str, Rate]
    calendar_days: float
    finished_min: int

    @property
    def finished(self) -> int:
        """On how few pieces the slowest known stage was measured."""
        return min((rate.finished for rate in self.rates.values()), default=0)

    @property
    def is_known(self) -> bool:
        """From fewer than `finished_min` pieces nothing is forecast: one finished ring is no throughput."""
        return len(self.rates) == len(STAGES) and self.finished >= self.finished_min


@dataclass(frozen=True, slots=True)
class Forecast:
    """When it will be shipped: most likely, and the band. `stage` takes the longest; there it is `position`-th, at `per_day`."""

    early: datetime
    likely: datetime
    late: datetime
    stage: str
    position: int
    per_day: float


def pace_of(days: Sequence[Mapping[str, int]], *, days_max: int, finished_min: int) -> Pace:
    """The pace of the last `days_max` working days. `days` are those of the calendar, oldest first: how many left each stage on each.

    The last one is today and not over: it counts only where there is no working day before it. A working day is one on which anything
    left any stage; between the first and the last of them the others (weekends, holidays) stretch the calendar.
    """
    over, today = days[:-1], days[-1:]
    worked = [place for place, day in enumerate(over) if any(number > 0 for number in day.values())][-days_max:]
    if worked:
        measured = [over[place] for place in worked]
        stretch = (len(over) - worked[0]) / len(worked)
    else:
        measured = [day for day in today if any(number > 0 for number in day.values())]
        stretch = 1.0
    if not measured:
        return Pace({}, 1.0, finished_min)
    return Pace(
        {stage: _rate([max(0, day.get(stage, 0)) for day in measured]) for stage in STAGES}, stretch, finished_min
    )


def _rate(counts: Sequence[int]) -> Rate:
    mean = fmean(counts)
    spread = variance(counts) if len(counts) > 1 else mean
    return Rate(mean, max(spread, mean), len(counts), sum(counts))


def forecast(state: str, position: int, standing: Mapping[str, int], pace: Pace, *, now: datetime) -> Forecast | None:
    """When what is `position`-th (from 1) in its stage will be shipped, with `standing` pieces in each stage now.

    None where the pace is not known: never a guess.
    """
    if not pace.is_known:
        return None
    ahead = {stage: standing.get(stage, 0) for stage in STAGES[STAGES.index(state) + 1 :]}
    queue = {state: position} | ahead
    days, spread, slowest = 0.0, 0.0, state
    for stage, place in queue.items():
        rate = pace.rates[stage]
        takes = place / rate.per_day
        days += takes
        spread += place * rate.variance / rate.per_day**3 + takes**2 * rate.variance / (rate.days * rate.per_day**2)
        if takes > queue[slowest] / pace.rates[slowest].per_day:
            slowest = stage
    margin = _SPREAD * sqrt(spread)

    def moment(working_days: float) -> datetime:
        # A pace so slow that the calendar ends before the queue does is told as the end of a century, and is late all the same.
        return now + timedelta(days=min(max(0.0, working_days) * pace.calendar_days, 36_500))

    return Forecast(
        early=moment(days - margin),
        likely=moment(days),
        late=moment(days + margin),
        stage=slowest,
        position=queue[slowest],
        per_day=pace.rates[slowest].per_day,
    )


def risk_of(promise_at: datetime, foretold: Forecast | None, *, now: datetime) -> Risk:
    """LATE: past its day, or more likely shipped after it than before. AT_RISK: its day lies within the band's later half."""
    if promise_at <= now:
        return Risk.LATE
    if foretold is None:
        return Risk.UNKNOWN
    if foretold.likely > promise_at:
        return Risk.LATE
    return Risk.AT_RISK if foretold.late > promise_at else Risk.ON_TIME
