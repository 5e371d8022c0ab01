"""Everything about a model that one look at each triangle can tell: how much, how large, whether closed, and of which bodies."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import BinaryIO, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from system.meshes.beside import side_by_side
from system.meshes.engine import front_kernels as kernels
from system.meshes.engine.cells import Box, box_of, order_of
from system.meshes.engine.front import BODIES_MAX, Front
from system.meshes.engine.sources import Source, halves_of, source_of
from system.meshes.faults import MeshFault
from system.meshes.records import CHUNK, FIRST_CHUNK
from system.meshes.stl import Triangles

IN_ORDER_MAX = 1 << 16
_HARDLY_ANY_MET = 1 << 14
"""With more edges waiting than the first, or than the second when nearly all that were seen wait, the file has no order worth
following, and its triangles are sorted first."""
_HARDLY_NONE_MET = 2.5
"""With more edges waiting for each triangle of the first chunk (it has three), nearly none of these meet, nor will the others."""
LIVE_MAX = 1 << 19
"""With more than these, sorted too, bodies are not told: it is a soup, or close to one. The table then takes 32 MB."""
_SORTED_CHUNK = 4 * CHUNK
"""Corners alone are half a megabyte then, which a processor's cache still holds."""
PARTS_MAX = 2
PARTS_FROM = 50_000
"""Triangles from which a model is followed in parts at a time: starting a thread takes as long as a thousand of them."""
_ORIGIN_TRIANGLES = 64

Point = tuple[float, float, float]
Part = TypeVar("Part")


class Body(NamedTuple):
    """A closed part of a surface, joined by its edges. Signed volume (negative facing inwards), area, and box, in the file's units."""

    volume: float
    area: float
    low: Point
    high: Point
    facets: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What is found, in units of the file; its volume is signed, and taken about the centroid of the corners.

    `closed`: every edge has an even number of sides. `oriented`: and as many one way as the other, so that the volume is defined.
    `body_count` counts complete bodies, of which the first 10,000 are told; both are None when too many edges waited at a time to
    tell them. Bodies that touch along an edge may count as one or as two; `many_sided` counts where that was noticed.
    """

    volume: float
    area: float
    low: Point
    high: Point
    centroid: Point
    triangle_count: int
    degenerate: int
    closed: bool
    oriented: bool
    body_count: int | None
    inward_count: int
    bodies: tuple[Body, ...] | None
    many_sided: int
    live_peak: int
    """Edges that waited at one time."""

    @property
    def box(self) -> Box:
        """The low and the high corner of the box."""
        return np.array(self.low), np.array(self.high)

    @property
    def extents(self) -> Point:
        """The sides of the box."""
        x, y, z = (high - low for low, high in zip(self.low, self.high, strict=True))
        return x, y, z

    @property
    def simple(self) -> bool:
        """True when nothing about it needs a second look: closed, oriented, told in full, every body facing outwards."""
        return (
            self.oriented
            and self.bodies is not None
            and self.body_count == len(self.bodies) > 0
            and self.inward_count == 0
            and self.many_sided == 0
        )


def scan(what: BinaryIO | Triangles) -> Scan:
    """Scans an STL file, binary or text, or triangles of shape (n, 3, 3) float32.

    A file in any usual order takes a few megabytes, whatever its size. One that is shuffled takes its triangles, 36 bytes each, and
    six bytes to sort each. Raises MeshFault: not-a-model, mesh-truncated, mesh-malformed, mesh-empty, mesh-too-large,
    mesh-not-finite.
    """
    source = source_of(what)
    if source.count == 0:
        raise MeshFault("mesh-empty")
    origin = _origin(source.head(_ORIGIN_TRIANGLES))
    return _in_order(source, origin) or _sorted(source.triangles(), origin)


def _in_order(source: Source, origin: Point) -> Scan | None:
    """Follows the order of the file; None when it has none."""
    has_no_order = Event()

    def follow(part: Source, front: Front) -> None:
        seen = 0
        for chunk in part.chunks():
            seen += len(chunk)
            front.feed(chunk)
            if front.state[kernels.NOT_FINITE]:
                # The other part need not go on either.
                has_no_order.set()
                raise MeshFault("mesh-not-finite")
            if _is_lost(front.live, seen):
                has_no_order.set()
            if has_no_order.is_set():
                return

    fronts = _followed(source.parts(_parts_of(source.count)), follow, origin)
    return None if has_no_order.is_set() else _found(_merged(fronts), source.count)


def _is_lost(live: int, seen: int) -> bool:
    """Whether so many edges wait, of so many triangles, that the file's order is none worth following."""
    if seen <= FIRST_CHUNK:
        return live > _HARDLY_NONE_MET * seen
    return live > IN_ORDER_MAX or live > max(_HARDLY_ANY_MET, 2 * seen)


def _sorted(triangles: Triangles, origin: Point) -> Scan:
    box = box_of(triangles)
    if not np.isfinite(box).all():
        raise MeshFault("mesh-not-finite")

    def follow(order: npt.NDArray[np.uint32], front: Front) -> None:
        chunk = np.empty((min(_SORTED_CHUNK, len(order)), 3, 3), dtype=np.float32)
        for start in range(0, len(order), _SORTED_CHUNK):
            chosen = order[start : start + _SORTED_CHUNK]
            part = chunk[: len(chosen)]
            np.take(triangles, chosen, axis=0, out=part, mode="clip")
            front.feed(halves_of(part))

    parts = np.array_split(order_of(triangles, box), _parts_of(len(triangles)))
    return _found(_merged(_followed(parts, follow, origin)), len(triangles))


def _parts_of(triangle_count: int) -> int:
    """How many parts of a model are followed at a time, each by a processor."""
    return min(PARTS_MAX, len(os.sched_getaffinity(0))) if triangle_count >= PARTS_FROM else 1


def _followed(parts: Sequence[Part], follow: Callable[[Part, Front], None], origin: Point) -> list[Front]:
    """A front of each part, which are followed at one time. Raises what `follow` raises."""
    live_max = LIVE_MAX // len(parts)
    fronts = [Front(origin, live_max)]
    fronts += [Front(origin, live_max, secret=fronts[0].secret) for _ in parts[1:]]
    with side_by_side(len(parts) - 1) as beside:
        others = [beside.submit(follow, part, front) for part, front in zip(parts[1:], fronts[1:], strict=True)]
        follow(parts[0], fronts[0])
        for other in others:
            other.result()
    return fronts


def _merged(fronts: Sequence[Front]) -> Front:
    """One of all: edges that wait in two parts meet now."""
    whole, *others = fronts
    for other in others:
        whole.absorb(other)
    whole.finish()
    return whole


def _origin(triangles: Triangles) -> Point:
    with np.errstate(all="ignore"):
        return _point((np.add.reduce(triangles.reshape(-1, 3), dtype=np.float64) / (3 * len(triangles))).tolist())


def _found(front: Front, triangle_count: int) -> Scan:
    # As numbers of Python: each of a hundred small steps on arrays takes longer than all that is done to the numbers.
    state, totals, prints = front.state.tolist(), front.totals.tolist(), front.prints.tolist()
    corners, normals = totals[kernels.CORNER : kernels.LOW], totals[kernels.NORMAL : kernels.CORNER]
    centroid = [total / (3 * triangle_count) for total in corners]
    # Moving the point that volumes are taken about changes them by the sum of normals, which is zero where nothing is open.
    moved = sum(
        (to - away) * normal for to, away, normal in zip(centroid, totals[kernels.ORIGIN :], normals, strict=True)
    )
    told = front.bodies[: min(state[kernels.BODIES], BODIES_MAX)] if front.follows else None
    return Scan(
        volume=(totals[kernels.VOLUME] - moved) / 6.0,
        area=totals[kernels.AREA] / 2.0,
        low=_point(totals[kernels.LOW : kernels.HIGH]),
        high=_point(totals[kernels.HIGH : kernels.ORIGIN]),
        centroid=_point(centroid),
        triangle_count=triangle_count,
        degenerate=state[kernels.DEGENERATE],
        closed=prints[1] == 0,
        oriented=prints[0] == 0,
        body_count=state[kernels.BODIES] if front.follows else None,
        inward_count=state[kernels.INWARD],
        bodies=None if told is None else tuple(map(_body, told.tolist())),
        many_sided=state[kernels.MANY_SIDED],
        live_peak=state[kernels.LIVE_PEAK],
    )


def _body(row: list[float]) -> Body:
    six_volume, two_area, facets, low_x, low_y, low_z, high_x, high_y, high_z = row
    return Body(six_volume / 6.0, two_area / 2.0, (low_x, low_y, low_z), (high_x, high_y, high_z), int(facets))


def _point(values: Sequence[float]) -> Point:
    x, y, z = values
    return x, y, z
