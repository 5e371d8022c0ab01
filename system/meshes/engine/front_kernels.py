"""The inner loop of a scan: triangles go past once, and only edges still waiting for their other side are remembered.

An edge is a slot of an open table: its number, and how often it was met forwards less backwards, with the node of its body
(`count * 2**32 + node`). Once the two are even its slot is free (0), or marked when another edge lies behind it. A node is a part
of a body, joined to others as edges meet; when no edge that waits knows it any more the body is complete. So memory follows the
front between seen and unseen triangles. Node 0 is none.

Whether an edge is new is as good as random, and so is which corner lies lowest: nothing branches upon either, because a processor
that guesses wrong half of the time takes longer for that than for all the rest. Tables are flat, their rows powers of two, and
places in them unsigned: a signed one might count from the end, which would be looked at each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from system.meshes.arithmetic import least, most
from system.meshes.compiling import compiled, inlined
from system.meshes.engine.hashing import Words, edge_hash, point_hash

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Halves = npt.NDArray[np.uint16]
Nodes = npt.NDArray[np.uint64]
_Scalar = Any

# Places in `state`: counts that go on from one call to the next.
USED, LIVE, FREE, BODIES, INWARD, MANY_SIDED, DEGENERATE, NOT_FINITE, LIVE_PEAK = range(9)
# Places in `totals`: six times the volume and twice the area, the sum of normals, the sum of corners, the box, and what volumes
# are taken about.
VOLUME, AREA, NORMAL, CORNER, LOW, HIGH, ORIGIN = 0, 1, 2, 5, 8, 11, 14
# Places in a body's row: as above, with its facets; `_body` in scan.py takes a row apart. Rows of nodes have room to spare.
FACETS, BODY_LOW, BODY_HIGH, BODY_WIDTH, NODE_WIDTH = 2, 3, 6, 9, 16
SLOT_WIDTH = 2
HALVES = 18
"""16-bit words of a triangle's corners: nine float32, at an even address or not. A record of a binary STL file has six more before
them, its normal, and one behind."""

_0, _1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(number) for number in range(9))
_NODE_SHIFT, _SLOT_SHIFT = np.uint64(4), np.uint64(1)
_NODE_MASK = np.int64(0x7FFFFFFF)
_COUNT_ONE = np.int64(1 << 32)
_COUNT_SHIFT = np.int64(32)
_MET = np.int64(1 << 31)
_NOTHING, _SINGLE = np.int64(0), np.int64(1)


@inlined
def count_of(slots: Longs, slot: _Scalar) -> _Scalar:
    """How often the edge of this slot was met forwards less backwards; 0 when none waits there."""
    return slots[(slot << _SLOT_SHIFT) + _1] >> _COUNT_SHIFT


@inlined
def slot_of(slots: Longs, key: _Scalar) -> _Scalar:
    """The slot that holds an edge, or else the free one where it belongs."""
    mask = np.uint64(slots.shape[0] // SLOT_WIDTH - 1)
    slot = np.uint64(key) & mask
    while slots[(slot << _SLOT_SHIFT) + _1] != 0 and slots[slot << _SLOT_SHIFT] != key:
        slot = (slot + _1) & mask
    return slot


@inlined
def write(slots: Longs, slot: _Scalar, key: _Scalar, met: _Scalar, node: _Scalar) -> _Scalar:
    """An edge waits now, or is met when it is even: 1 when a free slot was taken for it."""
    place = slot << _SLOT_SHIFT
    taken = np.int64(slots[place + _1] == 0)
    slots[place] = key
    slots[place + _1] = met * _COUNT_ONE + np.int64(node) if met != 0 else _MET
    return taken


@inlined
def forget(slots: Longs, slot: _Scalar) -> _Scalar:
    """Of an edge that is met the slot is free again, unless one that lies behind it is not: 1 when it is."""
    mask = np.uint64(slots.shape[0] // SLOT_WIDTH - 1)
    behind = slots[(((slot + _1) & mask) << _SLOT_SHIFT) + _1]
    place = (slot << _SLOT_SHIFT) + _1
    value = slots[place]
    is_free = (value == _MET) & (behind == 0)
    slots[place] = _NOTHING if is_free else value
    return np.int64(is_free)


@compiled
def move(slots: Longs, larger: Longs) -> int:
    """Copies the edges that still wait to an empty table, and says how many they are."""
    moved = 0
    for number in range(slots.shape[0] // SLOT_WIDTH):
        slot = np.uint64(number)
        if count_of(slots, slot) != 0:
            key = slots[slot << _SLOT_SHIFT]
            target = slot_of(larger, key) << _SLOT_SHIFT
            larger[target] = key
            larger[target + _1] = slots[(slot << _SLOT_SHIFT) + _1]
            moved += 1
    return moved


@inlined
def node_of(value: _Scalar) -> _Scalar:
    """The node that an edge knows; 0 when none waits there."""
    return np.uint64(value & _NODE_MASK)


@inlined
def root_of(parents: Nodes, node: _Scalar) -> _Scalar:
    """The node that stands for the whole body."""
    while parents[node] != node:
        node = parents[node]
    return node


@inlined
def begin_body(parents: Nodes, sums: Floats, node: _Scalar) -> None:
    """Nothing yet, and nowhere: a free node has no facets, and is ready to be the first of a body."""
    parents[node] = node
    row = node << _NODE_SHIFT
    sums[row], sums[row + _1], sums[row + _2] = 0.0, 0.0, 0.0
    sums[row + _3], sums[row + _4], sums[row + _5] = np.inf, np.inf, np.inf
    sums[row + _6], sums[row + _7], sums[row + _8] = -np.inf, -np.inf, -np.inf


@compiled
def make_ready(parents: Nodes, sums: Floats, first: int) -> None:
    """Nodes from the first on are free."""
    for node in range(first, parents.shape[0]):
        begin_body(parents, sums, np.uint64(node))


@inlined
def grow_box(
    sums: Floats, row: _Scalar, lx: _Scalar, ly: _Scalar, lz: _Scalar, hx: _Scalar, hy: _Scalar, hz: _Scalar
) -> None:
    """The box of a node's row reaches around this one too."""
    sums[row + _3] = lx if lx < sums[row + _3] else sums[row + _3]
    sums[row + _4] = ly if ly < sums[row + _4] else sums[row + _4]
    sums[row + _5] = lz if lz < sums[row + _5] else sums[row + _5]
    sums[row + _6] = hx if hx > sums[row + _6] else sums[row + _6]
    sums[row + _7] = hy if hy > sums[row + _7] else sums[row + _7]
    sums[row + _8] = hz if hz > sums[row + _8] else sums[row + _8]


@compiled
def join(parents: Nodes, sums: Floats, one: _Scalar, other: _Scalar) -> _Scalar:
    """Makes one body of two, and returns the node that stands for it: the one with more facets, so that chains stay short."""
    if sums[(one << _NODE_SHIFT) + _2] < sums[(other << _NODE_SHIFT) + _2]:
        one, other = other, one
    parents[other] = one
    row, more = one << _NODE_SHIFT, other << _NODE_SHIFT
    sums[row] += sums[more]
    sums[row + _1] += sums[more + _1]
    sums[row + _2] += sums[more + _2]
    grow_box(
        sums, row,
        sums[more + _3], sums[more + _4], sums[more + _5], sums[more + _6], sums[more + _7], sums[more + _8],
    )  # fmt: skip
    return one


@inlined
def part_of(parents: Nodes, sums: Floats, root: _Scalar, part: _Scalar) -> _Scalar:
    """One body of two, 0 for none."""
    if (part == _0) | (part == root):
        return root
    if root == _0:
        return part
    return join(parents, sums, root, part)


@compiled
def collect(slots: Longs, parents: Nodes, sums: Floats, free: Nodes, bodies: Floats, state: Longs) -> None:
    """Nodes that no waiting edge knows are free again; one that stands for a body is told: the body is complete.

    Beyond the room for bodies they are counted.
    """
    waits = np.zeros(parents.shape[0], np.bool_)
    for number in range(slots.shape[0] // SLOT_WIDTH):
        slot = np.uint64(number)
        if count_of(slots, slot) != 0:
            place = (slot << _SLOT_SHIFT) + _1
            root = root_of(parents, node_of(slots[place]))
            slots[place] = slots[place] - (slots[place] & _NODE_MASK) + np.int64(root)
            waits[root] = True
    for number in range(1, parents.shape[0]):
        node = np.uint64(number)
        row = node << _NODE_SHIFT
        if sums[row + _2] == 0.0 or waits[node]:
            continue
        if parents[node] == node:
            if state[BODIES] < bodies.shape[0]:
                for column in range(BODY_WIDTH):
                    bodies[state[BODIES], column] = sums[row + np.uint64(column)]
            state[BODIES] += 1
            if not sums[row] > 0.0:
                state[INWARD] += 1
        begin_body(parents, sums, node)
        free[state[FREE]] = node
        state[FREE] += 1


@compiled
def absorb(others: Longs, shift: _Scalar, slots: Longs, parents: Nodes, sums: Floats, state: Longs) -> None:
    """Edges that wait in another table wait here, or meet here; their nodes are numbered from `shift` on here.

    There is room for all of them.
    """
    for number in range(others.shape[0] // SLOT_WIDTH):
        other = np.uint64(number)
        count = count_of(others, other)
        if count == 0:
            continue
        key, value = others[other << _SLOT_SHIFT], others[(other << _SLOT_SHIFT) + _1]
        node = root_of(parents, node_of(value) + np.uint64(shift))
        slot = slot_of(slots, key)
        waiting = slots[(slot << _SLOT_SHIFT) + _1]
        if waiting >> _COUNT_SHIFT == 0:
            taken = write(slots, slot, key, count, node)
            state[USED] += taken
            state[MANY_SIDED] += 1 - taken
            state[LIVE] += 1
            continue
        root = part_of(parents, sums, root_of(parents, node_of(waiting)), node)
        met = (waiting >> _COUNT_SHIFT) + count
        write(slots, slot, key, met, root)
        state[MANY_SIDED] += np.int64(met != 0)
        state[LIVE] -= np.int64(met == 0)


@inlined
def word(halves: Halves, place: _Scalar) -> _Scalar:
    """Two neighbours as one: a processor reads them at once."""
    return np.uint32(np.uint32(halves[place]) | (np.uint32(halves[place + _1]) << np.uint32(16)))


@inlined
def number_of(bits: _Scalar) -> _Scalar:
    """The float32 of these bits."""
    return np.uint32(bits).view(np.float32)


@compiled
def advance(
    halves: Halves,
    width: int,
    start: int,
    secret: Words,
    slots: Longs,
    spare: Longs,
    parents: Nodes,
    sums: Floats,
    free: Nodes,
    bodies: Floats,
    state: Longs,
    totals: Floats,
    prints: Words,
    follows: bool,
) -> int:
    """Takes triangles from `start` on, and returns where it stopped: at the end, or where the table or the nodes want room.

    Of `halves` every `width` are a triangle, alone or in its record of a binary STL file; `prints` are the sum of edges by their
    direction, and their exclusive or. Unless it `follows` edges, only these and the totals are kept.
    """
    slot_count = np.int64(slots.shape[0] // SLOT_WIDTH)
    room, wide = slot_count // 32, slot_count // 4
    ox, oy, oz = totals[ORIGIN], totals[ORIGIN + 1], totals[ORIGIN + 2]
    six_volume, two_area = totals[VOLUME], totals[AREA]
    tx, ty, tz = totals[NORMAL], totals[NORMAL + 1], totals[NORMAL + 2]
    sx, sy, sz = totals[CORNER], totals[CORNER + 1], totals[CORNER + 2]
    low_x, low_y, low_z = np.float32(totals[LOW]), np.float32(totals[LOW + 1]), np.float32(totals[LOW + 2])
    high_x, high_y, high_z = np.float32(totals[HIGH]), np.float32(totals[HIGH + 1]), np.float32(totals[HIGH + 2])
    signed, parity = prints[0], prints[1]
    used, live, peak, free_count = state[USED], state[LIVE], state[LIVE_PEAK], np.uint64(state[FREE])
    before = np.uint64((width - HALVES) // 7 * 6)
    count = halves.shape[0] // width
    index = start
    while index < count:
        if follows:
            if (live > wide) | (free_count == _0):
                break
            if used > live + room:
                # Much of it is what is met already: only what waits is kept.
                spare[:] = 0
                used = move(slots, spare)
                slots[:] = spare
        at = np.uint64(index) * np.uint64(width) + before
        a_x, a_y, a_z = word(halves, at), word(halves, at + np.uint64(2)), word(halves, at + np.uint64(4))
        b_x, b_y, b_z = (
            word(halves, at + np.uint64(6)),
            word(halves, at + np.uint64(8)),
            word(halves, at + np.uint64(10)),
        )
        c_x, c_y, c_z = (
            word(halves, at + np.uint64(12)),
            word(halves, at + np.uint64(14)),
            word(halves, at + np.uint64(16)),
        )
        lx = least(number_of(a_x), number_of(b_x), number_of(c_x))
        ly = least(number_of(a_y), number_of(b_y), number_of(c_y))
        lz = least(number_of(a_z), number_of(b_z), number_of(c_z))
        hx = most(number_of(a_x), number_of(b_x), number_of(c_x))
        hy = most(number_of(a_y), number_of(b_y), number_of(c_y))
        hz = most(number_of(a_z), number_of(b_z), number_of(c_z))
        low_x, low_y, low_z = lx if lx < low_x else low_x, ly if ly < low_y else low_y, lz if lz < low_z else low_z
        high_x, high_y, high_z = (
            hx if hx > high_x else high_x,
            hy if hy > high_y else high_y,
            hz if hz > high_z else high_z,
        )
        ax, ay, az = np.float64(number_of(a_x)), np.float64(number_of(a_y)), np.float64(number_of(a_z))
        bx, by, bz = np.float64(number_of(b_x)), np.float64(number_of(b_y)), np.float64(number_of(b_z))
        cx, cy, cz = np.float64(number_of(c_x)), np.float64(number_of(c_y)), np.float64(number_of(c_z))
        ux, uy, uz = bx - ax, by - ay, bz - az
        vx, vy, vz = cx - ax, cy - ay, cz - az
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        six = (ax - ox) * nx + (ay - oy) * ny + (az - oz) * nz
        double = np.sqrt(nx * nx + ny * ny + nz * nz)
        six_volume += six
        two_area += double
        tx, ty, tz = tx + nx, ty + ny, tz + nz
        sx, sy, sz = sx + (ax + bx + cx), sy + (ay + by + cy), sz + (az + bz + cz)
        first = point_hash(a_x, a_y, a_z, secret)
        second = point_hash(b_x, b_y, b_z, secret)
        third = point_hash(c_x, c_y, c_z, secret)
        index += 1
        if (first == second) | (second == third) | (third == first):
            state[DEGENERATE] += 1
            continue
        edge_0, edge_1, edge_2 = (
            edge_hash(first, second, secret),
            edge_hash(second, third, secret),
            edge_hash(third, first, secret),
        )
        parity ^= edge_0 ^ edge_1 ^ edge_2
        signed += edge_0 if first < second else _0 - edge_0
        signed += edge_1 if second < third else _0 - edge_1
        signed += edge_2 if third < first else _0 - edge_2
        if not follows:
            continue
        key_0, key_1, key_2 = np.int64(edge_0), np.int64(edge_1), np.int64(edge_2)
        way_0, way_1, way_2 = (
            _SINGLE if first < second else -_SINGLE,
            _SINGLE if second < third else -_SINGLE,
            _SINGLE if third < first else -_SINGLE,
        )
        slot_0, slot_1, slot_2 = slot_of(slots, key_0), slot_of(slots, key_1), slot_of(slots, key_2)
        value_0, value_1, value_2 = (
            slots[(slot_0 << _SLOT_SHIFT) + _1],
            slots[(slot_1 << _SLOT_SHIFT) + _1],
            slots[(slot_2 << _SLOT_SHIFT) + _1],
        )
        # Of an edge that begins the slot remembers nothing, unless it was met before.
        seen = (
            np.int64(slots[slot_0 << _SLOT_SHIFT] == key_0)
            + np.int64(slots[slot_1 << _SLOT_SHIFT] == key_1)
            + np.int64(slots[slot_2 << _SLOT_SHIFT] == key_2)
        )
        part_0, part_1, part_2 = (
            root_of(parents, node_of(value_0)),
            root_of(parents, node_of(value_1)),
            root_of(parents, node_of(value_2)),
        )
        root = most(part_0, part_1, part_2)
        is_first = root == _0
        root = free[free_count - _1] if is_first else root
        free_count -= np.uint64(is_first)
        if (
            ((part_0 != root) & (part_0 != _0))
            | ((part_1 != root) & (part_1 != _0))
            | ((part_2 != root) & (part_2 != _0))
        ):
            root = part_of(parents, sums, part_of(parents, sums, part_0, part_1), root_of(parents, part_2))
        row = root << _NODE_SHIFT
        sums[row] += six
        sums[row + _1] += double
        sums[row + _2] += 1.0
        grow_box(
            sums, row,
            np.float64(lx), np.float64(ly), np.float64(lz), np.float64(hx), np.float64(hy), np.float64(hz),
        )  # fmt: skip
        was_0, was_1, was_2 = value_0 >> _COUNT_SHIFT, value_1 >> _COUNT_SHIFT, value_2 >> _COUNT_SHIFT
        met_0, met_1, met_2 = was_0 + way_0, was_1 + way_1, was_2 + way_2
        taken = write(slots, slot_0, key_0, met_0, root)
        # Another side of the same triangle may have taken the slot meanwhile.
        if slot_1 == slot_0:
            slot_1 = slot_of(slots, key_1)
        taken += write(slots, slot_1, key_1, met_1, root)
        if (slot_2 == slot_0) | (slot_2 == slot_1):
            slot_2 = slot_of(slots, key_2)
        taken += write(slots, slot_2, key_2, met_2, root)
        used += taken - forget(slots, slot_0) - forget(slots, slot_1) - forget(slots, slot_2)
        begun = np.int64(was_0 == 0) + np.int64(was_1 == 0) + np.int64(was_2 == 0)
        ended = np.int64(met_0 == 0) + np.int64(met_1 == 0) + np.int64(met_2 == 0)
        live += begun - ended
        if (begun + ended != 3) | (seen + begun != 3):
            state[MANY_SIDED] += 1
        peak = live if live > peak else peak
    if not np.isfinite(sx + sy + sz):
        # What is once added to a sum that is not finite leaves it so.
        state[NOT_FINITE] = 1
    state[USED], state[LIVE], state[LIVE_PEAK], state[FREE] = used, live, peak, np.int64(free_count)
    totals[VOLUME], totals[AREA] = six_volume, two_area
    totals[NORMAL], totals[NORMAL + 1], totals[NORMAL + 2] = tx, ty, tz
    totals[CORNER], totals[CORNER + 1], totals[CORNER + 2] = sx, sy, sz
    totals[LOW], totals[LOW + 1], totals[LOW + 2] = np.float64(low_x), np.float64(low_y), np.float64(low_z)
    totals[HIGH], totals[HIGH + 1], totals[HIGH + 2] = np.float64(high_x), np.float64(high_y), np.float64(high_z)
    prints[0], prints[1] = signed, parity
    return index
