"""The sequence of measuring a model: as it is, at once; then checked, repaired where only its orientation is wrong; then drawn."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, BinaryIO

import numpy as np

from system.meshes.beside import side_by_side
from system.meshes.engine import Scan, count_edges, overlap_volume, scan
from system.meshes.faults import MeshFault
from system.meshes.model import Model, Triangles, read_model
from system.meshes.welding import weld
from system.pricing.adapters.mesh.places import places_of
from system.pricing.adapters.mesh.preview import draw
from system.pricing.adapters.mesh.solids import boxes_meet, face_outwards
from system.pricing.adapters.mesh.surface import close_surface

Report = Callable[[dict[str, Any]], None]
"""Takes one finding: `stage` is measured, checked, refused or drawn; or `at` with the `step` that begins now."""

_OVERLAP_SHARE_MIN = 1e-4
"""Overlap below this share of the volume is left in: it is less than the balance can weigh."""
_THINNEST = 1e-6
CHECKED_COUNT_MAX = 3_000_000
"""Triangles that fit into memory when faults are to be found and repaired; a sound surface may have as many as a file."""

THREADS = 2
BESIDE_FROM = 200_000
"""Triangles of a model from which findings side by side are worth the threads: a tenth of a second, and more memory at a time."""

_NO_TRIANGLES: Triangles = np.empty((0, 3, 3), dtype=np.float32)


def analyse(file: BinaryIO, report: Report, *, draws: bool = False) -> None:
    """Reports `measured`, then `checked`; or `refused` with a problem's code and facts, and the places where a surface is
    broken. Lengths are in units of the file, which is told as `unit` where the file says it.

    `checked` has the volume of the union of all bodies without their cavities, and says what was repaired. When it `draws`, what
    passed the check is reported as `drawn` after that, once for each size: nobody's price waits for a picture.
    """
    triangles = _NO_TRIANGLES
    try:
        model = read_model(file)
        triangles = model.triangles
        count = len(triangles)
        report({"stage": "at", "step": "first_look", "triangle_count": count})
        look = scan(triangles)
        unit = {"unit": model.unit} if model.unit else {}
        report({"stage": "measured", **_figures(look, abs(look.volume)), **unit})
        with side_by_side(THREADS if count >= BESIDE_FROM else 0) as beside:
            solid = _told_of(model, look, report, beside)
    except MeshFault as fault:
        refused: dict[str, Any] = {"stage": "refused", "code": fault.code, "facts": fault.facts}
        if fault.sides is not None:
            refused["places"] = places_of(triangles, fault.sides)
        report(refused)
        return
    if draws:
        for size_px, picture in draw(solid).items():
            report({"stage": "drawn", "size_px": size_px, "png": b64encode(picture).decode()})


def _told_of(model: Model, look: Scan, report: Report, beside: Executor) -> Triangles:
    """Reports `checked`; the triangles as they face once everything is turned outwards."""
    # Loaded here: what it stands on takes longer to load than the first look takes.
    from system.pricing.adapters.mesh.character import Character

    def begun(solid: Triangles, shell_count: int) -> Character:
        report({"stage": "at", "step": "thickness", "triangle_count": len(solid)})
        return Character(solid, look.box, beside, area=look.area, shell_count=shell_count)

    if look.simple:
        # What else there is to know of a sound surface is found while its shared metal is.
        solid = model.triangles
        character = begun(solid, len(look.bodies or ()))
        figures = _sound(model, look)
    else:
        figures, solid = _check(model, look)
        character = begun(solid, figures["shell_count"])
    unit = {"unit": model.unit} if model.unit else {}
    report({"stage": "checked", **figures, **character.told(), **unit})
    return solid


def _sound(model: Model, look: Scan) -> dict[str, Any]:
    """What is found of a surface that needs no repair."""
    bodies = look.bodies or ()
    found = [_found(note.code, **note.facts) for note in model.notes]
    if look.degenerate:
        found.append(_found("degenerate-facets-ignored", facets=look.degenerate))
    overlaps = len(bodies) > 1 and boxes_meet(
        np.array([body.low for body in bodies]), np.array([body.high for body in bodies])
    )
    figures = _charged(model.triangles, look, look.volume, found, overlaps=overlaps)
    told = {"bodies": len(bodies), "cavities": 0, "oriented": True, "degenerate_facets": look.degenerate}
    return {**figures, "shell_count": len(bodies), **told}


def _check(model: Model, look: Scan) -> tuple[dict[str, Any], Triangles]:
    """What is found, and the triangles as they face once everything is turned outwards."""
    triangles = model.triangles
    if len(triangles) > CHECKED_COUNT_MAX:
        raise _beyond_repair(triangles)
    surface = close_surface(weld(triangles))
    oriented = _turn(triangles, surface.flipped)
    solids = face_outwards(oriented, surface.shell_of, surface.shell_count, np.array(look.centroid))
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
    overlaps = surface.shell_count > 1 and boxes_meet(solids.low, solids.high)
    figures = _charged(solid, look, solids.volume, found, overlaps=overlaps)
    told = {
        "bodies": surface.shell_count - solids.cavity_count,
        "cavities": solids.cavity_count,
        "oriented": not turned_count and not solids.turned.any(),
        "degenerate_facets": surface.degenerate_count,
    }
    return {**figures, "shell_count": surface.shell_count, **told}, solid


def _beyond_repair(triangles: Triangles) -> MeshFault:
    """Why a model that is not sound and too large to be repaired cannot be priced."""
    counts = count_edges(triangles)
    if counts.odd:
        return MeshFault("mesh-not-closed", open_edge_count=counts.odd)
    return MeshFault("mesh-too-large", triangle_count=len(triangles), triangle_count_max=CHECKED_COUNT_MAX)


def _charged(
    solid: Triangles, look: Scan, volume: float, found: list[dict[str, Any]], *, overlaps: bool
) -> dict[str, Any]:
    """The figures with shared metal counted once. Raises MeshFault when nothing is left."""
    overlap = 0.0
    if overlaps:
        excess = overlap_volume(solid, look.box)
        if excess is None:
            found.append(_found("overlap-not-measured"))
        elif excess > _OVERLAP_SHARE_MIN * volume:
            overlap = excess
            volume -= excess
            found.append(_found("overlap-counted-once", volume_mm3=_short(excess)))
    if volume <= _THINNEST * look.area**1.5:
        raise MeshFault("mesh-no-volume")
    return {**_figures(look, volume), "closed": True, "overlap": _number(overlap), "disclosures": found}


def _turn(triangles: Triangles, which: np.ndarray) -> Triangles:
    """The same triangles with the marked ones facing the other way."""
    if not which.any():
        return triangles
    result = triangles.copy()
    result[which] = result[which][:, ::-1]
    return result


def _figures(look: Scan, volume: float) -> dict[str, Any]:
    return {
        "volume": _number(volume),
        "area": _number(look.area),
        "extents": [_number(extent) for extent in look.extents],
        "triangle_count": look.triangle_count,
    }


def _found(code: str, **facts: Any) -> dict[str, Any]:
    return {"code": code, "facts": facts}


def _short(value: float) -> str:
    """For a sentence: a thousandth of a cubic unit is enough."""
    return f"{value:.3f}"


def _number(value: float) -> str:
    """Nine significant digits as text: more than float32 coordinates carry, and the same on every machine."""
    return f"{value:.9g}"
