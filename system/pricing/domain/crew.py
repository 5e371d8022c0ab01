"""How many workers there should be: as many as the work that waits is worth, one fewer once nothing waited for a while."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """`least` to `most` workers.

    `target_s` is the work that may wait for each, `resting_s` how long nothing waits before one leaves.
    """

    least: int
    most: int
    target_s: float
    resting_s: float


def workers_wanted(waiting_s: float, *, workers: int, calm_for_s: float, bounds: Bounds) -> int:
    """How many workers there should be. `waiting_s` is the work that waits, in seconds of one worker; `calm_for_s` how long none has.

    More at once, since somebody waits; fewer one by one and late, so that a pause between two models stops nobody.
    """
    if waiting_s > bounds.target_s * workers:
        wanted = max(workers, math.ceil(min(waiting_s / bounds.target_s, bounds.most)))
    elif waiting_s <= 0 and calm_for_s >= bounds.resting_s:
        wanted = workers - 1
    else:
        wanted = workers
    return max(bounds.least, min(bounds.most, wanted))
