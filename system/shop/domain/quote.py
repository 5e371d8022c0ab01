"""A quote as pricing shows it to the shop. The shop never computes a price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from system.kernel.money import Money


@dataclass(frozen=True, slots=True)
class QuoteProblem:
    """Why there will be no price."""

    code: str
    detail: str
    title: str = ""
    facts: Mapping[str, str] | None = None
    """What is filled into a sentence about it, where pricing knows it."""


@dataclass(frozen=True, slots=True)
class Engraving:
    """A text cut into a piece. It is the customer's own: in no `repr`, and gone with them."""

    height_mm: str
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Extras:
    """What a piece gets besides its metal, by pricing's codes."""

    stones: Mapping[str, int] = field(default_factory=dict)
    plating: str | None = None
    engraving: Engraving | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a firm price differs: pricing's code, the facts of the sentence, and the sentence in English."""

    code: str
    facts: Mapping[str, str]
    detail: str


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the firm price differs from the estimate, above zero when it is higher."""

    amount: Money
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class QuantityStep:
    """A share off the price from so many pieces on."""

    pieces: int
    share: str


@dataclass(frozen=True, slots=True)
class QuoteReason:
    """Why a piece is not simply cast in a metal."""

    code: str
    detail: str
    facts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class QuoteVerdict:
    """What pricing says of casting the piece in one metal."""

    verdict: str
    """castable, needs_review or not_castable."""
    reasons: tuple[QuoteReason, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """A price promise: an estimate at first, then a firm total, or a problem."""

    id: UUID
    owner_id: UUID
    kind: Literal["custom", "ready_made"]
    material: str
    quantity: int
    ring_size: str | None = None
    file_id: UUID | None = None
    sku: str | None = None
    estimate: Money | None = None
    total: Money | None = None
    problem: QuoteProblem | None = None
    weight_g: str | None = None
    """Of one piece."""
    valid_until: datetime | None = None
    per_piece: Mapping[str, Money] | None = None
    """What one piece costs, item by item, in pricing's names; they add up to its price."""
    disclosures: tuple[str, ...] = ()
    """What pricing did to the model, or noticed, by its codes."""
    extras: Extras | None = None
    """What it is priced with besides its metal; None for nothing."""
    difference: Difference | None = None
    price_book_version: int | None = None
    step: QuantityStep | None = None
    """The discount that so many pieces reach."""
    verdicts: Mapping[str, QuoteVerdict] | None = None
    """By metal, once the model was checked; also of those that were not asked for."""

    @property
    def is_final(self) -> bool:
        """Whether nothing of it changes any more."""
        return self.total is not None or self.problem is not None

    @property
    def shown_first(self) -> Money | None:
        """What the customer saw first: the estimate, or the total of what needs none."""
        return self.estimate if self.estimate is not None else self.total

    @property
    def shown_now(self) -> Money | None:
        """What the customer sees now: the firm total, or the estimate until there is one."""
        return self.total if self.total is not None else self.estimate
