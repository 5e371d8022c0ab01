"""The sequence of measuring a model: as it is, at once; then checked, repaired where only its orientation is wrong; then drawn."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from system.meshes.faults import MeshFault
from system.meshes.model import Model, Triangles, read_model
from system.meshes.welding import weld
from system.pricing.adapters.mesh.measure import RawMeasure, measure
from system.pricing.adapters.mesh.overlap import overlap_volume
from system.pricing.adapters.mesh.places import places_of
from system.pricing.adapters.mesh.preview import draw
from system.pricing.adapters.mesh.solids import face_outwards, may_overlap
from system.pricing.adapters.mesh.surface import close_surface

Report = Callable[[dict[str, Any]], None]
"""Takes one finding: `stage` is measured, checked, refused or drawn; or `at` with the `step` that begins now."""

_OVERLAP_SHARE_MIN = 1e-4
"""Overlap below this share of the volume is left in: it is less than the balance can weigh."""
_THINNEST = 1e-6


def analyse(file: BinaryIO, report: Report, *, draws: bool = False) -> None:
    """Reports `measured`, then `checked`; or `refused` with a problem's code and facts, and the places where a surface is
    broken. Lengths are in units of the file,
    which is told as `unit` where the file says it.

    `checked` has the volume of the union of all bodies without their cavities, and says what was repaired. When it `draws`, what
    passed the check is reported as `drawn` after that, once for each size: nobody's price waits for a picture.
    """
    try:
        model = read_model(file)
        triangles = model.triangles
        report({"stage": "at", "step": "first_look", "triangle_count": len(triangles)})
        raw = measure(triangles)
        unit = {"unit": model.unit} if model.unit else {}
        report({"stage": "measured", **_figures(raw, abs(raw.signed_volume), len(triangles)), **unit})
        figures, solid = _check(model, raw)
        report({"stage": "checked", **figures, **unit})
    except MeshFault as fault:
        refused: dict[str, Any] = {"stage": "refused", "code": fault.code, "facts": fault.facts}
        if fault.sides is not None:
            refused["places"] = places_of(triangles, fault.sides)
        report(refused)
        return
    if draws:
        for size_px, picture in draw(solid).items():
            report({"stage": "drawn", "size_px": size_px, "png": b64encode(picture).decode()})


def _check(model: Model, raw: RawMeasure) -> tuple[dict[str, Any], Triangles]:
    """What is found, and the triangles as they face once everything is turned outwards."""
    triangles = model.triangles
    surface = close_surface(weld(triangles))
    oriented = _turn(triangles, surface.flipped)
    solids = face_outwards(oriented, surface.shell_of, surface.shell_count, raw.centroid)
    found = [_found(note.code, **note.facts) for note in model.notes]
    turned_count = int(surface.flipped.sum())
    if surface.degenerate_count:
        found.append(_found("degenerate-facets-ignored", facets=surface.degenerate_count))
    if turned_count:
        found.append(_found("facets-turned", facets=turned_count))
    if solids.all_turned and not turned_count:
        found.append(_found("turned-inside-out"))
    elif bodies_turned := int((solids.turned != solids.all_turned).sum()):
        found.append(_found("bodies-turned", bodies=bodies_turned))
    if solids.cavity_count:
        found.append(_found("cavity-found", cavities=solids.cavity_count, volume_mm3=_short(solids.cavity_volume)))
    solid = _turn(oriented, solids.turned[surface.shell_of])
    volume, overlap = solids.volume, 0.0
    if surface.shell_count > 1 and may_overlap(solids):
        excess = overlap_volume(solid)
        if excess is None:
            found.append(_found("overlap-not-measured"))
        elif excess > _OVERLAP_SHARE_MIN * volume:
            overlap = excess
            volume -= excess
            found.append(_found("overlap-counted-once", volume_mm3=_short(excess)))
    if volume <= _THINNEST * raw.area**1.5:
        raise MeshFault("mesh-no-volume")
    # Loaded here: what it stands on takes longer to load than the first look takes.
    from system.pricing.adapters.mesh.character import character_of

    return {
        **_figures(raw, volume, len(triangles)),
        "shell_count": surface.shell_count,
        "disclosures": found,
        "overlap": _number(overlap),
        "bodies": surface.shell_count - solids.cavity_count,
        "cavities": solids.cavity_count,
        "closed": True,
        "oriented": not turned_count and not solids.turned.any(),
        "degenerate_facets": surface.degenerate_count,
        **character_of(solid, area=raw.area, shell_count=surface.shell_count),
    }, solid


def _turn(triangles: Triangles, which: np.ndarray) -> Triangles:
    """The same triangles with the marked ones facing the other way."""
    if not which.any():
        return triangles
    result = triangles.copy()
    result[which] = result[which][:, ::-1]
    return result


def _figures(raw: RawMeasure, volume: float, triangle_count: int) -> dict[str, Any]:
    return {
        "volume": _number(volume),
        "area": _number(raw.area),
        "extents": [_number(extent) for extent in raw.extents],
        "triangle_count": triangle_count,
    }


def _found(code: str, **facts: Any) -> dict[str, Any]:
    return {"code": code, "facts": facts}


def _short(value: float) -> str:
    """For a sentence: a thousandth of a cubic unit is enough."""
    return f"{value:.3f}"


def _number(value: float) -> str:
    """Nine significant digits as text: more than float32 coordinates carry, and the same on every machine."""
    return f"{value:.9g}"
