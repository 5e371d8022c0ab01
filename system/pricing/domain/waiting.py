"""How long a calculation will still take: from what calculations of models of its size took, and from what is ahead of it."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

MEASURED_MIN = 3
"""From fewer calculations of a size nothing is foretold."""


class SizeClass(StrEnum):
    """How large a model's file is: the time of a calculation grows with its facets, and its bytes are known before them."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    HUGE = "huge"


_BELOW_BYTES = ((1_000_000, SizeClass.SMALL), (10_000_000, SizeClass.MEDIUM), (75_000_000, SizeClass.LARGE))


@dataclass(frozen=True, slots=True)
class Measured:
    """One calculation that ended, and what it took."""

    file_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class InQueue:
    """One calculation that waits, or that a worker has been at for `running_s`. Its size may not be known."""

    file_bytes: int | None
    running_s: float | None = None


def size_class(file_bytes: int) -> SizeClass:
    """The class of a file of so many bytes."""
    return next((size for below, size in _BELOW_BYTES if file_bytes < below), SizeClass.HUGE)


def typical_seconds(measured: Iterable[Measured]) -> Mapping[SizeClass, float]:
    """What a calculation of each size takes: the median of those measured; no entry for a size of which MEASURED_MIN were not."""
    by_size: dict[SizeClass, list[float]] = defaultdict(list)
    for one in measured:
        by_size[size_class(one.file_bytes)].append(one.seconds)
    return {size: median(seconds) for size, seconds in by_size.items() if len(seconds) >= MEASURED_MIN}


def seconds_left(queue: Sequence[InQueue], typical: Mapping[SizeClass, float], *, at_once: int) -> list[float | None]:
    """For each of the queue, what runs first and then in its order, the seconds until it is done; None where that is not known.

    List scheduling (R. L. Graham, Bounds on Multiprocessing Timing Anomalies, 1969): each goes to whichever of the `at_once` places
    is free first. A place that is taken by something of unknown length is never counted on. Nothing runs: nothing is foretold.
    """
    running = [one for one in queue if one.running_s is not None]
    if at_once < 1:
        return [None] * len(queue)
    free_in_s: list[float] = [0.0] * max(0, at_once - len(running))
    left: list[float | None] = []
    for one in queue:
        takes_s = _takes_s(one, typical)
        if one.running_s is not None:
            done_in_s = max(0.0, takes_s - one.running_s)
            heapq.heappush(free_in_s, done_in_s)
        else:
            done_in_s = heapq.heappop(free_in_s) + takes_s
            heapq.heappush(free_in_s, done_in_s)
        left.append(done_in_s if math.isfinite(done_in_s) else None)
    return left


def _takes_s(one: InQueue, typical: Mapping[SizeClass, float]) -> float:
    return math.inf if one.file_bytes is None else typical.get(size_class(one.file_bytes), math.inf)
