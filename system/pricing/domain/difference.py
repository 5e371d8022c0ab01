"""Why the firm price is another one than the estimate: what checking the surface found, in facts that people can follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from system.kernel.money import Money
from system.pricing.domain.mesh import MeshMeasure

_CAUSES = frozenset(
    {
        "cavity-found",
        "overlap-counted-once",
        "facets-turned",
        "turned-inside-out",
        "bodies-turned",
        "overlap-not-measured",
    }
)
"""Disclosures of a checked surface that can change the volume the first look told."""
_LABOUR = "labour"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that made a difference, with the facts of its sentence."""

    code: str
    facts: Mapping[str, str]

    @property
    def detail(self) -> str:
        """The sentence in English. Raises KeyError on a code nobody described."""
        return _REASONS[self.code].format(**self.facts)


_REASONS = {
    "cavity-found": "{cavities} hollow spaces, {volume_mm3} mm3 together, are not charged.",
    "overlap-counted-once": "Bodies overlap; the {volume_mm3} mm3 they share are charged once.",
    "facets-turned": "{facets} facets faced the wrong way and were turned; all the metal is counted now.",
    "turned-inside-out": "The model was inside out and was turned.",
    "bodies-turned": "{bodies} bodies were inside out and were turned; their metal is counted now.",
    "overlap-not-measured": "Bodies may overlap where it could not be measured.",
    "weight-differs": "One piece weighs {after_g} g, and not {before_g} g as at the first look.",
    "surface-work": "Finishing the surface, by its area and how intricate it is, takes {after} {currency}, and not {before}.",
    "book-changed": "Prices changed meanwhile: book {after} is in force, and the estimate was made with book {before}.",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the firm price differs, all pieces together: above zero it is higher. The causes come before their effects."""

    amount: Money
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A price as it was told: what it came to, by which book, for which weight, and what it consisted of."""

    price: Money
    book_version: int
    weight_g: Decimal | None
    breakdown: Mapping[str, Any] | None


def difference_between(estimate: Told, firm: Told, measure: MeshMeasure) -> Difference | None:
    """What there is to say of two prices of one piece; None when they are the same. `measure` is the checked one."""
    amount = firm.price - estimate.price
    return Difference(amount, tuple(_reasons(estimate, firm, measure))) if amount.amount else None


def reason_codes() -> frozenset[str]:
    """Every code a difference can be explained with."""
    return frozenset(_REASONS)


def _reasons(estimate: Told, firm: Told, measure: MeshMeasure) -> Iterator[Reason]:
    for found in measure.disclosures:
        if found.code in _CAUSES:
            yield Reason(found.code, {name: str(fact) for name, fact in found.facts.items()})
    if estimate.weight_g != firm.weight_g and estimate.weight_g is not None:
        yield Reason("weight-differs", {"before_g": str(estimate.weight_g), "after_g": str(firm.weight_g)})
    before, after = _labour(estimate), _labour(firm)
    # Of another book the hour may cost more: that is no matter of the surface.
    if before != after and before is not None and after is not None and estimate.book_version == firm.book_version:
        yield Reason("surface-work", {"before": before, "after": after, "currency": firm.price.currency})
    if estimate.book_version != firm.book_version:
        yield Reason("book-changed", {"before": str(estimate.book_version), "after": str(firm.book_version)})


def _labour(told: Told) -> str | None:
    per_piece = (told.breakdown or {}).get("per_piece", {})
    return str(per_piece[_LABOUR]) if _LABOUR in per_piece else None
