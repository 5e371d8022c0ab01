"""Rows to domain objects and back, by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from system.kernel.money import Money
from system.pricing.adapters.kept_findings import (
    character_from_json,
    character_to_json,
    verdicts_from_json,
    verdicts_to_json,
)
from system.pricing.domain.costing import Extras
from system.pricing.domain.difference import Difference, Reason
from system.pricing.domain.engraving import Engraving
from system.pricing.domain.mesh import Disclosure, LengthUnit, MeshMeasure, Problem
from system.pricing.domain.order_pricing import PriceRequest, RequestedLine
from system.pricing.domain.quote import Asked, Quote, QuoteKind, QuoteStatus


def quote_to_row(quote: Quote) -> dict[str, Any]:
    """Every column of a quote."""
    asked = quote.asked
    priced = quote.total or quote.estimate
    return {
        "quote_id": quote.quote_id,
        "owner_id": quote.owner_id,
        "status": quote.status.value,
        "kind": asked.kind.value,
        "material": asked.material,
        "quantity": asked.quantity,
        "ring_size": asked.ring_size,
        "file_id": asked.file_id,
        "mesh_sha256": asked.mesh_sha256,
        "sku": asked.sku,
        "unit": quote.unit.value,
        "unit_named": asked.unit is not None,
        "stones": dict(asked.extras.stones),
        "plating": asked.extras.plating,
        "engraving": engraving_to_json(asked.extras.engraving),
        "estimate_amount": quote.estimate.amount if quote.estimate else None,
        "total_amount": quote.total.amount if quote.total else None,
        "currency": priced.currency if priced else None,
        "breakdown": quote.breakdown,
        "weight_g": quote.weight_g,
        "mesh": _mesh_of(quote),
        "problem": problem_to_json(quote.problem),
        "price_book_version": quote.price_book_version,
        "spot_per_g": quote.spot_per_g,
        "replaces": quote.replaces,
        "remade_because": list(quote.remade_because),
        "created_at": quote.created_at,
        "finished_at": quote.finished_at,
        "valid_until": quote.valid_until,
        "difference": difference_to_json(quote.difference),
    }


def quote_from_row(row: Any) -> Quote:
    """The quote of a row."""
    return Quote(
        quote_id=row.quote_id,
        owner_id=row.owner_id,
        asked=Asked(
            kind=QuoteKind(row.kind),
            material=row.material,
            quantity=row.quantity,
            ring_size=row.ring_size,
            file_id=row.file_id,
            mesh_sha256=row.mesh_sha256,
            sku=row.sku,
            unit=LengthUnit(row.unit) if row.unit_named else None,
            extras=Extras(row.stones, row.plating, engraving_from_json(row.engraving)),
        ),
        created_at=row.created_at,
        price_book_version=row.price_book_version,
        spot_per_g=row.spot_per_g,
        status=QuoteStatus(row.status),
        estimate=_money(row.estimate_amount, row.currency),
        total=_money(row.total_amount, row.currency),
        breakdown=row.breakdown,
        weight_g=row.weight_g,
        mesh=mesh_from_json(row.mesh),
        problem=problem_from_json(row.problem),
        verdicts=verdicts_from_json((row.mesh or {}).get("verdicts")),
        valid_until=row.valid_until,
        finished_at=row.finished_at,
        replaces=row.replaces,
        remade_because=tuple(row.remade_because),
        difference=difference_from_json(row.difference),
    )


def engraving_to_json(engraving: Engraving | None) -> dict[str, Any] | None:
    """An engraving as JSON; its text stands in a member that can be taken out."""
    if engraving is None:
        return None
    kept = {"height_mm": str(engraving.height_mm), "characters": engraving.characters}
    return kept if engraving.text is None else kept | {"text": engraving.text}


def engraving_from_json(data: dict[str, Any] | None) -> Engraving | None:
    """The engraving that `engraving_to_json` wrote, without its text when that was taken out."""
    return None if data is None else Engraving(Decimal(data["height_mm"]), data["characters"], data.get("text"))


def difference_to_json(difference: Difference | None) -> dict[str, Any] | None:
    """A difference as JSON, its amount as text."""
    if difference is None:
        return None
    return {
        "amount": f"{difference.amount.amount:.2f}",
        "currency": difference.amount.currency,
        "reasons": [{"code": reason.code, "facts": dict(reason.facts)} for reason in difference.reasons],
    }


def difference_from_json(data: dict[str, Any] | None) -> Difference | None:
    """The difference that `difference_to_json` wrote."""
    if data is None:
        return None
    reasons = tuple(Reason(reason["code"], reason["facts"]) for reason in data["reasons"])
    return Difference(Money.of(data["amount"], data["currency"]), reasons)


def _mesh_of(quote: Quote) -> dict[str, Any] | None:
    """The measure, and the verdicts that were given on it, which an earlier release does not look for."""
    kept = mesh_to_json(quote.mesh)
    if kept is not None and quote.verdicts:
        kept["verdicts"] = verdicts_to_json(quote.verdicts)
    return kept


def mesh_to_json(mesh: MeshMeasure | None, *, points: bool = False) -> dict[str, Any] | None:
    """A measure as JSON, decimals as text. What it does not have is left out, and without `points` those of its picture are."""
    if mesh is None:
        return None
    kept: dict[str, Any] = ({"unit": mesh.unit.value} if mesh.unit else {}) | {
        "volume_mm3": str(mesh.volume_mm3),
        "area_mm2": str(mesh.area_mm2),
        "extents_mm": [str(extent) for extent in mesh.extents_mm],
        "triangle_count": mesh.triangle_count,
        "shell_count": mesh.shell_count,
        "checked": mesh.checked,
        "disclosures": [{"code": found.code, "facts": dict(found.facts)} for found in mesh.disclosures],
    }
    return kept if mesh.character is None else kept | {"character": character_to_json(mesh.character, points=points)}


def mesh_from_json(data: dict[str, Any] | None) -> MeshMeasure | None:
    """The measure that `mesh_to_json` wrote."""
    if data is None:
        return None
    x, y, z = (Decimal(extent) for extent in data["extents_mm"])
    return MeshMeasure(
        volume_mm3=Decimal(data["volume_mm3"]),
        area_mm2=Decimal(data["area_mm2"]),
        extents_mm=(x, y, z),
        triangle_count=data["triangle_count"],
        shell_count=data["shell_count"],
        checked=data["checked"],
        disclosures=tuple(Disclosure(found["code"], found["facts"]) for found in data["disclosures"]),
        unit=LengthUnit(data["unit"]) if "unit" in data else None,
        character=character_from_json(data.get("character")),
    )


def problem_to_json(problem: Problem | None) -> dict[str, Any] | None:
    """A problem as JSON. What it does not have is left out."""
    if problem is None:
        return None
    told = {"facts": dict(problem.facts), "places": problem.places, "sizes_mm": dict(problem.sizes_mm)}
    words = {"code": problem.code, "title": problem.title, "detail": problem.detail}
    return words | {name: value for name, value in told.items() if value}


def problem_from_json(data: dict[str, Any] | None) -> Problem | None:
    """The problem that `problem_to_json` wrote; an older release wrote its words alone."""
    if data is None:
        return None
    return Problem(
        data["code"],
        data["title"],
        data["detail"],
        facts=data.get("facts", {}),
        places=tuple((x, y, z) for x, y, z in data.get("places", ())),
        sizes_mm={unit: (x, y, z) for unit, (x, y, z) in data.get("sizes_mm", {}).items()},
    )


def request_from_row(row: Any) -> PriceRequest:
    """The orchestrator's request of a row."""
    return PriceRequest(
        order_id=row.order_id,
        attempt=row.attempt,
        lines=tuple(RequestedLine(UUID(line["line_id"]), UUID(line["quote_id"])) for line in row.lines),
    )


def request_lines_to_json(request: PriceRequest) -> list[dict[str, str]]:
    """The lines of a request as JSON."""
    return [{"line_id": str(line.line_id), "quote_id": str(line.quote_id)} for line in request.lines]


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    return None if amount is None or currency is None else Money(amount, currency)
