"""The inner loop of a scan: triangles go past once, and only edges still waiting for their other side are remembered.

An edge is a slot of an open table: its number, and how often it was met forwards less backwards, with the node of its body
(`count * 2**32 + node`, 0 once the two are even). Then it is forgotten. A node is a part of a body, joined to others as edges
meet; when the last of its edges is forgotten the body is complete. So memory follows the front between seen and unseen triangles.
Node 0 is none. Whether an edge is new is as good as random, so nothing branches upon it: a processor that guesses wrong half of the
time takes longer for that than for all the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.compiling import compiled, inlined
from system.meshes.engine.hashing import Words, edge_hash, point_hash

Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
_Scalar = Any

# Places in `state`: counts that go on from one call to the next.
USED, LIVE, FREE, BODIES, INWARD, MANY_SIDED, DEGENERATE, NOT_FINITE, LIVE_PEAK = range(9)
# Places in `totals`: six times the volume and twice the area, the sum of normals, the sum of corners, the box, and what volumes
# are taken about.
VOLUME, AREA, NORMAL, CORNER, LOW, HIGH, ORIGIN = 0, 1, 2, 5, 8, 11, 14
# Places in a body's row: as above, with its facets.
FACETS, BODY_LOW, BODY_HIGH, BODY_WIDTH = 2, 3, 6, 9

_NONE, _ONE = np.uint64(0), np.uint64(1)
_NODE_MASK = np.int64(0xFFFFFFFF)
_COUNT_ONE = np.int64(1 << 32)
_COUNT_SHIFT = np.int64(32)


@inlined
def slot_of(slots: Longs, key: _Scalar) -> _Scalar:
    """The slot that holds an edge, or else the free one where it belongs."""
    mask = np.int64(slots.shape[0] - 1)
    slot = key & mask
    while slots[slot, 0] != 0 and slots[slot, 0] != key:
        slot = (slot + 1) & mask
    return slot


@compiled
def move(slots: Longs, larger: Longs) -> int:
    """Copies the edges that still wait to an empty table, and says how many they are."""
    moved = 0
    for slot in range(slots.shape[0]):
        if slots[slot, 1] != 0:
            target = slot_of(larger, slots[slot, 0])
            larger[target, 0] = slots[slot, 0]
            larger[target, 1] = slots[slot, 1]
            moved += 1
    return moved


@inlined
def root_of(parents: Ints, node: _Scalar) -> _Scalar:
    """The node that stands for the whole body."""
    while parents[node] != node:
        node = np.int64(parents[node])
    return node


@compiled
def join(parents: Ints, holds: Longs, sums: Floats, one: _Scalar, other: _Scalar) -> _Scalar:
    """Makes one body of two, and returns the node that stands for it: the one with more to hold, so that chains stay short."""
    if holds[one] < holds[other]:
        one, other = other, one
    parents[other] = one
    holds[one] += 1
    for place in range(BODY_LOW):
        sums[one, place] += sums[other, place]
    for axis in range(3):
        sums[one, BODY_LOW + axis] = min(sums[one, BODY_LOW + axis], sums[other, BODY_LOW + axis])
        sums[one, BODY_HIGH + axis] = max(sums[one, BODY_HIGH + axis], sums[other, BODY_HIGH + axis])
    return one


@compiled
def settle(parents: Ints, holds: Longs, sums: Floats, free: Ints, bodies: Floats, state: Longs, node: _Scalar) -> None:
    """Nothing holds this node any more. When it stands for a body that is complete, and told; beyond the room for them, counted."""
    while holds[node] == 0:
        above = np.int64(parents[node])
        free[state[FREE]] = node
        state[FREE] += 1
        if above == node:
            if state[BODIES] < bodies.shape[0]:
                for place in range(BODY_WIDTH):
                    bodies[state[BODIES], place] = sums[node, place]
            state[BODIES] += 1
            if not sums[node, VOLUME] > 0.0:
                state[INWARD] += 1
            return
        holds[above] -= 1
        node = above


@inlined
def part_of(parents: Ints, holds: Longs, sums: Floats, root: _Scalar, node: _Scalar) -> _Scalar:
    """The body of what was met before, and of this node; 0 is none. They are joined."""
    if node == 0:
        return root
    found = root_of(parents, node)
    if root == 0 or found == root:
        return found
    return join(parents, holds, sums, root, found)


@inlined
def write(slots: Longs, slot: _Scalar, key: _Scalar, met: _Scalar, node: _Scalar) -> _Scalar:
    """An edge waits now, or is forgotten when it is even: 1 when a free slot was taken for it."""
    taken = np.int64(slots[slot, 0] == 0)
    slots[slot, 0] = key
    slots[slot, 1] = met * _COUNT_ONE + node if met != 0 else np.int64(0)
    return taken


@compiled
def let_go(
    parents: Ints, holds: Longs, sums: Floats, free: Ints, bodies: Floats, state: Longs,
    one: _Scalar, another: _Scalar, third: _Scalar,
) -> None:  # fmt: skip
    """Nodes whose edges were met for the last time, 0 for none, are settled one after the other: settling one may let go of others."""
    holds[one] += 1
    holds[another] += 1
    holds[third] += 1
    for node in (one, another, third):
        holds[node] -= 1
        if node != 0 and holds[node] == 0:
            settle(parents, holds, sums, free, bodies, state, node)


@compiled
def absorb(
    others: Longs,
    shift: _Scalar,
    slots: Longs,
    parents: Ints,
    holds: Longs,
    sums: Floats,
    free: Ints,
    bodies: Floats,
    state: Longs,
) -> None:
    """Edges that wait in another table wait here, or meet here; their nodes are numbered from `shift` on here.

    There is room for all of them. What holds a node goes on holding it until its edge has met: no body seems complete before.
    """
    for other in range(others.shape[0]):
        value = others[other, 1]
        if value == 0:
            continue
        key, node = others[other, 0], (value & _NODE_MASK) + shift
        slot = slot_of(slots, key)
        waiting = slots[slot, 1]
        if waiting == 0:
            taken = write(slots, slot, key, value >> _COUNT_SHIFT, node)
            state[USED] += taken
            state[MANY_SIDED] += 1 - taken
            state[LIVE] += 1
            continue
        mine = waiting & _NODE_MASK
        part_of(parents, holds, sums, root_of(parents, mine), node)
        met = (waiting >> _COUNT_SHIFT) + (value >> _COUNT_SHIFT)
        if met != 0:
            slots[slot, 1] = met * _COUNT_ONE + mine
            state[MANY_SIDED] += 1
        else:
            slots[slot, 1] = 0
            state[LIVE] -= 1
            holds[mine] -= 1
            if holds[mine] == 0:
                settle(parents, holds, sums, free, bodies, state, mine)
        holds[node] -= 1
        if holds[node] == 0:
            settle(parents, holds, sums, free, bodies, state, node)


@compiled
def begin_body(parents: Ints, holds: Longs, sums: Floats, node: _Scalar) -> None:
    """Nothing yet, and nowhere."""
    parents[node] = node
    holds[node] = 0
    sums[node, VOLUME], sums[node, AREA], sums[node, FACETS] = 0.0, 0.0, 0.0
    for axis in range(3):
        sums[node, BODY_LOW + axis], sums[node, BODY_HIGH + axis] = np.inf, -np.inf


@inlined
def grow_box(sums: Floats, node: _Scalar, lx: float, ly: float, lz: float, hx: float, hy: float, hz: float) -> None:
    """The box reaches around this one too. It mostly does already: nothing is written then."""
    if lx < sums[node, BODY_LOW]:
        sums[node, BODY_LOW] = lx
    if ly < sums[node, BODY_LOW + 1]:
        sums[node, BODY_LOW + 1] = ly
    if lz < sums[node, BODY_LOW + 2]:
        sums[node, BODY_LOW + 2] = lz
    if hx > sums[node, BODY_HIGH]:
        sums[node, BODY_HIGH] = hx
    if hy > sums[node, BODY_HIGH + 1]:
        sums[node, BODY_HIGH + 1] = hy
    if hz > sums[node, BODY_HIGH + 2]:
        sums[node, BODY_HIGH + 2] = hz


@compiled
def advance(
    corners: npt.NDArray[np.float32],
    words: npt.NDArray[np.uint32],
    start: int,
    secret: Words,
    slots: Longs,
    spare: Longs,
    parents: Ints,
    holds: Longs,
    sums: Floats,
    free: Ints,
    bodies: Floats,
    state: Longs,
    totals: Floats,
    prints: Words,
    follows: bool,
) -> int:
    """Takes triangles from `start` on, and returns where it stopped: at the end, or where the table or the nodes want room.

    `words` are the bits of `corners`; `prints` the sum of edges by their direction, and their exclusive or. Unless it `follows`
    edges, only these and the totals are kept.
    """
    room = np.int64(slots.shape[0] // 2 - 3)
    ox, oy, oz = totals[ORIGIN], totals[ORIGIN + 1], totals[ORIGIN + 2]
    six_volume, two_area = totals[VOLUME], totals[AREA]
    tx, ty, tz = totals[NORMAL], totals[NORMAL + 1], totals[NORMAL + 2]
    sx, sy, sz = totals[CORNER], totals[CORNER + 1], totals[CORNER + 2]
    low_x, low_y, low_z = totals[LOW], totals[LOW + 1], totals[LOW + 2]
    high_x, high_y, high_z = totals[HIGH], totals[HIGH + 1], totals[HIGH + 2]
    signed, parity = prints[0], prints[1]
    used, live, peak = state[USED], state[LIVE], state[LIVE_PEAK]
    count = corners.shape[0]
    index = start
    while index < count:
        if follows and used > room:
            if live > slots.shape[0] // 4:
                break
            # Mostly full of what is forgotten: only what waits is kept.
            spare[:, :] = 0
            used = move(slots, spare)
            slots[:, :] = spare
        if follows and state[FREE] == 0:
            break
        ax, ay, az = (
            np.float64(corners[index, 0, 0]),
            np.float64(corners[index, 0, 1]),
            np.float64(corners[index, 0, 2]),
        )
        bx, by, bz = (
            np.float64(corners[index, 1, 0]),
            np.float64(corners[index, 1, 1]),
            np.float64(corners[index, 1, 2]),
        )
        cx, cy, cz = (
            np.float64(corners[index, 2, 0]),
            np.float64(corners[index, 2, 1]),
            np.float64(corners[index, 2, 2]),
        )
        ux, uy, uz = bx - ax, by - ay, bz - az
        vx, vy, vz = cx - ax, cy - ay, cz - az
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        six = (ax - ox) * nx + (ay - oy) * ny + (az - oz) * nz
        double = np.sqrt(nx * nx + ny * ny + nz * nz)
        six_volume += six
        two_area += double
        tx, ty, tz = tx + nx, ty + ny, tz + nz
        sx, sy, sz = sx + (ax + bx + cx), sy + (ay + by + cy), sz + (az + bz + cz)
        lx, ly, lz = min(ax, bx, cx), min(ay, by, cy), min(az, bz, cz)
        hx, hy, hz = max(ax, bx, cx), max(ay, by, cy), max(az, bz, cz)
        low_x, low_y, low_z = min(low_x, lx), min(low_y, ly), min(low_z, lz)
        high_x, high_y, high_z = max(high_x, hx), max(high_y, hy), max(high_z, hz)
        first = point_hash(words[index, 0, 0], words[index, 0, 1], words[index, 0, 2], secret)
        second = point_hash(words[index, 1, 0], words[index, 1, 1], words[index, 1, 2], secret)
        third = point_hash(words[index, 2, 0], words[index, 2, 1], words[index, 2, 2], secret)
        index += 1
        if first == second or second == third or third == first:
            state[DEGENERATE] += 1
            continue
        edge_0, edge_1, edge_2 = (
            edge_hash(first, second, secret),
            edge_hash(second, third, secret),
            edge_hash(third, first, secret),
        )
        parity ^= edge_0 ^ edge_1 ^ edge_2
        signed += edge_0 if first < second else _NONE - edge_0
        signed += edge_1 if second < third else _NONE - edge_1
        signed += edge_2 if third < first else _NONE - edge_2
        if not follows:
            continue
        # An edge numbered 0 would be a free slot: it shares the number 1.
        key_0, key_1, key_2 = np.int64(edge_0 | _ONE), np.int64(edge_1 | _ONE), np.int64(edge_2 | _ONE)
        way_0, way_1, way_2 = (
            np.int64(1 if first < second else -1),
            np.int64(1 if second < third else -1),
            np.int64(1 if third < first else -1),
        )
        slot_0, slot_1, slot_2 = slot_of(slots, key_0), slot_of(slots, key_1), slot_of(slots, key_2)
        value_0, value_1, value_2 = slots[slot_0, 1], slots[slot_1, 1], slots[slot_2, 1]
        node_0, node_1, node_2 = value_0 & _NODE_MASK, value_1 & _NODE_MASK, value_2 & _NODE_MASK
        part_0, part_1, part_2 = root_of(parents, node_0), root_of(parents, node_1), root_of(parents, node_2)
        root = max(part_0, part_1, part_2)
        if root == 0:
            state[FREE] -= 1
            root = np.int64(free[state[FREE]])
            begin_body(parents, holds, sums, root)
        elif (part_0 != root and part_0 != 0) or (part_1 != root and part_1 != 0) or (part_2 != root and part_2 != 0):
            root = part_of(parents, holds, sums, np.int64(0), part_0)
            root = part_of(parents, holds, sums, root, part_1)
            root = part_of(parents, holds, sums, root, part_2)
        sums[root, VOLUME] += six
        sums[root, AREA] += double
        sums[root, FACETS] += 1.0
        grow_box(sums, root, lx, ly, lz, hx, hy, hz)
        # Which edges are new nobody can foresee, and the processor neither: what follows is the same for both.
        met_0, met_1, met_2 = (
            (value_0 >> _COUNT_SHIFT) + way_0,
            (value_1 >> _COUNT_SHIFT) + way_1,
            (value_2 >> _COUNT_SHIFT) + way_2,
        )
        holder_0 = root if value_0 == 0 else node_0
        holder_1 = root if value_1 == 0 else node_1
        holder_2 = root if value_2 == 0 else node_2
        taken = write(slots, slot_0, key_0, met_0, holder_0)
        # Another side of the same triangle may have taken the slot meanwhile.
        if slot_1 == slot_0:
            slot_1 = slot_of(slots, key_1)
        taken += write(slots, slot_1, key_1, met_1, holder_1)
        if (slot_2 == slot_0) | (slot_2 == slot_1):
            slot_2 = slot_of(slots, key_2)
        taken += write(slots, slot_2, key_2, met_2, holder_2)
        begun = np.int64(value_0 == 0) + np.int64(value_1 == 0) + np.int64(value_2 == 0)
        ended = np.int64(met_0 == 0) + np.int64(met_1 == 0) + np.int64(met_2 == 0)
        holds[holder_0] += np.int64(value_0 == 0) - np.int64(met_0 == 0)
        holds[holder_1] += np.int64(value_1 == 0) - np.int64(met_1 == 0)
        holds[holder_2] += np.int64(value_2 == 0) - np.int64(met_2 == 0)
        used += taken
        live += begun - ended
        if begun + ended != 3 or taken != begun:
            state[MANY_SIDED] += 3 - begun - ended + begun - taken
        if holds[holder_0] == 0 or holds[holder_1] == 0 or holds[holder_2] == 0:
            let_go(
                parents, holds, sums, free, bodies, state,
                holder_0 if met_0 == 0 else 0, holder_1 if met_1 == 0 else 0, holder_2 if met_2 == 0 else 0,
            )  # fmt: skip
        peak = max(peak, live)
    if not np.isfinite(sx + sy + sz):
        # What is once added to a sum that is not finite leaves it so.
        state[NOT_FINITE] = 1
    state[USED], state[LIVE], state[LIVE_PEAK] = used, live, peak
    totals[VOLUME], totals[AREA] = six_volume, two_area
    totals[NORMAL], totals[NORMAL + 1], totals[NORMAL + 2] = tx, ty, tz
    totals[CORNER], totals[CORNER + 1], totals[CORNER + 2] = sx, sy, sz
    totals[LOW], totals[LOW + 1], totals[LOW + 2] = low_x, low_y, low_z
    totals[HIGH], totals[HIGH + 1], totals[HIGH + 2] = high_x, high_y, high_z
    prints[0], prints[1] = signed, parity
    return index
