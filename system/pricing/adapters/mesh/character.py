"""What a closed model is like, beyond what it weighs: how thick, how intricate, in how many bodies. For the verdict on each alloy."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np

from system.meshes.beside import Found
from system.meshes.engine.cells import Box
from system.meshes.stl import Triangles
from system.pricing.adapters.mesh.contact import separate_groups
from system.pricing.adapters.mesh.hull import hull_volume_of
from system.pricing.adapters.mesh.points import duplicates_in
from system.pricing.adapters.mesh.roughness import roughness_of
from system.pricing.adapters.mesh.thickness import Thickness, thickness_of


def _if_affordable(measured: Callable[[], Found | None]) -> Found | None:
    """What is measured, or nothing where memory is short: the price does not hang on it."""
    try:
        return measured()
    except MemoryError:
        return None


class Character:
    """Findings of a closed surface that faces outwards, cavities inwards: begun when this is made, told when they are there.

    `box` is that around it. Lengths are in units of the file; `apart` counts groups of bodies of which none touches another.
    """

    def __init__(self, solid: Triangles, box: Box, beside: Executor, *, area: float, shell_count: int) -> None:
        solid = np.ascontiguousarray(solid)

        def begun(find: Callable[[], Found | None]) -> Future[Found | None]:
            return beside.submit(lambda: _if_affordable(find))

        # The longest first.
        self._thickness = begun(lambda: thickness_of(solid, box))
        self._apart = begun(lambda: separate_groups(solid, box) if shell_count > 1 else 1)
        self._hull = begun(lambda: hull_volume_of(solid, box))
        self._roughness = begun(lambda: roughness_of(solid, area))
        self._duplicates = begun(lambda: duplicates_in(solid))

    def told(self) -> dict[str, Any]:
        """By their names in `checked`. What could not be measured is left out."""
        thickness, roughness, hull = self._thickness.result(), self._roughness.result(), self._hull.result()
        found = {
            "thickness": _told(thickness) if thickness else None,
            "roughness": None if roughness is None else f"{roughness:.4g}",
            "hull_volume": None if hull is None else f"{hull:.9g}",
            "duplicate_facets": self._duplicates.result(),
            "apart": self._apart.result(),
        }
        return {name: value for name, value in found.items() if value is not None}


def _told(thickness: Thickness) -> dict[str, Any]:
    """Five significant digits are more than a casting keeps."""
    return {
        "p1": _short(thickness.p1),
        "p5": _short(thickness.p5),
        "median": _short(thickness.median),
        "min_place": [_short(value) for value in thickness.place],
        "samples": thickness.samples,
        "histogram": [[_short(upto), round(share, 6)] for upto, share in thickness.histogram],
        "points": [[_short(float(value)) for value in point] for point in thickness.points],
    }


def _short(value: float) -> float:
    return float(f"{value:.5g}") + 0.0
