"""A quote: a price promise for one mesh, material and quantity. It expires and is replaced, never edited once it is firm.

QUEUED > ANALYSING > ESTIMATED > READY
   any of the first three > FAILED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.pricing.domain.costing import PLAIN, Costing, Extras, cost_piece, cost_ready_made
from system.pricing.domain.difference import Difference, Told, difference_between
from system.pricing.domain.engraving import check_engraving
from system.pricing.domain.mesh import Analysis, LengthUnit, MeshMeasure, Problem
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.ring_size import RingSize
from system.pricing.domain.verdict import Verdict, verdicts_of, wall_problem

QUANTITY_MAX = 1000
STONES_MAX = 2000

CANCELLED = "cancelled"
"""The problem of a quote that whoever asked for it did not want any more."""

RemadeBecause = Literal["expired", "metal_moved"]


class QuoteStatus(StrEnum):
    """Where a quote stands. READY and FAILED are final."""

    QUEUED = "QUEUED"
    ANALYSING = "ANALYSING"
    ESTIMATED = "ESTIMATED"
    READY = "READY"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Nothing changes this quote any more."""
        return self in (QuoteStatus.READY, QuoteStatus.FAILED)


UNFINISHED = (QuoteStatus.QUEUED, QuoteStatus.ANALYSING, QuoteStatus.ESTIMATED)


class QuoteKind(StrEnum):
    """A piece made from the customer's model, or a good from the catalogue."""

    CUSTOM = "custom"
    READY_MADE = "ready_made"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the customer wants a price for. Exactly one of `file_id` and `sku` is set, as `kind` says.

    `unit` is that of the model's coordinates where the customer names one.
    """

    kind: QuoteKind
    material: str
    quantity: int
    ring_size: str | None = None
    file_id: UUID | None = None
    mesh_sha256: str | None = None
    sku: str | None = None
    unit: LengthUnit | None = None
    extras: Extras = PLAIN


@dataclass(frozen=True, slots=True)
class Quote:
    """One quote. `estimate` prices the file as it is; `total` is the firm price, and `valid_until` its end.

    `verdicts` say of each alloy whether the piece can be cast in it, by the book that priced it.
    """

    quote_id: UUID
    owner_id: UUID
    asked: Asked
    created_at: datetime
    price_book_version: int
    spot_per_g: Decimal
    status: QuoteStatus = QuoteStatus.QUEUED
    estimate: Money | None = None
    total: Money | None = None
    breakdown: dict[str, Any] | None = None
    weight_g: Decimal | None = None
    mesh: MeshMeasure | None = None
    problem: Problem | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    valid_until: datetime | None = None
    finished_at: datetime | None = None
    replaces: UUID | None = None
    remade_because: tuple[RemadeBecause, ...] = field(default=())
    difference: Difference | None = None

    @property
    def is_cancelled(self) -> bool:
        """Its calculation was stopped by whoever asked for it."""
        return self.problem is not None and self.problem.code == CANCELLED

    @property
    def unit(self) -> LengthUnit:
        """That of the model's coordinates: as asked, else as the file says once it is known, else mm."""
        return unit_of(self.asked, self.mesh)

    def started(self) -> Self:
        """A worker measures the model. One that was estimated already stays so: its customer has seen a price."""
        return self if self.status is QuoteStatus.ESTIMATED else replace(self, status=QuoteStatus.ANALYSING)

    def estimated(self, measure: MeshMeasure, book: PriceBook) -> Self:
        """The price of the file as it is, before its surface was checked."""
        costing = self._cost(measure, book)
        return replace(
            self,
            status=QuoteStatus.ESTIMATED,
            estimate=costing.total,
            breakdown=costing.breakdown(),
            weight_g=costing.weight_g,
            mesh=measure,
            price_book_version=book.version,
            spot_per_g=book.spot_of(book.alloy(self.asked.material)),
        )

    def ready(self, measure: MeshMeasure, book: PriceBook, *, now: datetime, valid_for: timedelta) -> Self:
        """The firm price of a custom piece, from a checked measure."""
        if not measure.checked:
            raise ValueError("a firm price needs a checked measure")
        costing = self._cost(measure, book)
        firm = Told(costing.total, book.version, costing.weight_g, costing.breakdown())
        return replace(
            self,
            status=QuoteStatus.READY,
            total=costing.total,
            breakdown=costing.breakdown(),
            weight_g=costing.weight_g,
            mesh=measure,
            problem=None,
            verdicts=verdicts_of(measure, book),
            price_book_version=book.version,
            spot_per_g=book.spot_of(book.alloy(self.asked.material)),
            valid_until=now + valid_for,
            finished_at=now,
            difference=difference_between(self._told(self.estimate), firm, measure) if self.estimate else None,
        )

    def ready_from_catalogue(self, price: Money, *, now: datetime, valid_for: timedelta) -> Self:
        """The firm price of a ready-made good: nothing has to be measured."""
        total = price * self.asked.quantity
        return replace(
            self,
            status=QuoteStatus.READY,
            estimate=total,
            total=total,
            breakdown=cost_ready_made(price=price, quantity=self.asked.quantity),
            valid_until=now + valid_for,
            finished_at=now,
        )

    def failed(self, problem: Problem, *, now: datetime) -> Self:
        """There will be no firm price, for a reason its owner can read."""
        return replace(self, status=QuoteStatus.FAILED, problem=problem, total=None, finished_at=now)

    def _told(self, estimate: Money) -> Told:
        return Told(estimate, self.price_book_version, self.weight_g, self.breakdown)

    def _cost(self, measure: MeshMeasure, book: PriceBook) -> Costing:
        return cost_piece(
            measure=measure,
            alloy=book.alloy(self.asked.material),
            book=book,
            extras=self.asked.extras,
            quantity=self.asked.quantity,
        )


def check_asked(asked: Asked, book: PriceBook) -> None:
    """Refuses what cannot be quoted, before anything is measured. Raises Invalid with what to send instead."""
    if not 1 <= asked.quantity <= QUANTITY_MAX:
        raise Invalid("quantity-out-of-range", f"Quantity must be 1 to {QUANTITY_MAX}.")
    if (asked.file_id is None) == (asked.sku is None):
        raise Invalid("quote-ambiguous", "Send either `file_id` with `material`, or `sku`.")
    if asked.ring_size is not None:
        RingSize.parse(asked.ring_size)
    book.alloy(asked.material)
    for code, count in asked.extras.stones.items():
        if code not in book.stones:
            raise Invalid(
                "stone-unknown", f"There is no stone {code!r}. Choose one of: {', '.join(sorted(book.stones))}."
            )
        if count < 1:
            raise Invalid("stone-count", f"Send how many stones {code!r} are set, at least 1.")
    if asked.extras.stone_count > STONES_MAX:
        raise Invalid("stone-count", f"At most {STONES_MAX} stones can be set in one piece.")
    if asked.extras.plating is not None and asked.extras.plating not in book.platings:
        raise Invalid(
            "plating-unknown", f"There is no such plating. Choose one of: {', '.join(sorted(book.platings))}."
        )
    if asked.extras.engraving is not None:
        check_engraving(asked.extras.engraving, book.engraving)


def unit_of(asked: Asked, measure: MeshMeasure | None) -> LengthUnit:
    """What one unit of the model's coordinates means. Whoever asks knows best; then the file; nobody's word is mm."""
    return asked.unit or (measure.unit if measure else None) or LengthUnit.MM


def first_price(quote: Quote, first_look: MeshMeasure, book: PriceBook) -> Quote | None:
    """The estimate from a first look, or None when there should be none: a size to ask about, or something asked for that is gone."""
    measure = first_look.in_unit(unit_of(quote.asked, first_look))
    gone = no_longer_offered(quote.asked, book) is not None
    if gone or size_problem(measure, book) is not None or measure.volume_mm3 <= 0:
        return None
    return quote.estimated(measure, book)


def firm_price(
    quote: Quote, outcome: MeshMeasure | Problem, book: PriceBook, *, now: datetime, valid_for: timedelta
) -> Quote:
    """The end of an unfinished custom quote: READY from a checked measure, or FAILED with what its owner can do."""
    if isinstance(outcome, Problem):
        return quote.failed(outcome, now=now)
    unit = unit_of(quote.asked, outcome)
    measure = outcome.in_unit(unit)
    if quote.asked.unit is None and unit is not LengthUnit.MM:
        measure = measure.disclosing("unit-of-file", unit=unit.value)
    problem = size_problem(measure, book, unit=unit) or no_longer_offered(quote.asked, book)
    if problem is not None:
        return replace(quote.failed(problem, now=now), mesh=measure)
    verdicts = verdicts_of(measure, book)
    problem = wall_problem(measure, verdicts.get(quote.asked.material))
    if problem is not None:
        return replace(quote.failed(problem, now=now), mesh=measure, verdicts=verdicts)
    return quote.ready(measure, book, now=now, valid_for=valid_for)


def price_by_analysis(
    quote: Quote, analysis: Analysis, book: PriceBook, *, now: datetime, valid_for: timedelta
) -> Quote:
    """Both prices at once, when the mesh was measured before."""
    estimated = first_price(quote, analysis.first_look, book) if analysis.first_look else None
    return firm_price(estimated or quote, analysis.outcome, book, now=now, valid_for=valid_for)


def price_by_catalogue(quote: Quote, book: PriceBook, *, now: datetime, valid_for: timedelta) -> Quote:
    """The end of a ready-made quote."""
    price = book.catalogue_price(quote.asked.sku or "")
    if price is None:
        return quote.failed(Problem.of("sku-unknown", sku=quote.asked.sku), now=now)
    return quote.ready_from_catalogue(price, now=now, valid_for=valid_for)


def no_longer_offered(asked: Asked, book: PriceBook) -> Problem | None:
    """What was asked for when the book still had it: the first of material, stones and plating that it has no more."""
    if asked.material not in book.alloys:
        return Problem.of("material-unknown", material=asked.material)
    for stone in asked.extras.stones:
        if stone not in book.stones:
            return Problem.of("stone-unknown", stone=stone)
    if asked.extras.plating is not None and asked.extras.plating not in book.platings:
        return Problem.of("plating-unknown", plating=asked.extras.plating)
    if asked.extras.engraving is not None and book.engraving is None:
        return Problem.of("engraving-not-offered")
    return None


def size_problem(measure: MeshMeasure, book: PriceBook, *, unit: LengthUnit = LengthUnit.MM) -> Problem | None:
    """A piece whose longest side makes no sense for jewelry is asked about, never guessed: told is its size in every unit.

    `unit` is the one that the measure was taken in.
    """
    extent_mm = measure.largest_extent_mm
    if book.extent_mm_min <= extent_mm <= book.extent_mm_max:
        return None
    problem = Problem.of(
        "size-implausible",
        extent_mm=_size(extent_mm),
        extent_mm_min=book.extent_mm_min,
        extent_mm_max=book.extent_mm_max,
    )
    return replace(problem, sizes_mm={each.value: _sides(measure, each.in_mm / unit.in_mm) for each in LengthUnit})


def _sides(measure: MeshMeasure, scale: Decimal) -> tuple[str, str, str]:
    x, y, z = (_size(extent * scale) for extent in measure.extents_mm)
    return x, y, z


def _size(extent_mm: Decimal) -> str:
    """As people write lengths: tenths of a millimetre, and of what is smaller four digits."""
    return f"{float(extent_mm):.4g}" if extent_mm < 1 else f"{extent_mm:.1f}"


def has_expired(quote: Quote, *, now: datetime) -> bool:
    """A quote is firm until `valid_until`; at that instant it is not."""
    return quote.valid_until is None or now >= quote.valid_until


def metal_has_moved(quote: Quote, book: PriceBook) -> bool:
    """The metal's price left the tolerance around the price the quote was made with, up or down."""
    alloy = book.alloys.get(quote.asked.material)
    if alloy is None:
        return True
    return abs(book.spot_of(alloy) - quote.spot_per_g) > book.metal_tolerance * quote.spot_per_g


def reasons_to_remake(quote: Quote, book: PriceBook, *, now: datetime) -> tuple[RemadeBecause, ...]:
    """Why a READY quote cannot be confirmed as it is; empty when it can."""
    reasons: list[RemadeBecause] = []
    if has_expired(quote, now=now):
        reasons.append("expired")
    if metal_has_moved(quote, book):
        reasons.append("metal_moved")
    return tuple(reasons)
