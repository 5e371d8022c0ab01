"""Whose model is measured next: the workers' time is shared out by triangles among those who ask, however many each of them sends.

Start-time fair queueing (P. Goyal, H. Vin, H. Cheng, 1996). Every asker has a ruler on which their models lie end to end, each as long
as it costs; whoever's ruler is shortest is next. One who comes anew begins where the clock stands, which is where the model begins
that was taken last: nobody saves up turns while they ask for nothing, and who sends one does not wait for two hundred of another's.
Among one asker's own the shortest is first, and each second of waiting makes a model shorter by AGEING_PER_S.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

OVERHEAD = 80_000
"""What any model costs beside its triangles, in triangles: a process is started and a file fetched (0.2 s of 2.5 s a million)."""
AGEING_PER_S = 20_000
"""A million triangles more is fifty seconds later, and no more than that."""
DRIFT = 2
"""The clock moves on by a DRIFT-th of everybody's equal share, so that newcomers without end do not hold up who waits."""
BYTES_OF_TRIANGLE: Mapping[str, float] = {
    "stl_binary": 50,
    "stl_ascii": 250,
    "obj": 60,
    "ply": 20,
    "3mf": 12,
    "glb": 18,
    "gltf": 24,
}
"""What a triangle takes in a file of each format, about: it stands for the triangles of a file that nobody has read yet."""
BYTES_OF_TRIANGLE_ELSE = 50.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """One calculation that waits. `place` orders it among those of its asker.

    `clock` is what the clock showed when it was asked for, None when nobody noted that.
    """

    job_id: int
    asker: UUID
    triangles: int
    place: int
    clock: int | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """How far everybody was served. `clock` is where the model taken last begins; `advance` is added when the next one is taken."""

    clock: int = 0
    advance: int = 0
    served_to: Mapping[UUID, int] = field(default_factory=dict)


def triangles_of(file_bytes: int | None, file_format: str | None) -> int:
    """About how many triangles a file has."""
    per_triangle = BYTES_OF_TRIANGLE.get((file_format or "").replace("-", "_"), BYTES_OF_TRIANGLE_ELSE)
    return int((file_bytes or 0) / per_triangle)


def cost_of(triangles: int) -> int:
    """What measuring a model takes of the workers, in triangles."""
    return OVERHEAD + triangles


def place_of(triangles: int, *, asked_at: datetime) -> int:
    """Where a model stands among those of its asker, the lowest first. Time need not be looked at again: all wait equally fast."""
    return cost_of(triangles) + AGEING_PER_S * int(asked_at.timestamp())


def in_turn(waiting: Iterable[Waiting], shares: Shares) -> list[Waiting]:
    """All that wait, in the order in which they will be taken if nobody asks for anything else."""
    lines: dict[UUID, list[Waiting]] = {}
    for one in waiting:
        lines.setdefault(one.asker, []).append(one)
    turns: list[tuple[int, int, int, int, UUID]] = []
    noted: dict[UUID, list[int]] = {}
    for asker, line in lines.items():
        # From the back, so that taking the first is cheap; from there on, the earliest clock of those behind it.
        line.sort(key=lambda one: (one.place, one.job_id), reverse=True)
        noted[asker] = _earliest(line, shares.clock)
        heapq.heappush(turns, _turn(line, max(shares.served_to.get(asker, 0), noted[asker][-1])))
    ordered = []
    while turns:
        start, *_, asker = heapq.heappop(turns)
        line = lines[asker]
        taken = line.pop()
        ordered.append(taken)
        if line:
            served_to = start + cost_of(taken.triangles)
            heapq.heappush(turns, _turn(line, max(served_to, noted[asker][len(line) - 1])))
    return ordered


def served(taken: Waiting, waiting: Collection[Waiting], shares: Shares) -> Shares:
    """The shares after a worker took one of those that waited."""
    starts = starts_of(waiting, shares)
    start, cost = starts[taken.asker], cost_of(taken.triangles)
    return Shares(
        clock=max(shares.clock + shares.advance, min(starts.values())),
        advance=cost // (DRIFT * len(starts)),
        served_to={**shares.served_to, taken.asker: start + cost},
    )


def starts_of(waiting: Iterable[Waiting], shares: Shares) -> Mapping[UUID, int]:
    """Where on their ruler each asker's next model begins."""
    earliest: dict[UUID, int] = {}
    for one in waiting:
        clock = shares.clock if one.clock is None else one.clock
        earliest[one.asker] = min(clock, earliest.get(one.asker, clock))
    return {asker: max(shares.served_to.get(asker, 0), clock) for asker, clock in earliest.items()}


def _turn(line: Sequence[Waiting], start: int) -> tuple[int, int, int, int, UUID]:
    first = line[-1]
    return start, first.triangles, first.place, first.job_id, first.asker


def _earliest(line: Sequence[Waiting], now: int) -> list[int]:
    """For each of a line, back to front, the earliest clock of it and those behind it."""
    found: list[int] = []
    for one in line:
        clock = now if one.clock is None else one.clock
        found.append(min(clock, found[-1]) if found else clock)
    return found
