"""What a model is like, and what was said of it in each alloy, as JSON and back. What an earlier release kept lacks both."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from system.pricing.domain.mesh import Character, Thickness
from system.pricing.domain.verdict import Castability, Reason, Verdict

POINTS_KEPT = 500
"""Of the points where a wall was measured: enough to see by eye where it is thin, in some ten kilobytes."""


def character_to_json(character: Character, *, points: bool = False) -> dict[str, Any]:
    """Decimals are text. With `points` an even share of the points of a picture is kept too, which are many."""
    told = {
        "bodies": character.bodies,
        "cavities": character.cavities,
        "oriented": character.oriented,
        "degenerate_facets": character.degenerate_facets,
        "duplicate_facets": character.duplicate_facets,
        "apart": character.apart,
        "hull_volume_mm3": _text(character.hull_volume_mm3),
        "overlap_mm3": _text(character.overlap_mm3),
        "roughness": _text(character.roughness),
        "thickness": None if character.thickness is None else _thickness_to_json(character.thickness, points=points),
    }
    return {name: value for name, value in told.items() if value is not None}


def character_from_json(data: Mapping[str, Any] | None) -> Character | None:
    """The character that `character_to_json` wrote."""
    if data is None:
        return None
    return Character(
        bodies=data["bodies"],
        cavities=data["cavities"],
        oriented=data["oriented"],
        degenerate_facets=data["degenerate_facets"],
        duplicate_facets=data.get("duplicate_facets"),
        apart=data.get("apart"),
        hull_volume_mm3=_number(data.get("hull_volume_mm3")),
        overlap_mm3=Decimal(data.get("overlap_mm3", 0)),
        roughness=_number(data.get("roughness")),
        thickness=_thickness_from_json(data["thickness"]) if "thickness" in data else None,
    )


def verdicts_to_json(verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    """Verdicts by alloy."""
    return {
        alloy: {
            "verdict": verdict.castability.value,
            "reasons": [{"code": reason.code, "facts": dict(reason.facts)} for reason in verdict.reasons],
        }
        for alloy, verdict in verdicts.items()
    }


def verdicts_from_json(data: Mapping[str, Any] | None) -> dict[str, Verdict]:
    """The verdicts that `verdicts_to_json` wrote."""
    return {
        alloy: Verdict(
            Castability(told["verdict"]), tuple(Reason(reason["code"], reason["facts"]) for reason in told["reasons"])
        )
        for alloy, told in (data or {}).items()
    }


def _thickness_to_json(thickness: Thickness, *, points: bool) -> dict[str, Any]:
    step = -(-len(thickness.points) // POINTS_KEPT) or 1
    kept = {"points": [list(point) for point in thickness.points[::step]]} if points else {}
    return kept | {
        "p1_mm": str(thickness.p1_mm),
        "p5_mm": str(thickness.p5_mm),
        "median_mm": str(thickness.median_mm),
        "place": list(thickness.place),
        "samples": thickness.samples,
        "histogram": [[str(upto), str(share)] for upto, share in thickness.histogram],
    }


def _thickness_from_json(data: Mapping[str, Any]) -> Thickness:
    x, y, z = data["place"]
    return Thickness(
        p1_mm=Decimal(data["p1_mm"]),
        p5_mm=Decimal(data["p5_mm"]),
        median_mm=Decimal(data["median_mm"]),
        place=(x, y, z),
        samples=data["samples"],
        histogram=tuple((Decimal(upto), Decimal(share)) for upto, share in data["histogram"]),
        points=tuple((px, py, pz, thick) for px, py, pz, thick in data.get("points", ())),
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
