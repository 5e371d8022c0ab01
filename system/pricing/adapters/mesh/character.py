"""What a closed model is like, beyond what it weighs: how thick, how intricate, in how many bodies. For the verdict on each alloy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from system.meshes.stl import Triangles
from system.pricing.adapters.mesh.contact import separate_groups
from system.pricing.adapters.mesh.hull import hull_volume_of
from system.pricing.adapters.mesh.points import duplicates_in
from system.pricing.adapters.mesh.roughness import roughness_of
from system.pricing.adapters.mesh.thickness import Thickness, thickness_of

Found = TypeVar("Found")


def character_of(solid: Triangles, *, area: float, shell_count: int) -> dict[str, Any]:
    """Findings of a closed surface that faces outwards, by their names in `checked`. What could not be measured is left out.

    Lengths are in units of the file; `apart` counts groups of bodies of which none touches another.
    """
    solid = np.ascontiguousarray(solid)
    thickness = _if_affordable(lambda: thickness_of(solid))
    roughness = _if_affordable(lambda: roughness_of(solid, area))
    hull = _if_affordable(lambda: hull_volume_of(solid))
    duplicates = _if_affordable(lambda: duplicates_in(solid))
    apart = _if_affordable(lambda: separate_groups(solid)) if shell_count > 1 else 1
    found = {
        "thickness": _told(thickness) if thickness else None,
        "roughness": None if roughness is None else f"{roughness:.4g}",
        "hull_volume": None if hull is None else f"{hull:.9g}",
        "duplicate_facets": duplicates,
        "apart": apart,
    }
    return {name: value for name, value in found.items() if value is not None}


def _if_affordable(measured: Callable[[], Found]) -> Found | None:
    """What is measured, or nothing where memory is short: the price does not hang on it."""
    try:
        return measured()
    except MemoryError:
        return None


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
