"""What a page says of the price of somebody's own model: which metals, at what, and what it consists of in a customer's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fastapi import Request

from system.kernel.money import Money
from system.messages.envelope import MoneyV1
from system.pagekit.languages import language_of
from system.pagekit.pages import Pages
from system.pagekit.problems import ProblemWords
from system.shop.domain.quote import Difference, QuantityStep, Quote, QuoteProblem, QuoteReason, QuoteVerdict

METALS = ("gold_585", "gold_750", "silver_925", "platinum_950")
"""The metals that a customer chooses from, in this order; what else the price book holds is for those who ask by the API."""
PARTS_OF_PRICE = {
    "metal": "metal",
    "print": "work",
    "casting": "work",
    "labour": "work",
    "overhead": "work",
    "margin": "work",
    "stones": "stones",
    "plating": "plating",
    "engraving": "engraving",
    "hallmark": "hallmark",
    "discount": "discount",
    "tax": "tax",
}
"""Pricing's items, and the part of the price that a customer knows each as."""
ASKED_FOR_UNIT = "size-implausible"
UNITS = ("mm", "cm", "in")


@dataclass(frozen=True, slots=True)
class ToldProblem:
    """Why there is no price, and what to do, in the reader's language. `asks_for_unit`: their word on the unit would help."""

    code: str
    title: str
    text: str
    asks_for_unit: bool


@dataclass(frozen=True, slots=True)
class MetalPrice:
    """What the piece costs in one metal: nothing yet, an estimate, or a firm price. Prices are for all pieces, parts for one."""

    material: str
    quote_id: UUID | None = None
    price: dict[str, str] | None = None
    is_firm: bool = False
    problem: ToldProblem | None = None
    weight_g: str | None = None
    valid_until: datetime | None = None
    parts: Sequence[tuple[str, dict[str, str]]] = ()
    noticed: Sequence[str] = ()
    """What was done to the model, or found in it, by pricing's codes; what the difference tells is not told twice."""
    difference: dict[str, str] | None = None
    """By how much the firm price is above the estimate, or below it."""
    difference_reasons: Sequence[str] = ()
    book_version: int | None = None
    step: QuantityStep | None = None
    verdict: str = ""
    """castable, needs_review or not_castable, as soon as the model was checked for any metal."""
    reasons: Sequence[ProblemWords] = ()
    """Why it is not simply cast in this metal."""

    @property
    def state(self) -> str:
        """One word for it."""
        if self.problem is not None:
            return "failed"
        if self.price is None:
            return "coming" if self.quote_id is not None else "none"
        return "firm" if self.is_firm else "estimated"


def told_problem(pages: Pages, request: Request, problem: QuoteProblem | None) -> ToldProblem | None:
    """A problem of a model or of its price as this page says it."""
    if problem is None:
        return None
    words = pages.problem_words(language_of(request), problem.code, problem.facts)
    # A code that is newer than these pages is told as pricing tells it, in English.
    title, text = words or (problem.title, problem.detail or problem.title)
    return ToldProblem(problem.code, title, text, problem.code == ASKED_FOR_UNIT)


def metal_prices(quotes: Iterable[Quote], pages: Pages, request: Request) -> list[MetalPrice]:
    """Every metal with its quote, of several the last."""
    by_metal = {quote.material: quote for quote in quotes}
    verdicts: dict[str, QuoteVerdict] = {}
    for quote in by_metal.values():
        verdicts |= quote.verdicts or {}
    return [_priced(metal, by_metal.get(metal), verdicts.get(metal), pages, request) for metal in METALS]


def _priced(
    material: str, quote: Quote | None, said: QuoteVerdict | None, pages: Pages, request: Request
) -> MetalPrice:
    verdict = said.verdict if said else ""
    reasons = [_told_reason(pages, request, reason) for reason in said.reasons] if said else []
    if quote is None:
        return MetalPrice(material, verdict=verdict, reasons=reasons)
    shown = quote.shown_now if quote.problem is None else None
    return MetalPrice(
        material=material,
        quote_id=quote.id,
        price=_wire(shown) if shown is not None else None,
        is_firm=quote.total is not None,
        problem=told_problem(pages, request, quote.problem),
        weight_g=quote.weight_g,
        valid_until=quote.valid_until,
        parts=parts_of_price(quote.per_piece or {}),
        noticed=noticed_in(quote),
        difference=_wire(quote.difference.amount) if quote.difference is not None else None,
        difference_reasons=told_reasons(pages, request, quote.difference),
        book_version=quote.price_book_version,
        step=quote.step,
        verdict=verdict,
        reasons=reasons,
    )


def noticed_in(quote: Quote) -> list[str]:
    """What was done to the model, or found in it, by pricing's codes, but what the difference tells."""
    told = {reason.code for reason in quote.difference.reasons} if quote.difference is not None else set()
    return [code for code in quote.disclosures if code not in told]


def told_reasons(pages: Pages, request: Request, difference: Difference | None) -> list[str]:
    """Why the firm price is not the estimate, in the reader's language."""
    language = language_of(request)
    reasons = difference.reasons if difference is not None else ()
    # A code that is newer than these pages is told as pricing tells it, in English.
    return [pages.reason_words(language, each.code, each.facts) or each.detail for each in reasons]


def _told_reason(pages: Pages, request: Request, reason: QuoteReason) -> ProblemWords:
    """A reason as this page says it; one that is newer than these pages as pricing tells it, in English."""
    words = pages.problem_words(language_of(request), reason.code, reason.facts)
    return words or ProblemWords(reason.detail or reason.code, "")


def parts_of_price(per_piece: Mapping[str, Money]) -> list[tuple[str, dict[str, str]]]:
    """What one piece costs in a customer's words; the parts add up to its price, and none of them is zero."""
    sums: dict[str, Money] = {}
    for item, amount in per_piece.items():
        part = PARTS_OF_PRICE.get(item, item)
        sums[part] = sums[part] + amount if part in sums else amount
    return [(part, _wire(amount)) for part, amount in sums.items() if amount.amount != Decimal(0)]


def _wire(money: Money) -> dict[str, str]:
    return MoneyV1.of(money).model_dump()
