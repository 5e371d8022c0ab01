"""How pricing shows a quote and a book to the world: plain data, decimals as text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from system.kernel.money import Money
from system.pricing.domain.difference import Difference
from system.pricing.domain.engraving import Engraving, EngravingTerms
from system.pricing.domain.mesh import Analysis, MeshMeasure, Problem, Thickness
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.progress import Place, progress_of
from system.pricing.domain.quote import Quote, unit_of
from system.pricing.domain.setback import sentence_of
from system.pricing.domain.verdict import TOLERANCE, Verdict


def setback_view(setback: Mapping[str, Any]) -> dict[str, Any]:
    """What held a calculation up, for support."""
    return {
        "quote_id": str(setback["quote_id"]),
        "at": setback["at"].isoformat(),
        "code": setback["code"],
        "attempt": setback["attempt"],
        "title": sentence_of(setback["code"], attempt=setback["attempt"]),
        "details": setback["details"],
    }


def money_view(money: Money | None) -> dict[str, str] | None:
    """Money as {"amount": "10450.00", "currency": "RUB"}."""
    return None if money is None else {"amount": f"{money.amount:.2f}", "currency": money.currency}


def quote_view(quote: Quote) -> dict[str, Any]:
    """A quote as every caller sees it."""
    asked = quote.asked
    return {
        "quote_id": str(quote.quote_id),
        "owner_id": str(quote.owner_id),
        "status": quote.status.value,
        "kind": asked.kind.value,
        "material": asked.material,
        "quantity": asked.quantity,
        "ring_size": asked.ring_size,
        "file_id": str(asked.file_id) if asked.file_id else None,
        "sku": asked.sku,
        "unit": quote.unit.value,
        "stones": dict(asked.extras.stones),
        "plating": asked.extras.plating,
        "engraving": engraving_view(asked.extras.engraving),
        "estimate": money_view(quote.estimate),
        "total": money_view(quote.total),
        "breakdown": quote.breakdown,
        "weight_g": str(quote.weight_g) if quote.weight_g is not None else None,
        "mesh": mesh_view(quote.mesh) if quote.mesh else None,
        "problem": problem_view(quote.problem) if quote.problem else None,
        "price_book_version": quote.price_book_version,
        "valid_until": quote.valid_until.isoformat() if quote.valid_until else None,
        "created_at": quote.created_at.isoformat(),
        "replaces": str(quote.replaces) if quote.replaces else None,
        "remade_because": list(quote.remade_because),
        "difference": difference_view(quote.difference),
    } | ({"verdicts": verdicts_view(quote.verdicts)} if quote.verdicts else {})


def verdicts_view(verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    """Of each alloy whether the piece can be cast in it, and why not simply."""
    return {
        alloy: {
            "verdict": verdict.castability.value,
            "reasons": [
                {"code": reason.code, "detail": reason.detail, "facts": dict(reason.facts)}
                for reason in verdict.reasons
            ],
        }
        for alloy, verdict in verdicts.items()
    }


def quote_now(quote: Quote, place: Place | None, *, now: datetime) -> dict[str, Any]:
    """A quote as whoever waits for it sees it: also how far it is, and where in line when that is known."""
    eta_s = place.eta_s if place else None
    waited_s = (now - quote.created_at).total_seconds()
    progress = progress_of(quote.status, waited_s=waited_s, eta_s=eta_s, at=place.at if place else None)
    shown = quote_view(quote)
    if progress is not None:
        shown |= {"progress": {"stage": progress.stage.value, "percent": progress.percent}}
        if place is not None:
            shown |= {"queue_position": place.position, "eta_s": place.eta_s}
    return shown


def own_quote_view(quote: Quote) -> dict[str, Any]:
    """One row of somebody's own quotes."""
    asked = quote.asked
    return {
        "quote_id": str(quote.quote_id),
        "status": quote.status.value,
        "kind": asked.kind.value,
        "material": asked.material,
        "quantity": asked.quantity,
        "ring_size": asked.ring_size,
        "file_id": str(asked.file_id) if asked.file_id else None,
        "sku": asked.sku,
        "estimate": money_view(quote.estimate),
        "total": money_view(quote.total),
        "weight_g": str(quote.weight_g) if quote.weight_g is not None else None,
        "valid_until": quote.valid_until.isoformat() if quote.valid_until else None,
        "created_at": quote.created_at.isoformat(),
        "problem": problem_view(quote.problem) if quote.problem else None,
    }


def problem_view(problem: Problem) -> dict[str, Any]:
    """Why there is no price; with facts, places and sizes where they are known."""
    told = {
        "facts": dict(problem.facts),
        "places": [list(place) for place in problem.places],
        "extents_mm": {unit: list(sides) for unit, sides in problem.sizes_mm.items()},
    }
    words = {"code": problem.code, "title": problem.title, "detail": problem.detail}
    return words | {name: value for name, value in told.items() if value}


def engraving_view(engraving: Engraving | None) -> dict[str, Any] | None:
    """What is engraved; the text is null once its person left."""
    if engraving is None:
        return None
    return {"text": engraving.text, "height_mm": str(engraving.height_mm), "characters": engraving.characters}


def difference_view(difference: Difference | None) -> dict[str, Any] | None:
    """By how much the firm price differs from the estimate, and why."""
    if difference is None:
        return None
    return {
        "amount": money_view(difference.amount),
        "reasons": [
            {"code": reason.code, "detail": reason.detail, "facts": dict(reason.facts)} for reason in difference.reasons
        ],
    }


def mesh_view(mesh: MeshMeasure) -> dict[str, Any]:
    """What was measured, and what its owner should know about it."""
    shown: dict[str, Any] = {
        "volume_cm3": str(mesh.volume_cm3),
        "area_cm2": str(mesh.area_cm2),
        "extents_mm": [f"{extent:.2f}" for extent in mesh.extents_mm],
        "triangle_count": mesh.triangle_count,
        "shell_count": mesh.shell_count,
        "disclosures": [{"code": found.code, "detail": found.detail} for found in mesh.disclosures],
    }
    character = mesh.character
    if character is None:
        return shown
    shown |= {"bodies": character.bodies, "cavities": character.cavities}
    if character.thickness is not None:
        shown["thickness_mm"] = thickness_view(character.thickness)
    return shown


def thickness_view(thickness: Thickness) -> dict[str, Any]:
    """Walls in hundredths of a millimetre; the place is in units of the file."""
    return {
        "p1": f"{thickness.p1_mm:.2f}",
        "p5": f"{thickness.p5_mm:.2f}",
        "median": f"{thickness.median_mm:.2f}",
        "min_place": list(thickness.place),
    }


def walls_view(quote: Quote, analysis: Analysis | None, book: PriceBook | None) -> dict[str, Any]:
    """How thick the walls are at points all over a model, and what its alloy needs, all in mm; no points where nothing is known."""
    alloy = book.alloys.get(quote.asked.material) if book is not None and quote.asked.material else None
    measure = analysis.outcome if analysis is not None else None
    points: tuple[tuple[float, float, float, float], ...] = ()
    if isinstance(measure, MeshMeasure):
        measure = measure.in_unit(unit_of(quote.asked, measure))
        if measure.character is not None and measure.character.thickness is not None:
            points = measure.character.thickness.points
    return {
        "points": [(x, y, z, round(thick, 3)) for x, y, z, thick in points],
        "wall_min": None if alloy is None else f"{alloy.wall_min_mm.normalize():f}",
        "wall_reject": None if alloy is None else f"{alloy.wall_reject_mm.normalize():f}",
        "tolerance": str(TOLERANCE),
    }


def materials_view(book: PriceBook) -> dict[str, Any]:
    """What a customer can choose from."""
    return {
        "items": [
            {
                "code": alloy.code,
                "title": dict(alloy.title),
                "metal": alloy.metal,
                "density_g_cm3": str(alloy.density_g_cm3),
                "fineness": str(alloy.fineness),
            }
            for alloy in book.alloys.values()
        ],
        "stones": [{"code": stone.code, "title": dict(stone.title)} for stone in book.stones.values()],
        "platings": [{"code": plating.code, "title": dict(plating.title)} for plating in book.platings.values()],
        "engraving": _terms_view(book.engraving),
        "quantity_steps": [
            {"from": pieces, "share": str(share)} for pieces, share in sorted(book.quantity_steps.items())
        ],
        "price_book_version": book.version,
        "currency": book.currency,
    }


def _terms_view(terms: EngravingTerms | None) -> dict[str, Any] | None:
    if terms is None:
        return None
    return {
        "setup": f"{terms.setup:.2f}",
        "per_character": f"{terms.per_character:.2f}",
        "characters_max": int(terms.characters_max),
        "height_mm_min": str(terms.height_mm_min),
        "height_mm_max": str(terms.height_mm_max),
        "alphabet": terms.alphabet,
    }
