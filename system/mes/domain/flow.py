"""How work flows through the workshop: what moved between the states, and what stands where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

STAGES = ("RELEASED", "CLAIMED", "COMPLETED", "PACKING")
"""Where an unfinished work order waits or is worked on, in the order in which it passes them."""
ROAD = (*STAGES, "SHIPPED")
AGE_LIMITS_S = (4 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600)
"""The buckets of ages: below each of these, and beyond the last."""


@dataclass(frozen=True, slots=True)
class Move:
    """So many work orders went from one state to another; from none when they were released. `hour` is that of the day."""

    before: str | None
    after: str
    number: int
    hour: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """One unfinished work order: where it stands since when, who holds it, and when anything last happened to it."""

    work_order_id: UUID
    order_number: str
    title: str
    state: str
    since: datetime
    happened_at: datetime
    approved_at: datetime
    promise_at: datetime
    held_by: UUID | None = None
    held_by_name: str | None = None


def passed(moves: Iterable[Move]) -> Counter[str]:
    """How many work orders left each stage forwards, by stage. What goes back is taken off again, in every stage it goes back over.

    So what was made, undone and made again is made once, and nobody's day grows by rework.
    """
    left: Counter[str] = Counter()
    for move in moves:
        if move.before not in ROAD or move.after not in ROAD:
            continue
        start, end = ROAD.index(move.before), ROAD.index(move.after)
        for stage in ROAD[min(start, end) : max(start, end)]:
            left[stage] += move.number if end > start else -move.number
    return left


def passed_by_hour(moves: Sequence[Move]) -> list[Counter[str]]:
    """`passed` for each of the day's 24 hours."""
    return [passed(move for move in moves if move.hour == hour) for hour in range(24)]


def in_progress(now: Mapping[str, int], days: Sequence[Iterable[Move]]) -> list[dict[str, int]]:
    """How many stood in each stage at the end of each day, the last of which is now.

    Counted backwards from what stands there now, so that no count of the whole past is needed.
    """
    standing = {stage: now.get(stage, 0) for stage in STAGES}
    ends = []
    for moves in reversed(days):
        ends.append(dict(standing))
        for move in moves:
            if move.after in standing:
                standing[move.after] -= move.number
            if move.before in standing:
                standing[move.before] += move.number
    return ends[::-1]


def ages(standing: Iterable[Standing], *, now: datetime) -> dict[str, list[int]]:
    """How many of each stage are how old there: one number for each of AGE_LIMITS_S, and one for what is older than the last."""
    counted = {stage: [0] * (len(AGE_LIMITS_S) + 1) for stage in STAGES}
    for one in standing:
        age = now - one.since
        place = sum(age >= timedelta(seconds=limit) for limit in AGE_LIMITS_S)
        counted[one.state][place] += 1
    return counted
