"""The topology of a surface: corners welded, edges matched, shells found, orientation made consistent.

A surface is closed when, after welding bit-equal corners, every directed edge occurs as often as its reverse: only then its
volume is defined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from system.meshes.faults import MeshFault
from system.meshes.welding import Ints

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Surface:
    """A closed surface. `flipped` marks the triangles that had to be turned; `shell_of` numbers the shell of each triangle from 0."""

    flipped: Bools
    shell_of: Ints
    shell_count: int
    degenerate_count: int


def close_surface(corners: Ints) -> Surface:
    """Checks that the surface is closed, turning triangles where only the orientation is wrong.

    Raises MeshFault `mesh-not-closed` with the number of edges that bound nothing, also for a one-sided surface.
    """
    degenerate = (corners[:, 0] == corners[:, 1]) | (corners[:, 1] == corners[:, 2]) | (corners[:, 2] == corners[:, 0])
    kept = np.flatnonzero(~degenerate)
    if len(kept) == 0:
        raise MeshFault("mesh-no-volume", sides=3 * np.arange(len(corners), dtype=np.int64))
    edges = _edges_of(corners[kept])
    odd = edges.counts % 2 == 1
    if odd.any():
        raise MeshFault("mesh-not-closed", open_edge_count=int(odd.sum()), sides=_sides_on(edges, odd, kept))
    balance = _balance(edges.forward, edges.starts)
    if balance.any():
        turned, shell_of_kept, shell_count = _orient(edges, kept)
    else:
        turned = np.zeros(len(kept), dtype=bool)
        shell_count, shell_of_kept = _shells(edges, len(kept))
    flipped = np.zeros(len(corners), dtype=bool)
    flipped[kept] = turned
    shell_of = np.zeros(len(corners), dtype=np.int32)
    shell_of[kept] = shell_of_kept
    return Surface(flipped, shell_of, int(shell_count), int(degenerate.sum()))


@dataclass(frozen=True, slots=True)
class _Edges:
    """The sides of all triangles, sorted so that those on one edge lie together; `starts` and `counts` describe the groups.

    `corner` is that of its triangle at which a side begins: 0, 1 or 2.
    """

    triangle: Ints
    corner: npt.NDArray[np.int8]
    forward: Bools
    starts: Ints
    counts: Ints


def _edges_of(corners: Ints) -> _Edges:
    start = corners.ravel()
    end = np.roll(corners, -1, axis=1).ravel()
    forward = start < end
    keys = np.where(forward, start, end) * (int(corners.max()) + 1) + np.where(forward, end, start)
    order = np.argsort(keys)
    sorted_keys = keys[order]
    changes = np.flatnonzero(sorted_keys[1:] != sorted_keys[:-1]) + 1
    starts = np.concatenate(([0], changes))
    counts = np.diff(starts, append=len(order))
    return _Edges((order // 3).astype(np.int32), (order % 3).astype(np.int8), forward[order], starts, counts)


def _sides_on(edges: _Edges, wanted: Bools, kept: Ints) -> npt.NDArray[np.int64]:
    """Of each wanted edge the side that comes first in the file, in the file's order.

    Edges themselves stand in an order that differs from run to run, because corners are numbered by a secret.
    """
    side = kept[edges.triangle].astype(np.int64) * 3 + edges.corner
    return np.sort(np.minimum.reduceat(side, edges.starts)[wanted])


def _balance(forward: Bools, starts: Ints) -> Ints:
    """Of each edge: how many more sides run along it forwards than backwards; 0 everywhere is a closed, consistent surface."""
    total = np.diff(starts, append=len(forward))
    return 2 * np.add.reduceat(forward, starts, dtype=np.int32) - total


def _neighbours(edges: _Edges) -> tuple[Ints, Ints, Bools]:
    """Pairs of triangles that share an edge of exactly two sides, and whether they run along it the same way (which is wrong)."""
    first = edges.starts[edges.counts == 2]
    return edges.triangle[first], edges.triangle[first + 1], edges.forward[first] == edges.forward[first + 1]


def _shells(edges: _Edges, triangle_count: int) -> tuple[int, Ints]:
    """Parts of a consistent surface. An edge of more than two sides joins nothing: bodies that touch there stay two."""
    left, right, _ = _neighbours(edges)
    count, labels = _components(left, right, triangle_count)
    return count, labels


def _orient(edges: _Edges, kept: Ints) -> tuple[Bools, Ints, int]:
    """Turns the fewest triangles of each part so that neighbours agree.

    Every triangle stands twice in the graph, as it is and turned; neighbours that agree are joined like with like, the others
    crosswise. A part that can be oriented falls into two mirror images; one that cannot (one-sided) stays one piece.
    """
    triangle_count = len(kept)
    left, right, disagree = _neighbours(edges)
    turned_copy = np.int32(triangle_count)
    rows = np.concatenate((left, left + turned_copy))
    columns = np.concatenate(
        (np.where(disagree, right + turned_copy, right), np.where(disagree, right, right + turned_copy))
    )
    part_count, labels = _components(rows, columns, 2 * triangle_count)
    as_is, mirrored = labels[:triangle_count], labels[triangle_count:]
    one_sided = as_is == mirrored
    if one_sided.any():
        seams = edges.counts == 2
        seams[seams] = disagree & one_sided[left]
        raise MeshFault("mesh-not-closed", open_edge_count=int(disagree.sum()), sides=_sides_on(edges, seams, kept))
    image = np.minimum(as_is, mirrored)
    is_shell = np.bincount(image, minlength=part_count) > 0
    shell_of = (np.cumsum(is_shell, dtype=np.int32) - 1)[image]
    shell_count = int(is_shell.sum())
    turned = as_is != image
    # The majority of a shell is right about its orientation; the sign of its volume is judged later.
    mostly_turned = np.bincount(shell_of, weights=turned, minlength=shell_count) * 2 > np.bincount(
        shell_of, minlength=shell_count
    )
    turned ^= mostly_turned[shell_of]
    balance = _balance(edges.forward ^ turned[edges.triangle], edges.starts)
    if balance.any():
        unpaired = balance != 0
        raise MeshFault("mesh-not-closed", open_edge_count=int(unpaired.sum()), sides=_sides_on(edges, unpaired, kept))
    return turned, shell_of, shell_count


def _components(left: Ints, right: Ints, node_count: int) -> tuple[int, Ints]:
    """How many connected parts a graph of pairs has, and the part of each node, numbered from 0.

    Rounds of hooking each root under the lowest root it is joined to, then flattening; a handful of rounds for any real surface.
    Written here because importing scipy.sparse takes longer than measuring most models.
    """
    root = np.arange(node_count, dtype=np.int32)
    while True:
        left_root, right_root = root[left], root[right]
        apart = left_root != right_root
        if not apart.any():
            break
        # Pairs already in one part are done with: each round looks at fewer.
        left, right = left[apart], right[apart]
        left_root, right_root = left_root[apart], right_root[apart]
        np.minimum.at(root, np.maximum(left_root, right_root), np.minimum(left_root, right_root))
        while not np.array_equal(flatter := root[root], root):
            root = flatter
    is_root = root == np.arange(node_count, dtype=np.int32)
    numbers = np.cumsum(is_root, dtype=np.int32) - 1
    return int(is_root.sum()), numbers[root]
