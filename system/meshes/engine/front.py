"""Drives the inner loop over chunks of triangles, and gives its table and nodes room as they need it, up to a budget."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from system.meshes.engine import front_kernels as kernels
from system.meshes.engine.hashing import Words, fresh_secret

BODIES_MAX = 10_000
"""Bodies told one by one; beyond, they are counted."""
_SLOTS = 1 << 14
_NODES = 1 << 10


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
    slots: kernels.Longs = field(default_factory=lambda: np.zeros(_SLOTS * kernels.SLOT_WIDTH, np.int64))
    spare: kernels.Longs = field(default_factory=lambda: np.empty(_SLOTS * kernels.SLOT_WIDTH, np.int64))
    parents: kernels.Nodes = field(default_factory=lambda: np.empty(_NODES, np.uint64))
    sums: kernels.Floats = field(default_factory=lambda: np.empty(_NODES * kernels.NODE_WIDTH))
    free: kernels.Nodes = field(default_factory=lambda: np.arange(1, _NODES + 1, dtype=np.uint64))

    def __post_init__(self) -> None:
        # Node 0 is none.
        self.state[kernels.FREE] = _NODES - 1
        kernels.make_ready(self.parents, self.sums, 0)
        self.totals[kernels.LOW : kernels.HIGH] = np.inf
        self.totals[kernels.HIGH : kernels.ORIGIN] = -np.inf
        self.totals[kernels.ORIGIN :] = self.origin

    @property
    def live(self) -> int:
        """Edges that wait for their other side."""
        return int(self.state[kernels.LIVE])

    def feed(self, halves: kernels.Halves) -> None:
        """Takes these triangles, as `halves_of` or a source gives them."""
        flat, width = halves.reshape(-1), halves.shape[1]
        done = 0
        while True:
            done = kernels.advance(
                flat, width, done, self.secret, self.slots, self.spare, self.parents, self.sums,
                self.free, self.bodies, self.state, self.totals, self.prints, self.follows,
            )  # fmt: skip
            if done == len(halves):
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
        free = self.free[: self.state[kernels.FREE]], other.free[: other.state[kernels.FREE]] + np.uint64(shift)
        self.parents = np.concatenate((self.parents, other.parents + np.uint64(shift)))
        self.sums = np.concatenate((self.sums, other.sums))
        self.free = np.empty(len(self.parents), np.uint64)
        self.state[kernels.FREE] = sum(map(len, free))
        self.free[: self.state[kernels.FREE]] = np.concatenate(free)
        room = len(self.slots)
        while room < 4 * kernels.SLOT_WIDTH * (self.live + other.live):
            room *= 2
        self.spare = np.zeros(room, np.int64)
        self.state[kernels.USED] = kernels.move(self.slots, self.spare)
        self.slots, self.spare = self.spare, np.empty_like(self.spare)
        kernels.absorb(other.slots, shift, self.slots, self.parents, self.sums, self.state)

    def finish(self) -> None:
        """Bodies are told of which no edge waits."""
        if self.follows:
            self._collect()

    def _collect(self) -> None:
        waiting = self.slots if self.live else self.slots[:0]
        kernels.collect(waiting, self.parents, self.sums, self.free, self.bodies, self.state)

    def _make_room(self) -> None:
        if self.live > self.live_max:
            self.follows = False
            self.slots = self.spare = np.zeros(_SLOTS * kernels.SLOT_WIDTH, np.int64)
            return
        if self.state[kernels.FREE] == 0:
            self._collect()
            if self.state[kernels.FREE] < len(self.parents) // 2:
                self._more_nodes()
        if self.live > len(self.slots) // kernels.SLOT_WIDTH // 4:
            self.spare = np.zeros(2 * len(self.slots), np.int64)
            self.state[kernels.USED] = kernels.move(self.slots, self.spare)
            self.slots, self.spare = self.spare, np.empty_like(self.spare)

    def _more_nodes(self) -> None:
        had = len(self.parents)
        free = int(self.state[kernels.FREE])
        self.parents = np.concatenate((self.parents, np.empty(had, np.uint64)))
        self.sums = np.concatenate((self.sums, np.empty(had * kernels.NODE_WIDTH)))
        kernels.make_ready(self.parents, self.sums, had)
        more = np.arange(had, 2 * had, dtype=np.uint64)
        self.free = np.concatenate((self.free[:free], more, np.empty(had - free, np.uint64)))
        self.state[kernels.FREE] = free + had
