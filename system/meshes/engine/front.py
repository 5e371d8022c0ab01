"""Drives the inner loop over chunks of triangles, and gives its table and nodes room as they need it, up to a budget."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from system.meshes.engine import front_kernels as kernels
from system.meshes.engine.hashing import Words, fresh_secret
from system.meshes.stl import Triangles

BODIES_MAX = 10_000
"""Bodies told one by one; beyond, they are counted."""
_SLOTS = 1 << 13
_NODES = 1 << 8


@dataclass(slots=True)
class Front:
    """Totals and bodies of the triangles it was fed. With more than `live_max` edges waiting it ends to follow them."""

    origin: tuple[float, float, float]
    """A point near the model: volumes are taken about it, so that they keep their digits far from zero."""
    live_max: int
    follows: bool = True
    secret: Words = field(default_factory=fresh_secret)
    state: kernels.Longs = field(default_factory=lambda: np.zeros(9, np.int64))
    totals: kernels.Floats = field(default_factory=lambda: np.zeros(17))
    prints: Words = field(default_factory=lambda: np.zeros(2, np.uint64))
    bodies: kernels.Floats = field(default_factory=lambda: np.empty((BODIES_MAX, kernels.BODY_WIDTH)))
    slots: kernels.Longs = field(default_factory=lambda: np.zeros((_SLOTS, 2), np.int64))
    spare: kernels.Longs = field(default_factory=lambda: np.empty((_SLOTS, 2), np.int64))
    parents: kernels.Ints = field(default_factory=lambda: np.empty(_NODES, np.int32))
    holds: kernels.Longs = field(default_factory=lambda: np.empty(_NODES, np.int64))
    sums: kernels.Floats = field(default_factory=lambda: np.empty((_NODES, kernels.BODY_WIDTH)))
    free: kernels.Ints = field(default_factory=lambda: np.arange(1, _NODES + 1, dtype=np.int32))

    def __post_init__(self) -> None:
        # Node 0 is none.
        self.state[kernels.FREE] = _NODES - 1
        self.parents[0] = 0
        self.totals[kernels.LOW : kernels.HIGH] = np.inf
        self.totals[kernels.HIGH : kernels.ORIGIN] = -np.inf
        self.totals[kernels.ORIGIN :] = self.origin

    @property
    def live(self) -> int:
        """Edges that wait for their other side."""
        return int(self.state[kernels.LIVE])

    def feed(self, chunk: Triangles) -> None:
        """Takes these triangles, contiguous float32 of shape (n, 3, 3)."""
        words = chunk.view(np.uint32)
        done = 0
        while True:
            done = kernels.advance(
                chunk, words, done, self.secret, self.slots, self.spare, self.parents, self.holds, self.sums,
                self.free, self.bodies, self.state, self.totals, self.prints, self.follows,
            )  # fmt: skip
            if done == len(chunk):
                return
            self._make_room()

    def absorb(self, other: Front) -> None:
        """Takes what another one, of the same origin and secret, was fed; that one is of no use any more."""
        self.state[kernels.LIVE_PEAK] += other.state[kernels.LIVE_PEAK]
        self.state[kernels.DEGENERATE] += other.state[kernels.DEGENERATE]
        self.state[kernels.NOT_FINITE] |= other.state[kernels.NOT_FINITE]
        self.totals[: kernels.LOW] += other.totals[: kernels.LOW]
        box = slice(kernels.LOW, kernels.HIGH), slice(kernels.HIGH, kernels.ORIGIN)
        self.totals[box[0]] = np.minimum(self.totals[box[0]], other.totals[box[0]])
        self.totals[box[1]] = np.maximum(self.totals[box[1]], other.totals[box[1]])
        self.prints[:1] += other.prints[:1]
        self.prints[1:] ^= other.prints[1:]
        self.follows = self.follows and other.follows
        if self.follows:
            self._absorb_bodies(other)

    def _absorb_bodies(self, other: Front) -> None:
        for place in (kernels.INWARD, kernels.MANY_SIDED):
            self.state[place] += other.state[place]
        told = int(self.state[kernels.BODIES])
        room = max(BODIES_MAX - told, 0)
        more = other.bodies[: min(int(other.state[kernels.BODIES]), room)]
        self.bodies[told : told + len(more)] = more
        self.state[kernels.BODIES] += other.state[kernels.BODIES]
        shift = len(self.parents)
        free = self.free[: self.state[kernels.FREE]], other.free[: other.state[kernels.FREE]] + np.int32(shift)
        self.parents = np.concatenate((self.parents, other.parents + np.int32(shift)))
        self.holds = np.concatenate((self.holds, other.holds))
        self.sums = np.concatenate((self.sums, other.sums))
        self.free = np.empty(len(self.parents), np.int32)
        self.state[kernels.FREE] = sum(map(len, free))
        self.free[: self.state[kernels.FREE]] = np.concatenate(free)
        slots = len(self.slots)
        while slots < 4 * (self.live + other.live):
            slots *= 2
        self.spare = np.zeros((slots, 2), np.int64)
        self.state[kernels.USED] = kernels.move(self.slots, self.spare)
        self.slots, self.spare = self.spare, np.empty_like(self.spare)
        kernels.absorb(
            other.slots, shift, self.slots, self.parents, self.holds, self.sums, self.free, self.bodies, self.state
        )

    def _make_room(self) -> None:
        if self.live > self.live_max:
            self.follows = False
            self.slots = self.spare = np.zeros((_SLOTS, 2), np.int64)
            return
        if self.state[kernels.FREE] == 0:
            self._more_nodes()
        if self.live > len(self.slots) // 4:
            self.spare = np.zeros((2 * len(self.slots), 2), np.int64)
            self.state[kernels.USED] = kernels.move(self.slots, self.spare)
            self.slots, self.spare = self.spare, np.empty_like(self.spare)

    def _more_nodes(self) -> None:
        had = len(self.parents)
        self.parents = np.concatenate((self.parents, np.empty(had, np.int32)))
        self.holds = np.concatenate((self.holds, np.empty(had, np.int64)))
        self.sums = np.concatenate((self.sums, np.empty((had, kernels.BODY_WIDTH))))
        self.free = np.concatenate((np.arange(had, 2 * had, dtype=np.int32), np.empty(had, np.int32)))
        self.state[kernels.FREE] = had
